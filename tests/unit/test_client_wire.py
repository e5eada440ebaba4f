"""Records and messages say the same, both ways, and neither has something that the other lacks."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any

import pytest
import tabkeep
from google.protobuf import struct_pb2
from tabkeep import actions, wire
from tabkeep.v1 import (
    actions_pb2,
    artifacts_pb2,
    browser_profiles_pb2,
    browser_sessions_pb2,
    hosts_pb2,
    keys_pb2,
    recordings_pb2,
    runs_pb2,
    usage_pb2,
    webhooks_pb2,
    workflows_pb2,
)


@pytest.mark.parametrize("kind", list(wire.ENUMERATIONS), ids=lambda kind: kind.__name__)
def test_each_enum_has_exactly_the_words_of_its_proto(kind: type[StrEnum]) -> None:
    enumeration = wire.ENUMERATIONS[kind]
    assert len(enumeration.to_record) == len(enumeration.proto.items()) - 1
    assert {*enumeration.to_record.values()} == {*kind} - {kind["UNKNOWN"]}


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (tabkeep.BrowserSession, browser_sessions_pb2.BrowserSession),
        (tabkeep.ProfileSave, browser_sessions_pb2.ProfileSave),
        (tabkeep.BrowserProfile, browser_profiles_pb2.BrowserProfile),
        (tabkeep.BrowserProfileVersion, browser_profiles_pb2.BrowserProfileVersion),
        (tabkeep.Condition, browser_sessions_pb2.Condition),
        (tabkeep.Run, runs_pb2.Run),
        (tabkeep.Approval, runs_pb2.Approval),
        (tabkeep.RunStarted, runs_pb2.RunStarted),
        (tabkeep.PlanMade, runs_pb2.PlanMade),
        (tabkeep.BlockStarted, runs_pb2.BlockStarted),
        (tabkeep.BlockFinished, runs_pb2.BlockFinished),
        (tabkeep.StepStarted, runs_pb2.StepStarted),
        (tabkeep.StepFinished, runs_pb2.StepFinished),
        (tabkeep.ApprovalResolved, runs_pb2.ApprovalResolved),
        (tabkeep.RunWarning, runs_pb2.Warning),
        (tabkeep.RunFinished, runs_pb2.RunFinished),
        (tabkeep.TaskRecorded, runs_pb2.TaskRecorded),
        (tabkeep.Replayed, runs_pb2.Replayed),
        (tabkeep.StepHealed, runs_pb2.StepHealed),
        (tabkeep.Recording, recordings_pb2.Recording),
        (tabkeep.RecordedTask, recordings_pb2.RecordedTask),
        (tabkeep.RecordedPart, recordings_pb2.RecordedPart),
        (tabkeep.RecordedStep, recordings_pb2.RecordedStep),
        (tabkeep.RecordedValue, recordings_pb2.RecordedValue),
        (tabkeep.ExportedRecording, recordings_pb2.ExportRecordingResponse),
        (tabkeep.Workflow, workflows_pb2.Workflow),
        (tabkeep.WorkflowParameter, workflows_pb2.WorkflowParameter),
        (tabkeep.Artifact, artifacts_pb2.Artifact),
        (tabkeep.Host, hosts_pb2.Host),
        (tabkeep.Key, keys_pb2.Key),
        (tabkeep.Usage, usage_pb2.Usage),
        (tabkeep.WebhookAttempt, webhooks_pb2.WebhookAttempt),
        (tabkeep.WebhookDelivery, webhooks_pb2.WebhookDelivery),
    ],
    ids=lambda kind: kind.__name__,
)
def test_each_record_has_exactly_the_fields_of_its_message(record: type[Any], message: type[Any]) -> None:
    assert {f.name for f in dataclasses.fields(record)} == {*message.DESCRIPTOR.fields_by_name}


def test_every_kind_of_event_has_a_record() -> None:
    kinds = [field.name for field in runs_pb2.RunEvent.DESCRIPTOR.oneofs_by_name["kind"].fields]
    for kind in kinds:
        message = runs_pb2.RunEvent(run_id="tsk_1", seq=1)
        getattr(message, kind).SetInParent()
        event = wire.run_event(message)
        assert event.kind == kind
        assert event.detail is not None


def test_an_event_of_a_newer_server_is_kept_without_detail() -> None:
    event = wire.run_event(runs_pb2.RunEvent.FromString(b"\x0a\x05tsk_1\x10\x07\xfa\x01\x00"))
    assert (event.run_id, event.seq, event.kind, event.detail) == ("tsk_1", 7, "unknown", None)


def test_a_session_comes_with_python_types() -> None:
    message = browser_sessions_pb2.BrowserSession(
        browser_session_id="pbs_1",
        state=browser_sessions_pb2.BROWSER_SESSION_STATE_CLOSED,
        close_reason=browser_sessions_pb2.CLOSE_REASON_TIMED_OUT,
        browser_type=browser_sessions_pb2.BROWSER_TYPE_MSEDGE,
        labels={"team": "shop"},
    )
    message.timeout.FromTimedelta(timedelta(minutes=30))
    message.create_time.FromJsonString("2026-02-01T10:30:00.110Z")
    message.viewport.width, message.viewport.height = 1280, 720

    session = wire.browser_session(message)

    assert session.state == "closed"
    assert session.status == "closed"
    assert session.close_reason == "TIMED_OUT"
    assert session.browser_type is tabkeep.BrowserType.MSEDGE
    assert session.timeout == timedelta(minutes=30)
    assert session.create_time == datetime(2026, 2, 1, 10, 30, 0, 110_000, tzinfo=UTC)
    assert session.viewport == tabkeep.Viewport(1280, 720)
    assert session.labels == {"team": "shop"}


def test_what_is_absent_is_none() -> None:
    session = wire.browser_session(browser_sessions_pb2.BrowserSession(browser_session_id="pbs_1"))
    absent = ("close_reason", "start_time", "expire_time", "close_time", "host_id", "active_run_id", "viewport", "url")
    assert [getattr(session, name) for name in absent] == [None] * len(absent)
    run = wire.run(runs_pb2.Run(run_id="tsk_1"))
    assert (run.output, run.pending_approval, run.failure_reason, run.end_time) == (None, None, None, None)
    assert run.irreversible_policy is None


def test_a_session_that_is_not_closed_has_status_running() -> None:
    for state in ("PENDING", "LAUNCHING", "RUNNING"):
        message = browser_sessions_pb2.BrowserSession(state=f"BROWSER_SESSION_STATE_{state}")
        assert wire.browser_session(message).status == "running"


def test_a_word_of_a_newer_server_is_unknown_and_not_final() -> None:
    run = wire.run(runs_pb2.Run(run_id="tsk_1", status=99, failure_reason=99))  # type: ignore[arg-type]
    assert run.status is tabkeep.RunStatus.UNKNOWN
    assert run.failure_reason is tabkeep.FailureReason.UNKNOWN
    assert not run.is_final


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0,
        -7,
        1.5,
        "",
        "text",
        [],
        [1, [2, None]],
        {"name": "Ada", "orders": [{"total": 9.99, "paid": False}], "none": None},
    ],
)
def test_json_survives_the_way_there_and_back(value: Any) -> None:
    back = wire.from_value(wire.to_value(value))
    assert back == value
    assert type(back) is type(value)


def test_a_number_that_a_double_cannot_hold_exactly_stays_a_float() -> None:
    assert isinstance(wire.from_value(struct_pb2.Value(number_value=1e300)), float)


def test_what_json_does_not_know_is_refused() -> None:
    with pytest.raises(TypeError, match="set is not a JSON type"):
        wire.to_value({"tags": {"a"}})


def test_a_bare_session_timeout_counts_minutes() -> None:
    request = wire.to_create_session(tabkeep.BrowserSessionOptions(timeout=30))
    assert request.timeout.ToTimedelta() == timedelta(minutes=30)
    request = wire.to_create_session(tabkeep.BrowserSessionOptions(timeout=timedelta(seconds=400)))
    assert request.timeout.ToTimedelta() == timedelta(seconds=400)


def test_options_that_are_not_given_stay_absent() -> None:
    request = wire.to_create_session(tabkeep.BrowserSessionOptions())
    assert request.ListFields() == []


@pytest.mark.parametrize("value", [True, 1.5, "30"])
def test_a_session_timeout_of_another_type_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="whole number of minutes"):
        wire.minutes_to_duration(value)


def test_other_lengths_must_say_their_unit() -> None:
    with pytest.raises(TypeError, match="queue_timeout is int"):
        wire.to_create_session(tabkeep.BrowserSessionOptions(queue_timeout=60))  # type: ignore[arg-type]


def test_a_word_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(ValueError, match="'opera' is not one of chrome, msedge"):
        wire.enum_to_proto(tabkeep.BrowserType, "opera")


def test_a_run_that_failed_raises_when_asked() -> None:
    from tabkeep import RunFailed

    failed = wire.run(
        runs_pb2.Run(
            run_id="tsk_1",
            status=runs_pb2.RUN_STATUS_FAILED,
            failure_reason=runs_pb2.FAILURE_REASON_NEEDS_MODEL,
            failure_message="part 2 is not understood",
        )
    )
    with pytest.raises(RunFailed, match="tsk_1 ended failed: part 2 is not understood") as raised:
        failed.raise_for_failure()
    assert raised.value.reason == "NEEDS_MODEL"
    completed = wire.run(runs_pb2.Run(run_id="tsk_2", status=runs_pb2.RUN_STATUS_COMPLETED))
    assert completed.raise_for_failure() is completed


def test_action_builders_make_the_messages_of_the_protos() -> None:
    click = actions.click(role="button", name="Add", within="Headphones", timeout=timedelta(seconds=2), note="add")
    assert click == actions_pb2.Action(
        click=actions_pb2.Click(
            target=actions_pb2.Target(role="button", name="Add", within="Headphones"), click_count=1
        ),
        timeout={"seconds": 2},  # type: ignore[arg-type]
        note="add",
    )
    fill = actions.fill(actions.secret("hunter2"), role="textbox", name="Password", submit=True)
    assert fill.fill.value.sensitive
    assert fill.fill.value.literal == "hunter2"
    assert fill.fill.submit
    expected = actions.goto("https://shop.example", expect=[actions.expect_text("Welcome")])
    assert expected.expect[0].text == "Welcome"
    assert not actions.press_key("Enter").press_key.HasField("target")
    assert actions.wait_for(actions.expect_visible(css="#cart")).wait.condition.visible.css == "#cart"
    assert actions.extract({"type": "object"}).extract.schema["type"] == "object"


def test_there_is_a_builder_for_every_kind_of_action() -> None:
    kinds = {field.name for field in actions_pb2.Action.DESCRIPTOR.oneofs_by_name["kind"].fields}
    made = [
        actions.goto("https://a.example"),
        actions.click(css="a"),
        actions.fill("x", css="a"),
        actions.select("x", css="a"),
        actions.uncheck(css="a"),
        actions.press_key("Enter"),
        actions.hover(css="a"),
        actions.scroll(100),
        actions.wait_time(timedelta(seconds=1)),
        actions.extract(),
        actions.back(),
        actions.reload(),
        actions.switch_tab("Invoice"),
        actions.dismiss_dialog(),
        actions.upload("cv.pdf", name="Resume"),
        actions.drag(css="a", before=actions.target(css="b")),
        actions.set_range(3, role="slider"),
        actions.set_date(date(2026, 4, 8), name="Arrival"),
        actions.select_text("fox", css="p"),
        actions.pick_row(actions.row_is("Price", less_than=9), order_by="Price", press=actions.target(name="Book")),
        actions.find_record("email", actions.from_action(1, "email")),
    ]
    by_kind = {action.WhichOneof("kind"): action for action in made}
    assert by_kind["pick_row"].pick_row.where[0].WhichOneof("comparison") == "less_than"
    assert by_kind["drag"].drag.WhichOneof("destination") == "before"
    assert by_kind.keys() == kinds


def test_tabs_are_named_in_one_way_and_dialogs_are_given_a_text() -> None:
    assert actions.switch_tab(index=-1).tab.switch_to.index == -1
    assert actions.close_tab().tab.close == actions_pb2.WhichTab()
    assert actions.open_tab("https://a.example").tab.open.url == "https://a.example"
    with pytest.raises(ValueError, match="title and url"):
        actions.switch_tab("Invoice", url="*")
    dialog = actions.accept_dialog(actions.secret("s3cret"), message="name").dialog
    assert (dialog.text.literal, dialog.text.sensitive, dialog.message) == ("s3cret", True, "name")
    assert not actions.accept_dialog().dialog.HasField("text")


def test_actions_come_from_json_and_a_wrong_one_is_named_by_its_place() -> None:
    assert actions.from_json([{"goto": {"url": "https://a.example"}}]) == [actions.goto("https://a.example")]
    with pytest.raises(ValueError, match=r"action 2: .*tap"):
        actions.from_json([{"back": {}}, {"tap": {}}])
