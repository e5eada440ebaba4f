"""The workflow language: what is read, what is refused and in which words, and that nothing hostile gets further."""

# Messages stand here in one line, as they are printed.
# ruff: noqa: E501

import json
import random
import re
import time
from datetime import timedelta
from pathlib import Path

import pytest
from google.protobuf import json_format
from tabkeep.host.v1 import host_pb2
from tabkeep.v1 import actions_pb2

from control_plane.errors import FieldInvalid
from control_plane.workflows import workflow_actions, workflow_definitions
from control_plane.workflows.workflow_definitions import DefinitionInvalid, Parameter, ParametersInvalid, bind, parse
from control_plane.workflows.workflow_durations import parse_duration, show_duration

PAGE = Path(__file__).parents[2] / "docs" / "workflows.md"
EXAMPLE = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[0]


def a_definition(blocks: str, parameters: str = "") -> str:
    """Return a definition whose blocks begin in line 5."""
    return f"version: 1\ntitle: A title\nparameters: {{{parameters}}}\nblocks:\n{blocks}\n"


def block(source: str, parameters: str = "") -> host_pb2.Block:
    """Return the only block of a definition."""
    (only,) = parse(a_definition(f"  - {source}", parameters)).blocks
    return only


def action(source: str, parameters: str = "") -> actions_pb2.Action:
    """Return the only action of a definition."""
    (only,) = block(f"actions: [{source}]", parameters).actions.actions
    return only


def mistakes(text: str) -> list[str]:
    with pytest.raises(DefinitionInvalid) as raised:
        parse(text)
    assert 1 <= len(raised.value.mistakes) <= 20
    return [str(mistake) for mistake in raised.value.mistakes]


def block_mistake(source: str, parameters: str = "") -> str:
    """Return the only mistake of a definition with one block, without `line 5, blocks[0]`."""
    (only,) = mistakes(a_definition(f"  - {source}", parameters))
    assert only.startswith("line 5, blocks[0]")
    return only.removeprefix("line 5, blocks[0]").removeprefix(".")


def action_mistake(source: str, parameters: str = "") -> str:
    return block_mistake(f"actions: [{source}]", parameters).removeprefix("actions[0]").removeprefix(".")


# The page


def test_the_example_of_the_page_is_a_definition():
    definition = parse(EXAMPLE)
    assert definition.title == "Order report"
    assert definition.parameters == (
        Parameter("email", "string", None, "The customer to look up"),
        Parameter("password", "string", None, "", True),
        Parameter("max_price", "number", 100),
    )
    kinds = [block.WhichOneof("kind") for block in definition.blocks]
    assert kinds == ["goto", "actions", "task", "wait", "extract", "approve", "task"]
    ids = [block.block_id for block in definition.blocks]
    assert ids == ["block_1", "sign_in", "add", "block_4", "cart", "block_6", "block_7"]
    assert [int(block.timeout.seconds) for block in definition.blocks] == [120, 120, 120, 30, 120, 0, 120]
    assert definition.blocks[5].approve.timeout.ToTimedelta() == timedelta(minutes=10)
    click = definition.blocks[1].actions.actions[2]
    assert json_format.MessageToDict(click, preserving_proto_field_name=True) == {
        "click": {"target": {"role": "button", "name": "Sign in"}},
        "expect": [{"url_glob": "*/account"}, {"text": "Welcome"}],
        "timeout": "20s",
        "note": "The shop answers slowly in the morning",
    }


