"""After many sessions, runs, watches and streams the control plane holds no more than before them."""

from __future__ import annotations

import asyncio
import gc
import os
import threading

import psutil
import pytest

from tests.api_calls import all_of, close_session, next_of, run_task, running_session, watch_run
from tests.fake_host import run_finished, step_finished, step_started


def held(control_plane):
    """What this process and the control plane in it hold, but for memory."""
    gc.collect()
    coordinator = control_plane.coordinator
    return {
        "file descriptors": psutil.Process().num_fds(),
        "threads": threading.active_count(),
        "tasks": len(asyncio.all_tasks()),
        "links": len(coordinator.links._links),
        "pulses": len(coordinator.pulses),
        "topics": len(coordinator.feed._watchers),
    }


async def one_life(api, host):
    """A session with a run that is watched, a watch that is given up, and a host that attaches again."""
    launch = await running_session(api, host)
    run = await run_task(api, launch.browser_session_id)
    command = await host.begin_run()
    given_up = watch_run(api, run.run_id)
    await next_of(given_up)
    given_up.cancel()
    await host.report(command, step_started(1), step_finished(2), run_finished(3))
    await all_of(watch_run(api, run.run_id))
    await close_session(api, launch.browser_session_id)
    close = await host.command("close")
    await host.done(close)
    await host.bury(launch)


async def settled(control_plane, like):
    """What is held once it is no more than `like`, or after 5 s."""
    for _ in range(100):
        now = held(control_plane)
        if all(now[name] <= like[name] for name in like):
            break
        await asyncio.sleep(0.05)  # ended calls are taken down in the loop's next turns
    return now


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="counts what /proc shows")  # noqa: PTH112
async def test_two_hundred_sessions_leave_nothing_behind(control_plane, api, host):
    for _ in range(20):
        await one_life(api, host)
    before, memory = held(control_plane), psutil.Process().memory_info().rss
    for number in range(200):
        await one_life(api, host)
        if number % 20 == 0:
            await host.vanish()
            await host.attach()
    after = await settled(control_plane, before)
    assert {name: count for name, count in after.items() if count > before[name]} == {}
    assert psutil.Process().memory_info().rss - memory < 24 * 2**20
    left = await control_plane.database.read(
        lambda tables: [
            tables._connection.execute(query).fetchone()[0]
            for query in (
                "SELECT count(*) FROM commands",
                "SELECT count(*) FROM placements WHERE release_time IS NULL",
                "SELECT sum(slots_used) FROM hosts",
            )
        ]
    )
    assert left == [0, 0, 0]
