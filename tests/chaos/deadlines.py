"""A hundred real sessions at their deadlines: idle, busy, hung, on a frozen host, on one that is cut off.

With timeouts of some seconds, which only the test program of the control plane allows. For each session two lengths
are measured from its deadline on: until it is CLOSED in the database, and until no process of its browser lives.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import statistics
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import psutil
from tabkeep import actions
from tabkeep.errors import SessionClosed

from tests.chaos.fault_proxy import BOTH, FaultProxy
from tests.chaos.faulty_control_plane import SHORTEST_TIMEOUT
from tests.chaos.host_process import HostProcess, alive
from tests.chaos.scene import PATIENCE, Scene, a_scene
from tests.waiting import until

SESSIONS = 100
CLOSED_WITHIN, DEAD_WITHIN = 1.0, 3.0
"""Seconds after the deadline, in every session."""
ON_A_HEALTHY_HOST = ("idle", "busy", "hung")
TIMEOUT = 11.0
"""Seconds of a session, at first: as long as it takes to bring a round's browsers up and freeze what is to be."""
LONGEST_TIMEOUT = 60.0
_LONGER_THAN_ANY_SESSION = actions.wait_time(timedelta(seconds=300), timeout=timedelta(seconds=310))


@dataclass
class Watched:
    """One session on its way to its deadline."""

    browser_session_id: str
    kind: str
    host: HostProcess
    fence: int
    deadline: float
    """On the machine's wall clock, which the control plane's is counted on from."""
    processes: list[psutil.Process]
    late: dict[str, float] = field(default_factory=dict)
    """Seconds from the deadline until "closed" and "dead"."""


async def deadlines(folder: Path, rng: random.Random, sessions: int = SESSIONS) -> str:
    """All of them, a few at a time."""
    done: list[Watched] = []
    async with a_scene(folder, rng, **{SHORTEST_TIMEOUT: "1"}) as scene, FaultProxy(scene.link.upstream) as own_link:
        healthy = await scene.start_host("host-a", TABKEEP_CAPACITY="3", TABKEEP_CGROUPS=rng.choice("01"))
        frozen = await scene.start_host("host-b", TABKEEP_CAPACITY="2", TABKEEP_CGROUPS=rng.choice("01"))
        cut_off = await scene.start_host("host-c", own_link, TABKEEP_CAPACITY="2", TABKEEP_CGROUPS=rng.choice("01"))
        hosts = {"host-a": healthy, "host-b": frozen, "host-c": cut_off}
        length = TIMEOUT
        while len(done) < sessions:
            try:
                opened = await _open(scene, hosts, timedelta(seconds=length))
            except (AssertionError, SessionClosed):
                if length > LONGEST_TIMEOUT:
                    raise
                length *= 1.5  # the machine was too slow: some were closed before all were open
                await until(lambda: not scene.query("SELECT 1 FROM sessions WHERE state != 'closed'"), "closes", 150)
                reasons = scene.query("SELECT DISTINCT close_reason FROM sessions")
                assert reasons == [("timed_out",)], reasons
                continue
            own_link.hold(*BOTH)
            os.kill(frozen.pid, signal.SIGSTOP)
            in_time = min(one.deadline for one in opened) > time.time()
            try:
                await asyncio.gather(_until_closed(scene, opened), *(_until_dead(one) for one in opened))
            finally:
                os.kill(frozen.pid, signal.SIGCONT)
                own_link.heal()
            for one in opened:
                await scene.closed(one.browser_session_id, "timed_out")
            for host in scene.hosts:
                await scene.attached(host)
            if in_time:
                done += opened
            else:  # the machine was too slow: it was not yet frozen at its deadline
                length *= 1.5
                assert length < LONGEST_TIMEOUT, "the machine is too slow for this"
        for work in scene.works:
            await scene.failed(work, "session_timed_out")
        await scene.check()
        await scene.finish()
    return judged(done)


async def _open(scene: Scene, hosts: dict[str, HostProcess], length: timedelta) -> list[Watched]:
    """A session for each place there is, and what makes it of its kind; what is frozen is not yet."""
    ids = [
        (
            await scene.client.create_browser_session(timeout=length, queue_timeout=timedelta(minutes=1))
        ).browser_session_id
        for _ in range(7)
    ]
    kinds = {"host-a": list(ON_A_HEALTHY_HOST), "host-b": ["frozen"] * 2, "host-c": ["cut off"] * 2}
    opened = []
    for browser_session_id in ids:
        row = await scene.until_session(browser_session_id, "running")
        kind, host = kinds[row["host_id"]].pop(), hosts[row["host_id"]]
        [[expires]] = scene.query("SELECT expire_time FROM sessions WHERE browser_session_id = ?", browser_session_id)
        deadline = datetime.fromisoformat(expires).timestamp()
        opened.append(Watched(browser_session_id, kind, host, row["fence"], deadline, host.browsers(row["fence"])))
        if kind == "hung":
            await scene.client.run_task(
                actions=[actions.goto(f"{scene.site.url}/hang")], browser_session_id=browser_session_id
            )
        elif kind != "idle":
            await scene.work(browser_session_id, 10, _LONGER_THAN_ANY_SESSION)
    return opened


async def _until_closed(scene: Scene, opened: list[Watched]) -> None:
    waiting = {one.browser_session_id: one for one in opened}
    while waiting:
        await asyncio.sleep(0.02)
        now = time.time()
        assert now < max(one.deadline for one in opened) + PATIENCE, f"not closed: {list(waiting)}"
        for row in scene.query("SELECT browser_session_id FROM sessions WHERE state = 'closed'"):
            if one := waiting.pop(row[0], None):
                one.late["closed"] = now - one.deadline


async def _until_dead(one: Watched) -> None:
    assert one.processes, "a session without a browser"
    while True:
        await until(lambda: not any(map(alive, one.processes)), f"the end of {one.kind}", TIMEOUT + PATIENCE)
        now = time.time()
        one.processes = [process for process in one.host.browsers(one.fence) if alive(process)]
        if not one.processes:  # nor of those that it has started since
            one.late["dead"] = now - one.deadline
            return


def judged(done: list[Watched]) -> str:
    """The distribution by kind, in words.

    Raises:
        AssertionError: one was too late, or died before its time.
    """
    words = [f"{len(done)} sessions"]
    for kind in (*ON_A_HEALTHY_HOST, "frozen", "cut off"):
        of_kind = [one for one in done if one.kind == kind]
        lengths = {what: [one.late[what] for one in of_kind] for what in ("closed", "dead")}
        words.append(
            f"{len(of_kind)} {kind}: "
            + ", ".join(f"{what} {statistics.median(all_):.2f} (max {max(all_):.2f})" for what, all_ in lengths.items())
        )
    worst = {what: max(one.late[what] for one in done) for what in ("closed", "dead")}
    said = "; ".join(words) + " s after the deadline"
    print(said, flush=True)
    assert min(one.late["dead"] for one in done) > -0.5, f"dead before its time: {said}"
    assert worst["closed"] <= CLOSED_WITHIN, said
    assert worst["dead"] <= DEAD_WITHIN, said
    return (
        f"{len(done)} sessions, CLOSED at most {worst['closed']:.2f} s after, browser dead {worst['dead']:.2f} s after"
    )


FAULTS = {"deadlines of 100 sessions": deadlines}
EXPENSIVE = set(FAULTS)
"""Once in a run of `make chaos`, however often the others are done."""
