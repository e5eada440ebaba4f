"""Webhooks: what is sent at a run's end, signed how, how often, and never where it must not go."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import ipaddress
import json
import sqlite3
from base64 import b64decode, b64encode
from datetime import timedelta

import grpc
import pytest
from tabkeep.v1 import keys_pb2, runs_pb2
from tabkeep.v1 import webhooks_pb2 as pb

from control_plane import first_keys
from control_plane.config import Config
from control_plane.server import serve
from tests.api_calls import cancel_run, close_session, run_task, running_session, seconds
from tests.conftest import api_on
from tests.fake_host import PATIENCE, FakeHost, run_finished
from tests.refusals import refused
from tests.waiting import until
from tests.webhook_receiver import HOLD, OK, answer, receiving

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)


@pytest.fixture
def config(tmp_path):
    """Webhooks may go to loopback, and are tried again soon."""
    return Config(
        data_dir=tmp_path / "data",
        grpc_address="127.0.0.1:0",
        minimum_free_bytes=0,
        webhook_networks=LOOPBACK,
        webhook_first_pause=timedelta(milliseconds=20),
    )


@contextlib.asynccontextmanager
async def started(config):
    """A control plane on the machine's clock; its stubs and an attached host."""
    async with serve(config) as running:
        options = [("grpc.use_local_subchannel_pool", 1)]
        async with grpc.aio.insecure_channel(running.address, options=options) as channel:
            key = first_keys.api_key_file(config.data_dir).read_text().strip()
            host = FakeHost(running.address, first_keys.host_token_file(config.data_dir).read_text().strip())
            await host.attach()
            try:
                yield api_on(channel, key), host, channel, key
            finally:
                await host.vanish()


@pytest.fixture
async def stack(config):
    async with started(config) as parts:
        yield parts


async def finished_run(api, host, url, **fields):
    """A run with a webhook that the host has reported complete."""
    launch = await running_session(api, host)
    run = await run_task(api, launch.browser_session_id, webhook_url=url, **fields)
    start = await host.begin_run()
    await host.report(start, run_finished(1))
    return run


async def busy_session(api, host):
    """A session in which a run has its turn: the ones behind it are canceled at once."""
    launch = await running_session(api, host)
    await run_task(api, launch.browser_session_id)
    return launch


async def deliveries(api, **fields):
    request = pb.ListWebhookDeliveriesRequest(**fields)
    return list((await api.webhooks.ListWebhookDeliveries(request)).webhook_deliveries)


async def final(api, run_id):
    """The run's delivery once it is delivered or given up."""

    async def over():
        (delivery,) = [one for one in await deliveries(api, run_id=run_id) if not one.replay]
        return delivery.state in (pb.WEBHOOK_DELIVERY_STATE_DELIVERED, pb.WEBHOOK_DELIVERY_STATE_FAILED) and delivery

    delivery = await until(over, "delivered or given up", PATIENCE * 4)
    request = pb.GetWebhookDeliveryRequest(webhook_delivery_id=delivery.webhook_delivery_id)
    return (await api.webhooks.GetWebhookDelivery(request)).webhook_delivery


async def test_the_end_of_a_run_is_told_once_with_both_signatures(stack):
    api, host, _, key = stack
    async with receiving() as receiver:
        run = await finished_run(api, host, receiver.url)
        delivery = await final(api, run.run_id)
        (request,) = receiver.received
    told = json.loads(request.body)
    assert request.line == "POST /hook?token=secret-in-the-url HTTP/1.1"
    assert request.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert request.headers["content-type"] == "application/json"
    assert (told["run_id"], told["task_id"], told["status"]) == (run.run_id, run.run_id, "completed")
    assert told["finished_at"].endswith("Z")
    assert b": " not in request.body.split(b'"prompt"')[0]  # compact

    theirs = hmac.new(key.encode(), request.body, hashlib.sha256).hexdigest()
    assert request.headers["x-skyvern-signature"] == theirs
    assert int(request.headers["x-skyvern-timestamp"]) > 1_700_000_000

    secret = (await api.webhooks.GetWebhookSecret(pb.GetWebhookSecretRequest())).secret
    assert request.headers["webhook-signature"] == standard_signature(secret, request)
    assert request.headers["webhook-id"] == delivery.webhook_delivery_id
    moved = {**request.headers, "webhook-timestamp": str(int(request.headers["webhook-timestamp"]) + 600)}
    assert request.headers["webhook-signature"] != standard_signature(secret, type(request)("", moved, request.body))

    assert delivery.state == pb.WEBHOOK_DELIVERY_STATE_DELIVERED
    (attempt,) = delivery.attempts
    assert (attempt.status_code, attempt.error, attempt.response_body) == (200, "", "thanks")


