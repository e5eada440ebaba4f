"""Between the protos of the host protocol and this program, both ways. Half-filled messages are the host's fault."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta

from google.protobuf.message import Message
from tabkeep.host.v1 import host_pb2
from tabkeep.v1 import browser_sessions_pb2, runs_pb2

from control_plane.config import Config
from control_plane.entities.hosts import EXTENSION_NAME, HOST_ID
from control_plane.entities.recordings import Recorded, Replayed
from control_plane.entities.records import CommandKind
from control_plane.entities.runs import FINAL, RunStatus
from control_plane.entities.sessions import CloseReason, Session
from control_plane.errors import HostProtocolError
from control_plane.live.host_messages import (
    CapturePage,
    CaptureState,
    Command,
    CommandResult,
    CommandResultAck,
    Drain,
    EventAck,
    EventAcks,
    EventKind,
    Heartbeat,
    HeartbeatAck,
    Hello,
    InventoryItem,
    OpenTunnel,
    PageReport,
    ReportedEvent,
    Resend,
    StopRun,
    ToHost,
    Tombstone,
    TombstoneAck,
    Verdict,
    Welcome,
)
from control_plane.moves.host_moves import PROTOCOL
from control_plane.networks import NO_NETWORKS, Networks
from control_plane.page_options import NO_PAGE_SETTINGS, PageSettings
from control_plane.prompt_templates import template_key
from control_plane.sealing.seals import Seals
from control_plane.wire.enums import (
    ARTIFACT_TYPE,
    BROWSER_TYPE_VALUES,
    BROWSER_TYPES,
    CLOSE_REASON,
    FAILURE_REASON,
    RUN_STATUS,
)

_INCARNATION = re.compile(r"[0-9a-f]{32}")
_LARGEST_RECORDING = 512 * 1024
_MAX_BATCH = 256
_MAX_PAGES = 101
"""Of a session: a tab that takes the place of another may be one more than max_pages for a moment."""
PAGE_CONDITIONS = ("PAGE_CRASHED", "PAGES_CLOSED", "PAGE_OPTIONS_NOT_TAKEN")


def hello(message: host_pb2.AttachRequest) -> Hello:
    """The first message of a stream.

    Raises:
        HostProtocolError: it is not a Hello, or lacks what a Hello needs.
    """
    if message.WhichOneof("message") != "hello":
        raise HostProtocolError("the first message of a stream must be Hello")
    proto = message.hello
    if not HOST_ID.fullmatch(proto.host_id):
        raise HostProtocolError(f"host_id {proto.host_id[:100]!r} must be 1 to 100 letters, digits, '.', '_' or '-'")
    if not _INCARNATION.fullmatch(proto.incarnation):
        raise HostProtocolError("incarnation must be 32 hexadecimal digits")
    if not 0 <= proto.capacity <= 10_000:
        raise HostProtocolError(f"capacity {proto.capacity} must be from 0 to 10000")
    return Hello(
        host_id=proto.host_id,
        incarnation=proto.incarnation,
        boot_id=proto.boot_id[:100],
        protocol_min=proto.protocol_min,
        protocol_max=proto.protocol_max,
        build=proto.build[:100],
        highest_control_epoch=proto.highest_control_epoch,
        capacity=proto.capacity,
        browsers={
            BROWSER_TYPES[offer.browser_type]: offer.version[:200]
            for offer in proto.browsers
            if offer.browser_type in BROWSER_TYPES
        },
        sandboxed=proto.sandboxed,
        extensions={
            offer.name: f"{offer.version[:100]} {offer.sha256[:64]}"
            for offer in proto.extensions[:100]
            if EXTENSION_NAME.fullmatch(offer.name)
        },
        isolation=_numbers(proto.isolation),
        fault=proto.fault[:500],
        inventory=tuple(
            InventoryItem(item.browser_session_id, item.fence, item.live, item.age.ToTimedelta())
            for item in proto.inventory
        ),
        run_ids=tuple(progress.run_id for progress in proto.runs),
        tombstones=tuple(tombstone(one) for one in proto.tombstones),
        command_results=tuple(command_result(one) for one in proto.command_results),
        heartbeat_no=proto.heartbeat_no,
        draining=proto.draining,
        takes_event_acks=proto.takes_event_acks,
    )


def _numbers(proto: Message) -> dict[str, int]:
    """The fields of a message of numbers and truths, those that are 0 or false left out."""
    return {field.name: int(value) for field, value in proto.ListFields()}


def heartbeat(proto: host_pb2.Heartbeat) -> Heartbeat:
    """A heartbeat."""
    return Heartbeat(proto.heartbeat_no, proto.load_average, proto.available_memory_bytes, proto.draining)


def tombstone(proto: host_pb2.Tombstone) -> Tombstone:
    """A browser is gone; a reason this program does not know counts as a crash."""
    name = CLOSE_REASON.name(proto.reason)
    reason = CloseReason(name) if name else CloseReason.BROWSER_CRASHED
    return Tombstone(proto.browser_session_id, proto.fence, reason, proto.message[:2000])


def command_result(proto: host_pb2.CommandResult) -> CommandResult:
    """How a command ended."""
    outcome = proto.WhichOneof("outcome")
    if outcome == "launched":
        version = proto.launched.browser_version[:200]
        return CommandResult(
            proto.command_id,
            launched=True,
            age=proto.launched.age.ToTimedelta(),
            browser_version=version,
            state_notes=proto.launched.state_notes[:2000],
            isolation=_numbers(proto.launched.isolation),
            warm_start=proto.launched.warm_start,
        )
    if outcome == "failure":
        reason = proto.failure.reason or "UNKNOWN"
        return CommandResult(proto.command_id, failure=reason, message=proto.failure.message[:2000])
    return CommandResult(proto.command_id)


def page_report(proto: host_pb2.PageReport) -> PageReport:
    """What a session's pages show now."""
    url, title = proto.url[:8192], proto.title[:1000]
    shown = (url, title, proto.tab_count, _pages(proto.pages), _page_conditions(proto.conditions))
    return PageReport(proto.browser_session_id, proto.fence, *shown)


