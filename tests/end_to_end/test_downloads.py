"""Downloads: from a site through a real browser, its host and the control plane, into a caller's hands."""

from __future__ import annotations

import asyncio
import hashlib
import random
import threading
from collections.abc import Iterator
from contextlib import aclosing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from tabkeep import Artifact, ArtifactState, BrowserSessionState, Client, FailedPrecondition, RunStatus, actions
from tabkeep.records.run_events import RunWarning as RunWarning

from tests.waiting import until

REPORT = b"month,revenue\n" + random.Random(5).randbytes(300_000)
PAGE = b"""<title>Reports</title><a href=/report>Report</a> <a target=_blank href=/report>In a tab</a>
<a href=/huge>Huge</a> <a href=/cut>Cut</a>"""


class _Site(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        if self.path == "/":
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(PAGE)))
            self.end_headers()
            self.wfile.write(PAGE)
            return
        self.send_header("Content-Disposition", 'attachment; filename="../re port.csv"')
        length = {"/report": len(REPORT), "/huge": 2**30, "/cut": 5_000, "/slow": 2_000}.get(self.path, 0)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        try:
            self.wfile.write(REPORT if self.path == "/report" else bytes(1_000))
            self.wfile.flush()
            if self.path == "/slow":
                self.server.slow.set()  # type: ignore[attr-defined]
            if self.path in ("/huge", "/slow"):
                self.server.ended.wait(30)  # type: ignore[attr-defined]
        except OSError:
            return

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture(scope="module")
def reports() -> Iterator[str]:
    """A site that hands out files."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Site)
    server.ended = threading.Event()  # type: ignore[attr-defined]
    server.slow = _slow  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.ended.set()  # type: ignore[attr-defined]
    server.shutdown()
    thread.join()
    server.server_close()


_slow = threading.Event()


async def begun() -> None:
    """Wait until the site has begun to hand out the slow one."""
    assert await asyncio.to_thread(_slow.wait, 60)


async def downloads(client: Client, browser_session_id: str, count: int) -> list[Artifact]:

    async def enough() -> list[Artifact] | None:
        found = await client.list_artifacts(browser_session_id=browser_session_id, artifact_types=["download"])
        return found if len(found) >= count else None

    return await until(enough, f"{count} downloads", 60)


async def warnings(client: Client, run_id: str) -> list[RunWarning]:
    updates = [update async for update in client.watch_run(run_id)]
    found = [getattr(update, "detail", None) for update in updates]
    return [one for one in found if isinstance(one, RunWarning)]


@pytest.mark.parametrize("link", ["Report", "In a tab"])
async def test_what_a_run_downloads_is_there_when_it_is_over(client: Client, reports: str, link: str):
    run = await client.run_task(
        actions=[actions.goto(reports), actions.click(name=link)], screenshots="none", wait_for_completion=True
    )
    run.raise_for_failure()
    (record,) = await client.list_artifacts(run.run_id)
    assert (record.artifact_type, record.state, record.run_id) == ("download", ArtifactState.STORED, run.run_id)
    assert (record.content_type, record.size) == ("text/csv", len(REPORT))
    assert record.sha256 == hashlib.sha256(REPORT).hexdigest()
    assert "/" not in record.file_name
    assert record.file_name.endswith("re port.csv")
    assert await client.get_artifact(record.artifact_id) == REPORT
    assert await warnings(client, run.run_id) == []


async def test_a_download_from_before_any_run_is_the_sessions(client: Client, reports: str):
    session = await client.create_browser_session(url=f"{reports}/report")
    (record,) = await downloads(client, session.browser_session_id, 1)
    assert (record.run_id, record.state) == (None, ArtifactState.STORED)
    await client.close_browser_session(session.browser_session_id)
    assert await client.get_artifact(record.artifact_id) == REPORT


@pytest.mark.parametrize(("link", "why"), [("Huge", "larger than the 64 MiB"), ("Cut", "broke it off")])
async def test_a_download_that_is_not_taken_has_a_record_and_a_warning(
    client: Client, reports: str, link: str, why: str
):
    run = await client.run_task(
        actions=[actions.goto(reports), actions.click(name=link)], screenshots="none", wait_for_completion=True
    )
    assert run.status is RunStatus.COMPLETED
    (record,) = await downloads(client, run.browser_session_id, 1)
    assert (record.state, record.size) == (ArtifactState.REFUSED, 0)
    assert why in record.state_message
    with pytest.raises(FailedPrecondition) as refused:
        await client.get_artifact(record.artifact_id)
    assert refused.value.reason == "ARTIFACT_REFUSED"
    (warning,) = await warnings(client, run.run_id)
    assert warning.code == "DOWNLOAD_MISSING"
    assert why in warning.message


async def test_one_that_is_under_way_when_its_session_closes_is_told_of(client: Client, reports: str):
    session = await client.create_browser_session(url=f"{reports}/slow")
    await begun()
    async with aclosing(client.watch_browser_session(session.browser_session_id)) as updates:
        async for update in updates:
            if update.browser_session.state is BrowserSessionState.RUNNING:
                break
        else:
            pytest.fail(update.browser_session.close_message)
    await client.close_browser_session(session.browser_session_id)
    (record,) = await downloads(client, session.browser_session_id, 1)
    assert record.state is ArtifactState.REFUSED
    # Which of the two it hears of first is the browser's to say.
    assert "the session ended before it was complete" in record.state_message