def standard_signature(secret, request):
    """As the Standard Webhooks specification says it is checked."""
    signed = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.body
    raw = b64decode(secret.removeprefix("whsec_"))
    return "v1," + b64encode(hmac.new(raw, signed, hashlib.sha256).digest()).decode()


async def test_the_secret_stays_and_is_each_organizations_own(stack):
    api, _, channel, _ = stack
    made = await api.keys.CreateKey(keys_pb2.CreateKeyRequest(organization_id="o_other"))
    request = pb.GetWebhookSecretRequest()
    mine = [(await api.webhooks.GetWebhookSecret(request)).secret for _ in range(2)]
    theirs = (await api_on(channel, made.secret).webhooks.GetWebhookSecret(request)).secret
    assert mine[0] == mine[1] != theirs
    assert len(b64decode(theirs.removeprefix("whsec_"))) == 32


async def test_a_canceled_run_and_one_whose_session_is_closed_are_told_too(stack):
    api, host, *_ = stack
    async with receiving() as receiver:
        launch = await running_session(api, host)
        active = await run_task(api, launch.browser_session_id, webhook_url=receiver.url)
        waiting = await run_task(api, launch.browser_session_id, webhook_url=receiver.url)
        await cancel_run(api, waiting.run_id)
        await close_session(api, launch.browser_session_id)
        told = {body["run_id"]: body for body in (json.loads(r.body) for r in await receiver.requests(2))}
    assert (told[waiting.run_id]["status"], told[waiting.run_id]["failure_code"]) == ("canceled", "CANCELED")
    assert (told[active.run_id]["status"], told[active.run_id]["failure_code"]) == ("canceled", "SESSION_CLOSED")


async def test_nothing_is_sent_before_the_end(stack):
    api, host, *_ = stack
    async with receiving() as receiver:
        launch = await running_session(api, host)
        run = await run_task(api, launch.browser_session_id, webhook_url=receiver.url)
        await host.begin_run()
        (delivery,) = await deliveries(api, run_id=run.run_id)
        assert delivery.state == pb.WEBHOOK_DELIVERY_STATE_WAITING
        assert delivery.webhook_url == receiver.url
        replay = pb.ReplayWebhookRequest(run_id=run.run_id)
        assert str(await refused(api.webhooks.ReplayWebhook(replay))) == "FAILED_PRECONDITION/RUN_NOT_FINAL"
    assert receiver.dialled == 0


async def test_a_receiver_that_fails_is_tried_again_with_the_same_id_and_body_until_it_takes_it(stack):
    api, host, *_ = stack
    answers = [answer("503 Busy", "x" * 5000), answer("429 Slow down", "", "retry-after: 0"), b"not HTTP\r\n\r\n", OK]
    async with receiving(*answers) as receiver:
        run = await finished_run(api, host, receiver.url)
        delivery = await final(api, run.run_id)
    assert delivery.state == pb.WEBHOOK_DELIVERY_STATE_DELIVERED
    assert [attempt.attempt for attempt in delivery.attempts] == [1, 2, 3, 4]
    assert [attempt.status_code for attempt in delivery.attempts] == [503, 429, 0, 200]
    assert len(delivery.attempts[0].response_body) == 2048
    assert delivery.attempts[2].error.startswith("no answer: ")
    assert len({(r.headers["webhook-id"], r.body) for r in receiver.received}) == 1


async def test_a_receiver_that_is_not_there_gets_it_when_it_is(stack):
    api, host, *_ = stack
    async with receiving() as gone:
        port = gone.port
    run = await finished_run(api, host, f"http://127.0.0.1:{port}/")

    async def attempted():
        return (await deliveries(api, run_id=run.run_id))[0].attempt_count

    await until(attempted, "one attempt", PATIENCE)
    async with receiving(port=port) as back:
        await back.requests(1)
        assert (await final(api, run.run_id)).state == pb.WEBHOOK_DELIVERY_STATE_DELIVERED


