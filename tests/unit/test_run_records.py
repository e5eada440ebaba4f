"""Records of runs: their bounds, what is taken out of them, and that nothing in them is ever a run's trouble."""

from __future__ import annotations

import asyncio
import json
import random
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tabkeep.host.v1.host_pb2 import StartRun

from browser_host import console_log, network_log, run_records
from browser_host.clock import SystemClock
from browser_host.console_log import ConsoleLog
from browser_host.downloads import Downloads
from browser_host.messages import KeptFile, Placement
from browser_host.motion_jpeg import MotionJpeg, jpeg_size
from browser_host.network_log import Exchange, NetworkLog
from browser_host.run_records import RunRecords
from browser_host.uploads import Upload, Uploads

NOW = datetime(2026, 3, 4, 5, 6, 7, 89_000, UTC)


def jpeg(width: int = 8, height: int = 6, content: bytes = b"") -> bytes:
    """The head of a JPEG of this size."""
    frame = struct.pack(">BHHB", 8, height, width, 0)
    return b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0" + struct.pack(">H", len(frame) + 2) + frame + content


def slots(path: Path) -> list[bytes]:
    avi = path.read_bytes()
    assert struct.unpack("<I", avi[4:8])[0] == len(avi) - 8
    at, found = avi.index(b"movi") + 4, []
    while avi[at : at + 4] == b"00dc":
        size = struct.unpack("<I", avi[at + 4 : at + 8])[0]
        found.append(avi[at + 8 : at + 8 + size])
        at += 8 + size + size % 2
    assert avi[at : at + 4] == b"idx1"
    index = [struct.unpack("<4sIII", avi[place : place + 16]) for place in range(at + 8, len(avi), 16)]
    first = avi.index(b"movi")
    assert [avi[first + offset + 8 : first + offset + 8 + size] for _, _, offset, size in index] == found
    return found


def test_a_picture_stays_until_the_next_and_the_last_of_a_slot_counts(tmp_path: Path) -> None:
    movie = MotionJpeg(tmp_path / "a.avi", 2)
    one, two, three = (jpeg(content=text) for text in (b"1", b"22", b"3"))
    movie.add(one, 0.7)  # what is seen first was there from the beginning
    movie.add(two, 2.1)
    movie.add(three, 2.2)
    movie.finish(3.4)
    assert slots(tmp_path / "a.avi") == [one, b"", b"", b"", three, b""]


def test_pictures_have_one_size_the_usual_one_if_it_comes(tmp_path: Path) -> None:
    movie = MotionJpeg(tmp_path / "a.avi", 1, (8, 6))
    for number, size in enumerate([(4, 4), (4, 4), (8, 6), (4, 4), (8, 6)]):
        movie.add(jpeg(*size), float(number))
    movie.add(b"no picture", 5.0)
    movie.finish(5.0)
    assert [jpeg_size(one) for one in slots(tmp_path / "a.avi") if one] == [(8, 6), (8, 6)]
    assert movie.left_out == 2


def test_a_full_console_log_says_so_in_its_last_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console_log, "MOST_ENTRIES", 2)
    log = ConsoleLog()
    for number in range(5):
        log.add(NOW, "log", f"secret line {number}", "https://a.example/?x=secret", 3)
    lines = [json.loads(line) for line in log.lines(lambda text: text.replace("secret", "•••")).splitlines()]
    assert [line["text"] for line in lines] == ["••• line 0", "••• line 1", log.truncation]
    assert (lines[0]["time"], lines[0]["url"]) == ("2026-03-04T05:06:07.089Z", "https://a.example/?x=•••")
    assert lines[-1]["type"] == "truncated"
    assert "3 more" in log.truncation


def exchange(url: str = "https://a.example/", **fields: Any) -> Exchange:
    return Exchange(NOW, "GET", url, {"accept": "*/*", "Cookie": "sid=1", "X-Auth-Token": "t"}, "fetch", **fields)


def archive(*exchanges: Exchange) -> dict[str, Any]:
    log = NetworkLog()
    for one in exchanges:
        log.add(one)
    found: dict[str, Any] = json.loads(log.archive("1.0", "Chromium 156.0", str))["log"]
    return found


