"""The tables by which sessions, runs and hosts move, and the page that shows them."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import resources

import pytest

from control_plane.entities import hosts, runs, sessions
from control_plane.entities.hosts import HostEvent, HostState
from control_plane.entities.runs import FINAL, RunStatus
from control_plane.entities.sessions import CloseReason, SessionState
from control_plane.errors import Conflict
from scripts import draw_lifecycles

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TABLES = {
    "sessions": (sessions.TRANSITIONS, sessions.SessionState, sessions.SessionEvent, SessionState.PENDING),
    "runs": (runs.TRANSITIONS, runs.RunStatus, runs.RunEvent, RunStatus.CREATED),
    "hosts": (hosts.TRANSITIONS, hosts.HostState, hosts.HostEvent, HostState.GONE),
}
every_table = pytest.mark.parametrize(("table", "states", "events", "first"), TABLES.values(), ids=TABLES)


@every_table
def test_every_state_has_a_row_and_every_event_is_used(table, states, events, first):
    assert set(table) == set(states)
    assert {event for moves in table.values() for event in moves} == set(events)


@every_table
def test_every_state_can_be_reached(table, states, events, first):
    reached, frontier = {first}, [first]
    while frontier:
        fresh = set(table[frontier.pop()].values()) - reached
        reached |= fresh
        frontier += fresh
    assert reached == set(states)


def test_nothing_leads_out_of_a_final_state():
    assert [state for state, moves in sessions.TRANSITIONS.items() if not moves] == [SessionState.CLOSED]
    assert {status for status, moves in runs.TRANSITIONS.items() if not moves} == FINAL
    assert set(runs.ENDING) == FINAL
    assert all(moves for moves in hosts.TRANSITIONS.values())


def test_every_state_that_is_not_final_can_end():
    assert all(SessionState.CLOSED in moves.values() for state, moves in sessions.TRANSITIONS.items() if moves)
    assert all(FINAL & set(moves.values()) for moves in runs.TRANSITIONS.values() if moves)
    for state in hosts.ATTACHED:
        assert hosts.TRANSITIONS[state][HostEvent.LEASE_OVER] is HostState.LOST


def test_a_run_ends_with_its_session_for_every_reason_that_a_session_closes():
    assert set(runs.SESSION_ENDED) == set(CloseReason)
    for status, _ in runs.SESSION_ENDED.values():
        for waiting_or_active in (RunStatus.CREATED, RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.PAUSED):
            assert runs.TRANSITIONS[waiting_or_active][runs.ENDING[status]] is status


def a_session(state: SessionState) -> sessions.Session:
    return sessions.Session(
        browser_session_id="pbs_1",
        organization_id="o_1",
        state=state,
        timeout=timedelta(minutes=5),
        queue_timeout=timedelta(minutes=1),
        browser_type="chrome",
        url="",
        viewport_width=1280,
        viewport_height=720,
        labels={},
        create_time=NOW,
        update_time=NOW,
        due_time=NOW,
    )


SESSION_MOVES = {
    sessions.SessionEvent.PLACED: lambda one: sessions.placed(one, "host-a", 1, True, NOW, NOW),
    sessions.SessionEvent.LAUNCHED: lambda one: sessions.launched(one, timedelta(), "x", NOW),
    sessions.SessionEvent.LAUNCH_OVERDUE: lambda one: sessions.launch_overdue(one, NOW, NOW),
    sessions.SessionEvent.LAUNCH_LOST: lambda one: sessions.launch_lost(one, NOW),
    sessions.SessionEvent.CLOSED: lambda one: sessions.closed(one, CloseReason.REQUESTED, "x", NOW),
}


@pytest.mark.parametrize("event", sessions.SessionEvent)
@pytest.mark.parametrize("state", SessionState)
def test_a_session_moves_as_the_table_says_and_no_other_way(state, event):
    target = sessions.TRANSITIONS[state].get(event)
    if target is None:
        with pytest.raises(Conflict, match=f"session pbs_1 is {state.value}: {event.value} does not apply"):
            SESSION_MOVES[event](a_session(state))
    else:
        assert SESSION_MOVES[event](a_session(state)).state is target


@pytest.mark.parametrize("event", HostEvent)
@pytest.mark.parametrize("state", HostState)
def test_a_host_moves_as_the_table_says_and_no_other_way(state, event):
    host = replace(hosts.new("host-a", NOW), state=state)
    target = hosts.TRANSITIONS[state].get(event)
    if target is None:
        with pytest.raises(Conflict, match=f"host host-a is {state.value}: {event.value} does not apply"):
            hosts.moved(host, event, NOW)
    else:
        assert hosts.moved(host, event, NOW).state is target


def a_run(status: RunStatus) -> runs.Run:
    return runs.Run(
        run_id="tsk_1",
        organization_id="o_1",
        run_type=runs.RunType.TASK,
        status=status,
        browser_session_id="pbs_1",
        owns_browser_session=False,
        plan=b"",
        prompt="",
        url="",
        labels={},
        max_steps=1,
        timeout=timedelta(minutes=1),
        create_time=NOW,
        update_time=NOW,
        output=b"so far",
    )


@pytest.mark.parametrize("end", sorted(FINAL))
@pytest.mark.parametrize("status", RunStatus)
def test_a_run_ends_as_the_table_says_and_no_other_way(status, end):
    if end in runs.TRANSITIONS[status].values():
        ended = runs.ended(a_run(status), end, NOW, reason="x")
        assert (ended.status, ended.end_time, ended.due_time, ended.output) == (end, NOW, None, b"so far")
    else:
        with pytest.raises(Conflict, match=f"run tsk_1 is {status.value}"):
            runs.ended(a_run(status), end, NOW)


def test_the_stores_checks_know_exactly_these_states():
    schema = resources.files("control_plane.store").joinpath("schema.sql").read_text()
    for column, states in (("state", HostState), ("state", SessionState), ("status", RunStatus)):
        known = [
            set(re.findall(r"'(\w+)'", listed))
            for listed in re.findall(rf"CHECK \({column} IN \((.*?)\)\)", schema, re.S)
        ]
        assert {state.value for state in states} in known


def test_the_page_shows_what_the_tables_say():
    page = draw_lifecycles.PAGE.read_text()
    assert page == draw_lifecycles.filled(page), "run scripts/draw_lifecycles.py"
    for noun, (_, _, events, _) in TABLES.items():
        table = page.split(f"<!-- end of {noun} -->")[1].split("\n## ")[0]
        explained = {word.strip() for row in re.findall(r"^\| ([a-z_, ]+) \|", table, re.M) for word in row.split(",")}
        assert {event.value for event in events} | {"event"} == explained
