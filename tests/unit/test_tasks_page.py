"""docs/tasks.md: its prompts are understood, what it says is refused is refused, its actions are actions."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from google.protobuf import json_format, struct_pb2
from tabkeep import actions
from tabkeep.cli import commands
from tabkeep.v1 import runs_pb2

from browser_host.task.failures import Failed
from browser_host.task.rules.rules import RulesPlanner
from browser_host.task.values import Parameters
from control_plane.fields import Fields
from control_plane.prompt_secrets import secrets_in
from control_plane.prompt_templates import taken_apart
from control_plane.wire.action_wire import check_action
from control_plane.workflows import workflow_definitions

PAGE = (Path(__file__).parents[2] / "docs" / "tasks.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(?P<mark>[^\n]+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
VALUES = {"user": "bob", "password": "pw-1", "name": "Ada", "email": "a@b.c", "max_price": 100, "id": 7}


def blocks(mark: str) -> list[str]:
    return [block["text"].rstrip("\n") for block in BLOCK.finditer(PAGE) if block["mark"] == mark]


def lines(mark: str) -> list[str]:
    return [line for text in blocks(mark) for line in text.splitlines()]


def planned(prompt: str) -> list[str]:
    parameters = Parameters(json_format.ParseDict(VALUES, struct_pb2.Struct()))
    return list(RulesPlanner().plan(prompt, parameters).clauses)


def test_every_block_of_the_page_has_a_mark_that_is_checked_or_is_an_output():
    marks = {block["mark"] for block in BLOCK.finditer(PAGE)}
    assert marks == {
        "prompt", "prompt-whole", "refused", "recorded", "json actions", "json", "yaml workflow", "sh"
    }  # fmt: skip


@pytest.mark.parametrize("template", lines("recorded"))
def test_a_template_of_the_page_is_what_a_prompt_is_taken_apart_to(template: str):
    prompt = template.replace("{{value_1}}", "100").replace("{{secret_1}}", "pw-1 x")
    taken = taken_apart(prompt, secrets_in(prompt))
    assert taken is not None
    assert taken.text == template


@pytest.mark.parametrize("text", blocks("yaml workflow"))
def test_a_workflow_of_the_page_is_a_definition(text: str):
    assert workflow_definitions.parse(text).blocks


@pytest.mark.parametrize("line", lines("sh"))
def test_a_command_of_the_page_is_one(line: str):
    program, group, name, *arguments = line.split()
    command = commands.tabkeep.commands[group].commands[name]
    command.make_context(f"{program} {group} {name}", arguments)


@pytest.mark.parametrize("prompt", lines("prompt") + blocks("prompt-whole"))
def test_a_prompt_of_the_page_is_understood_whole(prompt: str):
    assert planned(prompt)


def test_the_joined_prompts_of_the_page_have_all_their_clauses():
    clauses = {prompt: len(planned(prompt)) for prompt in lines("prompt") + blocks("prompt-whole")}
    assert clauses["Go to 'Customers', then find customer with email 'a@b.c' and extract the phone"] == 3
    assert clauses["Fill Name with Ada Lovelace. Select 'Blue' from Colour; check Newsletter and click Send"] == 4
    assert [clauses[prompt] for prompt in blocks("prompt-whole")] == [3, 3]


@pytest.mark.parametrize("prompt", lines("refused"))
def test_a_prompt_that_the_page_calls_refused_needs_a_model(prompt: str):
    with pytest.raises(Failed) as refused:
        planned(prompt)
    assert refused.value.reason == runs_pb2.FAILURE_REASON_NEEDS_MODEL


@pytest.mark.parametrize("text", blocks("json actions"))
def test_actions_of_the_page_are_taken_by_the_client_and_the_control_plane(text: str):
    parsed = actions.from_json(json.loads(text))
    assert parsed
    fields = Fields()
    for place, action in enumerate(parsed):
        check_action(fields, f"actions[{place}]", action, parsed[:place])
    assert fields.violations == []


def test_the_page_names_every_reason_a_task_can_end_with():
    reasons = {name.removeprefix("FAILURE_REASON_") for name in runs_pb2.FailureReason.DESCRIPTOR.values_by_name}
    only_elsewhere = {"UNSPECIFIED", "APPROVAL_REJECTED", "APPROVAL_TIMED_OUT"}
    assert reasons - set(re.findall(r"`([A-Z_]+)`", PAGE)) == only_elsewhere
