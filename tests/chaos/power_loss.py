"""Power lost at random moments: what the disk may hold then is made from a record of every write and every sync.

The control plane runs under strace, which records the bytes it writes to the database and its log and the moments at
which syncs returned. A power loss keeps all that was synced; of what was written since then any part may have arrived,
in any order, and a write may be torn between sectors. Every such image must be a whole database that holds all that was
acknowledged before that moment.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import random
import re
import shutil
import signal
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.chaos.control_plane_faults import loaded
from tests.chaos.control_plane_program import running, traced
from tests.chaos.load import Acknowledged

IMAGES = 60
_ROWS = 400
"""Acknowledged rows after which the load ends."""
_SECTOR = 512
_CALL = re.compile(
    r'(?P<pid>\d+) +(?P<time>[\d.]+) (?:(?P<call>\w+)\(\d+<(?P<path>[^>]*)>(?:, "(?P<bytes>[^"]*)", \d+)?'
    r"(?:, (?P<offset>\d+))?|<\.\.\. (?P<resumed>\w+) resumed>)(?P<rest>.*)"
)


@dataclass(frozen=True)
class Step:
    """A write, a new length, or the return of a sync."""

    time: float
    path: str
    offset: int = 0
    data: bytes | None = None
    """None for a sync, or a truncation to `offset`."""
    sync: bool = False


class Image:
    """A database as it may lie on the disk after the power came back."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "tabkeep.db"

    def query(self, statement: str) -> list[Any]:
        """Ask it."""
        with contextlib.closing(sqlite3.connect(self._path)) as database:
            return database.execute(statement).fetchall()


async def power_loss(folder: Path, rng: random.Random) -> str:
    """Some seconds of load, and many moments within them at which the power might have gone."""
    async with running(folder / "data") as program:
        program.signal(signal.SIGTERM)  # the first start makes keys and schema
        assert await program.ended() == 0
    before = (folder / "data" / "tabkeep.db").read_bytes()
    trace = folder / "trace"
    strace = traced("-ttt", "-y", "-xx", "-s", "100000", "-e", "trace=pwrite64,fdatasync,fsync,ftruncate")
    strace[strace.index("-o") + 1] = str(trace)
    acknowledged = Acknowledged()
    async with running(folder / "data", prefix=strace) as program, loaded(program, acknowledged, "life"):
        known = [(time.time(), copy.deepcopy(acknowledged))]
        until = time.monotonic() + 20
        while acknowledged.rows() < _ROWS and time.monotonic() < until:
            await asyncio.sleep(0.02)
            known.append((time.time(), copy.deepcopy(acknowledged)))
        await program.kill()
    steps = await asyncio.to_thread(lambda: list(_steps(trace)))
    syncs = sum(step.sync for step in steps)
    assert syncs >= 10, f"{syncs} syncs in {len(steps)} steps are too few to say anything"
    most = await asyncio.to_thread(_try_images, folder / "image", before, steps, known, rng)
    return f"{IMAGES} images of {len(steps)} writes and syncs, up to {most} acknowledged rows in one, 0 lost"


def _steps(trace: Path) -> Iterator[Step]:
    """The record in the order in which calls began; a sync counts when it returned."""
    syncing: dict[str, str] = {}
    with trace.open() as lines:
        for line in lines:
            found = _CALL.match(line)
            if found is None:
                continue
            path = bytes.fromhex((found["path"] or "").replace("\\x", "")).decode()
            call, name, at = found["call"], Path(path).name, float(found["time"])
            if found["resumed"] in ("fdatasync", "fsync"):
                if (synced := syncing.pop(found["pid"], "")) and "= 0" in found["rest"]:
                    yield Step(at, synced, sync=True)
            elif name not in ("tabkeep.db", "tabkeep.db-wal"):  # the -shm is made anew
                continue
            elif call in ("fdatasync", "fsync"):
                if "unfinished" in found["rest"]:
                    syncing[found["pid"]] = name
                elif "= 0" in found["rest"]:
                    yield Step(at, name, sync=True)
            elif call == "pwrite64":
                yield Step(at, name, int(found["offset"]), bytes.fromhex(found["bytes"].replace("\\x", "")))
            elif call == "ftruncate":
                yield Step(at, name, int(found["offset"]))


def _try_images(
    folder: Path, before: bytes, steps: list[Step], known: list[tuple[float, Acknowledged]], rng: random.Random
) -> int:
    """Raise if an image is not whole or lacks what was acknowledged; returns the most rows that one had to hold."""
    most = 0
    for moment in sorted(rng.sample(range(1, len(steps)), IMAGES)):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for name, content in _after_power_loss(before, steps[:moment], rng).items():
            (folder / name).write_bytes(content)
        had = [acknowledged for at, acknowledged in known if at < steps[moment].time]
        image = Image(folder)
        verdict = image.query("PRAGMA integrity_check")
        assert verdict == [("ok",)], f"power lost before step {moment}: the database is damaged: {verdict[:3]}"
        if had:
            lost = had[-1].lost(image)
            assert not lost, f"power lost before step {moment}: {lost[:5]} of {had[-1].rows()} rows"
            most = max(most, had[-1].rows())
    return most


def _after_power_loss(before: bytes, steps: list[Step], rng: random.Random) -> dict[str, bytearray]:
    """What may be on the disk: all up to each file's last sync, and any part of what came after it."""
    synced = {step.path: index for index, step in enumerate(steps) if step.sync}
    files = {"tabkeep.db": bytearray(before)}
    doubtful: list[Step] = []
    share = rng.choice([0.0, 0.1, 0.5, 0.9, 1.0])
    for index, step in enumerate(steps):
        if step.sync:
            continue
        if index < synced.get(step.path, -1):
            _apply(files, step)
        elif rng.random() < share:
            doubtful.append(step)
    if rng.random() < 0.5:
        rng.shuffle(doubtful)
    for step in doubtful:
        _apply(files, _torn(step, rng) if rng.random() < 0.3 else step)
    return files


def _torn(step: Step, rng: random.Random) -> Step:
    """Some whole sectors of a write, from its beginning or up to its end."""
    if step.data is None or len(step.data) <= _SECTOR:
        return step
    cut = rng.randrange(_SECTOR, len(step.data), _SECTOR)
    if rng.random() < 0.5:
        return Step(step.time, step.path, step.offset, step.data[:cut])
    return Step(step.time, step.path, step.offset + cut, step.data[cut:])


def _apply(files: dict[str, bytearray], step: Step) -> None:
    content = files.setdefault(step.path, bytearray())
    if step.data is None:
        del content[step.offset :]
        content.extend(bytes(step.offset - len(content)))
        return
    content.extend(bytes(max(step.offset - len(content), 0)))
    content[step.offset : step.offset + len(step.data)] = step.data
