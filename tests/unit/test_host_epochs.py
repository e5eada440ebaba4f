from __future__ import annotations

from pathlib import Path

import pytest

from browser_host.epochs import Epochs


def test_the_highest_epoch_outlives_the_process(tmp_path: Path) -> None:
    file = tmp_path / "control_epoch"
    first = Epochs(file, "cp:7330")
    for epoch in (3, 7, 5):
        first.saw(epoch)

    assert Epochs(file, "cp:7330").highest == 7
    assert [one.name for one in tmp_path.iterdir()] == ["control_epoch"]


def test_a_host_that_was_given_to_another_control_plane_begins_anew(tmp_path: Path) -> None:
    file = tmp_path / "control_epoch"
    Epochs(file, "cp:7330").saw(7)

    assert Epochs(file, "other:7330").highest == 0


@pytest.mark.parametrize("text", ["", "nonsense", "cp:7330", "cp:7330 -4", "cp:7330 7x"])
def test_a_file_that_tells_nothing_counts_as_none(text: str, tmp_path: Path) -> None:
    file = tmp_path / "control_epoch"
    file.write_text(text)

    assert Epochs(file, "cp:7330").highest == 0


def test_on_a_disk_that_fails_this_process_remembers(tmp_path: Path) -> None:
    epochs = Epochs(tmp_path / "missing" / "control_epoch", "cp:7330")

    epochs.saw(7)

    assert epochs.highest == 7


def test_a_new_process_claims_only_what_it_has_met(tmp_path: Path) -> None:
    file = tmp_path / "control_epoch"
    Epochs(file, "cp:7330").saw(7)
    again = Epochs(file, "cp:7330")

    before = again.claimed
    again.saw(7)

    assert (before, again.claimed, again.highest) == (6, 7, 7)
