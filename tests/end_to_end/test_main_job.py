"""The main job through the Python client, checked against the site's own log."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from tabkeep import Client, InvalidArgument, NotFound, Run, RunEvent, RunStatus, SessionClosed, actions
from tabkeep.records.run_events import StepFinished, StepOutcome, StepStarted

from demo.site import DemoSite
from tests.end_to_end.conftest import Stack, gone

LOGIN = "Login with username 'support@company.com' and password 'headphones-4-all'"


async def test_a_second_task_goes_on_where_the_first_ended_logged_in_on_its_page(client: Client, site: DemoSite):
    async with client.browser_session(timeout=10) as session:
        login = await client.run_task(
            LOGIN, url=f"{site.url}/desk/login", browser_session_id=session.browser_session_id, wait_for_completion=True
        )
        find = await client.run_task(
            "Find customer with email 'customer@example.com'",
            browser_session_id=session.browser_session_id,
            wait_for_completion=True,
        )
    assert (login.status, find.status) == (RunStatus.COMPLETED, RunStatus.COMPLETED)
    assert find.output["name"] == "Casey Morgan"
    assert find.output["email"] == "customer@example.com"
    [one_login] = site.log.events("login")
    [search] = site.log.events("customer_search")
    assert (search.visitor, search.user) == (one_login.visitor, "support@company.com")


async def test_a_prompt_brings_its_output_in_the_shape_that_was_asked_for_or_says_what_is_missing(
    client: Client, site: DemoSite
):
    name, orders = {"name": {"type": "string"}}, {"orders": {"type": "integer"}}
    async with client.browser_session(timeout=10) as session:
        ids: dict[str, Any] = {"browser_session_id": session.browser_session_id, "wait_for_completion": True}
        await client.run_task(LOGIN, url=f"{site.url}/desk/login", **ids)
        prompt = "Find customer with email 'customer@example.com'"
        schema = {"type": "object", "properties": {**name, **orders}, "required": ["name", "orders"]}
        found = await client.run_task(prompt, data_extraction_schema=schema, **ids)
        schema = {"type": "object", "properties": {**name, "iban": {"type": "string"}}, "required": ["iban"]}
        missing = await client.run_task(prompt, data_extraction_schema=schema, **ids)
    assert (found.status, found.output) == (RunStatus.COMPLETED, {"name": "Casey Morgan", "orders": 3})
    assert (missing.status, missing.failure_reason) == (RunStatus.FAILED, "EXTRACT")
    assert "iban" in missing.failure_message
    assert missing.output["name"] == "Casey Morgan"


async def test_a_wrong_password_is_refused_in_the_pages_own_words(client: Client, site: DemoSite):
    run = await client.run_task(
        "Login with username 'support@company.com' and password 'wrong'",
        url=f"{site.url}/desk/login",
        wait_for_completion=True,
    )
    assert (run.status, run.failure_reason) == (RunStatus.FAILED, "REJECTED_BY_PAGE")
    assert "Wrong username or password." in run.failure_message
    assert site.log.count("login") == 0


async def test_a_login_without_a_password_is_never_guessed(client: Client, site: DemoSite):
    run = await client.run_task(
        "Login with username 'support@company.com'", url=f"{site.url}/desk/login", wait_for_completion=True
    )
    assert (run.status, run.failure_reason) == (RunStatus.FAILED, "CREDENTIAL_REQUIRED")
    assert site.log.count("login_failed") == 0


async def test_headphones_under_100_go_into_the_cart_and_are_ordered(client: Client, site: DemoSite):
    async with client.browser_session(timeout=10) as session:
        ids: dict[str, Any] = {"browser_session_id": session.browser_session_id, "wait_for_completion": True}
        await client.run_task(
            "Login with username 'shopper@example.com' and password 'shop-till-drop'", url=f"{site.url}/login", **ids
        )
        cart = await client.run_task("Find wireless headphones under $100, add top result to cart", url=site.url, **ids)
        order = await client.run_task("Complete checkout and confirm order", **ids)
    assert (cart.status, order.status) == (RunStatus.COMPLETED, RunStatus.COMPLETED), (cart, order)
    [added] = site.log.events("added_to_cart")
    assert added.details["product"] == "cove-wireless-headphones"
    [placed] = site.log.events("order_placed")
    assert order.output["order_number"] == placed.details["order_number"]


async def test_a_guest_checkout_stops_and_names_what_is_missing(client: Client, site: DemoSite):
    async with client.browser_session(timeout=10) as session:
        ids: dict[str, Any] = {"browser_session_id": session.browser_session_id, "wait_for_completion": True}
        await client.run_task("Find wireless headphones under $100, add top result to cart", url=site.url, **ids)
        order = await client.run_task("Complete checkout and confirm order", **ids)
    assert (order.status, order.failure_reason) == (RunStatus.FAILED, "MISSING_INPUT")
    assert "Full name" in order.failure_message
    assert site.log.count("order_placed") == 0


async def test_a_prompt_the_rules_do_not_know_needs_a_model_and_does_nothing(client: Client, site: DemoSite):
    run = await client.run_task(
        "Write a haiku about the cheapest headphones and post it on the forum", url=site.url, wait_for_completion=True
    )
    assert (run.status, run.failure_reason) == (RunStatus.FAILED, "NEEDS_MODEL")
    assert "haiku" in run.failure_message
    assert (run.step_count, run.safe_to_retry) == (0, True)
    assert site.log.entries == ()


async def test_typed_actions_run_and_each_step_has_an_event_and_a_screenshot(client: Client, site: DemoSite):
    run = await client.run_task(
        actions=[
            actions.goto(f"{site.url}/search?q=headphones"),
            actions.click(role="link", name="Customer desk"),
        ],
    )
    events = [update.detail async for update in client.watch_run(run.run_id) if isinstance(update, RunEvent)]
    started = [event for event in events if isinstance(event, StepStarted)]
    finished = [event for event in events if isinstance(event, StepFinished)]
    assert [event.step for event in started] == [event.step for event in finished] == [1, 2]
    assert all(event.outcome is StepOutcome.DONE for event in finished)
    for event in finished:
        assert event.screenshot_artifact_id
        picture = await client.get_artifact(event.screenshot_artifact_id)
        assert picture.startswith(b"\xff\xd8\xff")


async def test_a_dead_button_is_no_success(client: Client, site: DemoSite):
    run = await client.run_task(
        actions=[actions.goto(f"{site.url}/trouble/dead-button"), actions.click(role="button", name="Save changes")],
        wait_for_completion=True,
    )
    assert (run.status, run.failure_reason) == (RunStatus.FAILED, "NO_EFFECT")


async def test_runs_in_one_session_wait_their_turn_and_end_in_order(client: Client, site: DemoSite):
    async with client.browser_session(timeout=10) as session:
        runs = [
            await client.run_task(
                actions=[actions.goto(f"{site.url}/search?q=run{number}")],
                browser_session_id=session.browser_session_id,
            )
            for number in range(4)
        ]
        ended = [await client.wait_for_run(run.run_id) for run in runs]
    assert [run.status for run in ended] == [RunStatus.COMPLETED] * 4
    assert [entry.details["query"] for entry in site.log.events("product_search")] == [f"run{n}" for n in range(4)]
    assert [run.start_time for run in ended] == sorted(run.start_time for run in ended)


async def test_a_canceled_run_ends_and_its_session_lives_on(client: Client, site: DemoSite):
    async with client.browser_session(timeout=10) as session:
        ids: dict[str, Any] = {"browser_session_id": session.browser_session_id}
        run = await client.run_task(
            actions=[actions.goto(site.url), actions.wait_time(timedelta(seconds=60), timeout=timedelta(seconds=70))],
            **ids,
        )
        await _until_step(client, run, 2)
        await client.cancel_run(run.run_id)
        canceled = await client.wait_for_run(run.run_id, timeout=timedelta(seconds=10))
        after = await client.run_task(actions=[actions.reload()], wait_for_completion=True, **ids)
    assert (canceled.status, after.status) == (RunStatus.CANCELED, RunStatus.COMPLETED)


async def _until_step(client: Client, run: Run, step: int) -> None:
    async for update in client.watch_run(run.run_id):
        if isinstance(update, RunEvent) and isinstance(update.detail, StepStarted) and update.detail.step == step:
            return


async def test_a_workflow_pauses_for_a_person_and_goes_on_or_ends_as_the_person_says(client: Client, site: DemoSite):
    definition = f"""
