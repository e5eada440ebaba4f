"""The list of mutants holds together; `make sim-mutants` shows what notices each of them."""

from pathlib import Path

import pytest

from tests.simulation.mutants import MUTANTS
from tests.simulation.nemesis import Nemesis
from tests.simulation.world import World

ROOT = Path(__file__).parents[2]


def test_at_least_25_rules_can_be_removed():
    assert len(MUTANTS) >= 25


@pytest.mark.parametrize("name", MUTANTS)
def test_a_rule_can_still_be_removed_from_the_program_as_it_is_now(name):
    with MUTANTS[name].removed():
        pass


@pytest.mark.parametrize("name", [name for name, mutant in MUTANTS.items() if mutant.argument or mutant.test])
def test_a_rule_that_the_simulation_does_not_need_has_a_reason_and_a_test_of_its_own(name):
    mutant = MUTANTS[name]
    path, _, test = mutant.test.partition("::")

    assert mutant.argument
    assert f"def {test}(" in (ROOT / path).read_text()


def test_the_faults_of_a_mutants_worlds_are_faults_that_there_are(tmp_path):
    world = World(0, tmp_path)
    known = Nemesis(world)._kinds
    world.loop.close()

    assert {kind for mutant in MUTANTS.values() for kind in mutant.faults} <= set(known)
