"""Uploads: from a caller's disk through the control plane and a host into a page that sends them to its site."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tabkeep import Client, FailureReason, RunStatus, actions

from tests.end_to_end.conftest import Stack

PAGE = b"""<title>Apply</title><form method=post enctype=multipart/form-data>
<label>Resume <input type=file name=resume></label><button>Send</button></form>"""


class _Site(BaseHTTPRequestHandler):
    received: list[tuple[str, bytes]]

    def do_GET(self) -> None:
        self._answer(PAGE)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        mail = b"content-type: " + self.headers["content-type"].encode() + b"\r\n\r\n" + body
        for part in BytesParser().parsebytes(mail).get_payload():
            self.server.received.append((part.get_filename(), part.get_payload(decode=True)))  # type: ignore[attr-defined]
        self._answer(b"<title>Thanks</title><h1>Thank you</h1>")

    def _answer(self, content: bytes) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def jobs() -> Iterator[ThreadingHTTPServer]:
    """A site that takes resumes."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Site)
    server.received = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


async def test_a_file_goes_from_a_callers_disk_to_the_site_of_a_page(
    client: Client, jobs: ThreadingHTTPServer, stack: Stack, tmp_path: Path
) -> None:
    content = random.Random(9).randbytes(3_000_000)
    path = tmp_path / "my resume.pdf"
    path.write_bytes(content)
    url = f"http://127.0.0.1:{jobs.server_port}/"
    stored = await client.upload_file(path)

    run = await client.run_task(
        url=url,
        actions=[
            actions.upload(stored.file_id, name="Resume"),
            actions.click(name="Send", expect=[actions.expect_text("Thank you")]),
        ],
        wait_for_completion=True,
    )

    run.raise_for_failure()
    ((name, sent),) = jobs.received  # type: ignore[attr-defined]
    assert (name, sent) == (path.name, content)
    await client.delete_file(stored.file_id)
    missing = await client.run_task(f"Upload '{path.name}' to Resume", url=url, wait_for_completion=True)
    assert (missing.status, missing.failure_reason) == (RunStatus.FAILED, FailureReason.FILE_UNAVAILABLE)
    held = stack.data_dir / "host" / "uploads"
    assert not [one for one in held.rglob("*") if one.is_file()], "the host keeps nothing of it"
