"""The gateway's server on its own: what it takes of a peer that is slow, large, many, or does not speak HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import socket
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest
from starlette.responses import Response

from control_plane.errors import FieldInvalid, FieldViolation, Unavailable
from control_plane.http.answers import Pieces, json_answer
from control_plane.http.app import Gateway
from control_plane.http.endpoint import Ask, Operation, Resource
from control_plane.http.limits import Limits
from control_plane.http.serving import _listener, listening
from tests.api_calls import PATIENCE

SMALL = Limits(
    connections=8,
    head_bytes=2_000,
    head_seconds=0.3,
    body_bytes=1_000,
    discarded_bytes=100_000,
    body_seconds=0.3,
    idle_seconds=1,
    unread_seconds=0.3,
)
PATIENT = replace(SMALL, head_seconds=60, body_seconds=60, idle_seconds=60, unread_seconds=60)


class Things:
    """Routes that show what a request came to."""

    def __init__(self) -> None:
        self.held = asyncio.Event()
        self.held_ended = asyncio.Event()
        self.resources = [
            Resource(
                "/things/{thing_id}",
                GET=Operation(self.show, open=True),
                POST=Operation(self.take, takes_body=True, open=True),
            ),
            Resource("/things/{thing_id}:hold", POST=Operation(self.hold, open=True)),
            Resource("/flood", GET=Operation(self.flood, open=True)),
            Resource("/wrong/{kind}", GET=Operation(self.fail, open=True)),
        ]

    async def show(self, ask: Ask) -> Response:
        return json_answer(200, {"thing_id": ask.path["thing_id"], "query": ask.query})

    async def take(self, ask: Ask) -> Response:
        return json_answer(200, {"took": ask.json(), "bytes": len(ask.body)})

    async def hold(self, ask: Ask) -> Response:
        self.held.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.held_ended.set()
        raise AssertionError

    async def flood(self, ask: Ask) -> Response:
        async def endless() -> AsyncGenerator[bytes, None]:
            try:
                while True:
                    yield bytes(100_000)
            finally:
                self.held_ended.set()

        return Pieces(endless(), "application/octet-stream", {})

    async def fail(self, ask: Ask) -> Response:
        raise {
            "field": FieldInvalid([FieldViolation("browser_session.queue_timeout", "is too long")]),
            "unavailable": Unavailable("not now", reason="DRAINING"),
            "bug": RuntimeError("a secret"),
        }[ask.path["kind"]]


@asynccontextmanager
async def serving(limits: Limits = PATIENT, hosts: tuple[str, ...] = ()) -> AsyncIterator[tuple[Things, str]]:
    things = Things()
    gateway = Gateway(things.resources, None, hosts, limits, None)
    async with listening("127.0.0.1:0", gateway, limits) as address:
        yield things, address


@asynccontextmanager
async def client(address: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"http://{address}", timeout=PATIENCE) as opened:
        yield opened


async def raw(address: str, *parts: bytes) -> bytes:
    """What the server says to these bytes, until it ends the connection."""
    reader, writer = await _connect(address)
    async with asyncio.timeout(PATIENCE):
        for part in parts:
            writer.write(part)
            await writer.drain()
        said = await reader.read()
    writer.close()
    return said


async def _connect(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, _, port = address.rpartition(":")
    return await asyncio.open_connection(host, int(port))


def answer_of(said: bytes) -> tuple[int, Any]:
    head, _, body = said.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


async def test_a_path_is_answered_with_and_without_a_slash_at_its_end():
    async with serving() as (_, address), client(address) as http:
        for path in ("/things/a%20b?x=1&y=", "/things/a%20b/?x=1&y="):
            answer = await http.get(path)
            assert (answer.status_code, answer.json()) == (
                200,
                {"thing_id": "a b", "query": [["x", "1"], ["y", ""]]},
            )
        assert answer.headers["cache-control"] == "no-store"
        assert "set-cookie" not in answer.headers
        assert "access-control-allow-origin" not in answer.headers
        assert (await http.head("/things/a")).status_code == 200


@pytest.mark.parametrize("path", ["/", "/things", "/things/a/b", "/things/a:fly", "//things/a", "/things/"])
async def test_what_is_on_no_route_is_404(path):
    async with serving() as (_, address), client(address) as http:
        answer = await http.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "ROUTE_NOT_FOUND")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY"])
async def test_another_method_is_405_and_says_which_work(method):
    async with serving() as (_, address), client(address) as http:
        answer = await http.request(method, "/things/a")
        assert (answer.status_code, answer.json()["code"]) == (405, "METHOD_NOT_ALLOWED")
        assert answer.headers["allow"] == "GET, POST"


@pytest.mark.parametrize(
    ("host", "served"),
    [
        ("localhost", True),
        ("LOCALHOST.:8080", True),
        ("127.0.0.1:1", True),
        ("[::1]:80", True),
        ("[0:0:0::1]", True),
        ("keep.example", True),
        ("evil.example", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("localhost@evil.example", False),
        ("[::1", False),
        ("", False),
    ],
)
async def test_only_allowed_hosts_are_served(host, served):
    async with serving(hosts=("keep.example",)) as (_, address), client(address) as http:
        answer = await http.get("/things/a", headers={"host": host})
        assert answer.status_code == (200 if served else 421)
        if not served:
            assert answer.json()["code"] == "HOST_NOT_ALLOWED"


async def test_a_request_without_a_host_or_with_two_is_refused():
    async with serving() as (_, address):
        for hosts in (b"", b"host: localhost\r\nhost: evil.example\r\n"):
            said = await raw(address, b"GET /things/a HTTP/1.1\r\nconnection: close\r\n" + hosts + b"\r\n")
            assert answer_of(said)[0] == 421


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ('Application/JSON;charset="UTF-8"', 200),
        ("application/x-www-form-urlencoded", 415),
        ("text/plain", 415),
        ("application/json; charset=utf-16", 415),
        ("multipart/form-data; boundary=x", 415),
        (None, 415),
    ],
)
async def test_only_json_is_read(content_type, status):
    async with serving() as (_, address), client(address) as http:
        headers = {"content-type": content_type} if content_type else {}
        answer = await http.post("/things/a", content=b'{"a": 1}', headers=headers)
        assert answer.status_code == status
        if status == 415:
            assert answer.json()["code"] == "UNSUPPORTED_MEDIA_TYPE"
            assert "send content-type: application/json" in answer.json()["detail"]


async def test_a_body_in_a_coding_is_415_and_not_taken_for_what_it_is_not():
    async with serving() as (_, address), client(address) as http:
        headers = {"content-type": "application/json", "content-encoding": "gzip"}
        answer = await http.post("/things/a", content=gzip.compress(b"{}"), headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
        assert "send the body as it is" in answer.json()["detail"]
        answer = await http.post("/things/a", content=b"{}", headers=headers | {"content-encoding": "identity"})
        assert answer.status_code == 200


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"a": 1', "line 1, column 8"),
        (b"{'a': 1}", "double quotes"),
        (b'{"a": "b', "not JSON: Unterminated string starting at line 1, column 7"),
        (b'{"a": NaN}', "NaN is no JSON number"),
        (b"\xff\xfe", "not UTF-8"),
        (b"[" * 900, "not JSON"),
        (b"1" * 900, None),
        (b'{"a": 1} x', "Extra data"),
        (b'{"a": {"b": 1, "c": 2, "b": 3}}', "the name 'b' is given more than once"),
        (b"\xef\xbb\xbf{}", "a byte order mark, which JSON has not, at line 1"),
    ],
)
async def test_what_is_no_json_is_422_and_says_where(body, said):
    async with serving() as (_, address), client(address) as http:
        answer = await http.post("/things/a", content=body, headers={"content-type": "application/json"})
        if said is None:
            assert answer.status_code == 200
            return
        assert (answer.status_code, answer.json()["code"]) == (422, "JSON_INVALID")
        (wrong,) = answer.json()["detail"]
        assert wrong["type"] == "json_invalid"
        assert said in wrong["msg"]


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"[" * 200_000 + b"]" * 200_000, "nested too deeply"), (b"1" * 20_000, "a number has thousands of digits")],
)
async def test_json_beyond_all_measure_is_422(content, said):
    large = replace(PATIENT, body_bytes=1_000_000)
    async with serving(large) as (_, address), client(address) as http:
        answer = await http.post("/things/a", content=content, headers={"content-type": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (422, "JSON_INVALID")
        assert said in answer.json()["detail"][0]["msg"]


async def test_a_body_too_large_is_413_and_its_sender_reads_so():
    async with serving() as (_, address), client(address) as http:
        for size in (1_001, 90_000, 5_000_000):
            try:
                answer = await http.post("/things/a", content=b" " * size)
            except (httpx.WriteError, httpx.ReadError):
                assert size > PATIENT.discarded_bytes
                continue
            assert (answer.status_code, answer.json()["code"]) == (413, "BODY_TOO_LARGE")

        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(20):
                yield b" " * 100

        answer = await http.post("/things/a", content=pieces())
        assert answer.status_code == 413
        assert (await http.post("/things/a", content=b"")).json() == {"took": {}, "bytes": 0}


async def test_a_body_too_large_that_asks_first_is_refused_before_it_comes():
    async with serving() as (_, address):
        head = b"POST /things/a HTTP/1.1\r\nhost: localhost\r\ncontent-length: 99999\r\nexpect: 100-continue\r\n\r\n"
        said = await raw(address, head)
        assert b"100 Continue" not in said
        assert answer_of(said)[0] == 413


async def test_a_head_too_large_is_431():
    async with serving() as (_, address):
        whole = b"GET /things/a HTTP/1.1\r\nhost: localhost\r\nx: " + b"y" * 3_000 + b"\r\n\r\n"
        long_path = b"GET /things/" + b"y" * 3_000 + b" HTTP/1.1\r\nhost: localhost\r\n\r\n"
        for parts in ([whole], [whole[:1_500], whole[1_500:2_500]], [long_path], [b"GET /" + b"y" * 3_000]):
            assert answer_of(await raw(address, *parts)) == (
                431,
                {"detail": "request line and headers are larger than 2000 bytes", "code": "HEADERS_TOO_LARGE"},
            )


@pytest.mark.parametrize(
    "bytes_sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"hello\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"GET / HTTP/9.9\r\nhost: localhost\r\n\r\n",
        b"CONNECT example.com:80 HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"POST /things/a HTTP/1.1\r\nhost: localhost\r\ncontent-length: x\r\n\r\n",
        b"POST /things/a HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
        b"POST /things/a HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: identity\r\n\r\n",
        b"POST /things/a HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"POST /things/a HTTP/1.0\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"CONNECT /things/a HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"GET http://[::1 HTTP/1.1\r\nhost: localhost\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_400_and_no_warning_to_the_operator(bytes_sent, caplog):
    caplog.set_level("INFO")
    async with serving() as (_, address), client(address) as http:
        status, body = answer_of(await raw(address, bytes_sent))
        assert (status, body["code"]) == (400, "HTTP_MALFORMED")
        assert (await http.get("/things/a")).status_code == 200
    assert "HTTP_MALFORMED" in [getattr(record, "code", "") for record in caplog.records]
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


CHUNKED = (
    b"POST /things/a HTTP/1.1\r\n%stransfer-encoding: chunked\r\ncontent-type: application/json\r\n\r\n2\r\n{}\r\n"
)


async def test_a_trailer_is_no_header():
    async with serving() as (_, address):
        status, body = answer_of(
            await raw(address, CHUNKED % b"connection: close\r\n" + b"0\r\nhost: localhost\r\n\r\n")
        )
        assert (status, body["code"]) == (421, "HOST_NOT_ALLOWED")
        named = CHUNKED % b"host: localhost\r\nconnection: close\r\n"
        assert answer_of(await raw(address, named + b"0\r\nhost: evil.example\r\n\r\n"))[0] == 200


@pytest.mark.parametrize("begun", [b"0\r\nx: ", b"0\r\nx: y\r\n", b"1;x="])
async def test_what_surrounds_a_body_does_not_go_on_without_end(begun):
    async with serving() as (_, address):
        reader, writer = await _connect(address)
        writer.write(CHUNKED % b"host: localhost\r\n" + begun)
        async with asyncio.timeout(PATIENCE):
            with contextlib.suppress(ConnectionError):
                while not reader.at_eof():
                    writer.write(b"y: z\r\n" * 50 if begun.endswith(b"\n") else b"y" * 300)
                    await writer.drain()
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(0.01):
                            await reader.read(1)
        writer.close()


async def test_a_body_in_the_smallest_chunks_is_taken():
    async with serving() as (_, address):
        text = json.dumps({"a": "x" * 900}).encode()
        head = b"POST /things/a HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n"
        head += b"content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
        chunks = [b"1\r\n%c\r\n" % byte for byte in text]
        said = await raw(address, head, b"".join(chunks[:500]), b"".join(chunks[500:]), b"0\r\n\r\n")
        assert answer_of(said)[1]["bytes"] == len(text)


@pytest.mark.parametrize("offered", [b"h2c", b"TLS/1.0", b"websocket, h2c"])
async def test_an_offer_of_another_protocol_costs_a_request_nothing(offered):
    async with serving() as (_, address):
        more = b"connection: Upgrade, HTTP2-Settings\r\nupgrade: %s\r\nhttp2-settings: AAMAAABk\r\n" % offered
        head = b"POST /things/a HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n" + more
        body = b'{"b": 1}'
        counted = head + b"content-length: 8\r\n\r\n"
        get = (
            b"GET /things/last HTTP/1.1\r\nhost: localhost\r\n"
            + more.replace(b"Upgrade,", b"close, Upgrade,")
            + b"\r\n"
        )
        chunked = head + b"transfer-encoding: chunked\r\n\r\n8\r\n" + body + b"\r\n0\r\n\r\n"
        for parts in ([counted + body + chunked + get], [counted, body, chunked[:40], chunked[40:], get]):
            said = await raw(address, *parts)
            assert said.count(b'{"took":{"b":1},"bytes":8}') == 2
            assert said.count(b"HTTP/1.1 200 OK") == 3
            assert b'"thing_id":"last"' in said


async def test_offers_in_a_thousand_requests_at_once_are_each_ignored():
    async with serving() as (_, address):
        request = b"GET /things/a HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: h2c\r\n"
        said = await raw(
            address, (request + b"\r\n") * 1_500 + request.replace(b"upgrade\r", b"close, upgrade\r") + b"\r\n"
        )
        assert said.count(b"HTTP/1.1 200 OK") == 1_501


@pytest.mark.parametrize(
    ("target", "status"),
    [
        (b"http://localhost/things/a", 200),
        (b"http://user@localhost:80/things/a", 200),
        (b"http://evil.example/things/a", 421),
        (b"http://localhost@evil.example/things/a", 421),
    ],
)
async def test_a_target_that_is_a_whole_url_names_the_host(target, status):
    async with serving() as (_, address):
        for host in (b"localhost", b"evil.example"):
            said = await raw(
                address, b"GET " + target + b" HTTP/1.1\r\nhost: " + host + b"\r\nconnection: close\r\n\r\n"
            )
            assert answer_of(said)[0] == status


async def test_a_head_that_does_not_end_is_given_up():
    async with serving(SMALL) as (_, address):
        status, body = answer_of(await raw(address, b"GET /things/a HTTP/1.1\r\nhost: loc"))
        assert (status, body["code"]) == (408, "HEAD_TOO_SLOW")
        assert await raw(address) == b""
        assert await raw(address, b"\r\n") == b""


async def test_a_body_that_does_not_end_is_given_up():
    async with serving(SMALL) as (_, address):
        head = b"POST /things/a HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\n"
        status, body = answer_of(await raw(address, head + b'{"a"'))
        assert (status, body["code"]) == (408, "BODY_TOO_SLOW")


async def test_a_connection_between_requests_is_ended_and_drops_of_nothing_do_not_keep_it():
    async with serving(SMALL) as (_, address):
        request = b"GET /things/a HTTP/1.1\r\nhost: localhost\r\n\r\n"
        assert (await raw(address, request)).startswith(b"HTTP/1.1 200 OK")
        assert (await raw(address, request, b"\r\n")).startswith(b"HTTP/1.1 200 OK")


async def test_a_long_answer_is_not_cut_off_by_the_bounds_of_requests():
    async with serving(SMALL) as (things, address):
        reader, writer = await _connect(address)
        writer.write(b"POST /things/a:hold HTTP/1.1\r\nhost: localhost\r\n\r\n")
        await asyncio.wait_for(things.held.wait(), PATIENCE)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(), 1.5)  # longer than each bound
        assert not things.held_ended.is_set()
        writer.close()
        await asyncio.wait_for(things.held_ended.wait(), PATIENCE)


async def test_an_answer_that_nobody_reads_is_given_up():
    async with serving(SMALL) as (things, address):
        _, writer = await _connect(address)
        writer.write(b"GET /flood HTTP/1.1\r\nhost: localhost\r\n\r\n")
        await asyncio.wait_for(things.held_ended.wait(), PATIENCE)
        writer.close()


async def test_one_connection_too_many_is_503_and_far_too_many_end():
    async with serving() as (_, address):
        idle = [await _connect(address) for _ in range(PATIENT.connections)]
        request = b"GET /things/a HTTP/1.1\r\nhost: localhost\r\n\r\n"
        said = await raw(address, request)
        status, body = answer_of(said)
        assert (status, body["code"]) == (503, "TOO_MANY_CONNECTIONS")
        assert b"\r\nretry-after: 1\r\n" in said
        idle += [await _connect(address) for _ in range(PATIENT.connections)]
        try:
            assert await raw(address, request) == b""
        except ConnectionResetError:
            pass
        for _, writer in idle:
            writer.close()
        async with client(address) as http:
            async with asyncio.timeout(PATIENCE):
                while (await http.get("/things/a")).status_code != 200:
                    pass


async def test_errors_of_ours_become_answers_and_all_others_incidents(caplog):
    async with serving() as (_, address), client(address) as http:
        field = await http.get("/wrong/field")
        assert (field.status_code, field.json()) == (
            422,
            {
                "detail": [
                    {"type": "value_error", "loc": ["body", "browserSession", "queueTimeout"], "msg": "is too long"}
                ],
                "code": "FIELD_INVALID",
            },
        )
        unavailable = await http.get("/wrong/unavailable")
        assert (unavailable.status_code, unavailable.headers["retry-after"]) == (503, "1")
        assert unavailable.json() == {"detail": "not now", "code": "DRAINING"}
        bug = await http.get("/wrong/bug")
        assert (bug.status_code, bug.json()["code"]) == (500, "INTERNAL")
        assert "secret" not in bug.text
        incident = bug.json()["detail"].split("incident ")[1].split(":")[0]
        assert any(getattr(record, "incident", "") == incident for record in caplog.records)


async def test_a_stop_ends_what_is_held():
    async with serving() as (things, address):
        _, writer = await _connect(address)
        writer.write(b"POST /things/a:hold HTTP/1.1\r\nhost: localhost\r\n\r\n")
        await asyncio.wait_for(things.held.wait(), PATIENCE)
    assert things.held_ended.is_set()
    writer.close()


def test_the_body_of_an_answer_does_not_wait_until_its_head_is_acknowledged():
    with _listener("127.0.0.1:0") as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