def _pages(reported: Sequence[browser_sessions_pb2.BrowserPage]) -> bytes:
    pages = browser_sessions_pb2.ListPagesResponse()
    for page in reported[:_MAX_PAGES]:
        pages.pages.add(
            page_id=page.page_id[:50],
            url=page.url[:2048],
            title=page.title[:200],
            opener_page_id=page.opener_page_id[:50],
            current=page.current,
        )
    return pages.SerializeToString(deterministic=True)


def _page_conditions(reported: Sequence[browser_sessions_pb2.Condition]) -> bytes:
    """Those that only a host can know of; of the others it has nothing to say."""
    shown = browser_sessions_pb2.BrowserSession()
    for condition in reported[:10]:
        if condition.type in PAGE_CONDITIONS:
            kept = shown.conditions.add(type=condition.type, message=condition.message[:500])
            kept.since_time.CopyFrom(condition.since_time)
    return shown.SerializeToString(deterministic=True)


def events(batch: host_pb2.EventBatch) -> tuple[ReportedEvent, ...]:
    """The run events of a batch.

    Raises:
        HostProtocolError: more than 256, or one that says nothing or claims a status that is not final.
    """
    if len(batch.events) > _MAX_BATCH:
        raise HostProtocolError(f"{len(batch.events)} events in a batch are more than the maximum of {_MAX_BATCH}")
    return tuple(_event(hosted) for hosted in batch.events)


