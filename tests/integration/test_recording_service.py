"""Recordings in the control plane: what hosts report of them, what callers see, and which ones a run gets."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
import yaml
from tabkeep.v1 import actions_pb2, keys_pb2, runs_pb2, workflows_pb2
from tabkeep.v1 import recordings_pb2 as pb

from control_plane import recording_exports
from control_plane.workflows import workflow_definitions
from tests.api_calls import next_of, run_task, running_session, watch_run
from tests.conftest import api_on
from tests.fake_host import run_finished
from tests.refusals import refused

PROMPT = "Login with username '{}' and password '{}'"
TEMPLATE = "Login with username '{{value_1}}' and password '{{secret_1}}'"
ORIGIN = "https://shop.example"


def recorded_task(button: str = "Sign in", **fields: Any) -> pb.RecordedTask:
    def step(**kind: Any) -> pb.RecordedStep:
        return pb.RecordedStep(action=actions_pb2.Action(**kind))

    user = actions_pb2.Fill(
        target=actions_pb2.Target(role="textbox", name="Email"), value=actions_pb2.Value(parameter="value_1")
    )
    password = actions_pb2.Fill(
        target=actions_pb2.Target(name="Password"), value=actions_pb2.Value(parameter="secret_1", sensitive=True)
    )
    click = step(click=actions_pb2.Click(target=actions_pb2.Target(role="button", name=button)))
    click.seen.add(url_glob=f"{ORIGIN}/account")
    part = pb.RecordedPart(clause=TEMPLATE, steps=[step(fill=user), step(fill=password), click])
    values = [pb.RecordedValue(name="secret_1", secret=True), pb.RecordedValue(name="value_1")]
    given = {"template": TEMPLATE, "origin": ORIGIN, "start": f"{ORIGIN}/login", "planner": "rules", "values": values}
    return pb.RecordedTask(parts=[part], **given | fields)


class Desk:
    """Stores tasks in one session and reports what a host would."""

    def __init__(self, api: Any, host: Any, session: str) -> None:
        self.api, self.host, self.session = api, host, session

    async def run(self, *events: runs_pb2.RunEvent, prompt: str = PROMPT.format("ada", "pw-1 x"), **fields: Any) -> Any:
        """Run a task to its end; what the host was told to do for its prompt."""
        await run_task(self.api, self.session, prompt=prompt, **fields)
        command = await self.host.begin_run()
        for seq, event in enumerate(events, 1):
            event.seq = seq
        await self.host.report(command, *events, run_finished(len(events) + 1))
        return command.start_run.blocks[-1].task

    async def listed(self, **fields: Any) -> list[pb.Recording]:
        return list((await self.api.recordings.ListRecordings(pb.ListRecordingsRequest(**fields))).recordings)


@pytest.fixture
async def desk(api, host) -> Desk:
    return Desk(api, host, (await running_session(api, host)).browser_session_id)


def recorded(**fields: Any) -> runs_pb2.RunEvent:
    return runs_pb2.RunEvent(task_recorded=runs_pb2.TaskRecorded(**fields))


def stale(recording_id: str, version: int = 1) -> runs_pb2.RunEvent:
    return runs_pb2.RunEvent(replayed=runs_pb2.Replayed(recording_id=recording_id, version=version, stale=True))


async def test_a_recording_is_trusted_from_the_second_success_on_and_demoted_after_two_failures(desk: Desk):
    first = await desk.run(recorded(task=recorded_task()))
    assert [(v.name, v.text, v.secret) for v in first.recordings.values] == [
        ("secret_1", "pw-1 x", True),
        ("value_1", "ada", False),
    ]
    assert (first.recordings.template, list(first.recordings.known)) == (TEMPLATE, [])
    [candidate] = await desk.listed()
    assert (candidate.state, candidate.version, candidate.success_count) == (pb.RECORDING_STATE_CANDIDATE, 1, 1)
    assert not candidate.task.parts

    second = await desk.run(recorded(recording_id=candidate.recording_id, confirmed=True))
    [known] = second.recordings.known
    assert (known.recording_id, known.trusted, known.task) == (candidate.recording_id, False, recorded_task())
    [trusted] = await desk.listed(origin=f"{ORIGIN}/anything")
    assert trusted.state == pb.RECORDING_STATE_TRUSTED

    third = await desk.run(stale(trusted.recording_id))
    assert third.recordings.known[0].trusted
    await desk.run(stale(trusted.recording_id, version=7))  # of another version: says nothing of this one
    [suspect] = await desk.listed()
    assert (suspect.state, suspect.failure_count) == (pb.RECORDING_STATE_TRUSTED, 1)
    await desk.run(stale(trusted.recording_id))
    [demoted] = await desk.listed()
    assert demoted.state == pb.RECORDING_STATE_DEMOTED

    unused = await desk.run(recorded(task=recorded_task("Log in")))
    assert not unused.recordings.known
    [anew] = await desk.listed()
    assert (anew.recording_id, anew.state, anew.version) == (demoted.recording_id, pb.RECORDING_STATE_CANDIDATE, 2)


async def test_a_run_gets_what_is_recorded_for_its_task_and_no_other(desk: Desk):
    await desk.run(recorded(task=recorded_task()))
    other_words = await desk.run(prompt="Sign in with username 'ada' and password 'pw-1 x'")
    assert not other_words.recordings.known
    same = await desk.run(prompt="login  with username 'bob' and password 'pw-2 y'.")
    assert [value.text for value in same.recordings.values] == ["pw-2 y", "bob"]
    assert len(same.recordings.known) == 1
    off = await desk.run(replay_mode=runs_pb2.REPLAY_MODE_OFF)
    assert not off.HasField("recordings")
    holes = await desk.run(prompt="Fill Name with {{name}}")
    assert (holes.recordings.template, list(holes.recordings.values)) == ("", [])


async def test_another_organization_sees_nothing_and_moves_nothing(desk: Desk, api, channel):
    await desk.run(recorded(task=recorded_task()))
    [one] = await desk.listed()
    made = await api.keys.CreateKey(keys_pb2.CreateKeyRequest(organization_id="o_other"))
    strangers = api_on(channel, made.secret)
    assert not (await strangers.recordings.ListRecordings(pb.ListRecordingsRequest())).recordings
    for call in (
        strangers.recordings.GetRecording(pb.GetRecordingRequest(recording_id=one.recording_id)),
        strangers.recordings.DeleteRecording(pb.DeleteRecordingRequest(recording_id=one.recording_id)),
    ):
        refusal = await refused(call)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "RECORDING_NOT_FOUND")


async def test_recordings_are_listed_newest_first_by_pages_shown_and_deleted(desk: Desk, api):
    for number in range(3):
        await desk.run(recorded(task=recorded_task(template=f"Task {'x' * number} for '{{{{value_1}}}}'")))
    request = pb.ListRecordingsRequest(page_size=2)
    page = await api.recordings.ListRecordings(request)
    request.page_token = page.next_page_token
    rest = await api.recordings.ListRecordings(request)
    templates = [one.task.template for one in (*page.recordings, *rest.recordings)]
    assert templates == ["Task xx for '{{value_1}}'", "Task x for '{{value_1}}'", "Task  for '{{value_1}}'"]
    assert not rest.next_page_token

    recording_id = page.recordings[0].recording_id
    shown = (await api.recordings.GetRecording(pb.GetRecordingRequest(recording_id=recording_id))).recording
    assert len(shown.task.parts[0].steps) == 3
    await api.recordings.DeleteRecording(pb.DeleteRecordingRequest(recording_id=recording_id))
    await desk.run(recorded(recording_id=recording_id, confirmed=True))  # too late: it stays deleted
    assert len(await desk.listed()) == 2
    refusal = await refused(api.recordings.ListRecordings(pb.ListRecordingsRequest(origin="ftp://x")))
    assert "origin" in refusal.fields


async def test_a_recording_with_the_text_of_a_secret_is_refused_with_its_host(desk: Desk, api, host):
    task = recorded_task(values=[pb.RecordedValue(name="secret_1", secret=True, text="pw-1 x")])
    await run_task(api, desk.session, prompt=PROMPT.format("ada", "pw-1 x"))
    command = await host.begin_run()
    event = recorded(task=task)
    event.seq = 1
    await host.report(command, event, wait=False)
    assert (await host.ended()).code is grpc.StatusCode.INVALID_ARGUMENT
    assert not await desk.listed()


async def test_an_export_says_what_it_can_and_what_it_cannot(desk: Desk, api):
    task = recorded_task()
    task.parts.add(clause="find products under ${{value_1}}", looks_again=True)
    await desk.run(recorded(task=task))
    [one] = await desk.listed()

    async def export(form: Any) -> Any:
        request = pb.ExportRecordingRequest(recording_id=one.recording_id, format=form)
        return await api.recordings.ExportRecording(request)

    written = await export(pb.RECORDING_FORMAT_WORKFLOW_YAML)
    assert (written.file_name, written.content_type) == (f"{one.recording_id}.yaml", "text/yaml")
    definition = workflow_definitions.parse(written.content)
    assert [block.WhichOneof("kind") for block in definition.blocks] == ["goto", "actions", "task"]
    assert definition.blocks[2].task.prompt == "find products under ${{value_1}}"
    assert {parameter.name: parameter.secret for parameter in definition.parameters} == {
        "start_url": False,
        "secret_1": True,
        "value_1": False,
    }
    refusal = await refused(export(pb.RECORDING_FORMAT_PLAYWRIGHT_PYTHON))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "NOT_EXPORTABLE")
    assert "find products" in refusal.message
    assert "format" in (await refused(export(pb.RECORDING_FORMAT_UNSPECIFIED))).fields


async def test_modes_that_contradict_the_task_are_refused(api):
    only = runs_pb2.REPLAY_MODE_ONLY
    by_actions = runs_pb2.RunTaskRequest(
        actions=[actions_pb2.Action(back=actions_pb2.Back())], replay_mode=runs_pb2.REPLAY_MODE_PLAN
    )
    planned = runs_pb2.RunTaskRequest(prompt="x", planner=runs_pb2.PLANNER_RULES, replay_mode=only)
    for request in (by_actions, planned):
        assert "replay_mode" in (await refused(api.runs.RunTask(request))).fields


def test_every_kind_of_action_comes_back_from_its_export_as_it_was():
    target = actions_pb2.Target(role="button", name="Save {{value_1}}", exact=True, within="Row", nth=2)
    value = actions_pb2.Value(parameter="value_1")
    stored = actions_pb2.Value(
        credential=actions_pb2.CredentialField(part=actions_pb2.CREDENTIAL_PART_PASSWORD), sensitive=True
    )
    actions = [
        actions_pb2.Action(goto=actions_pb2.Goto(url="https://shop.example/{{value_1}}", allow_error_status=True)),
        actions_pb2.Action(click=actions_pb2.Click(target=target, click_count=2)),
        actions_pb2.Action(click=actions_pb2.Click(target=target, times=3)),
        actions_pb2.Action(fill=actions_pb2.Fill(target=target, value=value, submit=True)),
        actions_pb2.Action(fill=actions_pb2.Fill(target=target, value=actions_pb2.Value(literal="yes: {{no}}"))),
        actions_pb2.Action(fill=actions_pb2.Fill(target=target, value=stored)),
        actions_pb2.Action(select=actions_pb2.Select(target=target, option=value, more_options=[value])),
        actions_pb2.Action(set_checked=actions_pb2.SetChecked(target=target, checked=False)),
        actions_pb2.Action(press_key=actions_pb2.PressKey(key="Enter", target=target)),
        actions_pb2.Action(hover=actions_pb2.Hover(target=target)),
        actions_pb2.Action(scroll=actions_pb2.Scroll(delta_y=-200)),
        actions_pb2.Action(
            wait=actions_pb2.Wait(condition=actions_pb2.Expect(number=actions_pb2.NumberIs(label="Price", less_than=9)))
        ),
        actions_pb2.Action(extract=actions_pb2.Extract(within="Total")),
        actions_pb2.Action(back=actions_pb2.Back()),
        actions_pb2.Action(reload=actions_pb2.Reload()),
        actions_pb2.Action(drag=actions_pb2.Drag(target=target, by=actions_pb2.Offset(x=3, y=-4))),
        actions_pb2.Action(drag=actions_pb2.Drag(target=target, before=target)),
        actions_pb2.Action(tab=actions_pb2.Tab(switch_to=actions_pb2.WhichTab(title="Invoice {{value_1}}"))),
        actions_pb2.Action(tab=actions_pb2.Tab(close=actions_pb2.WhichTab())),
        actions_pb2.Action(tab=actions_pb2.Tab(open=actions_pb2.NewTab(url="https://shop.example/"))),
        actions_pb2.Action(set_range=actions_pb2.SetRange(target=target, value=4.5)),
        actions_pb2.Action(set_date=actions_pb2.SetDate(target=target, date="2026-04-08")),
        actions_pb2.Action(select_text=actions_pb2.SelectText(target=target, text="{{value_1}}")),
        actions_pb2.Action(
            pick_row=actions_pb2.PickRow(
                where=[actions_pb2.RowIs(label="Name", equals="{{value_1}}")], order_by="Price", nth=1, press=target
            )
        ),
        actions_pb2.Action(find_record=actions_pb2.FindRecord(label="email", value=value, noun="customer")),
    ]
    kinds = {field.name for field in actions_pb2.Action.DESCRIPTOR.oneofs_by_name["kind"].fields}
    never_recorded = {"dialog", "upload"}
    assert {action.WhichOneof("kind") for action in actions} == kinds - never_recorded
    expect = [
        actions_pb2.Expect(url_glob="https://shop.example/*"),
        actions_pb2.Expect(text="Hello {{value_1}}"),
        actions_pb2.Expect(hidden=actions_pb2.Target(css="input[type=password]")),
        actions_pb2.Expect(value=actions_pb2.FieldValue(target=target, equals="")),
    ]
    actions[1].expect.extend(expect)
    steps = [pb.RecordedStep(action=action) for action in actions]
    task = recorded_task(values=[pb.RecordedValue(name="value_1", fixed=True, text="x: #1")])
    del task.parts[:]
    task.parts.add(clause="all of it", steps=steps)
    text = recording_exports.workflow_yaml("rec_1", task)
    definition = workflow_definitions.parse(text)
    assert list(definition.blocks[1].actions.actions) == actions
    assert yaml.safe_load(text)["parameters"]["value_1"]["default"] == "x: #1"


async def test_the_events_of_recordings_reach_those_who_watch(desk: Desk, api):
    healed = runs_pb2.RunEvent(step_healed=runs_pb2.StepHealed(step=1, by="id"))
    run = await run_task(api, desk.session, prompt=PROMPT.format("ada", "pw-1 x"))
    command = await desk.host.begin_run()
    healed.seq = 1
    await desk.host.report(command, healed, run_finished(2))
    watching = watch_run(api, run.run_id)
    while not (update := await next_of(watching)).HasField("event") or not update.event.HasField("step_healed"):
        pass
    assert update.event.step_healed.by == "id"


WORKFLOW = """
version: 1
title: Log in
parameters:
  who: {type: string}
  password: {type: string, secret: true}
