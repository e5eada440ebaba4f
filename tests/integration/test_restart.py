"""What is left after the control plane stops, in order or by a kill, and who may open its data."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sqlite3
import sys
from datetime import timedelta

import grpc
import pytest
from tabkeep.host.v1 import host_pb2
from tabkeep.v1 import browser_sessions_pb2 as pb
from tabkeep.v1 import hosts_pb2, keys_pb2, runs_pb2, workflows_pb2

from control_plane.errors import StoreUnusable
from control_plane.store import Database
from control_plane.store.integrity import is_whole
from tests.api_calls import all_of, get_host, get_run, get_session, minutes, run_task, running_session, watch_run
from tests.clocks import SteppedClock
from tests.conftest import api_on
from tests.fake_host import run_finished, step_finished, step_started
from tests.refusals import refused
from tests.restarting import Restarting

WORKFLOW = """
version: 1
title: Visit
blocks:
  - goto: "https://shop.example/"
"""


@pytest.fixture
async def restarting(config):
    made = await Restarting(config).start()
    yield made
    await made.stop()


async def test_everything_stored_is_there_after_a_restart(restarting):
    api, host = restarting.api, restarting.new_host()
    await host.attach()
    launch = await running_session(api, host, request_id="session-1", labels={"a": "b"})
    run = await run_task(api, launch.browser_session_id, request_id="run-1")
    command = await host.begin_run()
    await host.report(command, step_started(1), step_finished(2))
    workflow = (await api.workflows.CreateWorkflow(workflows_pb2.CreateWorkflowRequest(definition=WORKFLOW))).workflow
    made = await api.keys.CreateKey(keys_pb2.CreateKeyRequest(organization_id="o_default", display_name="second"))
    run = await get_run(api, run.run_id)
    keys = list((await api.keys.ListKeys(keys_pb2.ListKeysRequest())).keys)
    epoch = restarting.control_plane.coordinator.control_epoch
    await host.vanish()

    api = (await restarting.restart()).api

    assert restarting.control_plane.coordinator.control_epoch == epoch + 1
    again = await get_run(api, run.run_id)
    assert [condition.type for condition in again.conditions] == ["HOST_UNREACHABLE"]
    again.ClearField("conditions")
    assert again == run
    same = await api.sessions.CreateBrowserSession(
        pb.CreateBrowserSessionRequest(request_id="session-1", labels={"a": "b"})
    )
    assert same.browser_session.browser_session_id == launch.browser_session_id
    assert (await run_task(api, launch.browser_session_id, request_id="run-1")).run_id == run.run_id
    watch = watch_run(api, run.run_id)
    seen: list[int] = []
    while len(seen) < 2:
        update = await asyncio.wait_for(watch.read(), 5)
        if update.WhichOneof("update") == "event":
            seen.append(update.event.seq)
    assert seen == [1, 2]
    got = await api.workflows.GetWorkflow(workflows_pb2.GetWorkflowRequest(workflow_id=workflow.workflow_id))
    assert got.workflow == workflow
    assert list((await api.keys.ListKeys(keys_pb2.ListKeysRequest())).keys) == keys
    with_second_key = api_on(restarting.channel, made.secret)
    assert (await get_run(with_second_key, run.run_id)).run_id == run.run_id
    watch.cancel()


async def test_a_live_session_goes_on_on_a_host_that_attaches_again_and_its_run_ends_there(restarting):
    host = restarting.new_host()
    await host.attach()
    launch = await running_session(restarting.api, host)
    run = await run_task(restarting.api, launch.browser_session_id)
    command = await host.begin_run()
    await host.report(command, step_started(1))

    await restarting.stop()
    ending = await host.ended()
    assert str(ending) == "UNAVAILABLE/DRAINING"
    await host.vanish()
    api = (await restarting.start()).api
    assert (await get_host(api)).state == hosts_pb2.HOST_STATE_RECOVERING
    host.runs = [host_pb2.RunProgress(run_id=run.run_id, last_seq=2)]
    await restarting.reattach(host)

    assert [verdict.keep for verdict in host.welcome.verdicts] == [True]
    assert [(ack.run_id, ack.seq) for ack in host.welcome.event_acks] == [(run.run_id, 1)]
    assert (await get_host(api)).state == hosts_pb2.HOST_STATE_READY
    await host.report(command, step_finished(2), run_finished(3))
    updates = await all_of(watch_run(api, run.run_id))
    assert [update.event.seq for update in updates[:-1]] == [1, 2, 3]
    assert (await get_session(api, launch.browser_session_id)).state == pb.BROWSER_SESSION_STATE_RUNNING
    await host.nothing_more("command")
    await host.vanish()


async def test_a_host_that_was_attached_has_its_whole_holding_lease_to_come_back(restarting):
    host = restarting.new_host()
    await host.attach()
    launch = await running_session(restarting.api, host)
    await host.vanish()
    await restarting.advance(timedelta(seconds=100))
    api = (await restarting.restart()).api

    await restarting.advance(timedelta(seconds=182))

    assert (await get_host(api)).state == hosts_pb2.HOST_STATE_RECOVERING
    assert (await get_session(api, launch.browser_session_id)).state == pb.BROWSER_SESSION_STATE_RUNNING
    waiting = (await api.sessions.CreateBrowserSession(pb.CreateBrowserSessionRequest())).browser_session
    assert waiting.state == pb.BROWSER_SESSION_STATE_PENDING
    await restarting.advance(timedelta(seconds=0.8))
    assert (await get_host(api)).state == hosts_pb2.HOST_STATE_LOST
    closed = await get_session(api, launch.browser_session_id)
    assert closed.close_reason == pb.CLOSE_REASON_HOST_LOST


async def test_time_never_goes_back_behind_what_the_database_has_seen(restarting):
    await restarting.advance(timedelta(hours=5))
    stood_at = restarting.clock.now()
    await restarting.restart()
    assert restarting.clock.now() >= stood_at


async def test_watchers_are_told_to_come_back_when_the_control_plane_stops(restarting):
    host = restarting.new_host()
    await host.attach()
    launch = await running_session(restarting.api, host)
    run = await run_task(restarting.api, launch.browser_session_id)
    session_watch = restarting.api.sessions.WatchBrowserSession(
        pb.WatchBrowserSessionRequest(browser_session_id=launch.browser_session_id)
    )
    run_watch = watch_run(restarting.api, run.run_id)
    await asyncio.wait_for(session_watch.read(), 5)
    await asyncio.wait_for(run_watch.read(), 5)
    stopping = asyncio.ensure_future(restarting.stop())
    for watch in (session_watch, run_watch):
        refusal = await refused(all_of(watch))
        assert str(refusal) == "UNAVAILABLE/DRAINING"
        assert refusal.retry_seconds == 1
    await stopping
    await host.vanish()
    await restarting.start()


# The database


async def opened(config):
    database = await Database.open(config, SteppedClock)
    return database, asyncio.create_task(database.serve())


async def end(database, writer):
    writer.cancel()
    await asyncio.gather(writer, return_exceptions=True)
    await database.close()


@pytest.fixture
async def database(config):
    made, writer = await opened(config)
    yield made
    await end(made, writer)


async def test_one_failing_move_does_not_undo_the_others_of_its_commit(database):
    def put(name):
        return lambda tx: tx.meta.put(name, "x")

    def fail(tx):
        tx.meta.put("failed", "x")
        raise ValueError("no")

    def refer_to_nothing(tx):
        tx._connection.execute("INSERT INTO run_events (run_id, seq, body) VALUES ('tsk_none', 1, x'')")

    moves = [put("first"), fail, put("second"), refer_to_nothing, put("third")]
    results = await asyncio.gather(*(database.write(move) for move in moves), return_exceptions=True)
    assert [type(result) for result in results] == [
        type(None), ValueError, type(None), sqlite3.IntegrityError, type(None),
    ]  # fmt: skip
    names = await database.read(
        lambda tables: [name for name in ("first", "failed", "second", "third") if tables.meta.get(name)]
    )
    assert names == ["first", "second", "third"]


async def test_moves_that_wait_together_are_one_commit_and_are_answered_in_order(database):
    commits: list[int] = []
    original = database._apply

    def counted(batch):
        original(batch)
        commits.append(len(batch))

    database._apply = counted
    order = []
    database.on_commit(lambda effects: order.extend(effects.items))
    await asyncio.gather(*(database.write(lambda tx, n=n: tx.effects.add(n)) for n in range(100)))
    assert order == list(range(100))
    assert sum(commits) == 100
    assert len(commits) <= 2


async def test_the_move_of_a_caller_that_went_away_still_happens(database):
    caller = asyncio.ensure_future(database.write(lambda tx: tx.meta.put("kept", "x")))
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    await database.write(lambda tx: None)
    assert await database.read(lambda tables: tables.meta.get("kept")) == "x"


async def test_a_fault_in_what_follows_a_move_ends_neither_the_move_nor_the_writer(database, caplog):
    def broken(effects):
        raise RuntimeError("no")

    database.on_commit(broken)
    assert await database.write(lambda tx: 1) == 1
    database.on_commit(lambda effects: None)
    assert await database.write(lambda tx: 2) == 2
    assert "effects failed" in caplog.text


async def test_acknowledged_means_synced_and_readers_cannot_write(database):
    pragma = {
        name: (await database._writer.execute_fetchall(f"PRAGMA {name}"))[0][0]
        for name in ("journal_mode", "synchronous", "foreign_keys", "wal_autocheckpoint")
    }
    assert pragma == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "wal_autocheckpoint": 0}
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        await database.read(lambda tables: tables.meta.put("x", "y"))


async def test_deadlines_go_on_after_the_store_refused_once(control_plane, api, host):
    launch = await running_session(api, host, timeout=minutes(5))
    coordinator, database = control_plane.coordinator, control_plane.database
    broken = asyncio.Event()
    original = database.write

    async def refuse_once(move):
        database.write = original
        broken.set()
        raise sqlite3.OperationalError("disk full")

    database.write = refuse_once
    coordinator._sooner.set()
    await asyncio.wait_for(broken.wait(), 5)
    coordinator.clock.advance(timedelta(minutes=5))
    watch = api.sessions.WatchBrowserSession(
        pb.WatchBrowserSessionRequest(browser_session_id=launch.browser_session_id)
    )
    last = (await all_of(watch))[-1].browser_session
    assert last.close_reason == pb.CLOSE_REASON_TIMED_OUT


async def test_a_newer_database_is_refused_and_left_as_it_is(config):
    await end(*await opened(config))
    path = config.data_dir / "tabkeep.db"
    with sqlite3.connect(path) as newer:
        newer.execute("PRAGMA user_version=2")
    newer.close()
    before = path.read_bytes()
    with pytest.raises(StoreUnusable, match="is of version 2, this program knows up to 1: a newer Tabkeep wrote it"):
        await Database.open(config)
    assert path.read_bytes() == before


async def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(config):
    config.data_dir.mkdir()
    path = config.data_dir / "tabkeep.db"
    path.write_bytes(b"this is no database, this is a letter" * 100)
    with pytest.raises(StoreUnusable, match="cannot be read: file is not a database; restore it from a backup"):
        await Database.open(config)
    assert path.read_bytes().startswith(b"this is no database")


async def damaged(config):
    """A database with rubbish in its last pages."""
    database, writer = await opened(config)
    for number in range(200):
        await database.write(lambda tx, n=number: tx.meta.put(f"name-{n}", "x" * 500))
    await end(database, writer)
    path = config.data_dir / "tabkeep.db"
    content = bytearray(path.read_bytes())
    content[-4096 * 8 :] = os.urandom(4096 * 8)
    path.write_bytes(content)


async def test_a_database_with_a_damaged_page_is_refused(config):
    await damaged(config)
    with pytest.raises(StoreUnusable, match=r"is damaged|cannot be read"):
        await Database.open(config)


async def test_what_a_start_has_no_time_to_check_is_checked_while_it_serves(config, monkeypatch):
    await damaged(config)

    async def not_yet(connection, path, *, seconds=None):
        return seconds is None and await is_whole(connection, path)

    monkeypatch.setattr("control_plane.store.database.is_whole", not_yet)
    database = await Database.open(config)
    await database.check()
    assert isinstance(database.failed.exception(), StoreUnusable)
    assert "restore it from a backup" in str(database.failed.exception())
    await database.close()


async def test_a_second_control_plane_on_the_same_data_is_refused_while_the_first_runs(config):
    database, writer = await opened(config)
    with pytest.raises(StoreUnusable, match="is in use by another control plane"):
        await Database.open(config)
    await end(database, writer)
    await end(*await opened(config))


# The program


class Program:
    """`python -m control_plane` as a process of its own."""

    def __init__(self, data_dir):
        self.data_dir = data_dir

    async def start(self):
        environment = {**os.environ, "TABKEEP_DATA_DIR": str(self.data_dir), "TABKEEP_GRPC_ADDRESS": "127.0.0.1:0"}
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "control_plane", env=environment,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        return self

    async def ready(self):
        """The line it prints when it is ready."""
        assert self.process.stdout is not None
        return json.loads(await asyncio.wait_for(self.process.stdout.readline(), 20))

    async def refused(self):
        """Its exit status and the text it ends with."""
        _, text = await asyncio.wait_for(self.process.communicate(), 20)
        return self.process.returncode, text.decode().splitlines()[-1]

    async def kill(self):
        if self.process.returncode is None:
            self.process.kill()
        await self.process.communicate()


@pytest.fixture
async def program(tmp_path):
    made = []

    async def start():
        made.append(await Program(tmp_path / "data").start())
        return made[-1]

    yield start
    for one in made:
        await one.kill()


@contextlib.asynccontextmanager
async def calling(ready):
    with open(ready["api_key_file"]) as file:  # noqa: ASYNC230, PTH123
        key = file.read().strip()
    async with grpc.aio.insecure_channel(
        ready["grpc_address"], options=[("grpc.use_local_subchannel_pool", 1)]
    ) as channel:
        yield api_on(channel, key)


async def test_a_kill_right_after_acknowledged_calls_loses_none_of_them(program):
    first = await program()
    acknowledged: dict[str, str] = {}
    async with calling(await first.ready()) as api:

        async def create(number):
            request = pb.CreateBrowserSessionRequest(request_id=f"r-{number}", queue_timeout=minutes(60))
            with contextlib.suppress(grpc.aio.AioRpcError):
                answer = await api.sessions.CreateBrowserSession(request)
                acknowledged[f"r-{number}"] = answer.browser_session.browser_session_id
                if len(acknowledged) == 60:
                    first.process.kill()

        await asyncio.gather(*(create(number) for number in range(100)))
    await first.kill()
    assert len(acknowledged) >= 60

    second = await program()
    async with calling(await second.ready()) as api:
        listed = await api.sessions.ListBrowserSessions(pb.ListBrowserSessionsRequest(page_size=500))
        stored = {session.browser_session_id for session in listed.browser_sessions}
        assert set(acknowledged.values()) <= stored
        for request_id, browser_session_id in acknowledged.items():
            request = pb.CreateBrowserSessionRequest(request_id=request_id, queue_timeout=minutes(60))
            answer = await api.sessions.CreateBrowserSession(request)
            assert answer.browser_session.browser_session_id == browser_session_id
        assert not (await api.runs.ListRuns(runs_pb2.ListRunsRequest())).runs


async def test_a_second_program_on_the_same_data_ends_with_status_4_and_says_what_to_do(program):
    first = await program()
    ready = await first.ready()
    status, text = await (await program()).refused()
    assert status == 4
    assert text == (
        f"tabkeep control-plane: database {ready['data_dir']}/tabkeep.db is in use by another control plane: stop that "
        "one, or give this one another TABKEEP_DATA_DIR"
    )
    first.process.terminate()
    assert await asyncio.wait_for(first.process.wait(), 10) == 0


async def test_a_program_whose_database_is_garbage_ends_with_status_4(program, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "tabkeep.db").write_bytes(b"x" * 8192)
    status, text = await (await program()).refused()
    assert status == 4
    assert "cannot be read: file is not a database" in text