def _event(hosted: host_pb2.HostedEvent) -> ReportedEvent:
    event = hosted.event
    name = event.WhichOneof("kind")
    if name is None or event.seq < 1 or not event.run_id:
        raise HostProtocolError(f"event {event.seq} of run {event.run_id!r} is not whole")
    body = event.SerializeToString(deterministic=True)
    ids = (hosted.browser_session_id, hosted.fence, event.run_id, event.seq, body)
    if name == "step_started":
        return ReportedEvent(*ids, EventKind.STEP_STARTED, step=event.step_started.step)
    if name == "step_finished":
        return ReportedEvent(*ids, EventKind.STEP_FINISHED, step=event.step_finished.step)
    if name == "approval_requested":
        approval = event.approval_requested.approval
        return ReportedEvent(
            *ids,
            EventKind.APPROVAL_REQUESTED,
            approval_id=approval.approval_id,
            approval=approval.SerializeToString(deterministic=True),
            lends_turn=approval.kind == runs_pb2.APPROVAL_KIND_TAKE_OVER,
        )
    if name == "approval_resolved":
        return ReportedEvent(*ids, EventKind.APPROVAL_RESOLVED, approval_id=event.approval_resolved.approval_id)
    if name == "run_finished":
        return _finished(ids, event.run_id, event.run_finished)
    if name == "task_recorded":
        return ReportedEvent(*ids, EventKind.TASK_RECORDED, recording=_recorded(event.run_id, event.task_recorded))
    if name == "replayed":
        said = event.replayed
        replayed = Replayed(said.recording_id[:100], said.version, said.verified, said.stale)
        return ReportedEvent(*ids, EventKind.REPLAYED, recording=replayed)
    return ReportedEvent(*ids, EventKind.OTHER)


def _recorded(run_id: str, said: runs_pb2.TaskRecorded) -> Recorded:
    task = said.task
    if task.ByteSize() > _LARGEST_RECORDING or not (said.recording_id or said.HasField("task")):
        raise HostProtocolError(f"the recording of run {run_id} is not whole, or over {_LARGEST_RECORDING} bytes")
    if said.HasField("task") and any(value.secret and value.text for value in task.values):
        raise HostProtocolError(f"the recording of run {run_id} has a secret in it")
    return Recorded(
        recording_id=said.recording_id[:100],
        confirmed=said.confirmed,
        mended=said.mended,
        origin=task.origin[:500],
        template_key=template_key(task.template),
        template=task.template,
        task=task.SerializeToString(deterministic=True) if said.HasField("task") else b"",
    )


def _finished(ids: tuple[str, int, str, int, bytes], run_id: str, finished: runs_pb2.RunFinished) -> ReportedEvent:
    status = RUN_STATUS.name(finished.status)
    if status not in {final.value for final in FINAL}:
        raise HostProtocolError(f"run {run_id} cannot finish with status {status or finished.status!r}")
    return ReportedEvent(
        *ids,
        EventKind.RUN_FINISHED,
        status=RunStatus(status),
        failure_reason="" if status == "completed" else FAILURE_REASON.name(finished.failure_reason) or "internal",
        failure_message=finished.failure_message,
        output=finished.output.SerializeToString(deterministic=True) if finished.HasField("output") else b"",
    )


def to_host(
    message: ToHost,
    config: Config,
    plans: Seals,
    networks: Networks = NO_NETWORKS,
    page_settings: PageSettings = NO_PAGE_SETTINGS,
) -> host_pb2.AttachResponse:
    """A message to a host, without the epoch and stream number that every message carries.

    Raises:
        DataLoss: the plan of a run, or the network or page options of a session, do not open.
    """
    proto = host_pb2.AttachResponse()
    match message:
        case HeartbeatAck(heartbeat_no):
            proto.heartbeat_ack.heartbeat_no = heartbeat_no
        case EventAck(run_id, seq):
            proto.event_ack.run_id, proto.event_ack.seq = run_id, seq
        case EventAcks(acks):
            for ack in acks:
                proto.event_acks.acks.add(run_id=ack.run_id, seq=ack.seq)
        case Command():
            _command(proto.command, message, config, plans, networks, page_settings)
        case CommandResultAck(command_id):
            proto.command_result_ack.command_id = command_id
        case TombstoneAck(browser_session_id, fence):
            proto.tombstone_ack.browser_session_id, proto.tombstone_ack.fence = browser_session_id, fence
        case StopRun(run_id):
            proto.stop_run.run_id = run_id
        case Resend(run_id, from_seq):
            proto.resend.run_id, proto.resend.from_seq = run_id, from_seq
        case Drain(drain_timeout):
            proto.drain.drain_timeout.FromTimedelta(drain_timeout)
        case CaptureState(browser_session_id, fence, capture_id):
            capture = proto.capture_state
            capture.browser_session_id, capture.fence, capture.capture_id = browser_session_id, fence, capture_id
        case OpenTunnel(browser_session_id, fence, tunnel_id):
            tunnel = proto.open_tunnel
            tunnel.browser_session_id, tunnel.fence, tunnel.tunnel_id = browser_session_id, fence, tunnel_id
        case CapturePage(browser_session_id, fence, artifact_id, artifact_type):
            page = proto.capture_page
            page.browser_session_id, page.fence, page.artifact_id = browser_session_id, fence, artifact_id
            page.artifact_type = ARTIFACT_TYPE.value(artifact_type)
        case Welcome():
            _welcome(proto.welcome, message, config)
    return proto