blocks:
  - task: {id: login, prompt: "Login with username '{{ who }}' and password '{{ password }}'"}
  - task: {id: alone, prompt: "Find customer with email '{{ who }}'", replay: only}
  - task: {id: leave, prompt: Log out, replay: "off"}
"""


async def test_each_prompt_of_a_workflow_gets_what_is_recorded_for_it_by_tasks_too(desk: Desk, api, host):
    await desk.run(recorded(task=recorded_task()))
    stored = await api.workflows.CreateWorkflow(workflows_pb2.CreateWorkflowRequest(definition=WORKFLOW))
    request = runs_pb2.RunWorkflowRequest(workflow_id=stored.workflow.workflow_id, browser_session_id=desk.session)
    request.parameters.update({"who": "bob", "password": "pw-2 y"})
    await api.runs.RunWorkflow(request)
    login, alone, off = [block.task for block in (await host.begin_run()).start_run.blocks]
    assert login.recordings.template == TEMPLATE
    assert [(v.name, v.text, v.secret) for v in login.recordings.values] == [
        ("secret_1", "pw-2 y", True),
        ("value_1", "bob", False),
    ]
    assert [known.task for known in login.recordings.known] == [recorded_task()]
    assert (alone.recordings.mode, list(alone.recordings.known)) == (runs_pb2.REPLAY_MODE_ONLY, [])
    assert alone.recordings.template == "Find customer with email '{{value_1}}'"
    assert not off.HasField("recordings")