version: 1
title: Ask, then look
blocks:
  - goto: {{id: open, url: "{site.url}/search?q=speaker"}}
  - approve: {{id: ask, message: "Go on?", timeout: 5m}}
  - extract: {{id: products}}
"""
    workflow = await client.create_workflow(definition)
    for approved, status in ((True, RunStatus.COMPLETED), (False, RunStatus.TERMINATED)):
        run = await client.run_workflow(workflow.workflow_id)
        async for update in client.watch_run(run.run_id):
            if isinstance(update, Run) and update.status is RunStatus.PAUSED:
                assert update.pending_approval.message == "Go on?"
                answered = update.pending_approval.approval_id
                await client.resolve_approval(run.run_id, answered, approved, comment="by a test")
        assert (await client.get_run(run.run_id)).status is status


async def test_a_session_that_was_closed_takes_no_runs_and_says_when_and_why(client: Client):
    session = await client.create_browser_session()
    await client.close_browser_session(session.browser_session_id)
    with pytest.raises(SessionClosed, match=r"closed on request at .*: create a new one"):
        await client.run_task("Reload the page", browser_session_id=session.browser_session_id)


async def test_both_ids_and_unknown_ids_are_refused(client: Client):
    with pytest.raises(InvalidArgument, match="browser_profile_id"):
        await client.run_task("Reload", browser_session_id="pbs_a", browser_profile_id="bp_b")
    with pytest.raises(NotFound, match="session pbs_a does not exist"):
        await client.run_task("Reload", browser_session_id="pbs_a")


async def test_many_sessions_at_once_leave_nothing_behind(client: Client, site: DemoSite, stack: Stack):
    async def one(number: int) -> Run:
        async with client.browser_session(timeout=10) as session:
            return await client.run_task(
                actions=[actions.goto(f"{site.url}/search?q=s{number}")],
                browser_session_id=session.browser_session_id,
                wait_for_completion=True,
            )

    runs = await asyncio.gather(*(one(number) for number in range(6)))
    assert [run.status for run in runs] == [RunStatus.COMPLETED] * 6
    assert len({entry.visitor for entry in site.log.events("product_search")}) == 6
    for run in runs:
        await gone(client, run.browser_session_id)
    assert stack.browsers() == []
