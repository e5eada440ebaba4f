"""Usage: what counts, from when to when, in which month, and who may ask."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tabkeep.v1 import browser_sessions_pb2, keys_pb2, usage_pb2

from tests.api_calls import close_session, minutes, running_session
from tests.conftest import api_on
from tests.refusals import refused


async def usage(api, month="", organization_id=""):
    request = usage_pb2.GetUsageRequest(month=month, organization_id=organization_id)
    return (await api.usage.GetUsage(request)).usage


async def test_a_session_counts_while_its_browser_is_open_and_idle(api, host, advance):
    launch = await running_session(api, host)
    await advance(timedelta(minutes=2, seconds=30))
    open_still = await usage(api)
    await close_session(api, launch.browser_session_id)
    await advance(timedelta(minutes=10))

    closed = await usage(api)

    assert (open_still.session_count, open_still.open_session_count) == (1, 1)
    assert open_still.session_time.ToTimedelta() == closed.session_time.ToTimedelta() == timedelta(seconds=150)
    assert (closed.session_minutes, closed.session_count, closed.open_session_count) == (3, 1, 0)
    assert (closed.organization_id, closed.month) == ("o_default", "2026-01")


async def test_a_session_that_waits_for_a_host_costs_nothing(api, advance):
    request = browser_sessions_pb2.CreateBrowserSessionRequest(queue_timeout=minutes(30))
    await api.sessions.CreateBrowserSession(request)
    await advance(timedelta(minutes=10))
    assert (await usage(api)).session_count == 0


async def test_sessions_add_up_also_those_that_are_open_at_once(api, host, advance):
    for _ in range(3):
        await running_session(api, host)
    await advance(timedelta(minutes=1, milliseconds=1))
    used = await usage(api)
    assert used.session_time.ToTimedelta() == timedelta(minutes=3, milliseconds=3)
    assert (used.session_minutes, used.open_session_count) == (4, 3)


async def test_a_session_over_the_end_of_a_month_counts_in_both_with_its_parts(api, host, advance):
    await advance(timedelta(days=30, hours=11, minutes=50))  # the clock began at noon of 1 January
    launch = await running_session(api, host)
    await advance(timedelta(minutes=25))
    await close_session(api, launch.browser_session_id)

    january, february = await usage(api, "2026-01"), await usage(api, "2026-02")

    assert january.session_time.ToTimedelta() == timedelta(minutes=10)
    assert february.session_time.ToTimedelta() == timedelta(minutes=15)
    assert (january.session_count, february.session_count) == (1, 1)
    assert [(await usage(api, month)).session_count for month in ("2025-12", "2026-03", "2099-12")] == [0, 0, 0]


async def test_an_organization_sees_its_own_usage_and_an_operator_any(api, channel, host, advance):
    made = await api.keys.CreateKey(keys_pb2.CreateKeyRequest(organization_id="o_other"))
    theirs = api_on(channel, made.secret)
    await running_session(theirs, host)
    await advance(timedelta(minutes=5))

    assert (await usage(theirs)).session_minutes == 5
    assert (await usage(api)).session_minutes == 0
    assert (await usage(api, organization_id="o_other")).session_minutes == 5
    refusal = await refused(usage(theirs, organization_id="o_default"))
    assert str(refusal) == "PERMISSION_DENIED/SCOPE_MISSING"


@pytest.mark.parametrize(
    "month", ["2026-13", "2026-00", "26-01", "2026-1", "2026-01-01", "1999-12", "January", "\u0662026-01"]
)
async def test_what_is_no_month_is_refused_with_an_example(api, month):
    refusal = await refused(usage(api, month))
    assert str(refusal) == "INVALID_ARGUMENT/FIELD_INVALID"
    assert "write it like 2026-11" in refusal.fields["month"]