@pytest.mark.parametrize("status", ["400 Bad", "404 Gone", "410 Gone"])
async def test_a_receiver_that_will_not_have_it_is_not_asked_again(stack, status):
    api, host, *_ = stack
    async with receiving(answer(status, "no such hook")) as receiver:
        delivery = await final(api, (await finished_run(api, host, receiver.url)).run_id)
    assert delivery.state == pb.WEBHOOK_DELIVERY_STATE_FAILED
    assert [attempt.error for attempt in delivery.attempts] == [f"answered {status[:3]}"]
    assert receiver.dialled == 1


async def test_a_redirect_is_not_followed(stack):
    api, host, *_ = stack
    async with receiving() as secret_place:
        moved = answer("307 Elsewhere", "", f"location: http://127.0.0.1:{secret_place.port}/")
        async with receiving(moved) as receiver:
            delivery = await final(api, (await finished_run(api, host, receiver.url)).run_id)
    assert delivery.state == pb.WEBHOOK_DELIVERY_STATE_FAILED
    assert delivery.attempts[0].error == "answered 307: redirects are not followed, give the final URL"
    assert secret_place.dialled == 0


@pytest.mark.parametrize(
    ("raised", "said", "state"),
    [
        (UnicodeError("label too long"), "is not a name that can be resolved", pb.WEBHOOK_DELIVERY_STATE_FAILED),
        (RuntimeError("a bug"), "a fault of the control plane", pb.WEBHOOK_DELIVERY_STATE_PENDING),
    ],
)
async def test_an_attempt_that_breaks_counts_too(stack, monkeypatch, raised, said, state):
    api, host, *_ = stack
    loop = asyncio.get_running_loop()
    real = loop.getaddrinfo

    async def resolve(name, port, **options):
        if name != "hooks.example.com":
            return await real(name, port, **options)
        raise raised

    monkeypatch.setattr(loop, "getaddrinfo", resolve)
    run = await finished_run(api, host, "http://hooks.example.com/")

    async def attempted():
        return (await deliveries(api, run_id=run.run_id))[0].attempt_count

    await until(attempted, "one attempt", PATIENCE)
    (listed,) = await deliveries(api, run_id=run.run_id)
    request = pb.GetWebhookDeliveryRequest(webhook_delivery_id=listed.webhook_delivery_id)
    delivery = (await api.webhooks.GetWebhookDelivery(request)).webhook_delivery
    assert said in delivery.attempts[0].error
    assert delivery.state == state


async def test_it_is_given_up_after_ten_attempts(config):
    hasty = Config(
        data_dir=config.data_dir, grpc_address="127.0.0.1:0", minimum_free_bytes=0,
        webhook_networks=LOOPBACK, webhook_first_pause=timedelta(microseconds=1),
    )  # fmt: skip
    async with started(hasty) as (api, host, *_), receiving(answer("500 Broken")) as receiver:
        delivery = await final(api, (await finished_run(api, host, receiver.url)).run_id)
    assert delivery.state == pb.WEBHOOK_DELIVERY_STATE_FAILED
    assert (delivery.attempt_count, receiver.dialled) == (10, 10)


async def test_slow_receivers_of_one_organization_do_not_hold_up_anothers(stack):
    api, host, channel, _ = stack
    made = await api.keys.CreateKey(keys_pb2.CreateKeyRequest(organization_id="o_other"))
    theirs = api_on(channel, made.secret)
    async with receiving(HOLD) as slow, receiving() as quick:
        launch = await busy_session(api, host)
        for _ in range(20):
            run = await run_task(api, launch.browser_session_id, webhook_url=slow.url)
            await cancel_run(api, run.run_id)
        await slow.requests(8)
        run = await run_task(theirs, webhook_url=quick.url)  # waits for its browser
        await cancel_run(theirs, run.run_id)
        await quick.requests(1)
        assert len(slow.received) == 8  # at most so many of one organization at once
        slow.let_go.set()
        await slow.requests(20)


