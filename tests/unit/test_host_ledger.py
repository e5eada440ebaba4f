"""The ledger: each command once, its result until it is acknowledged."""

from __future__ import annotations

from browser_host.ledger import CommandLedger
from browser_host.messages import CommandResult, Done, Failure


def test_a_command_is_begun_once_however_often_it_comes() -> None:
    ledger = CommandLedger()
    assert ledger.begin(5)
    assert not ledger.begin(5)


def test_a_repeated_command_gets_the_stored_result_again() -> None:
    ledger = CommandLedger()
    ledger.begin(5)
    ledger.finish(5, Failure("BUSY", "full"))
    assert ledger.results.take_unsent() == [CommandResult(5, Failure("BUSY", "full"))]
    assert ledger.results.take_unsent() == []
    assert not ledger.begin(5)
    assert ledger.results.take_unsent() == [CommandResult(5, Failure("BUSY", "full"))]


def test_results_are_kept_until_acknowledged() -> None:
    ledger = CommandLedger()
    ledger.begin(5)
    ledger.finish(5, Done())
    assert ledger.results.take_all() == (CommandResult(5, Done()),)
    ledger.acknowledged(5)
    assert ledger.results.take_all() == ()


def test_a_late_copy_of_an_acknowledged_command_does_nothing() -> None:
    ledger = CommandLedger()
    ledger.begin(5)
    ledger.finish(5, Done())
    ledger.acknowledged(5)
    assert not ledger.begin(5)
    assert ledger.results.take_all() == ()


def test_a_lower_command_id_that_was_never_seen_is_begun() -> None:
    ledger = CommandLedger()
    ledger.begin(6)
    assert ledger.begin(5)
