"""A floor, a process of its own: the least that takes a run in, keeps it and brings it to a host.

One unary call, one commit with synchronous=FULL that all calls which wait share, a command on a host's stream, the
host's answer. The same messages, database library and event loop as the control plane; no keys, checks, sessions,
states, leases, log or spans, and nothing is stored of the answer.
"""

from __future__ import annotations

import os

os.environ.setdefault("GRPC_VERBOSITY", "ERROR")

import asyncio
import contextlib
import itertools
import sqlite3
import sys
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiosqlite
from tabkeep.host.v1 import host_pb2, host_pb2_grpc
from tabkeep.v1 import runs_pb2 as runs_pb
from tabkeep.v1 import runs_pb2_grpc as runs_grpc

from bench import bare_server, json_lines

_MAX_BATCH = 500
_MAX_QUEUE = 10_000
"""Runs that wait for a commit or for a host's stream; at the bound the callers wait."""


class _Log:
    """One table and one writer: whatever came during a commit goes into the next one."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection
        self._waiting: asyncio.Queue[tuple[tuple[str, bytes, int], asyncio.Future[None]]] = asyncio.Queue(_MAX_QUEUE)

    async def append(self, run_id: str, body: bytes) -> None:
        """Store a run; returns when it is on the disk."""
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        await self._waiting.put(((run_id, body, time.time_ns()), stored))
        await stored

    async def serve(self) -> None:
        """Commit what waits, until cancelled."""
        while True:
            batch = [await self._waiting.get()]
            while len(batch) < _MAX_BATCH and not self._waiting.empty():
                batch.append(self._waiting.get_nowait())
            # One hop into the library's thread for the whole batch; there is no public way to.
            await self._connection._execute(self._commit, [row for row, _ in batch])  # type: ignore[no-untyped-call]
            for _, stored in batch:
                if not stored.done():
                    stored.set_result(None)

    def _commit(self, rows: list[tuple[str, bytes, int]]) -> None:
        connection: sqlite3.Connection = self._connection._conn
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO runs (run_id, body, create_time) VALUES (?, ?, ?)", rows)
        connection.execute("COMMIT")


class _Prototype(runs_grpc.RunServiceServicer, host_pb2_grpc.HostControlServiceServicer):
    def __init__(self, log: _Log) -> None:
        self._log = log
        self._numbers = itertools.count(1)
        self._streams: list[asyncio.Queue[host_pb2.AttachResponse]] = []
        self._next_stream = itertools.count()

    async def RunTask(self, request: runs_pb.RunTaskRequest, context: Any) -> runs_pb.RunTaskResponse:
        number = next(self._numbers)
        run_id = f"tsk_{number:026d}"
        await self._log.append(run_id, request.SerializeToString())
        response = host_pb2.AttachResponse()
        response.command.command_id = number
        response.command.browser_session_id = request.browser_session_id
        response.command.start_run.run_id = run_id
        response.command.start_run.blocks.add(block_id="task").task.prompt = request.prompt
        await self._streams[next(self._next_stream) % len(self._streams)].put(response)
        return runs_pb.RunTaskResponse(run=runs_pb.Run(run_id=run_id, prompt=request.prompt))

    async def Attach(
        self, request_iterator: AsyncIterator[host_pb2.AttachRequest], context: Any
    ) -> AsyncIterator[host_pb2.AttachResponse]:
        hello = await anext(request_iterator)
        outgoing: asyncio.Queue[host_pb2.AttachResponse] = asyncio.Queue(_MAX_QUEUE)
        welcome = host_pb2.AttachResponse(welcome=host_pb2.Welcome(heartbeat_no=hello.hello.heartbeat_no))
        welcome.welcome.heartbeat_interval.FromTimedelta(timedelta(seconds=3))
        outgoing.put_nowait(welcome)
        self._streams.append(outgoing)
        reader = asyncio.create_task(self._read(request_iterator, outgoing))
        try:
            while True:
                yield await outgoing.get()
        finally:
            reader.cancel()

    async def _read(
        self, requests: AsyncIterator[host_pb2.AttachRequest], outgoing: asyncio.Queue[host_pb2.AttachResponse]
    ) -> None:
        async for request in requests:
            response = host_pb2.AttachResponse()
            if request.HasField("command_result"):
                response.command_result_ack.command_id = request.command_result.command_id
            elif request.HasField("heartbeat"):
                response.heartbeat_ack.heartbeat_no = request.heartbeat.heartbeat_no
            await outgoing.put(response)


async def main(path: str) -> None:
    """Serve until the end."""
    async with aiosqlite.connect(path, isolation_level=None) as connection:
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            await connection.execute(f"PRAGMA {pragma}")
        await connection.execute("CREATE TABLE runs (run_id TEXT PRIMARY KEY, body BLOB, create_time INTEGER) STRICT")
        log = _Log(connection)
        prototype = _Prototype(log)
        writer = asyncio.create_task(log.serve())

        def add(services: Any) -> None:
            runs_grpc.add_RunServiceServicer_to_server(prototype, services)
            host_pb2_grpc.add_HostControlServiceServicer_to_server(prototype, services)

        await bare_server.serve(add)
        writer.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await writer


if __name__ == "__main__":
    json_lines.run(main(sys.argv[1]))