def _welcome(proto: host_pb2.Welcome, message: Welcome, config: Config) -> None:
    proto.protocol = PROTOCOL
    proto.heartbeat_no = message.heartbeat_no
    proto.heartbeat_interval.FromTimedelta(config.heartbeat_interval)
    proto.action_lease.FromTimedelta(config.action_lease)
    proto.holding_lease.FromTimedelta(config.holding_lease)
    for verdict in message.verdicts:
        _verdict(proto.verdicts.add(), verdict)
    for ack in message.event_acks:
        proto.event_acks.add(run_id=ack.run_id, seq=ack.seq)


def _verdict(proto: host_pb2.Verdict, verdict: Verdict) -> None:
    proto.browser_session_id, proto.fence, proto.keep = verdict.browser_session_id, verdict.fence, verdict.keep


def _command(
    proto: host_pb2.Command,
    message: Command,
    config: Config,
    plans: Seals,
    networks: Networks,
    page_settings: PageSettings,
) -> None:
    row, session, run = message.row, message.session, message.run
    proto.command_id = row.command_id
    proto.browser_session_id = row.browser_session_id
    proto.fence = row.fence
    proto.traceparent = row.traceparent
    match row.kind:
        case CommandKind.LAUNCH:
            _launch(proto.launch, session, config.launch_timeout)
            if (network := networks.of(session)) is not None:
                proto.launch.network.CopyFrom(network)
            if (page_options := page_settings.of(session)) is not None:
                proto.launch.page_options.CopyFrom(page_options)
        case CommandKind.CLOSE:
            proto.close.reason = CLOSE_REASON.value(row.arguments.get("reason", "requested"))
        case CommandKind.START_RUN:
            if run is not None:
                proto.start_run.ParseFromString(plans.open(run.organization_id, run.plan))
            proto.start_run.run_id = row.arguments["run_id"]
        case CommandKind.CANCEL_RUN:
            proto.cancel_run.run_id = row.arguments["run_id"]
        case CommandKind.RESOLVE_APPROVAL:
            answer = proto.resolve_approval
            answer.run_id, answer.approval_id = row.arguments["run_id"], row.arguments["approval_id"]
            answer.approved, answer.comment = bool(row.arguments["approved"]), row.arguments["comment"]
        case CommandKind.SET_TIMEOUT:
            proto.set_timeout.timeout.FromTimedelta(session.timeout)
        case CommandKind.SET_NETWORK:
            proto.set_network.CopyFrom(networks.of(session) or host_pb2.Network())
        case CommandKind.SET_PAGE_OPTIONS:
            proto.set_page_options.CopyFrom(page_settings.of(session) or browser_sessions_pb2.PageOptions())


def _launch(proto: host_pb2.Launch, session: Session, launch_timeout: timedelta) -> None:
    proto.browser_type = BROWSER_TYPE_VALUES[session.browser_type]
    proto.url = session.url
    proto.viewport.CopyFrom(browser_sessions_pb2.Viewport(width=session.viewport_width, height=session.viewport_height))
    proto.timeout.FromTimedelta(session.timeout)
    proto.launch_timeout.FromTimedelta(launch_timeout)
    proto.from_state, proto.save_state = bool(session.browser_profile_id), session.save_profile
    proto.extensions.extend(session.extension_names)
