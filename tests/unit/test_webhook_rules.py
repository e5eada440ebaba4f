"""What an attempt makes of a delivery, and which addresses may be called; pure."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from control_plane import webhook_addresses
from control_plane.entities import webhooks
from control_plane.entities.webhooks import Attempt, Delivery, DeliveryState
from control_plane.errors import DataLoss
from control_plane.sealing.seals import Seals
from control_plane.webhook_deliverer import _asked_to_wait

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def after(status_code: int, error: str, *, final: bool = False, attempts: int = 0) -> Delivery:
    attempt = Attempt("whd_1", attempts + 1, NOW, timedelta(), status_code, error, "")
    pending = Delivery("whd_1", "o_a", "tsk_1", DeliveryState.PENDING, False, b"", attempts, NOW, NOW)
    return webhooks.attempted(pending, attempt, final=final, next_pause=timedelta(seconds=7), now=NOW)


@pytest.mark.parametrize("status_code", [0, 403, 408, 425, 429, 500, 503, 599])
def test_what_may_pass_is_tried_again_after_the_pause(status_code):
    delivery = after(status_code, "failed")
    assert (delivery.state, delivery.due_time) == (DeliveryState.PENDING, NOW + timedelta(seconds=7))


@pytest.mark.parametrize("status_code", [301, 307, 400, 401, 404, 410, 422])
def test_what_will_not_pass_is_given_up_at_once(status_code):
    assert after(status_code, "refused").state is DeliveryState.FAILED


def test_the_last_attempt_ends_it_either_way():
    assert after(503, "busy", attempts=webhooks.MAX_ATTEMPTS - 1).state is DeliveryState.FAILED
    assert after(204, "", attempts=webhooks.MAX_ATTEMPTS - 1).state is DeliveryState.DELIVERED
    assert after(0, "not sent", final=True).end_time == NOW


def test_ten_attempts_lie_within_twelve_hours():
    first = timedelta(seconds=5)
    pauses = [webhooks.pause(first, count, 0.999) for count in range(1, webhooks.MAX_ATTEMPTS)]
    assert pauses == sorted(pauses)
    assert timedelta(hours=8) < sum(pauses, timedelta()) < timedelta(hours=12)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("7", 7),
        ("99999999999999", 3600),
        ("Thu, 01 Jan 2026 00:00:20 GMT", 20),
        ("Fri, 01 Jan 2027 00:00:00 GMT", 3600),
        ("Wed, 31 Dec 2025 23:59:00 GMT", 0),
        ("-5", 0),
        ("soon", 0),
        ("", 0),
    ],
)
def test_a_receiver_may_ask_for_a_later_attempt_in_seconds_or_by_a_date(said, seconds):
    response = httpx.Response(429, headers={"retry-after": said})
    assert _asked_to_wait(response, NOW) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "2001:4860:4860::8888"])
def test_public_addresses_may_be_called_on_the_web_ports(text):
    address = ipaddress.ip_address(text)
    assert [webhook_addresses.refusal(address, port, ()) for port in (80, 443, 8443)] == ["", "", ""]
    assert "port 25" in webhook_addresses.refusal(address, 25, ())


@pytest.mark.parametrize(
    "url", ["https://example.com/", "https://example.com:8443/a?b=c", "http://1.1.1.1/", "http://1.1/"]
)
def test_public_urls_are_taken(url):
    assert webhook_addresses.url_refusal(url, ()) == ""


def test_an_allowed_network_is_allowed_on_any_port_and_no_other_is():
    allowed = (ipaddress.ip_network("10.1.0.0/16"), ipaddress.ip_network("::1/128"))
    assert webhook_addresses.url_refusal("http://10.1.2.3:25/", allowed) == ""
    assert webhook_addresses.url_refusal("http://[::1]:9/", allowed) == ""
    assert webhook_addresses.url_refusal("http://10.2.0.1/", allowed)
    assert webhook_addresses.url_refusal("http://localhost:8000/", allowed) == ""


def test_a_seal_opens_only_for_its_organization_purpose_and_secret():
    sealed = Seals(b"pepper", "webhooks").seal("o_a", b"text")
    assert Seals(b"pepper", "webhooks").open("o_a", sealed) == b"text"
    flipped = bytes([sealed[0] ^ 1]) + sealed[1:]
    for seals, organization_id, bytes_ in [
        (Seals(b"pepper", "webhooks"), "o_b", sealed),
        (Seals(b"pepper", "other"), "o_a", sealed),
        (Seals(b"salt", "webhooks"), "o_a", sealed),
        (Seals(b"pepper", "webhooks"), "o_a", flipped),
        (Seals(b"pepper", "webhooks"), "o_a", b""),
    ]:
        with pytest.raises(DataLoss):
            seals.open(organization_id, bytes_)
