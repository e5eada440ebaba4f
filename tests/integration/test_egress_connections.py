"""Plain requests through the egress proxy: what shares a connection, and that each is judged by itself all the same."""

from __future__ import annotations

import asyncio
import os
import random
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest

from browser_host.messages import DIRECT, Proxy
from browser_host.network.egress import Egress
from browser_host.network.egress_policy import patterns
from tests.host_fakes import until

HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;x=y\r\nhell\r\n1\r\no\r\n0\r\nAfter: all\r\n\r\n"


@dataclass
class Server:
    """Answers each request with the next of `answers`, the last one again and again."""

    answers: list[bytes] = field(default_factory=lambda: [HELLO])
    port: int = 0
    heads: list[bytes] = field(default_factory=list)
    connections: list[asyncio.StreamWriter] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.append(writer)
        try:
            while True:
                self.heads.append(await reader.readuntil(b"\r\n\r\n"))
                if b"Content-Length: 4" in self.heads[-1]:
                    await reader.readexactly(4)
                answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                writer.write(answer)
                if b"Content-Length" not in answer and b"chunked" not in answer and b" 304 " not in answer:
                    break
        except (OSError, EOFError):
            pass
        writer.close()

    def request(self, path: str = "/", method: str = "GET", fields: str = "", body: str = "") -> bytes:
        return f"{method} http://127.0.0.1:{self.port}{path} HTTP/1.1\r\nHost: x\r\n{fields}\r\n{body}".encode()


@asynccontextmanager
async def a_server(*answers: bytes) -> AsyncIterator[Server]:
    server = Server(list(answers) or [HELLO])
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for writer in server.connections:
            writer.close()


@dataclass
class Way:
    """This process as the browser, with one connection to its way out."""

    egress: Egress
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(self, request: bytes, end: bytes = b"hello") -> bytes:
        """The answer to a request, up to its `end`."""
        self.writer.write(request)
        async with asyncio.timeout(10):
            return await self.reader.readuntil(end)

    async def rest(self) -> bytes:
        async with asyncio.timeout(10):
            return await self.reader.read()


@pytest.fixture
async def way() -> AsyncIterator[Way]:
    egress = Egress(patterns(["127.0.0.1"]))
    await egress.open()
    egress.set_network(DIRECT)
    egress.serve(os.getpid())
    reader, writer = await asyncio.open_connection("127.0.0.1", egress.port)
    opened = Way(egress, reader, writer)
    yield opened
    opened.writer.close()
    await egress.close()


async def test_requests_to_one_place_share_a_connection_on_both_sides(way: Way):
    async with a_server(HELLO, CHUNKED, b"HTTP/1.1 304 Not Modified\r\n\r\n", HELLO[:-5], HELLO) as server:
        await way.ask(server.request("/1", "POST", "Content-Length: 4\r\n", "body"))
        answer = await way.ask(server.request("/2"), b"After: all\r\n\r\n")
        assert answer == CHUNKED
        await way.ask(server.request("/3"), b"\r\n\r\n")
        await way.ask(server.request("/4", "HEAD"), b"\r\n\r\n")
        await way.ask(server.request("/5"), b"hello")
        assert len(server.connections) == 1
        assert [head.split()[1] for head in server.heads] == [b"/1", b"/2", b"/3", b"/4", b"/5"]
        assert b"close" not in b"".join(server.heads)
        assert way.egress.requests == 5


async def test_each_request_of_a_kept_connection_is_judged_and_goes_where_it_says(way: Way):
    async with a_server() as server, a_server(HELLO.replace(b"hello", b"other")) as other:
        await way.ask(server.request())
        assert (await way.ask(other.request(), b"other")).endswith(b"other")
        assert (len(server.heads), len(other.heads)) == (1, 1)
        private = server.request().replace(b"127.0.0.1", b"192.168.0.1")
        way.writer.write(private)
        assert (await way.rest()).startswith(b"HTTP/1.1 403 ")
        assert (len(server.heads), len(other.heads)) == (1, 1)


async def test_a_kept_connection_is_cut_when_the_session_may_not_go_there_any_more(way: Way):
    async with a_server() as server:
        await way.ask(server.request())
        way.egress.set_network(replace(DIRECT, blocked_domains=("127.0.0.1",)))
        assert await way.rest() == b""
        await until(lambda: server.connections[0].is_closing(), "the server's side being cut too")


