"""How events of several runs in one batch are stored and acknowledged."""

from __future__ import annotations

import pytest
from tabkeep.host.v1 import host_pb2
from tabkeep.v1 import runs_pb2

from tests.api_calls import all_of, get_run, run_task, running_session, watch_run
from tests.fake_host import FakeHost, run_finished, step_finished, step_started


@pytest.fixture
async def newer(control_plane, host_token):
    """An attached host that takes acknowledgements together."""
    fake = FakeHost(control_plane.address, host_token, "host-b")
    hello = fake.hello()
    hello.takes_event_acks = True
    await fake.attach(hello)
    yield fake
    await fake.vanish()


async def begun(api, host, count):
    commands = []
    for _ in range(count):
        launch = await running_session(api, host)
        await run_task(api, launch.browser_session_id)
        commands.append(await host.begin_run())
    return commands


def hosted(command, event):
    event.run_id = command.start_run.run_id
    return host_pb2.HostedEvent(browser_session_id=command.browser_session_id, fence=command.fence, event=event)


async def test_a_host_that_takes_them_gets_the_acknowledgements_of_a_batch_in_one_message(api, newer):
    first, second = await begun(api, newer, 2)
    events = [hosted(first, step_started(1)), hosted(second, step_started(1)), hosted(first, step_finished(2))]
    await newer.send(event_batch=host_pb2.EventBatch(events=events))
    acks = (await newer.receive("event_acks")).acks
    assert {ack.run_id: ack.seq for ack in acks} == {first.start_run.run_id: 2, second.start_run.run_id: 1}
    await newer.nothing_more("event_ack")


async def test_any_other_host_gets_one_for_each_run(api, host):
    first, second = await begun(api, host, 2)
    events = [hosted(command, step_started(1)) for command in (first, second)]
    await host.send(event_batch=host_pb2.EventBatch(events=events))
    acks = [await host.receive("event_ack") for _ in range(2)]
    assert {ack.run_id for ack in acks} == {first.start_run.run_id, second.start_run.run_id}
    await host.nothing_more("event_acks")


async def test_what_is_repeated_within_a_batch_is_stored_once_and_what_is_missing_is_asked_for(api, host):
    first, second = await begun(api, host, 2)
    events = [
        hosted(first, step_started(1)),
        hosted(first, step_started(1)),
        hosted(second, step_started(2)),
        hosted(first, step_finished(2)),
    ]
    await host.send(event_batch=host_pb2.EventBatch(events=events))
    assert (await host.receive("event_ack")).seq == 2
    missing = await host.receive("resend")
    assert (missing.run_id, missing.from_seq) == (second.start_run.run_id, 1)
    assert (await get_run(api, first.start_run.run_id)).last_seq == 2
    assert (await get_run(api, second.start_run.run_id)).last_seq == 0


async def test_another_event_under_a_number_of_the_same_batch_is_refused_with_the_whole_batch(api, host):
    (command,) = await begun(api, host, 1)
    events = [hosted(command, step_started(1, 1)), hosted(command, step_started(1, 2))]
    await host.send(event_batch=host_pb2.EventBatch(events=events))
    assert str(await host.ended()) == "INVALID_ARGUMENT/PROTOCOL"
    assert (await get_run(api, command.start_run.run_id)).last_seq == 0


async def test_a_run_that_ends_within_a_batch_takes_nothing_more_and_the_next_one_has_its_turn(api, host):
    (command,) = await begun(api, host, 1)
    following = await run_task(api, command.browser_session_id)
    events = [hosted(command, event) for event in (step_started(1), step_finished(2), run_finished(3), step_started(4))]
    await host.send(event_batch=host_pb2.EventBatch(events=events))
    assert (await host.receive("stop_run")).run_id == command.start_run.run_id
    assert (await host.begin_run()).start_run.run_id == following.run_id
    run = await get_run(api, command.start_run.run_id)
    assert (run.status, run.last_seq, run.step_count) == (runs_pb2.RUN_STATUS_COMPLETED, 3, 1)
    updates = await all_of(watch_run(api, run.run_id))
    assert [update.event.seq for update in updates[:-1]] == [1, 2, 3]