def test_the_mistakes_on_the_page_are_the_ones_that_are_reported():
    shown = re.findall(r"```text\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    text = """version: 1
title: A title
parameters: {email: string}
blocks:
  - goto: "https://shop.example.com"
  - task:
      promt: Log in
  - goto: "https://shop.example.com"
    timeout: 5
  - task:
      prompt: Find {{ emial }}
"""
    assert mistakes(text) == shown[0].splitlines()
    text = "version: 1\ntitle: x\nblocks:\n  - actions: [fill: {name: At, value: 12:30}]"
    assert mistakes(text) == shown[1].splitlines()


def test_the_page_names_every_kind_of_block_and_action():
    page = PAGE.read_text(encoding="utf-8")
    for kind in (*workflow_definitions.BLOCK_KINDS, *workflow_actions.ACTION_KINDS):
        assert f"`{kind}`" in page


def test_every_action_of_the_protos_can_be_written():
    named = {field.name for field in actions_pb2.Action.DESCRIPTOR.oneofs_by_name["kind"].fields}
    assert named <= set(workflow_actions.ACTION_KINDS)
    named = {field.name for field in host_pb2.Block.DESCRIPTOR.oneofs_by_name["kind"].fields}
    assert named == set(workflow_definitions.BLOCK_KINDS)


def test_json_is_read_like_yaml():
    definition = {
        "version": 1,
        "name": "Grüße 😀 \\ud83d\\ude00",
        "parameters": {"email": {"type": "string"}},
        "blocks": [
            {"goto": {"url": "https://a.example/?q=\t1".replace("\t", "")}, "id": "open", "timeout": "1h30m"},
            {"extract": {"schema": {"type": "object", "properties": {"n": {"type": "number", "minimum": 1e30}}}}},
        ],
    }
    for text in (json.dumps(definition), json.dumps(definition, indent="\t", ensure_ascii=False)):
        read = parse(text)
        assert read.title == definition["name"]
        assert read.blocks[0].block_id == "open"
        assert read.blocks[0].timeout.ToTimedelta() == timedelta(hours=1, minutes=30)
        assert read.blocks[1].extract.schema["properties"]["n"]["minimum"] == 1e30


def test_definitions_are_frozen():
    with pytest.raises(AttributeError):
        parse(EXAMPLE).title = "another"  # type: ignore[misc]


# Blocks


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('goto: "https://a.example/x"', {"goto": {"url": "https://a.example/x"}}),
        (
            "goto: {url: 'http://localhost:8080', allow_error_status: yes}",
            {"goto": {"url": "http://localhost:8080", "allow_error_status": True}},
        ),
        ("task: Log in", {"task": {"prompt": "Log in"}}),
        (
            "task: {prompt: Log in, max_steps: 3, output_schema: {type: object}}",
            {"task": {"prompt": "Log in", "max_steps": 3, "data_extraction_schema": {"type": "object"}}},
        ),
        (
            "task: {prompt: Log in, replay: only}",
            {"task": {"prompt": "Log in", "recordings": {"mode": "REPLAY_MODE_ONLY"}}},
        ),
        (
            "task: {prompt: Log in, replay: 'off'}",
            {"task": {"prompt": "Log in", "recordings": {"mode": "REPLAY_MODE_OFF"}}},
        ),
        ("actions: [back: {}]", {"actions": {"actions": [{"back": {}}]}}),
        ("actions: {steps: [reload: ]}", {"actions": {"actions": [{"reload": {}}]}}),
        ("extract:", {"extract": {}}),
        ("extract: {}", {"extract": {}}),
        (
            "extract: {data_extraction_schema: {enum: [1, 2.5, null, true, a]}, within: Orders}",
            {"extract": {"schema": {"enum": [1, 2.5, None, True, "a"]}, "within": "Orders"}},
        ),
        ("wait: 1.5s", {"wait": {"duration": "1.500s"}}),
        ("wait: {condition: {text_gone: Loading}}", {"wait": {"condition": {"text_gone": "Loading"}}}),
        ("approve: Go on?", {"approve": {"message": "Go on?", "timeout": "1800s"}}),
        ("approve: {message: Go on?, timeout: 24h}", {"approve": {"message": "Go on?", "timeout": "86400s"}}),
        ("{id: pay, task: Pay, timeout: 1s}", {"block_id": "pay", "task": {"prompt": "Pay"}, "timeout": "1s"}),
        ("task: {id: pay, prompt: Pay, timeout: 2s}", {"block_id": "pay", "task": {"prompt": "Pay"}, "timeout": "2s"}),
    ],
)
def test_a_block_is_read_into_its_message(source, expected):
    read = json_format.MessageToDict(block(source), preserving_proto_field_name=True)
    assert read == {"block_id": "block_1", **expected}


def test_the_default_timeout_leaves_people_and_waits_their_time():
    blocks = (
        "[goto: 'https://a.example', approve: Go on?, wait: 5m, wait: {condition: {text: a}}, {task: b, timeout: 3s}]"
    )
    read = parse(f"version: 1\ntitle: x\ndefaults: {{timeout: 60s}}\nblocks: {blocks}").blocks
    assert [block.timeout.seconds if block.HasField("timeout") else None for block in read] == [60, None, None, 60, 3]
    assert read[1].approve.timeout.seconds == 1800


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{}", ": names no kind: one of goto, task, actions, extract, wait, approve"),
        ("{task: a, wait: 1s}", ": is task and wait at once: make it 2 blocks"),
        ("taks: a", 'taks: unknown field; did you mean "task"?'),
        ("[a]", ": must be a mapping with goto, task, actions, extract, wait, approve, id, timeout, found a list"),
        ("goto: /orders", 'goto: must be an absolute http or https URL, found "/orders"'),
        ("goto: 'ftp://a.example'", 'goto: must be an absolute http or https URL, found "ftp://a.example"'),
        ("goto: 'javascript:alert(1)'", 'goto: must be an absolute http or https URL, found "javascript:alert(1)"'),
        ("goto: 'http://[::1'", 'goto: must be an absolute http or https URL, found "http://[::1"'),
        ("goto: {}", "goto.url: is missing"),
        ("task: ' '", "task: must not be empty"),
        ("task: 7", 'task: must be text, found 7, which without quotes is a number: write "7"'),
        ("task:", "task: must be text, found nothing"),
        ("task: {prompt: a, replay: never}", 'task.replay: must be only or plan or off, found the text "never"'),
        ("task: {prompt: a, replay: off}", 'task.replay: must be text, found off, which without quotes is true or false: write "off"'),
        ("task: {prompt: a, max_steps: 501}", "task.max_steps: must be 1 to 500, found 501"),
        ("task: {prompt: a, max_steps: 010}", "task.max_steps: must be a whole number in plain decimal digits, found 010"),
        ("task: {prompt: a, max_steps: 'x'}", 'task.max_steps: must be a whole number, found the text "x"'),
        ("actions: []", "actions: has no actions: 1 to 500 are possible"),
        ("actions: back", "actions: must be a mapping with steps, id, timeout, found the text \"back\""),
        ("wait: 5", "wait: must be a duration with its unit: write 5s, 5m or 5h"),
        ("wait: 11m", "wait: must be 1ms to 10m, found 11m"),
        ("wait: {}", "wait: must have a duration or a condition"),
        ("wait: {duration: 1s, condition: {text: a}}", "wait: has a duration and a condition: make it two waits"),
        ("{wait: 1m, timeout: 30s}", "timeout: is shorter than the wait itself: leave it out"),
        ("{task: a, timeout: 25h}", "timeout: must be 1s to 24h, found 25h"),
        ("{task: {prompt: a, timeout: 5s}, timeout: 5s}", "task.timeout: stands beside the kind and inside it: leave one"),
        ("{task: a, id: 1a}", "id: must be letters, digits and _, and not begin with a digit"),
        ("{task: a, id: no}", 'id: must be text, found no, which without quotes is true or false: write "no"'),
        ("approve: {message: a, timeout: 1ms}", "approve.timeout: must be 1s to 24h, found 1ms"),
        ("extract: Orders", 'extract: must be a mapping with schema, data_extraction_schema, output_schema, within, id, '
         'timeout, found the text "Orders"'),
        ("extract: {schema: {}, output_schema: {}}", "extract: has schema and output_schema, which mean the same: leave one"),
    ],
)  # fmt: skip
def test_a_mistaken_block_is_told_what_would_work(source, message):
    assert block_mistake(source) == message


def test_a_block_id_is_taken_once_also_by_one_that_was_made():
    text = a_definition("  - {task: a, id: block_2}\n  - task: b\n  - {task: c, id: x}\n  - {task: d, id: x}")
    assert mistakes(text) == [
        'line 6, blocks[1]: the id "block_2" is taken by the block in line 5',
        'line 8, blocks[3].id: the id "x" is taken by the block in line 7',
    ]


@pytest.mark.parametrize("field", ["data_extraction_schema", "output_schema"])
def test_a_wrong_schema_is_named_at_its_own_line(field):
    text = a_definition(
        f"  - task:\n      prompt: a\n      {field}:\n        properties:\n          n: {{type: strin}}"
    )
    (message,) = mistakes(text)
    assert message.startswith(
        f"line 9, blocks[0].task.{field}.properties.n.type: is not a JSON Schema: 'strin' is not one"
    )


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ("[a]", "schema: must be a JSON Schema such as {type: object, properties: ...}, found a list"),
        ("{pattern: '('}", "schema.pattern: is not a JSON Schema: '(' is not a 'regex'"),
        ("{$ref: 'https://a.example/s'}", 'schema: refers to "https://a.example/s": only its own parts such as '
         '"#/$defs/row" are possible'),
        ("{enum: [2024-01-01]}", 'schema.enum[0]: 2024-01-01 without quotes is not a JSON value: write "2024-01-01" if '
         "text is meant"),
        ("{properties: {no: {}}}", "schema.properties.no: a field's name must be text, found no, which without quotes is "
         'true or false: write "no"'),
        ("{minimum: .inf}", 'schema.minimum: .inf without quotes is not a JSON value: write ".inf" if text is meant'),
        ("{minimum: 1e999}", "schema.minimum: 1e999 is too large for an exact number: write it with quotes if text is meant"),
        (f"{{enum: [{'a, ' * 2001}]}}", "schema: has 2003 values: at most 2000 are possible in a schema"),
        (f"{{description: {'a' * 70_000}}}", "schema: has 70025 bytes: at most 65536 are possible"),
    ],
)  # fmt: skip
def test_a_schema_that_cannot_be_used_is_refused(schema, message):
    assert block_mistake(f"extract: {{schema: {schema}}}") == f"extract.{message}"


# Actions


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("goto: 'https://a.example'", {"goto": {"url": "https://a.example"}}),
        ("click: Orders", {"click": {"target": {"name": "Orders"}}}),
        ("click: {role: link, name: Orders}", {"click": {"target": {"role": "link", "name": "Orders"}}}),
        (
            "click: {target: {css: a.b, nth: 2, within: Row}, click_count: 2}",
            {"click": {"target": {"css": "a.b", "nth": 2, "within": "Row"}, "click_count": 2}},
        ),
        (
            "fill: {name: Email, exact: true, value: a@b.c, submit: true}",
            {"fill": {"target": {"name": "Email", "exact": True}, "value": {"literal": "a@b.c"}, "submit": True}},
        ),
        ("fill: {test_id: q, value: ''}", {"fill": {"target": {"test_id": "q"}, "value": {"literal": ""}}}),
        (
            "fill: {name: Code, value: {literal: '{{ x }}', sensitive: true}}",
            {"fill": {"target": {"name": "Code"}, "value": {"literal": "{{ x }}", "sensitive": True}}},
        ),
        (
            "select: {name: Size, option: Large}",
            {"select": {"target": {"name": "Size"}, "option": {"literal": "Large"}}},
        ),
        (
            "set_checked: {name: Terms, checked: off}",
            {"set_checked": {"target": {"name": "Terms"}}},
        ),
        ("check: Terms", {"set_checked": {"target": {"name": "Terms"}, "checked": True}}),
        ("uncheck: {role: switch, nth: 1}", {"set_checked": {"target": {"role": "switch", "nth": 1}}}),
        ("press_key: Enter", {"press_key": {"key": "Enter"}}),
        (
            "press_key: {key: Control+A, name: Email}",
            {"press_key": {"key": "Control+A", "target": {"name": "Email"}}},
        ),
        ("hover: {target: {role: button}}", {"hover": {"target": {"role": "button"}}}),
        ("hover: {target: Menu}", {"hover": {"target": {"name": "Menu"}}}),
        ("scroll: {delta_y: -300}", {"scroll": {"delta_y": -300}}),
        ("scroll: {name: Footer}", {"scroll": {"target": {"name": "Footer"}}}),
        ("wait: 2s", {"wait": {"duration": "2s"}}),
        ("wait: 1m", {"wait": {"duration": "60s"}, "timeout": "75s"}),
        ("wait: 10m", {"wait": {"duration": "600s"}, "timeout": "600s"}),
        ("{wait: 1m, timeout: 1m}", {"wait": {"duration": "60s"}, "timeout": "60s"}),
        ("extract: {within: Cart}", {"extract": {"within": "Cart"}}),
        ("back: ", {"back": {}}),
        ("reload: {}", {"reload": {}}),
        ("upload: cv.pdf", {"upload": {"files": ["cv.pdf"]}}),
        (
            "upload: {files: [cv.pdf, file_1], name: Resume}",
            {"upload": {"files": ["cv.pdf", "file_1"], "target": {"name": "Resume"}}},
        ),
        ("click: {name: Like, every: true}", {"click": {"target": {"name": "Like"}, "every": True}}),
        ("click: {name: Plus, times: 3}", {"click": {"target": {"name": "Plus"}, "times": 3}}),
        (
            "select: {name: Toppings, option: Ham, more_options: [Rye]}",
            {
                "select": {
                    "target": {"name": "Toppings"},
                    "option": {"literal": "Ham"},
                    "more_options": [{"literal": "Rye"}],
                }
            },
        ),
        ("drag: {name: A, after: B}", {"drag": {"target": {"name": "A"}, "after": {"name": "B"}}}),
        (
            "drag: {css: '#box', by: {x: 4, y: -5}, by_corner: true}",
            {"drag": {"target": {"css": "#box"}, "by": {"x": 4, "y": -5}, "by_corner": True}},
        ),
        ("click: {css: '#map', at: {x: 4}}", {"click": {"target": {"css": "#map"}, "at": {"x": 4}}}),
        (
            "drag: {css: '#map', by: {x: 4}, at: {x: 0, y: 9}}",
            {"drag": {"target": {"css": "#map"}, "by": {"x": 4}, "at": {"y": 9}}},
        ),
        ("set_range: {role: slider, value: -2.5}", {"set_range": {"target": {"role": "slider"}, "value": -2.5}}),
        ("set_date: {name: D, date: '2026-04-08'}", {"set_date": {"target": {"name": "D"}, "date": "2026-04-08"}}),
        ("select_text: Story", {"select_text": {"target": {"name": "Story"}}}),
        ("select_text: {css: p, text: fox}", {"select_text": {"target": {"css": "p"}, "text": "fox"}}),
        (
            "pick_row: {where: [{label: Status, equals: open}, {label: Price, less_than: 9}], order_by: Price,"
            " descending: true, nth: 2, press: {role: button, name: Book}}",
            {
                "pick_row": {
                    "where": [{"label": "Status", "equals": "open"}, {"label": "Price", "less_than": 9.0}],
                    "order_by": "Price",
                    "descending": True,
                    "nth": 2,
                    "press": {"role": "button", "name": "Book"},
                }
            },
        ),
        (
            "wait: {condition: {number: {label: Price, greater_than: 4.5}}}",
            {"wait": {"condition": {"number": {"label": "Price", "greater_than": 4.5}}}},
        ),
        (
            "{hover: A, timeout: 100ms, note: why, expect: [{visible: B}, {hidden: {css: '#c'}}, {title: T},"
            " {value: {name: Email, equals: ''}}, {text: D}, {text_gone: E}, {url_glob: '*'}]}",
            {
                "hover": {"target": {"name": "A"}},
                "timeout": "0.100s",
                "note": "why",
                "expect": [
                    {"visible": {"name": "B"}},
                    {"hidden": {"css": "#c"}},
                    {"title": "T"},
                    {"value": {"target": {"name": "Email"}}},
                    {"text": "D"},
                    {"text_gone": "E"},
                    {"url_glob": "*"},
                ],
            },
        ),
    ],
)
def test_an_action_is_read_into_its_message(source, expected):
    assert json_format.MessageToDict(action(source), preserving_proto_field_name=True) == expected


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{note: a}", ": names no action: one of goto, click, fill, select, set_checked, check, uncheck, press_key, "
         "hover, scroll, wait, extract, back, reload, upload, find_record, tab, dialog, drag, set_range, set_date, select_text, pick_row"),
        ("drag: {name: A}", "drag: must lead to one place: onto, before, after, by"),
        ("drag: {name: A, onto: B, by_corner: true}", "drag.by_corner: means nothing without by"),
        ("drag: {name: A, onto: B, at: {x: 1}}", "drag.at: means nothing without by, or with by_corner"),
        ("click: {name: A, every: true, at: {x: 1}}", "click.at: means nothing with every"),
        ("click: {name: A, every: true, nth: 2}", "click: is for every element: leave out times and nth"),
        ("set_date: {name: D, date: '8.4.2026'}", 'set_date.date: must be a date such as "2026-04-08", found "8.4.2026"'),
        ("set_range: {name: V, value: much}", 'set_range.value: must be a number, found the text "much"'),
        ("pick_row: {press: Book}", "pick_row: chooses no row: give where, order_by or nth"),
        (
            "pick_row: {where: [{label: A}]}",
            "pick_row.where[0]: must compare in one way: contains, equals, less_than, greater_than",
        ),
        ("{back: , reload: }", ": is back and reload at once: make it 2 actions"),
        ("tab: {}", "tab: says nothing to do: one of switch_to, open, close"),
        ("tab: {switch_to: {}}", "tab.switch_to: names no tab: one of index, title, url, page_id, previous"),
        ("tab: {close: {index: 0}}", "tab.close.index: must be from 1 to 100, or -1 for the newest tab, found 0"),
        ("tab: {open: shop}", 'tab.open: must be an absolute http or https URL, found "shop"'),
        ("dialog: maybe", 'dialog: must be accept or dismiss, found the text "maybe"'),
        ("dialog: {answer: dismiss, text: a}",
         "dialog.text: is for a prompt that is accepted: leave it out, or answer: accept"),
        ("clik: a", 'clik: unknown field; did you mean "click"?'),
        ("click: {nme: a, role: link}", 'click.nme: unknown field; did you mean "name"?'),
        ("click: {within: a}", "click: names no element: give role, name, css or test_id"),
        ("click: {name: a, target: {name: b}}", "click: has name beside target: put them into target"),
        ("click: {name: a, click_count: 4}", "click.click_count: must be 1 to 3, found 4"),
        ("click: {name: a, nth: 0}", "click.nth: must be 1 to 10000, found 0"),
        ("click: {css: a, exact: true}", "click.exact: means nothing without a name"),
        ("click: {name: a, exact: 1}", "click.exact: must be true or false, found 1, which without quotes is a number"),
        ("click: {role: Button}", 'click.role: must be an ARIA role such as button, link or textbox, found "Button"'),
        ("fill: {name: a}", "fill.value: is missing"),
        ("fill: Email", 'fill: must be a mapping with value, submit, target, role, name, exact, within, nth, css, test_id, frame, '
         'found the text "Email"'),
        ("fill: {name: a, value: 1.10}", "fill.value: must be text, found 1.10, which without quotes is a number: "
         'write "1.10"'),
        ("fill: {name: a, value: {literal: b, parameter: c}}", "fill.value: must have one of literal, parameter, from_step, credential"),
        ("select: {name: a, option: on}", "select.option: must be text, found on, which without quotes is true or false: "
         'write "on"'),
        ("set_checked: {name: a}", "set_checked.checked: is missing"),
        ("scroll: {}", "scroll: must have either a target to bring into view or delta_y"),
        ("back: here", 'back: takes nothing: write {}, found the text "here"'),
        ("{wait: 1m, timeout: 30s}", "timeout: is shorter than the wait itself: leave it out"),
        ("{back: , timeout: 11m}", "timeout: must be 100ms to 10m, found 11m"),
        ("{back: , timeout: 50ms}", "timeout: must be 100ms to 10m, found 50ms"),
        (f"{{back: , note: {'a' * 501}}}", "note: has 501 characters: at most 500 are possible"),
        ("{back: , expect: {text: a}}", "expect: must be a list of expectations, found a mapping"),
        ("{back: , expect: [{}]}", "expect[0]: names no condition: one of url_glob, text, text_gone, visible, hidden, "
         "value, title, number"),
        ("{back: , expect: [{text: a, title: b}]}", "expect[0]: has text and title: write each as an item of its own"),
        ("{back: , expect: [{value: {name: a}}]}", "expect[0].value.equals: is missing"),
    ],
)  # fmt: skip
def test_a_mistaken_action_is_told_what_would_work(source, message):
    assert action_mistake(source) == message


def test_at_most_500_actions_and_200_blocks_fit():
    assert len(block(f"actions: [{'back: , ' * 500}]").actions.actions) == 500
    assert block_mistake(f"actions: [{'back: , ' * 501}]") == "actions: has 501 actions: 1 to 500 are possible"
    assert mistakes(f"version: 1\ntitle: x\nblocks: [{'wait: 1s, ' * 201}]") == [
        "line 3, blocks: has 201 blocks: 1 to 200 are possible"
    ]


# Parameters and holes


def test_holes_are_written_one_way_and_keep_their_text():
    declared = "a: string, b: number"
    assert block('goto: "https://x.example/{{ a }}?p={{b}}"', declared).goto.url == "https://x.example/{{a}}?p={{b}}"
    assert block('goto: "{{ a }}/login"', declared).goto.url == "{{a}}/login"
    assert block('goto: "https://{{ a }}.example"', declared).goto.url == "https://{{a}}.example"
    assert block('task: "Find {{  a}} for {{ b }}, {x}"', declared).task.prompt == "Find {{a}} for {{b}}, {x}"
    assert block('approve: "Pay {{b}}?"', declared).approve.message == "Pay {{b}}?"
    assert action('fill: {name: N, value: " {{ a }} "}', declared).fill.value == actions_pb2.Value(parameter="a")
    assert action("select: {name: N, option: {parameter: b, sensitive: yes}}", declared).select.option == (
        actions_pb2.Value(parameter="b", sensitive=True)
    )


def test_a_secret_parameter_makes_every_value_sensitive_and_is_not_shown():
    secret = "pin: {type: string, secret: true}"
    value = actions_pb2.Value(parameter="pin", sensitive=True)
    assert action('fill: {name: N, value: "{{ pin }}"}', secret).fill.value == value
    assert action("fill: {name: N, value: {parameter: pin, sensitive: false}}", secret).fill.value == value
    assert block('task: "Log in with {{ pin }}"', secret).task.prompt == "Log in with {{pin}}"
    shown = '"pin" is secret and this text is shown: use another parameter'
    assert block_mistake('goto: "https://a.example/{{ pin }}"', secret) == f"goto: {shown}"
    assert block_mistake('approve: "{{ pin }}?"', secret) == f"approve: {shown}"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ('task: "{{ emial }}"', 'task: no parameter is called "emial"; did you mean "email"?'),
        ('task: "{{ }}"', 'task: "{{}}" is not a hole: between the braces stands the name of a parameter'),
        ('task: "{{ email.x }}"', 'task: "{{email.x}}" is not a hole: between the braces stands the name of a parameter'),
        ('task: "a {{ email"', "task: has {{ that begins no hole: a hole is {{ name }}"),
        ("task: {{ email }}", 'task: must be text, found a mapping: write "{{ email }}" with quotes'),
        ("goto: {url: {{ email }}}", 'goto.url: must be text, found a mapping: write "{{ email }}" with quotes'),
        ("actions: [fill: {name: a, value: {{ email }}}]", "actions[0].fill.value: must be text, found a mapping: write "
         '"{{ email }}" with quotes'),
        ('actions: [fill: {name: a, value: "Mr {{ email }}"}]', "actions[0].fill.value: is either text or exactly one "
         "{{ name }}; for braces as such write {literal: ...}"),
        ('actions: [fill: {name: a, value: "{{ email }}{{ email }}"}]', "actions[0].fill.value: is either text or exactly "
         "one {{ name }}; for braces as such write {literal: ...}"),
        ("actions: [fill: {name: a, value: {parameter: emial}}]", 'actions[0].fill.value.parameter: no parameter is called '
         '"emial"; did you mean "email"?'),
        ('actions: [press_key: "{{ email }}"]', "actions[0].press_key: holes are not filled here: they work in goto url, "
         "task prompt, tab open, approve message, fill value, select option, upload files, dialog text, the name and "
         "within of a target, and the texts of expectations"),
        ('actions: [click: "{{ emial }}"]', 'actions[0].click: no parameter is called "emial"; did you mean "email"?'),
    ],
)  # fmt: skip
def test_a_hole_that_would_not_be_filled_is_a_mistake(source, message):
    assert block_mistake(source, "email: string") == message


def test_holes_without_any_parameters_say_where_to_declare_them():
    assert block_mistake('task: "{{ email }}"') == ('task: no parameter is called "email": declare it under parameters')


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("a: {}", "parameters.a.type: is missing"),
        ("a: text", "parameters.a: must be a type; possible here: string, number, integer, "
         "boolean"),
        ("a: {type: strin}", 'parameters.a.type: must be a type; did you mean "string"?'),
        ("a: {type: integer, default: 1.5}", "parameters.a.default: must be a whole number, found 1.5, which without quotes "
         "is a number"),
        ("a: {type: number, default: '1'}", 'parameters.a.default: must be a number, found the text "1"'),
        ("a: {type: string, default: 1}", "parameters.a.default: must be text, found 1, which without quotes is a number: "
         'write "1"'),
        ("a: {type: boolean, default: }", "parameters.a.default: must be true or false, found nothing"),
        ("a: {type: string, default: '{{ b }}'}", "parameters.a.default: holes are not filled here: a default is a plain "
         "value"),
        ("a: {type: string, required: true, default: x}", "parameters.a.required: a required parameter never uses its "
         "default: leave one of both out"),
        ("a: {type: string, required: false}", "parameters.a.required: a parameter that may be left out needs a default"),
        ("a: {type: string, secret: true, default: x}", "parameters.a.default: a secret parameter has no default: "
         "definitions are stored and shown"),
        ("a-b: string", "parameters.a-b: a parameter's name has at most 64 letters, digits and _, and does not begin with a "
         "digit"),
        ("a: {type: string, requird: true}", 'parameters.a.requird: unknown field; did you mean "required"?'),
    ],
)  # fmt: skip
def test_a_mistaken_parameter_is_told_what_would_work(source, message):
    assert mistakes(a_definition("  - task: x", source)) == [f"line 3, {message}"]


def test_defaults_keep_their_types():
    declared = "a: {type: string, default: ''}, b: {type: number, default: 1e2}, c: {type: integer, default: -3}, "
    declared += "d: {type: boolean, default: no, required: false}, e: {type: integer, required: true}"
    parameters = parse(a_definition("  - task: x", declared)).parameters
    assert [parameter.default for parameter in parameters] == ["", 100.0, -3, False, None]
    assert [parameter.required for parameter in parameters] == [False, False, False, False, True]
    assert isinstance(parameters[2].default, int)


# The values of a run

PARAMETERS = (
    Parameter("email", "string"),
    Parameter("pin", "string", secret=True),
    Parameter("max_price", "number", 100),
    Parameter("count", "integer", 1),
    Parameter("deep", "boolean", False),
)
GIVEN = {"email": "a@b.c", "pin": "1234"}


def violations(given: dict[str, object]) -> list[tuple[str, str]]:
    with pytest.raises(ParametersInvalid) as raised:
        bind(PARAMETERS, given)
    return [(violation.field, violation.description) for violation in raised.value.violations]


def test_a_run_gets_what_was_given_and_defaults_for_the_rest():
    assert bind(PARAMETERS, GIVEN) == {**GIVEN, "max_price": 100, "count": 1, "deep": False}
    bound = bind(PARAMETERS, {**GIVEN, "max_price": 9.5, "count": 5.0, "deep": True})
    assert bound == {**GIVEN, "max_price": 9.5, "count": 5, "deep": True}
    assert isinstance(bound["count"], int)


def test_all_violations_of_a_run_are_reported_at_once():
    assert violations({"emial": "x", "pin": 5, "max_price": "100", "count": 1.5, "deep": 1}) == [
        ("parameters.emial", 'no such parameter; did you mean "email"?'),
        ("parameters.email", "is missing: it must be text"),
        ("parameters.pin", "must be text, got a number or truth value"),
        ("parameters.max_price", 'must be a number, got the text "100"'),
        ("parameters.count", "must be a whole number, got 1.5"),
        ("parameters.deep", "must be true or false, got 1"),
    ]


@pytest.mark.parametrize(
    ("value", "got"),
    [
        (None, "null"),
        (True, "true"),
        ([1], "a list"),
        ({"a": 1}, "an object"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (2**53 + 1, "a number beyond 2^53"),
    ],
)
def test_a_number_is_nothing_else(value, got):
    assert violations({**GIVEN, "max_price": value}) == [("parameters.max_price", f"must be a number, got {got}")]


def test_a_secret_value_is_not_repeated_in_the_violation():
    parameters = (Parameter("pin", "integer", secret=True),)
    with pytest.raises(ParametersInvalid) as raised:
        bind(parameters, {"pin": "hunter2"})
    assert "hunter2" not in str(raised.value)


def test_text_that_no_message_can_carry_is_refused():
    assert violations({**GIVEN, "email": "a\ud800"}) == [
        ("parameters.email", "must be text without NUL and half characters")
    ]


def test_parameters_have_a_bound_together():
    assert bind(PARAMETERS, {**GIVEN, "email": "é" * 32_000})
    assert violations({**GIVEN, "email": "é" * 33_000}) == [
        ("parameters", "have 66073 bytes as JSON: at most 65536 are possible")
    ]


def test_a_workflow_without_parameters_takes_none():
    with pytest.raises(ParametersInvalid, match="the workflow has no parameters"):
        bind((), {"a": 1})
    assert bind((), {}) == {}


# Durations


@pytest.mark.parametrize(
    ("text", "length"),
    [("500ms", 0.5), ("90s", 90), ("5m", 300), ("1h30m", 5400), ("1m1s1ms", 61.001), ("0.5h", 1800), ("0s", 0)],
)
def test_a_duration_is_read(text, length):
    assert parse_duration(text) == timedelta(seconds=length)


@pytest.mark.parametrize("text", ["", "5", "1m1h", "5 m", "-5s", "5S", "1e3s", "s", "5s5s", "\u0665s", "1" * 30 + "s"])
def test_what_is_no_duration_is_not_read(text):
    assert parse_duration(text) is None


def test_durations_are_shown_as_they_are_read():
    for text in ("500ms", "1m30s", "1h", "24h", "1h1m1s1ms"):
        length = parse_duration(text)
        assert length is not None
        assert show_duration(length) == text


# Whole texts


def test_all_mistakes_are_reported_at_once_in_the_order_of_lines():
    text = "verson: 1\nblocks:\n  - taks: a\n  - wait: 5\nparameters: 3\n"
    assert mistakes(text) == [
        "line 1, title: is missing",
        'line 1, verson: unknown field; did you mean "version"?',
        'line 3, blocks[0].taks: unknown field; did you mean "task"?',
        "line 4, blocks[1].wait: must be a duration with its unit: write 5s, 5m or 5h",
        "line 5, parameters: must be a mapping of names, such as email: {type: string}, found 3, which without quotes is "
        "a number",
    ]


def test_more_than_20_mistakes_are_counted():
    with pytest.raises(DefinitionInvalid) as raised:
        parse(a_definition("\n".join(["  - wait: 5"] * 33)))
    assert len(raised.value.mistakes) == 20
    assert raised.value.total == 33
    assert [mistake.line for mistake in raised.value.mistakes] == list(range(5, 25))
    assert raised.value.violations[-1].description == "and 13 more mistakes"


def test_the_error_is_one_that_services_answer_with_field_violations():
    with pytest.raises(FieldInvalid) as raised:
        parse("version: 2\ntitle: x\nblocks: [wait: 1s]")
    (violation,) = raised.value.violations
    assert violation.field == "definition"
    assert violation.description.startswith("line 1, version: must be 1, the only version of the language")


@pytest.mark.parametrize("version", ["2", "'1'", "1.0", "0x1", "true", "[1]", ""])
def test_only_version_1_is_read(version):
    (message,) = mistakes(f"version: {version}\ntitle: x\nblocks: [wait: 1s]")
    assert message.startswith("line 1, version: must be 1, the only version of the language, found")


def test_title_and_name_are_the_same():
    assert parse("version: 1\nname: x\nblocks: [wait: 1s]").title == "x"
    assert mistakes("version: 1\ntitle: x\nname: x\nblocks: [wait: 1s]") == [
        "line 3, name: means the same as title: leave one"
    ]


def test_a_field_given_twice_is_a_mistake_with_both_lines():
    text = "version: 1\ntitle: x\ntitle: y\nblocks:\n  - wait: 1s\n    wait: 2s"
    assert mistakes(text) == [
        "line 3, title: is given twice, first in line 2",
        "line 6, blocks[0].wait: is given twice, first in line 5",
    ]


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("", "line 1: the definition is empty"),
        (" \n\t\r\n", "line 1: the definition is empty"),
        ("# only a comment", "line 1: the definition is empty"),
        ("null", "line 1: must be a mapping with version, title, name, parameters, defaults, blocks, found nothing"),
        ("[1, 2]", "line 1: must be a mapping with version, title, name, parameters, defaults, blocks, found a list"),
        ("hello", "line 1: must be a mapping with version, title, name, parameters, defaults, blocks, found the text"),
        ("42", "line 1: must be a mapping with version, title, name, parameters, defaults, blocks, found 42"),
        ("a: 1\nb: \x00", "line 2: the character U+0000 cannot stand in a definition"),
        ("a: \ud800", "line 1: the character U+D800 cannot stand in a definition"),
        ("version: 1\n  title: x", "line 2: this is not YAML: mapping values are not allowed"),
        ("a:\n\tb: 1", "line 2: this is not YAML: "),
        ("a: */orders", "line 1: this is not YAML: "),
        ("a: {{x}}/y", "line 1: this is not YAML: "),
        ("a: @x", "line 1: this is not YAML: "),
        ("a: 'x", "line 1: this is not YAML: "),
        ('{"a": 1,\n "b" 2}', "line 2: this is not JSON: expecting ':' delimiter, column 6"),
        ('{"a": "\\ud800"}', "line 1: "),
        ("a: 1\n---\nb: 1", "line 2: a second document begins here"),
        ("version: &v 1", 'line 1: anchors are not used in definitions: write "&v" with quotes if text is meant'),
        ("&a [*a]", 'line 1: aliases are not used in definitions: write "*a" with quotes if text is meant'),
        ("!!python/object/apply:os.system ['true']", "line 1: tags are not used in definitions, found !!python/object"),
        ("a: !!binary aGk=", "line 1: tags are not used in definitions, found !!binary"),
        ("a: !x y", "line 1: tags are not used in definitions, found !x"),
        ("a: ! y", "line 1: tags are not used in definitions, found !"),
        ("%TAG ! tag:x,2000:\n--- !y {}", "line 2: tags are not used in definitions"),
        ("<<: {version: 1}", "line 1, <<: << (merging) is not used in definitions: write the fields out"),
        ("? [a]\n: 1", "line 1: a field's name must be text, found a list"),
        (
            "on: 1",
            'line 1, on: a field\'s name must be text, found on, which without quotes is true or false: write "on"',
        ),
        ("~: 1", "line 1, ~: a field's name must be text, found nothing"),
        ("12:30: 1", "line 1, 12:30: a field's name must be text, found 12:30, which without quotes is a number"),
        ("version: 1\ntitle: x\nblocks:", "line 3, blocks: must be a list of blocks, found nothing"),
        ("version: 1\ntitle: x\nblocks: {}", "line 3, blocks: must be a list of blocks, found a mapping"),
        ('version: 1\ntitle: "a\\0"\nblocks: []', "line 2, title: has the control character U+0000, which is not text"),
    ],
)
def test_what_is_no_definition_is_refused_in_its_own_words(text, start):
    assert any(message.startswith(start) for message in mistakes(text))


@pytest.mark.parametrize("text", ["a: */orders", "a: {{x}}/y", "- @x", "a: `x`", "a: %x"])
def test_text_that_needs_quotes_is_told_so(text):
    assert mistakes(text)[0].endswith("or with one of * & @ % ` ! | > needs quotes")


def test_a_mapping_in_a_line_of_text_is_told_to_be_quoted():
    assert mistakes("title: Orders: all")[0].endswith('text with ": " in it needs quotes')


def test_tabs_are_named_as_what_they_are():
    assert mistakes("a:\n\tb: 1")[0].endswith("indent with spaces, not with tabs")


BOMBS = {
    "aliases": "a: &a [x, x]\n" + "".join(f"{n}: &{n} [*{m}, *{m}, *{m}]\n" for m, n in zip("abcdefgh", "bcdefghi", strict=True)),
    "brackets": "[" * 262_144,
    "braces": "{a: " * 65_536,
    "closed brackets": "[" * 100_000 + "]" * 100_000,
    "JSON objects": '{"a":' * 50_000,
    "dashes": "- " * 131_072,
    "questions": "? " * 131_072,
    "many items": "[" + "a," * 131_000 + "]",
    "many fields": "".join(f"f{n}: 1\n" for n in range(25_000)),
    "many unknown fields": "".join(f"versio{n}: 1\n" for n in range(4_900)),
    "same field": "a: 1\n" * 4_900,
    "long word": "a" * 262_144,
    "long field": "? " + "a" * 262_000 + "\n: 1",
    "digits": "version: " + "1" * 262_000,
    "long float": "version: 1." + "1" * 262_000,
    "colons": "version: " + "1:" * 100_000 + "1",
    "quotes": '"' + "\\u0041" * 43_000 + '"',
    "comments": "#\n" * 131_072,
    "newlines": "\n" * 262_144,
    "anchors": "&a " * 80_000,
    "tags": "[" + "!a b," * 4_900 + "]",
    "quoted holes": a_definition("  - task: '" + "{{" * 8_000 + "'"),
    "many open holes": a_definition("\n".join("  - task: '" + "{{" * 8_000 + "'" for _ in range(16))),
    "holes": a_definition("  - task: '" + "{{a}}" * 3_000 + "'"),
    "many actions": a_definition("\n".join("  - actions: [" + "clik: a," * 400 + "]" for _ in range(6))),
    "subschemas": a_definition("  - extract: {schema: {properties: {" + ",".join(f"k{n}: {{}}" for n in range(990)) + "}}}")
    + "x: 1",
    "deep schema": a_definition("  - extract: {schema: " + "{not: " * 26 + "{}" + "}" * 26 + "}") + "x: 1",
    "too large": "a" * 262_145,
    "far too large": "é" * 5_000_000,
    "large in bytes": "é" * 131_073,
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_a_hostile_text_is_refused_quickly(name):
    began = time.process_time()
    found = mistakes(BOMBS[name])
    assert time.process_time() - began < 2
    assert all(len(message) < 1_000 for message in found)


def test_the_size_of_a_definition_is_counted_in_bytes():
    text = "version: 1\ntitle: x\nblocks: [wait: 1s]\n#"
    assert parse(text + "a" * (262_144 - len(text)))
    (message,) = mistakes(text + "é" * ((262_144 - len(text)) // 2 + 1))
    assert message.endswith("at most 262144 are possible")


FRAGMENTS = [
    *"{}[]:,-?&*!|>'\"%@`#~ \n\t\\", "\n  ", "\n    ", "- ", ": ", "{{", "}}", "{{ a }}", "---\n", "...\n", "<<: ", "\ud800",
    "\x00", "\x85", "\u2028", "\ufeff", "\\ud83d\\ude00", "é", "😀", "null", "on", "12:30", "1e999", ".nan", "2024-01-01", "0x1f",
    "!!python/name:os.system", "&a ", "*a", "$ref", "#/x", "5s", "1h30m", "-1", "9" * 5_000, "version", "1", "title",
    "parameters", "defaults", "blocks", "type", "string", "integer", "default", "required", "secret", "id", "timeout",
    *workflow_definitions.BLOCK_KINDS, *workflow_actions.ACTION_KINDS, "url", "prompt", "steps", "schema", "within", "expect",
    "value", "literal", "parameter", "target", "name", "role", "nth", "visible", "condition", "duration", "https://a.example",
]  # fmt: skip


def read_or_refuse(text: str) -> bool:
    """Return whether the text is a definition; anything but a definition and DefinitionInvalid fails the test."""
    try:
        definition = parse(text)
    except DefinitionInvalid:
        return False
    for block in definition.blocks:
        assert block.WhichOneof("kind")
        assert block.SerializeToString()
    return True


def test_random_fragments_raise_nothing_but_refusals():
    chance = random.Random(20)
    for _ in range(1_500):
        read_or_refuse("".join(chance.choices(FRAGMENTS, k=chance.randint(1, 60))))


def test_random_bytes_raise_nothing_but_refusals():
    chance = random.Random(21)
    for _ in range(500):
        read_or_refuse(chance.randbytes(chance.randint(1, 400)).decode("utf-8", "replace"))
        read_or_refuse(chance.randbytes(chance.randint(1, 400)).decode("latin-1"))


def test_random_changes_of_the_example_raise_nothing_but_refusals():
    chance = random.Random(22)
    outcomes = set()
    for _ in range(600):
        text = EXAMPLE
        for _ in range(chance.randint(1, 4)):
            start = chance.randrange(len(text))
            text = text[:start] + chance.choice(FRAGMENTS) + text[start + chance.randint(0, 8) :]
        outcomes.add(read_or_refuse(text))
    assert outcomes == {True, False}


def test_random_structures_raise_nothing_but_refusals():
    chance = random.Random(23)
    words = [word for word in FRAGMENTS if word.isidentifier()]

    def structure(depth: int) -> object:
        kind = chance.random()
        if depth > 5 or kind < 0.3:
            return chance.choice([None, True, 1, -1.5, 10**400, "", "{{ a }}", "5s", "x", [], {}, *words])
        if kind < 0.5:
            return [structure(depth + 1) for _ in range(chance.randint(0, 3))]
        return {chance.choice(words): structure(depth + 1) for _ in range(chance.randint(0, 4))}

    def a_block() -> object:
        return {chance.choice(list(workflow_definitions.BLOCK_KINDS)): structure(2)}

    for _ in range(1_000):
        blocks = [a_block() for _ in range(chance.randint(1, 3))]
        definition = {"version": 1, "title": "x", "parameters": {"a": "string", "b": structure(3)}, "blocks": blocks}
        read_or_refuse(json.dumps(definition, ensure_ascii=chance.random() < 0.5))