async def test_another_proxy_is_used_from_the_next_request_on(way: Way):
    async with a_server() as server, a_server() as proxy:
        await way.ask(server.request())
        way.egress.set_network(replace(DIRECT, proxy=Proxy(f"http://127.0.0.1:{proxy.port}", "me", "secret")))
        way.writer.close()
        way.reader, way.writer = await asyncio.open_connection("127.0.0.1", way.egress.port)
        for _ in range(2):
            await way.ask(server.request())
        assert (len(server.heads), len(proxy.heads), len(proxy.connections)) == (1, 2, 2)
        assert all(b"Proxy-Authorization: Basic " in head for head in proxy.heads)
        assert all(b"Connection: close" in head for head in proxy.heads)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
        HELLO + b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nthink",
    ],
    ids=["it says that it ends", "it says more than it was asked"],
)
async def test_a_server_whose_connection_cannot_be_used_again_gets_a_new_one(way: Way, answer: bytes):
    async with a_server(answer, HELLO) as server:
        await way.ask(server.request())
        assert (await way.ask(server.request("/2"))).endswith(b"hello")
        assert len(server.connections) == 2


async def test_a_server_that_has_ended_an_idle_connection_gets_a_new_one(way: Way):
    async with a_server() as server:
        await way.ask(server.request())
        server.connections[0].close()
        await server.connections[0].wait_closed()
        await way.ask(server.request())
        assert len(server.connections) == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\n\r\nhello",
        b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\nX: no\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: a\r\n folded\r\n\r\nhello",
    ],
)
async def test_an_answer_whose_end_may_be_read_in_two_ways_ends_its_connection(way: Way, answer: bytes):
    async with a_server(answer) as server:
        way.writer.write(server.request())
        if b"Length: 6" in answer:
            await until(lambda: bool(server.connections), "the request")
            server.connections[0].close()
        said = await way.rest()
        assert b"hello" in said
        assert b"Connection: close" in said


@pytest.mark.parametrize(
    "fields",
    [
        "Content-Length: 4\r\nContent-Length: 5\r\n",
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: +4\r\n",
    ],
)
async def test_a_request_of_two_lengths_is_not_sent_on(way: Way, fields: str):
    async with a_server() as server:
        way.writer.write(server.request("/", "POST", fields, "body"))
        assert await way.rest() == b""
        assert server.heads == []


async def test_a_server_learns_at_once_that_the_browser_waits_no_more(way: Way):
    async with a_server(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello") as server:
        await way.ask(server.request())
        way.writer.close()
        await until(lambda: server.connections[0].is_closing(), "the server's side being ended")


async def test_a_large_body_arrives_whole_though_the_browser_reads_late_and_in_small_pieces(way: Way):
    body = random.Random(4).randbytes(16 * 2**20)
    async with a_server(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)) as server:
        for path in ("/1", "/2"):
            way.writer.write(server.request(path))
            await until(lambda: way.egress.bytes_received > 0, "the body's beginning")
            async with asyncio.timeout(30):
                await way.reader.readuntil(b"\r\n\r\n")
                assert await way.reader.readexactly(len(body)) == body
        assert len(server.connections) == 1
        assert way.egress.bytes_received == 2 * len(body)


async def test_a_tunnel_carries_each_way_until_that_side_has_said_all(way: Way):
    said = random.Random(4).randbytes(4 * 2**20)

    async def echo_when_all_is_said(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.read())
        writer.close()

    listening = await asyncio.start_server(echo_when_all_is_said, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    try:
        way.writer.write(f"CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\n".encode() + said)
        way.writer.write_eof()
        async with asyncio.timeout(30):
            assert (await way.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
            assert await way.reader.read() == said
        assert (way.egress.bytes_sent, way.egress.bytes_received) == (len(said), len(said))
    finally:
        listening.close()


async def test_an_upload_of_any_size_is_passed_on_and_the_next_request_is_not_taken_for_it(way: Way):
    body = b"x" * (2 * 2**20)
    got = 0

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal got
        while b"POST" in await reader.readuntil(b"\r\n\r\n"):
            got += len(await reader.readexactly(len(body)))
            writer.write(HELLO)
        writer.write(HELLO)
        writer.close()

    listening = await asyncio.start_server(swallow, "127.0.0.1", 0)
    address = f"127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        head = f"POST http://{address}/ HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        way.writer.write(head + body + head + body + f"GET http://{address}/ HTTP/1.1\r\n\r\n".encode())
        for _ in range(3):
            await way.ask(b"", b"hello")
        assert got == 2 * len(body)
        assert way.egress.requests == 3
    finally:
        listening.close()


async def test_an_answer_that_its_server_breaks_off_is_no_whole_one_for_the_browser(way: Way):
    """Without a length it ends with its connection: how that ends is all that tells them apart."""

    async def break_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nhel")
        await until(lambda: way.egress.bytes_received == 3, "its beginning being passed on")
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    listening = await asyncio.start_server(break_off, "127.0.0.1", 0)
    try:
        port = listening.sockets[0].getsockname()[1]
        way.writer.write(f"GET http://127.0.0.1:{port}/ HTTP/1.1\r\n\r\n".encode())
        with pytest.raises(ConnectionResetError):
            await way.rest()
    finally:
        listening.close()
