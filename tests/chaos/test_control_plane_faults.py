"""Every fault of a real control plane once; `make chaos` does them many times."""

from __future__ import annotations

import random

import pytest

from tests.chaos import control_plane_faults, kills
from tests.chaos.load import Acknowledged
from tests.chaos.outcomes import NotPossibleHere
from tests.chaos.power_loss import power_loss


@pytest.mark.parametrize(
    "fault", [one for one in control_plane_faults.FAULTS if one not in control_plane_faults.ONLY_IN_CHAOS]
)
async def test_the_control_plane_survives(fault, tmp_path):
    try:
        await control_plane_faults.FAULTS[fault](tmp_path, random.Random(1))
    except NotPossibleHere as missing:
        pytest.skip(str(missing))


async def test_what_was_acknowledged_is_there_after_a_power_loss_at_any_moment(tmp_path):
    try:
        await power_loss(tmp_path, random.Random(1))
    except NotPossibleHere as missing:
        pytest.skip(str(missing))


async def test_hosts_keep_their_browsers_over_three_kills_one_after_another(tmp_path):
    await kills.a_few_kills(tmp_path, random.Random(1))


async def test_three_kills_one_after_another_lose_nothing_that_was_acknowledged(tmp_path):
    acknowledged = Acknowledged()
    notes = await control_plane_faults.kills_under_load(tmp_path, random.Random(2), acknowledged, 3)
    assert len(notes) == 3
    assert acknowledged.rows() > 100