def test_a_full_network_log_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_log, "MOST_ENTRIES", 1)
    found = archive(exchange(), exchange(), exchange())
    assert len(found["entries"]) == 1
    assert found["comment"] == "truncated: the log was full: 2 more requests are left out"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://u:p@a.example/x", "https://a.example/x"),
        ("https://a.example/?access_token=x&q=1#top", "https://a.example/?access_token=[redacted]&q=1#top"),
        ("https://a.example/?Password=x;code=2", "https://a.example/?Password=[redacted];code=[redacted]"),
        ("https://a.example/?keyword=x&encoding=y", "https://a.example/?keyword=x&encoding=y"),
        ("data:text/html," + "x" * 500, "data:text/html," + "x" * 85),
    ],
)
def test_what_lets_others_in_is_not_in_an_address(url: str, shown: str) -> None:
    (entry,) = archive(exchange(url))["entries"]
    assert entry["request"]["url"] == shown


def test_headers_that_let_others_in_are_redacted_and_what_did_not_end_says_so() -> None:
    answer = {"set-cookie": "sid=2", "location": "https://b.example/?token=x", "content-length": "7"}
    (entry,) = archive(exchange(answer_headers=answer, status=302))["entries"]
    asked = {one["name"]: one["value"] for one in entry["request"]["headers"]}
    assert asked == {"accept": "*/*", "Cookie": "[redacted]", "X-Auth-Token": "[redacted]"}
    got = {one["name"]: one["value"] for one in entry["response"]["headers"]}
    assert got == {"set-cookie": "[redacted]", "location": "https://b.example/?token=[redacted]", "content-length": "7"}
    assert entry["response"]["redirectURL"] == "https://b.example/?token=[redacted]"
    assert entry["response"]["content"]["size"] == 7
    assert "not ended" in entry["comment"]


class _Browser:
    """A browser that gives records, or not."""

    version = "Chromium 156"

    def __init__(self, fails: bool = False) -> None:
        self.fails = fails

    async def record(self, sink: Any, **_: Any) -> Any:
        if self.fails:
            raise OSError("no such browser")
        self.sink = sink

        async def stop() -> None:
            raise OSError("it hangs")

        return stop


@contextmanager
def a_run(directory: Path, browser: _Browser) -> Iterator[tuple[RunRecords, list[KeptFile]]]:
    """The records of a run, and what was brought up of them."""
    brought: list[KeptFile] = []

    async def put(upload: Upload) -> None:
        assert isinstance(upload, KeptFile)
        brought.append(upload)

    uploads = Uploads(put, SystemClock(), random.Random(1))
    downloads = Downloads(uploads, directory / "kept", lambda: f"art_{random.random()}")
    start = StartRun(run_id="tsk_1", record_console=True, record_network=True)
    start.screen_recording.frames_per_second = 2
    start.screen_recording.max_duration.FromTimedelta(timedelta(hours=1))
    working = asyncio.ensure_future(uploads.run())
    try:
        yield RunRecords(Placement("s", 1), start, browser, downloads, SystemClock(), (8, 6)), brought
    finally:
        working.cancel()


@pytest.mark.parametrize("fails", [False, True])
async def test_a_browser_that_gives_nothing_fails_nobody_and_every_record_says_what_it_has(
    tmp_path: Path, fails: bool
) -> None:
    with a_run(tmp_path, _Browser(fails)) as (records, brought):
        await records.begin()
        settled = dict(await records.end(str))
        assert {name: await one for name, one in settled.items()} == {
            "console.jsonl": "",
            "network.har": "",
            "recording.avi": "the browser did not begin" if fails else "the page gave no pictures",
        }
        assert {one.artifact_type: one.path is not None for one in brought} == {
            "console_log": True,
            "network_log": True,
            "recording": False,
        }
        assert list((tmp_path / "kept").iterdir()) == []


async def test_a_full_disk_ends_the_pictures_and_they_say_when(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with a_run(tmp_path, _Browser()) as (records, brought):
        await records.begin()
        records.frame(jpeg())
        monkeypatch.setattr(run_records, "MINIMUM_FREE_BYTES", 2**62)
        records.frame(jpeg())
        records.pictures_ended("later")
        for _, settled in await records.end(str):
            await settled
        (recording,) = (one for one in brought if one.artifact_type == "recording")
        assert recording.truncation == "it ends after 0 s: the disk of the session's host was nearly full"
        assert recording.size > 0


async def test_a_recording_has_no_more_than_it_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_records, "MAX_RECORDING_BYTES", 1_500)
    with a_run(tmp_path, _Browser()) as (records, brought):
        await records.begin()
        for _ in range(3):
            records.frame(jpeg(content=bytes(450)))
            records._began -= 1  # a second passes
        for _, settled in await records.end(str):
            await settled
        (recording,) = (one for one in brought if one.artifact_type == "recording")
        assert "the most there may be" in recording.truncation
