"""The leases count from the sending of acknowledged heartbeats, on a clock that counts suspend."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from browser_host.leases import Leases
from tests.host_fakes import LoopClock, virtual_time

A, H = timedelta(seconds=15), timedelta(seconds=180)


@virtual_time
async def test_there_is_no_lease_before_the_first_ack() -> None:
    leases = Leases(LoopClock())
    leases.set_lengths(A, H)
    leases.send_heartbeat()
    assert leases.remaining_action() <= 0
    assert leases.remaining_holding() <= 0


@virtual_time
async def test_a_lease_counts_from_sending_and_not_from_the_ack() -> None:
    leases = Leases(LoopClock())
    leases.set_lengths(A, H)
    number = leases.send_heartbeat()
    await asyncio.sleep(4)
    assert leases.acknowledged(number)
    assert leases.remaining_action() == pytest.approx(11)
    assert leases.remaining_holding() == pytest.approx(176)


@virtual_time
async def test_acks_out_of_order_never_shorten_a_lease() -> None:
    leases = Leases(LoopClock())
    leases.set_lengths(A, H)
    first = leases.send_heartbeat()
    await asyncio.sleep(3)
    second = leases.send_heartbeat()
    leases.acknowledged(second)
    leases.acknowledged(first)
    assert leases.remaining_action() == pytest.approx(15)


@virtual_time
async def test_an_ack_of_a_heartbeat_that_was_never_sent_renews_nothing() -> None:
    leases = Leases(LoopClock())
    leases.set_lengths(A, H)
    assert not leases.acknowledged(99)
    assert leases.remaining_action() <= 0


@virtual_time
async def test_the_same_ack_twice_renews_nothing_the_second_time() -> None:
    leases = Leases(LoopClock())
    leases.set_lengths(A, H)
    number = leases.send_heartbeat()
    leases.acknowledged(number)
    await asyncio.sleep(5)
    assert not leases.acknowledged(number)
    assert leases.remaining_action() == pytest.approx(10)


@virtual_time
async def test_suspend_uses_up_a_lease() -> None:
    clock = LoopClock()
    leases = Leases(clock)
    leases.set_lengths(A, H)
    leases.acknowledged(leases.send_heartbeat())
    clock.suspend(20)
    assert leases.remaining_action() <= 0
    assert leases.remaining_holding() == pytest.approx(160)
