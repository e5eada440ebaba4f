"""What is asked of a browser wrongly: each option is refused with its own name and what is possible.

Options of pages, networks, profiles and files have such tables in the tests of these.
"""

from __future__ import annotations

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from tabkeep.v1 import actions_pb2, artifacts_pb2, browser_profiles_pb2, files_pb2, runs_pb2
from tabkeep.v1 import browser_sessions_pb2 as pb

from tests.refusals import refused

CREATE, UPDATE = pb.CreateBrowserSessionRequest, pb.UpdateBrowserSessionRequest
RUN, SCREEN = runs_pb2.RunTaskRequest, runs_pb2.ScreenRecording
PROFILE = browser_profiles_pb2.CreateBrowserProfileRequest


def seconds(count: int) -> Duration:
    return Duration(seconds=count)


WRONG: list[tuple[Message, str, str]] = [
    (CREATE(timeout=seconds(10**9)), "timeout", "1000000000s is above the maximum of 24h"),
    (CREATE(queue_timeout=seconds(3601)), "queue_timeout", "maximum of 1h"),
    (CREATE(browser_type=9), "browser_type", "use CHROME or MSEDGE"),
    (CREATE(url="view-source:https://a.example/"), "url", "is not an absolute http or https URL"),
    (CREATE(viewport=pb.Viewport(width=1280, height=9000)), "viewport.height", "not within"),
    (CREATE(labels={"": "x"}), "labels[]", "1 to 63 letters"),
    (CREATE(labels={"a": "x" * 256}), "labels[a]", "maximum of 255"),
    (CREATE(request_id="a\0"), "request_id", "NUL"),
    (CREATE(proxy_location="next door"), "proxy_location", "configured are: none"),
    (CREATE(extensions=["Ad Blocker"]), "extensions[0]", "use 1 to 63 lower-case letters, digits and '-'"),
    (CREATE(extensions=[""]), "extensions[0]", "as ListHosts shows them"),
    (CREATE(extensions=[f"e{number}" for number in range(9)]), "extensions", "maximum of 8"),
    (CREATE(browser_profile_id="x" * 201), "browser_profile_id", "maximum of 200"),
    (CREATE(browser_profile_version=1), "browser_profile_version", "needs a browser_profile_id"),
    (UPDATE(proxy=pb.ProxyServer(url="http://a.example:1")), "update_mask", "must name what to change: proxy, "),
    (UPDATE(update_mask=FieldMask(paths=["extensions"])), "update_mask", "cannot be changed: use proxy, "),
    (pb.ExtendBrowserSessionRequest(), "timeout", "must be given"),
    (pb.CreateTakeOverLinkRequest(lifetime=seconds(1)), "lifetime", "minimum of 1m"),
    (pb.ListBrowserSessionsRequest(states=[99]), "states", "use PENDING, LAUNCHING, "),  # type: ignore[list-item]
    (PROFILE(name="a", storage_state="{"), "storage_state", "is not JSON"),
    (PROFILE(name="a", storage_state='{"tabs": []}'), "storage_state.tabs", "use cookies and origins"),
    (PROFILE(name="", storage_state="{}"), "name", "must not be empty"),
    (artifacts_pb2.CapturePageRequest(artifact_type=99), "artifact_type", "use SCREENSHOT or PDF"),  # type: ignore[arg-type]
    (artifacts_pb2.ListArtifactsRequest(), "run_id", "give this or browser_session_id"),
    (artifacts_pb2.ListArtifactsRequest(run_id="a", artifact_types=[99]), "artifact_types", "use SCREENSHOT, "),  # type: ignore[list-item]
    (files_pb2.ListFilesRequest(page_token="x"), "page_token", "start again without one"),
    (RUN(screenshots=9), "screenshots", "9 is unknown: use EVERY_STEP, ON_FAILURE, NONE"),  # type: ignore[arg-type]
    (RUN(screen_recording=SCREEN(frames_per_second=11)), "screen_recording.frames_per_second", "1 to 10"),
    (RUN(screen_recording=SCREEN(max_duration=seconds(0))), "screen_recording.max_duration", "1s"),
]  # fmt: skip


async def test_each_option_that_is_wrong_is_named_with_what_is_possible(api, host):
    created = await api.sessions.CreateBrowserSession(CREATE())
    session_id = created.browser_session.browser_session_id
    stubs = {"sessions": pb, "profiles": browser_profiles_pb2, "files": files_pb2, "artifacts": artifacts_pb2}
    services = {module.DESCRIPTOR.name: getattr(api, name) for name, module in {**stubs, "runs": runs_pb2}.items()}
    for request, field, words in WRONG:
        names = request.DESCRIPTOR.fields_by_name
        if "browser_session_id" in names and type(request) not in (PROFILE, artifacts_pb2.ListArtifactsRequest):
            request.browser_session_id = session_id  # type: ignore[attr-defined]
        if type(request) is RUN:
            request.prompt = "go back"
        method = request.DESCRIPTOR.name.removesuffix("Request")
        refusal = await refused(getattr(services[request.DESCRIPTOR.file.name], method)(request))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID"), request
        assert words in refusal.fields.get(field, f"only {sorted(refusal.fields)} are named"), request
    assert len((await api.sessions.ListBrowserSessions(pb.ListBrowserSessionsRequest())).browser_sessions) == 1
    assert not (await api.runs.ListRuns(runs_pb2.ListRunsRequest())).runs


@pytest.mark.timeout(60)
async def test_a_request_with_very_many_mistakes_keeps_nobody_waiting(api, host):
    """Each of them was looked at together with all before it, while nothing else was done, and hosts were lost."""
    actions = [actions_pb2.Action()] * 300_000
    labels = {f"{number} no": "" for number in range(100_000)}
    refusal = await refused(api.runs.RunTask(RUN(actions=actions, labels=labels)))
    assert "300000 actions are more than the maximum of 500" in refusal.fields["actions"]
    assert len(refusal.fields) <= 50


@pytest.mark.parametrize(
    ("fields", "reason", "words"),
    [
        ({"extensions": ["captcha-solver"]}, "EXTENSION_NOT_OFFERED", "extensions offered are: host-a: none"),
        ({"browser_type": pb.BROWSER_TYPE_MSEDGE}, "BROWSER_NOT_OFFERED", "offered are: host-a: chrome"),
        ({"proxy_location": "US-CA"}, "PROXY_LOCATION_NOT_CONFIGURED", "configured are: none"),
    ],
)
async def test_what_nobody_offers_is_refused_with_what_is_offered(api, host, fields, reason, words):
    refusal = await refused(api.sessions.CreateBrowserSession(CREATE(**fields)))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, reason)
    assert words in refusal.message
