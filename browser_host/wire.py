"""Between the host's own words (`messages`) and host.proto, both ways; nothing else converts.

What is missing or unknown in a message from a newer control plane becomes Unsupported or None here; it never raises.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from tabkeep.host.v1 import host_pb2
from tabkeep.v1 import artifacts_pb2, browser_sessions_pb2, hosts_pb2

from browser_host import messages
from browser_host.messages import BrowserType, EndReason, Placement
from browser_host.pages import OpenPage, Trouble

PROTOCOL = 1
"""The one version of the protocol this host speaks."""

_DEFAULT_VIEWPORT = (1280, 720)
_DEFAULT_TIMEOUT = timedelta(minutes=60)
_DEFAULT_LAUNCH_TIMEOUT = timedelta(seconds=30)
_DEFAULT_DRAIN_TIMEOUT = timedelta(minutes=10)

_BROWSER_TYPES = {
    browser_sessions_pb2.BROWSER_TYPE_UNSPECIFIED: BrowserType.CHROME,
    browser_sessions_pb2.BROWSER_TYPE_CHROME: BrowserType.CHROME,
    browser_sessions_pb2.BROWSER_TYPE_MSEDGE: BrowserType.MSEDGE,
}
_BROWSER_TYPES_TO_PROTO = {
    BrowserType.CHROME: browser_sessions_pb2.BROWSER_TYPE_CHROME,
    BrowserType.MSEDGE: browser_sessions_pb2.BROWSER_TYPE_MSEDGE,
}
_KEPT_TYPES = {
    "download": artifacts_pb2.ARTIFACT_TYPE_DOWNLOAD,
    "console_log": artifacts_pb2.ARTIFACT_TYPE_CONSOLE_LOG,
    "network_log": artifacts_pb2.ARTIFACT_TYPE_NETWORK_LOG,
    "recording": artifacts_pb2.ARTIFACT_TYPE_RECORDING,
}
_END_REASONS_TO_PROTO = {
    EndReason.REQUESTED: browser_sessions_pb2.CLOSE_REASON_REQUESTED,
    EndReason.TIMED_OUT: browser_sessions_pb2.CLOSE_REASON_TIMED_OUT,
    EndReason.LAUNCH_FAILED: browser_sessions_pb2.CLOSE_REASON_LAUNCH_FAILED,
    EndReason.BROWSER_CRASHED: browser_sessions_pb2.CLOSE_REASON_BROWSER_CRASHED,
    EndReason.HOST_LOST: browser_sessions_pb2.CLOSE_REASON_HOST_LOST,
    EndReason.HOST_DRAINED: browser_sessions_pb2.CLOSE_REASON_HOST_DRAINED,
    EndReason.PROXY_FAILED: browser_sessions_pb2.CLOSE_REASON_PROXY_FAILED,
    EndReason.PAGE_CRASHED: browser_sessions_pb2.CLOSE_REASON_PAGE_CRASHED,
}


def to_proto(message: messages.FromHost, stream_no: int) -> host_pb2.AttachRequest:
    """A message of the host, for the stream `stream_no`."""
    request = host_pb2.AttachRequest(stream_no=stream_no)
    match message:
        case messages.Hello():
            request.hello.CopyFrom(_hello(message))
        case messages.Heartbeat():
            request.heartbeat.CopyFrom(
                host_pb2.Heartbeat(
                    heartbeat_no=message.heartbeat_no,
                    load_average=message.load_average,
                    available_memory_bytes=message.available_memory_bytes,
                    draining=message.draining,
                )
            )
        case messages.EventBatch():
            request.event_batch.events.extend(
                host_pb2.HostedEvent(
                    browser_session_id=hosted.placement.browser_session_id,
                    fence=hosted.placement.fence,
                    event=hosted.event,
                )
                for hosted in message.events
            )
        case messages.CommandResult():
            request.command_result.CopyFrom(_command_result(message))
        case messages.PageReport():
            request.page_report.CopyFrom(
                host_pb2.PageReport(
                    browser_session_id=message.placement.browser_session_id,
                    fence=message.placement.fence,
                    url=message.url,
                    title=message.title,
                    tab_count=message.tab_count,
                    pages=[_page(page) for page in message.pages],
                    conditions=[_condition(trouble, since) for trouble, since in message.troubles],
                )
            )
        case messages.Tombstone():
            request.tombstone.CopyFrom(_tombstone(message))
        case messages.Goodbye():
            request.goodbye.reason = message.reason
            request.goodbye.SetInParent()
    return request


def from_proto(response: host_pb2.AttachResponse) -> messages.Received:
    """A message of the control plane."""
    return messages.Received(response.control_epoch, response.stream_no, _message(response))


def blob_header(picture: messages.Picture, host_id: str, incarnation: str) -> host_pb2.BlobHeader:
    """The first message of the upload of a screenshot."""
    return host_pb2.BlobHeader(
        host_id=host_id,
        incarnation=incarnation,
        browser_session_id=picture.placement.browser_session_id,
        fence=picture.placement.fence,
        artifact=artifacts_pb2.Artifact(
            artifact_id=picture.artifact_id,
            run_id=picture.run_id,
            artifact_type=artifacts_pb2.ARTIFACT_TYPE_PDF if picture.pdf else artifacts_pb2.ARTIFACT_TYPE_SCREENSHOT,
            content_type="application/pdf" if picture.pdf else "image/jpeg",
            size=len(picture.jpeg),
            sha256=hashlib.sha256(picture.jpeg).hexdigest(),
            state=artifacts_pb2.ARTIFACT_STATE_REFUSED if picture.failure else artifacts_pb2.ARTIFACT_STATE_STORED,
            state_message=picture.failure,
        ),
    )


def file_header(kept: messages.KeptFile, host_id: str, incarnation: str) -> host_pb2.BlobHeader:
    """The first message of the upload of a download or record, and the only one of one that was refused."""
    refused = kept.path is None
    return host_pb2.BlobHeader(
        host_id=host_id,
        incarnation=incarnation,
        browser_session_id=kept.placement.browser_session_id,
        fence=kept.placement.fence,
        artifact=artifacts_pb2.Artifact(
            artifact_id=kept.artifact_id,
            run_id=kept.run_id,
            artifact_type=_KEPT_TYPES[kept.artifact_type],
            file_name=kept.file_name,
            content_type=kept.content_type,
            size=kept.size,
            sha256=kept.sha256,
            state=artifacts_pb2.ARTIFACT_STATE_REFUSED if refused else artifacts_pb2.ARTIFACT_STATE_STORED,
            state_message=kept.failure,
            truncation=kept.truncation,
        ),
    )


def state_header(
    taken: messages.TakenState, host_id: str, incarnation: str, age: timedelta
) -> host_pb2.BrowserStateHeader:
    """The first message of the upload of a browser state."""
    return host_pb2.BrowserStateHeader(
        host_id=host_id,
        incarnation=incarnation,
        browser_session_id=taken.placement.browser_session_id,
        fence=taken.placement.fence,
        state_no=taken.state_no,
        last=taken.last,
        capture_id=taken.capture_id,
        age=_duration(age),
        size=len(taken.content),
        sha256=hashlib.sha256(taken.content).hexdigest() if taken.content else "",
        failure=taken.failure,
    )


def _hello(hello: messages.Hello) -> host_pb2.Hello:
    identity = hello.identity
    return host_pb2.Hello(
        host_id=identity.host_id,
        incarnation=identity.incarnation,
        boot_id=identity.boot_id,
        protocol_min=PROTOCOL,
        protocol_max=PROTOCOL,
        build=identity.build,
        highest_control_epoch=hello.highest_control_epoch,
        capacity=identity.capacity,
        browsers=[
            hosts_pb2.BrowserOffer(browser_type=_BROWSER_TYPES_TO_PROTO[browser_type], version=version)
            for browser_type, version in identity.browsers
        ],
        sandboxed=identity.isolation.sandboxed,
        fault=identity.isolation.failure,
        extensions=[
            hosts_pb2.ExtensionOffer(name=extension.name, version=extension.version, sha256=extension.sha256)
            for extension in identity.extensions
        ],
        isolation=hosts_pb2.HostIsolation(
            user_per_session=identity.isolation.user_per_session,
            session_memory_limit_bytes=identity.isolation.memory_bytes,
            session_task_limit=identity.isolation.tasks,
            session_cpu_percent_limit=identity.isolation.cpu_percent,
        ),
        inventory=[
            host_pb2.InventoryItem(
                browser_session_id=item.placement.browser_session_id,
                fence=item.placement.fence,
                live=item.live,
                age=_duration(item.age),
            )
            for item in hello.inventory
        ],
        runs=[host_pb2.RunProgress(run_id=run.run_id, last_seq=run.last_seq) for run in hello.runs],
        tombstones=[_tombstone(tombstone) for tombstone in hello.tombstones],
        command_results=[_command_result(result) for result in hello.command_results],
        heartbeat_no=hello.heartbeat_no,
        draining=hello.draining,
        takes_event_acks=True,
    )


def _command_result(result: messages.CommandResult) -> host_pb2.CommandResult:
    proto = host_pb2.CommandResult(command_id=result.command_id)
    match result.outcome:
        case messages.Launched(age, browser_version, state_notes, isolation, warm_start):
            proto.launched.CopyFrom(
                host_pb2.Launched(
                    age=_duration(age),
                    browser_version=browser_version,
                    state_notes=state_notes,
                    isolation=browser_sessions_pb2.SessionIsolation(
                        own_user=isolation.user_per_session,
                        memory_limit_bytes=isolation.memory_bytes,
                        task_limit=isolation.tasks,
                        cpu_percent_limit=isolation.cpu_percent,
                    ),
                    warm_start=warm_start,
                )
            )
        case messages.Done():
            proto.done.SetInParent()
        case messages.Failure(reason, message):
            proto.failure.CopyFrom(host_pb2.Failure(reason=reason, message=message))
    return proto


def _page(page: OpenPage) -> browser_sessions_pb2.BrowserPage:
    return browser_sessions_pb2.BrowserPage(
        page_id=page.page_id,
        url=page.url,
        title=page.title,
        opener_page_id=page.opener_page_id,
        current=page.current,
    )


def _condition(trouble: Trouble, since: datetime) -> browser_sessions_pb2.Condition:
    condition = browser_sessions_pb2.Condition(type=trouble.kind, message=trouble.message)
    condition.since_time.FromDatetime(since)
    return condition


def _tombstone(tombstone: messages.Tombstone) -> host_pb2.Tombstone:
    return host_pb2.Tombstone(
        browser_session_id=tombstone.placement.browser_session_id,
        fence=tombstone.placement.fence,
        reason=_END_REASONS_TO_PROTO[tombstone.reason],
        message=tombstone.message,
    )


def _message(response: host_pb2.AttachResponse) -> messages.FromControlPlane | None:
    match response.WhichOneof("message"):
        case "welcome":
            return _welcome(response.welcome)
        case "heartbeat_ack":
            return messages.HeartbeatAck(response.heartbeat_ack.heartbeat_no)
        case "command":
            return _command(response.command)
        case "event_acks":
            return messages.EventAcks(tuple(messages.EventAck(ack.run_id, ack.seq) for ack in response.event_acks.acks))
        case "event_ack":
            return messages.EventAck(response.event_ack.run_id, response.event_ack.seq)
        case "resend":
            return messages.Resend(response.resend.run_id, response.resend.from_seq)
        case "stop_run":
            return messages.StopRun(response.stop_run.run_id)
        case "tombstone_ack":
            ack = response.tombstone_ack
            return messages.TombstoneAck(Placement(ack.browser_session_id, ack.fence))
        case "drain":
            drain = response.drain
            given = drain.drain_timeout.ToTimedelta() if drain.HasField("drain_timeout") else _DEFAULT_DRAIN_TIMEOUT
            return messages.Drain(given)
        case "command_result_ack":
            return messages.CommandResultAck(response.command_result_ack.command_id)
        case "capture_state":
            capture = response.capture_state
            return messages.CaptureState(Placement(capture.browser_session_id, capture.fence), capture.capture_id)
        case "open_tunnel":
            tunnel = response.open_tunnel
            return messages.OpenTunnel(Placement(tunnel.browser_session_id, tunnel.fence), tunnel.tunnel_id)
        case "capture_page":
            page = response.capture_page
            pdf = page.artifact_type == artifacts_pb2.ARTIFACT_TYPE_PDF
            return messages.CapturePage(Placement(page.browser_session_id, page.fence), page.artifact_id, pdf)
        case _:
            return None


def _welcome(welcome: host_pb2.Welcome) -> messages.Welcome:
    return messages.Welcome(
        heartbeat_no=welcome.heartbeat_no,
        heartbeat_interval=welcome.heartbeat_interval.ToTimedelta(),
        action_lease=welcome.action_lease.ToTimedelta(),
        holding_lease=welcome.holding_lease.ToTimedelta(),
        verdicts=tuple(
            messages.Verdict(Placement(verdict.browser_session_id, verdict.fence), verdict.keep)
            for verdict in welcome.verdicts
        ),
        event_acks=tuple(messages.EventAck(ack.run_id, ack.seq) for ack in welcome.event_acks),
    )


def _command(command: host_pb2.Command) -> messages.Command:
    kind: (
        messages.Launch
        | messages.Close
        | host_pb2.StartRun
        | messages.CancelRun
        | messages.ResolveApproval
        | messages.SetTimeout
        | messages.SetNetwork
        | messages.SetPageOptions
        | messages.Unsupported
    )
    match command.WhichOneof("kind"):
        case "launch":
            kind = _launch(command.launch)
        case "close":
            kind = messages.Close()
        case "start_run":
            kind = command.start_run
        case "cancel_run":
            kind = messages.CancelRun(command.cancel_run.run_id)
        case "resolve_approval":
            answer = command.resolve_approval
            kind = messages.ResolveApproval(answer.run_id, answer.approval_id, answer.approved, answer.comment)
        case "set_timeout":
            kind = messages.SetTimeout(command.set_timeout.timeout.ToTimedelta())
        case "set_network":
            kind = messages.SetNetwork(_network(command.set_network))
        case "set_page_options":
            kind = messages.SetPageOptions(_page_options(command.set_page_options))
        case _:
            kind = messages.Unsupported("this host does not know this kind of command")
    placement = Placement(command.browser_session_id, command.fence)
    return messages.Command(command.command_id, placement, command.traceparent, kind)


def _launch(launch: host_pb2.Launch) -> messages.Launch | messages.Unsupported:
    browser_type = _BROWSER_TYPES.get(launch.browser_type)
    if browser_type is None:
        return messages.Unsupported(f"this host does not know browser type {launch.browser_type}")
    width, height = _DEFAULT_VIEWPORT
    if launch.viewport.width and launch.viewport.height:
        width, height = launch.viewport.width, launch.viewport.height
    return messages.Launch(
        browser_type=browser_type,
        url=launch.url,
        width=width,
        height=height,
        timeout=launch.timeout.ToTimedelta() if launch.HasField("timeout") else _DEFAULT_TIMEOUT,
        launch_timeout=(
            launch.launch_timeout.ToTimedelta() if launch.HasField("launch_timeout") else _DEFAULT_LAUNCH_TIMEOUT
        ),
        from_state=launch.from_state,
        save_state=launch.save_state,
        extensions=tuple(launch.extensions),
        network=_network(launch.network) if launch.HasField("network") else messages.DIRECT,
        page_options=_page_options(launch.page_options) if launch.HasField("page_options") else messages.USUAL_PAGES,
    )


def _page_options(options: browser_sessions_pb2.PageOptions) -> messages.PageOptions:
    return messages.PageOptions(
        accept_dialogs=options.dialogs == browser_sessions_pb2.DIALOG_POLICY_ACCEPT,
        crash_ends_session=options.on_crash == browser_sessions_pb2.CRASH_POLICY_CLOSE_SESSION,
        max_pages=options.max_pages or messages.USUAL_PAGES.max_pages,
        permissions=tuple(messages.PermissionGrant(one.permission, one.origin) for one in options.permissions),
        http_credentials=tuple(
            messages.HttpCredential(one.origin, one.username, one.password) for one in options.http_credentials
        ),
    )


def _network(network: host_pb2.Network) -> messages.Network:
    proxy, place = network.proxy, network.geolocation
    return messages.Network(
        proxy=messages.Proxy(proxy.url, proxy.username, proxy.password, tuple(proxy.bypass), proxy.trusted)
        if network.HasField("proxy")
        else None,
        allowed_domains=tuple(network.allowed_domains),
        blocked_domains=tuple(network.blocked_domains),
        time_zone=network.time_zone,
        locale=network.locale,
        geolocation=messages.Geolocation(place.latitude, place.longitude, place.accuracy)
        if network.HasField("geolocation")
        else None,
    )


def _duration(length: timedelta) -> Duration:
    duration = Duration()
    duration.FromTimedelta(length)
    return duration
