"""Lengths of time and values as the command line reads and writes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import tabkeep
from tabkeep.cli import durations, output


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("90s", timedelta(seconds=90)),
        ("30m", timedelta(minutes=30)),
        ("2h", timedelta(hours=2)),
        ("1h30m", timedelta(minutes=90)),
        ("1.5h", timedelta(minutes=90)),
        ("250ms", timedelta(milliseconds=250)),
        ("1d", timedelta(days=1)),
        ("0s", timedelta()),
    ],
)
def test_a_length_is_a_number_and_its_unit(text: str, length: timedelta) -> None:
    assert durations.parse(text) == length


@pytest.mark.parametrize("text", ["", "30", "m", "30 m", "-5m", "5m!", "30M", "1h-5m", "infs"])
def test_what_is_no_length_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a length of time"):
        durations.parse(text)


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(milliseconds=120), "120ms"),
        (timedelta(), "0ms"),
        (timedelta(seconds=1.25), "1.2s"),
        (timedelta(seconds=30), "30s"),
        (timedelta(seconds=90), "1m30s"),
        (timedelta(hours=24), "1d"),
        (timedelta(hours=2, minutes=5, seconds=3), "2h5m"),
    ],
)
def test_a_length_is_shown_short(length: timedelta, text: str) -> None:
    assert durations.show(length) == text


@pytest.mark.parametrize("text", ["\x1b[2Jgone", "a\x07b", "line\nline", "\u202eabc", "\u2028", "a\u200bb"])
def test_nothing_in_a_page_s_text_can_drive_a_terminal(text: str) -> None:
    cleaned = output.clean(text)
    assert cleaned.isprintable()
    assert len(cleaned.splitlines()) <= 1


def test_json_has_times_in_utc_lengths_with_their_unit_and_words_for_enums() -> None:
    value = {
        "time": datetime(2026, 2, 1, 10, 30, tzinfo=UTC),
        "length": timedelta(seconds=90.5),
        "state": tabkeep.HostState.READY,
        "size": tabkeep.Viewport(1280, 720),
        "some": (1, None),
    }
    assert output.to_json(value) == {
        "time": "2026-02-01T10:30:00Z",
        "length": "90.5s",
        "state": "ready",
        "size": {"width": 1280, "height": 720},
        "some": [1, None],
    }
    assert output.to_json(timedelta(minutes=30)) == "1800s"
