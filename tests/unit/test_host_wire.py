"""Between the host's words and host.proto: nothing is lost, and nothing unknown breaks the host."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

from tabkeep.host.v1 import host_pb2
from tabkeep.v1 import browser_sessions_pb2, runs_pb2

from browser_host import messages, wire
from browser_host.kernel.isolation import Isolation
from browser_host.messages import BrowserType, EndReason, Placement
from browser_host.pages import OpenPage, Trouble
from tests.host_fakes import an_identity

ONE = Placement("pbs_1", 7)


def test_hello_carries_everything():
    hello = messages.Hello(
        identity=an_identity(capacity=3),
        highest_control_epoch=9,
        heartbeat_no=4,
        inventory=(messages.InventoryItem(ONE, True, timedelta(seconds=1.5)),),
        runs=(messages.RunProgress("tsk_1", 12),),
        tombstones=(messages.Tombstone(Placement("pbs_2", 8), EndReason.BROWSER_CRASHED, "killed"),),
        command_results=(messages.CommandResult(5, messages.Failure("BUSY", "full")),),
        draining=True,
    )
    request = wire.to_proto(hello, 0)
    proto = request.hello
    assert request.stream_no == 0
    assert (proto.host_id, proto.incarnation, proto.capacity, proto.sandboxed) == ("host-1", "a" * 32, 3, True)
    assert (proto.protocol_min, proto.protocol_max) == (wire.PROTOCOL, wire.PROTOCOL)
    assert (proto.highest_control_epoch, proto.heartbeat_no, proto.draining) == (9, 4, True)
    assert proto.browsers[0].version == "Chromium 1.0"
    assert (proto.inventory[0].fence, proto.inventory[0].live) == (7, True)
    assert proto.inventory[0].age.ToTimedelta() == timedelta(seconds=1.5)
    assert (proto.runs[0].run_id, proto.runs[0].last_seq) == ("tsk_1", 12)
    assert proto.tombstones[0].reason == browser_sessions_pb2.CLOSE_REASON_BROWSER_CRASHED
    assert proto.command_results[0].failure.reason == "BUSY"


def test_every_message_of_the_host_fills_its_own_arm():
    event = runs_pb2.RunEvent(run_id="tsk_1", seq=1)
    for message, arm in (
        (messages.Heartbeat(3, 0.5, 2**30, False), "heartbeat"),
        (messages.EventBatch((messages.HostedEvent(ONE, event),)), "event_batch"),
        (messages.CommandResult(1, messages.Done()), "command_result"),
        (messages.CommandResult(1, messages.Launched(timedelta(seconds=1), "C 1")), "command_result"),
        (messages.PageReport(ONE, "http://a/", "t", 2), "page_report"),
        (messages.Tombstone(ONE, EndReason.REQUESTED, ""), "tombstone"),
        (messages.Goodbye(""), "goodbye"),
    ):
        request = wire.to_proto(message, 6)
        assert (request.WhichOneof("message"), request.stream_no) == (arm, 6)


def test_a_launched_browser_says_what_keeps_it_apart():
    apart = Isolation(sandboxed=True, user_per_session=True, memory_bytes=2**31, tasks=99, cpu_percent=150)
    launched = messages.Launched(timedelta(seconds=1), "C 1", "", apart, warm_start=True)
    proto = wire.to_proto(messages.CommandResult(1, launched), 6).command_result.launched
    assert proto.warm_start
    assert proto.isolation == browser_sessions_pb2.SessionIsolation(
        own_user=True, memory_limit_bytes=2**31, task_limit=99, cpu_percent_limit=150
    )


def test_a_page_report_has_all_tabs_and_troubles():
    pages = (OpenPage("page-1", "u", "t", recency=1), OpenPage("page-2", "v", "", "page-1"))
    troubles = ((Trouble("PAGE_CRASHED", "once"), datetime(2026, 1, 1, tzinfo=UTC)),)
    proto = wire.to_proto(messages.PageReport(ONE, "u", "t", 2, pages, troubles), 1).page_report
    assert [(page.page_id, page.opener_page_id, page.current) for page in proto.pages] == [
        ("page-1", "", False),
        ("page-2", "page-1", True),
    ]
    assert (proto.conditions[0].type, proto.conditions[0].since_time.seconds) == ("PAGE_CRASHED", 1_767_225_600)


def test_a_launch_brings_its_page_options_and_their_repr_no_password():
    options = browser_sessions_pb2.PageOptions(
        dialogs=browser_sessions_pb2.DIALOG_POLICY_ACCEPT,
        on_crash=browser_sessions_pb2.CRASH_POLICY_CLOSE_SESSION,
        permissions=[{"permission": "midi", "origin": "https://a.example"}],
        http_credentials=[{"origin": "https://a.example", "username": "ada", "password": "s3cret"}],
    )
    command = host_pb2.Command(command_id=1, launch=host_pb2.Launch(page_options=options))
    received = wire.from_proto(host_pb2.AttachResponse(command=command))
    assert received.message.kind.page_options == messages.PageOptions(
        accept_dialogs=True,
        crash_ends_session=True,
        max_pages=20,
        permissions=(messages.PermissionGrant("midi", "https://a.example"),),
        http_credentials=(messages.HttpCredential("https://a.example", "ada", "s3cret"),),
    )
    assert "s3cret" not in repr(received)


def test_every_end_reason_has_a_close_reason():
    for reason in EndReason:
        proto = wire.to_proto(messages.Tombstone(ONE, reason, ""), 1).tombstone
        assert browser_sessions_pb2.CloseReason.Name(proto.reason) == f"CLOSE_REASON_{reason.name}"


def test_done_is_told_apart_from_no_outcome():
    assert wire.to_proto(messages.CommandResult(1, messages.Done()), 1).command_result.WhichOneof("outcome") == "done"


def test_a_launch_with_nothing_given_gets_the_defaults():
    command = host_pb2.Command(command_id=1, browser_session_id="pbs_1", fence=7, launch=host_pb2.Launch())
    received = wire.from_proto(host_pb2.AttachResponse(control_epoch=2, stream_no=3, command=command))
    assert (received.control_epoch, received.stream_no) == (2, 3)
    assert received.message == messages.Command(
        1,
        ONE,
        "",
        messages.Launch(BrowserType.CHROME, "", 1280, 720, timedelta(minutes=60), timedelta(seconds=30)),
    )


def test_an_unknown_kind_of_command_is_unsupported():
    command = host_pb2.Command(command_id=1, browser_session_id="pbs_1", fence=7)
    message = wire.from_proto(host_pb2.AttachResponse(command=command)).message
    assert isinstance(message, messages.Command)
    assert isinstance(message.kind, messages.Unsupported)


def test_an_unknown_browser_type_is_unsupported():
    launch = host_pb2.Launch()
    launch.browser_type = 77  # type: ignore[assignment]
    message = wire.from_proto(host_pb2.AttachResponse(command=host_pb2.Command(launch=launch))).message
    assert isinstance(message, messages.Command)
    assert isinstance(message.kind, messages.Unsupported)


def test_an_unknown_message_is_none():
    assert wire.from_proto(host_pb2.AttachResponse(control_epoch=1)).message is None


def test_a_blob_header_carries_size_and_checksum():
    header = wire.blob_header(messages.Picture(ONE, "tsk_1", "art_1", b"jpeg"), "host-1", "a" * 32)
    assert (header.fence, header.artifact.run_id, header.artifact.size) == (7, "tsk_1", 4)
    assert header.artifact.sha256 == hashlib.sha256(b"jpeg").hexdigest()
    assert header.artifact.content_type == "image/jpeg"