async def test_what_was_due_or_waited_is_sent_after_a_restart(config):
    async with receiving(answer("503 Busy"), HOLD, OK) as receiver:
        async with started(config) as (api, host, *_):
            run = await finished_run(api, host, receiver.url)
            await receiver.requests(2)  # the second attempt hangs: its outcome is never stored
            waits = await run_task(api, webhook_url=receiver.url)
        receiver.let_go.set()
        async with started(config) as (api, host, *_):
            delivery = await final(api, run.run_id)
            await cancel_run(api, waits.run_id)
            assert (await final(api, waits.run_id)).state == pb.WEBHOOK_DELIVERY_STATE_DELIVERED
    assert delivery.state == pb.WEBHOOK_DELIVERY_STATE_DELIVERED
    assert [attempt.status_code for attempt in delivery.attempts] == [503, 200]
    assert len(receiver.received) == 4


async def test_a_replay_is_a_delivery_of_its_own_and_may_go_elsewhere(stack):
    api, host, *_ = stack
    async with receiving(answer("404 Not yet")) as first, receiving() as second:
        run = await finished_run(api, host, first.url)
        failed = await final(api, run.run_id)
        request = pb.ReplayWebhookRequest(run_id=run.run_id, webhook_url=second.url, wait_timeout=seconds(20))
        elsewhere = (await api.webhooks.ReplayWebhook(request)).webhook_delivery
        request = pb.ReplayWebhookRequest(run_id=run.run_id, wait_timeout=seconds(20))
        again = (await api.webhooks.ReplayWebhook(request)).webhook_delivery
    assert elsewhere.state == again.state == pb.WEBHOOK_DELIVERY_STATE_DELIVERED
    assert elsewhere.replay
    assert again.webhook_url == second.url
    assert [r.body for r in second.received] == [first.received[0].body] * 2
    ids = [one.webhook_delivery_id for one in await deliveries(api, run_id=run.run_id)]
    assert ids == [again.webhook_delivery_id, elsewhere.webhook_delivery_id, failed.webhook_delivery_id]


async def test_a_run_without_a_webhook_has_no_delivery_and_can_be_replayed_only_with_a_url(stack):
    api, host, *_ = stack
    run = await finished_run(api, host, "")
    assert await deliveries(api, run_id=run.run_id) == []
    refusal = await refused(api.webhooks.ReplayWebhook(pb.ReplayWebhookRequest(run_id=run.run_id)))
    assert str(refusal) == "FAILED_PRECONDITION/NO_WEBHOOK"


async def test_deliveries_are_listed_by_state_a_page_at_a_time_and_only_to_their_owner(stack):
    api, host, channel, _ = stack
    async with receiving() as receiver:
        launch = await busy_session(api, host)
        for _ in range(3):
            run = await run_task(api, launch.browser_session_id, webhook_url=receiver.url)
            await cancel_run(api, run.run_id)
            delivery = await final(api, run.run_id)
    first = await api.webhooks.ListWebhookDeliveries(pb.ListWebhookDeliveriesRequest(page_size=2))
    request = pb.ListWebhookDeliveriesRequest(page_size=2, page_token=first.next_page_token)
    rest = await api.webhooks.ListWebhookDeliveries(request)
    assert (len(first.webhook_deliveries), len(rest.webhook_deliveries), rest.next_page_token) == (2, 1, "")
    assert len(await deliveries(api, states=[pb.WEBHOOK_DELIVERY_STATE_DELIVERED])) == 3
    assert await deliveries(api, states=[pb.WEBHOOK_DELIVERY_STATE_FAILED]) == []

    made = await api.keys.CreateKey(keys_pb2.CreateKeyRequest(organization_id="o_other"))
    stranger = api_on(channel, made.secret)
    assert await deliveries(stranger) == []
    foreign = pb.GetWebhookDeliveryRequest(webhook_delivery_id=delivery.webhook_delivery_id)
    refusal = await refused(stranger.webhooks.GetWebhookDelivery(foreign))
    assert str(refusal) == "NOT_FOUND/WEBHOOK_DELIVERY_NOT_FOUND"
    refusal = await refused(stranger.webhooks.ReplayWebhook(pb.ReplayWebhookRequest(run_id=run.run_id)))
    assert str(refusal) == "NOT_FOUND/RUN_NOT_FOUND"


async def test_neither_the_url_nor_the_key_stands_in_the_database_or_the_log(stack, config, caplog):
    api, host, _, key = stack
    caplog.set_level("DEBUG")
    async with receiving() as receiver:
        launch = await running_session(api, host)
        run = await run_task(api, launch.browser_session_id, webhook_url=receiver.url)
        await host.begin_run()
        with contextlib.closing(sqlite3.connect(config.data_dir / "tabkeep.db")) as database:
            kept = "\n".join(database.iterdump())
        await cancel_run(api, run.run_id)
    assert "webhook_deliveries" in kept
    assert "secret-in-the-url" not in kept
    assert key not in kept
    assert "secret-in-the-url" not in caplog.text
    assert key not in caplog.text


