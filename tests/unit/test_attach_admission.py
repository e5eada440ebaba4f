"""How evenly hosts are taken in when all come at once."""

from __future__ import annotations

import heapq
from datetime import timedelta

from control_plane.live.attach_admission import AttachAdmission


def test_as_many_as_per_second_are_taken_in_at_once_and_the_rest_is_told_to_come_evenly_later():
    admission = AttachAdmission(50, now=0.0)
    answers = [admission.admit(0.0) for _ in range(60)]
    assert answers[:50] == [None] * 50
    assert answers[50:] == [timedelta(milliseconds=20 * n) for n in range(1, 11)]


def test_nobody_is_told_to_wait_longer_than_half_a_minute():
    admission = AttachAdmission(1, now=0.0)
    waits = [admission.admit(0.0) for _ in range(100)]
    assert max(wait for wait in waits if wait) == timedelta(seconds=30)


def test_tokens_come_back_with_time_and_not_more_than_the_bucket_holds():
    admission = AttachAdmission(50, now=0.0)
    for _ in range(50):
        admission.admit(0.0)
    assert [admission.admit(0.1) for _ in range(6)].count(None) == 5
    assert [admission.admit(1000.0) for _ in range(60)].count(None) == 50


def test_five_hundred_hosts_that_come_at_once_and_keep_to_what_they_are_told_are_all_in_after_ten_seconds():
    admission = AttachAdmission(50, now=0.0)
    arrivals = [(0.0, number) for number in range(500)]
    taken_in, calls = [], 0
    while arrivals:
        now, number = heapq.heappop(arrivals)
        calls += 1
        wait = admission.admit(now)
        if wait is None:
            taken_in.append(now)
        else:
            heapq.heappush(arrivals, (now + wait.total_seconds(), number))
    assert max(taken_in) <= 10
    assert calls <= 2 * 500
    assert max(sum(1 for time in taken_in if start <= time < start + 1) for start in range(1, 10)) <= 51
