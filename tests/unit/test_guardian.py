"""What the guardian decides: whose time is over, and which processes are whose."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from browser_host.kernel import guardian
from browser_host.kernel.guardian import CLOSE_GRACE_SECONDS, Cover, Covers, Process, members

COVER = Cover("pbs_1/7", "pbs_1", 7, deadline=100.0, directories=("/data/7-abc",), pid=40, started="900")


def covers(*lines: dict[str, object]) -> Covers:
    taken = Covers()
    for no, line in enumerate(lines, 1):
        taken.take({"no": no, **line})
    return taken


def cover_line(cover: Cover) -> dict[str, object]:
    told = asdict(cover)
    return {"cover": told.pop("key"), **told}


def test_a_browser_dies_at_its_deadline_or_with_the_lease_whatever_is_first():
    lease_first = covers({"hold_until": 60.0}, cover_line(COVER))
    assert lease_first.due(59.9) == []
    assert lease_first.due(60.0) == [COVER]
    deadline_first = covers({"hold_until": 900.0}, cover_line(COVER))
    assert deadline_first.due(100.0 + CLOSE_GRACE_SECONDS - 0.1) == []
    assert deadline_first.due(100.0 + CLOSE_GRACE_SECONDS) == [COVER]


def test_it_says_whether_the_deadline_or_the_lease_ends_a_browser():
    assert covers({"hold_until": 60.0}, cover_line(COVER)).cause(COVER) == guardian.LEASE
    assert covers({"hold_until": 900.0}, cover_line(COVER)).cause(COVER) == guardian.DEADLINE
    starting = replace(COVER, deadline=None)
    assert covers({"hold_until": 900.0}, cover_line(starting)).cause(starting) == guardian.LEASE


def test_the_host_is_left_no_grace_after_the_holding_lease():
    both_at_once = covers({"hold_until": 100.0}, cover_line(COVER))
    assert both_at_once.due(100.0) == [COVER]


def test_a_browser_without_any_lease_is_due_at_once():
    assert covers(cover_line(COVER)).due(0.0) == [COVER]


def test_the_latest_word_on_a_browser_counts():
    longer = replace(COVER, deadline=500.0)
    taken = covers({"hold_until": 900.0}, cover_line(COVER), cover_line(longer))
    assert taken.due(300.0) == []
    assert taken.next_at(300.0) == 500.0 + CLOSE_GRACE_SECONDS
    taken.take({"no": 4, "hold_until": 310.0})
    assert taken.next_at(300.0) == 310.0
    taken.take({"no": 5, "release": COVER.key})
    assert taken.due(1000.0) == []
    assert taken.seen == 5


def test_everything_is_due_when_the_host_is_gone_helpers_included():
    helper = Cover("helper-9", leased=False, pid=9, started="1")
    taken = covers({"hold_until": 900.0}, cover_line(COVER), cover_line(helper))
    assert taken.due(899.0) == [COVER]
    taken.host_gone = True
    assert taken.due(0.0) == [COVER, helper]


def test_a_line_of_a_newer_host_that_says_nothing_known_only_counts_as_seen():
    taken = covers({"hold_until": 900.0}, {"colour": "blue"}, cover_line(COVER))
    assert taken.seen == 3
    assert taken.due(50.0) == []


def a_process(pid: int, group: int, *arguments: str, started: str = "900", dead: bool = False) -> Process:
    return Process(pid, group, started, dead, arguments)


def test_a_group_belongs_to_the_browser_while_its_leader_is_the_one_that_was_named():
    child = a_process(41, 40, started="905")
    assert members(COVER, [a_process(40, 40), child]) == [a_process(40, 40), child]
    zombie = a_process(40, 40, dead=True)
    assert members(COVER, [zombie, child]) == [child]


def test_another_process_under_the_same_number_is_left_alone_and_so_is_its_group():
    reused = [a_process(40, 40, started="7777"), a_process(41, 40, started="7778")]
    assert members(COVER, reused) == []


def test_a_group_whose_leader_is_gone_counts_only_as_far_as_its_command_lines_say():
    child = a_process(41, 40, "chromium", "--user-data-dir=/data/7-abc/profile")
    stranger = a_process(42, 40, "vi")
    assert members(COVER, [child, stranger]) == [child]


def test_a_helper_that_leads_no_group_is_its_process_and_not_the_group_it_is_in():
    helper = Cover("helper-9", leased=False, pid=9, started="900")
    assert members(helper, [a_process(5, 5), a_process(9, 5)]) == [a_process(9, 5)]


def test_the_crash_handler_is_the_browsers_and_who_looks_into_the_directory_is_not():
    handler = a_process(50, 50, "crashpad_handler", "--database=/data/7-abc/profile/Crashpad")
    assert members(COVER, [handler, a_process(51, 51, "ls", "/data/7-abc/profile")]) == [handler]


def test_a_directory_with_a_similar_name_is_not_the_browsers():
    assert members(COVER, [a_process(50, 50, "chromium", "--user-data-dir=/data/7-abcdef/profile")]) == []
    assert members(COVER, [a_process(50, 50, "chromium", "--user-data-dir=/data/7-abc")])


WAITS = ("cat", "-", "-")


@contextmanager
def a_child() -> Iterator[subprocess.Popen[bytes]]:
    """A process of its own group that has answered: until then the kernel may not show its arguments."""
    with subprocess.Popen(WAITS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(b"here\n")
        child.stdin.flush()
        assert child.stdout.readline() == b"here\n"
        yield child


def test_processes_are_listed_with_group_and_start():
    with a_child() as child:
        listed = next(process for process in guardian.list_processes() if process.pid == child.pid)
        assert (listed.group, listed.dead) == (child.pid, False)
        assert listed.started == guardian.started(child.pid) != ""
        assert listed.arguments[: len(WAITS)] == WAITS
        guardian.kill(replace(listed, started="another"))
        assert child.poll() is None
        guardian.kill(listed)
        assert child.wait(5) == -9
    assert guardian.started(child.pid) == ""
    assert os.getpid() not in [process.pid for process in guardian.list_processes()]


def test_ps_says_the_same_where_there_is_no_proc():
    with a_child() as child:
        listed = next(process for process in guardian._ask_ps() if process.pid == child.pid)
        assert (listed.group, listed.dead, listed.arguments) == (child.pid, False, WAITS)
        assert len(listed.started.split()) == 5
        child.kill()


def test_a_tree_is_removed_and_a_missing_one_is_no_error(tmp_path: Path):
    deep = tmp_path / "browser" / "profile"
    deep.mkdir(parents=True)
    (deep / "file").write_text("x")
    outside = tmp_path / "outside"
    outside.mkdir()
    (deep / "link").symlink_to(outside)
    cover = replace(COVER, directories=(str(tmp_path / "browser"), str(tmp_path / "never")), cgroup="/no/such/cgroup")
    assert guardian.remove_all(cover) == ""
    assert not (tmp_path / "browser").exists()
    assert outside.exists()


def test_what_cannot_be_removed_is_said(tmp_path: Path):
    planted = tmp_path / "planted"
    planted.symlink_to(tmp_path)
    assert "symbolic link" in guardian.remove_all(replace(COVER, directories=(str(planted),)))
    assert tmp_path.exists()