REFUSED = [
    "ftp://example.com/", "example.com/hook", "http://", "http:///x", "http://exa mple.com/", "http://a:b@example.com/",
    "http://example.com/#part", "http://127.0.0.2:8000/", "http://localhost/", "http://LOCALHOST./", "http://a.localhost/",
    "http://10.0.0.1/", "http://172.16.0.1/", "http://192.168.1.1/", "http://169.254.169.254/latest", "http://100.64.0.1/",
    "http://0.0.0.0/", "http://0/", "http://127.1/", "http://2130706433/", "http://0x7f.1/", "http://0177.0.0.1/",
    "http://[::1]/", "http://[::]/", "http://[fe80::1]/", "http://[fc00::1]/", "http://[::ffff:10.0.0.1]/",
    "http://[64:ff9b::10.0.0.1]/", "http://[2002:a00:1::]/", "http://224.0.0.1/", "http://255.255.255.255/",
    "http://8.8.8.8:22/", "http://[::ffff:7f00:1]:80/", "http://198.18.0.1/", "http://example.com:99999/",
    "http://a..example.com/", f"http://{'a' * 64}.example.com/",
]  # fmt: skip


async def test_a_url_that_is_not_public_is_refused_and_nothing_is_stored(config):
    strict = Config(data_dir=config.data_dir, grpc_address="127.0.0.1:0", minimum_free_bytes=0)
    async with started(strict) as (api, *_):
        for url in REFUSED:
            refusal = await refused(run_task(api, webhook_url=url))
            assert (url, str(refusal)) == (url, "INVALID_ARGUMENT/FIELD_INVALID")
            assert [*refusal.fields] == ["webhook_url"]
        assert not (await api.runs.ListRuns(runs_pb2.ListRunsRequest())).runs
        assert await deliveries(api) == []


async def test_a_public_name_that_leads_to_a_private_address_is_not_dialled(config, monkeypatch):
    """The name is resolved here to loopback, of which this control plane may call only another part."""
    strict = Config(
        data_dir=config.data_dir, grpc_address="127.0.0.1:0", minimum_free_bytes=0,
        webhook_networks=(ipaddress.ip_network("127.9.9.0/24"),),
    )  # fmt: skip
    async with started(strict) as (api, host, *_), receiving() as receiver:
        loop = asyncio.get_running_loop()
        real = loop.getaddrinfo

        async def resolve(name, port, **options):
            if name != "hooks.example.com":
                return await real(name, port, **options)
            return [(2, 1, 6, "", ("127.9.9.9", port)), (2, 1, 6, "", ("127.0.0.1", port))]  # one good, one bad

        monkeypatch.setattr(loop, "getaddrinfo", resolve)
        run = await finished_run(api, host, f"http://hooks.example.com:{receiver.port}/")
        delivery = await final(api, run.run_id)
    assert delivery.state == pb.WEBHOOK_DELIVERY_STATE_FAILED
    assert "127.0.0.1 is not a public address" in delivery.attempts[0].error
    assert receiver.dialled == 0


async def test_the_address_that_was_checked_is_the_one_that_is_dialled(stack, monkeypatch):
    """A name that is resolved a second time would lead elsewhere."""
    api, host, *_ = stack
    async with receiving() as receiver:
        loop = asyncio.get_running_loop()
        real, asked = loop.getaddrinfo, []

        async def resolve(name, port, **options):
            if name != "hooks.example.com":
                return await real(name, port, **options)
            asked.append(name)
            return [(2, 1, 6, "", ("127.0.0.1" if len(asked) == 1 else "127.0.0.3", port))]

        monkeypatch.setattr(loop, "getaddrinfo", resolve)
        run = await finished_run(api, host, f"http://hooks.example.com:{receiver.port}/")
        assert (await final(api, run.run_id)).state == pb.WEBHOOK_DELIVERY_STATE_DELIVERED
    assert asked == ["hooks.example.com"]
    assert receiver.received[0].headers["host"] == f"hooks.example.com:{receiver.port}"
