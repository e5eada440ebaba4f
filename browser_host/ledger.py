"""Which commands this host has seen and how they ended, so that each is carried out once however often it comes."""

from __future__ import annotations

from collections import OrderedDict

from browser_host.messages import CommandResult, Outcome
from browser_host.unacknowledged import Unacknowledged

_FORGOTTEN_KEPT = 10_000
"""Ids of acknowledged commands that are still recognized; a copy of one can only be in flight, not stored."""


class CommandLedger:
    """Command ids to results. Results stay until the control plane has stored them."""

    def __init__(self) -> None:
        self._running: set[int] = set()
        self._forgotten: OrderedDict[int, None] = OrderedDict()
        self.results: Unacknowledged[int, CommandResult] = Unacknowledged()

    def begin(self, command_id: int) -> bool:
        """Whether this is the first time the command comes; the result of a repeated one is sent again."""
        if self.results.get(command_id) is not None:
            self.results.send_again(command_id)
            return False
        if command_id in self._running or command_id in self._forgotten:
            return False
        self._running.add(command_id)
        return True

    def is_open(self, command_id: int) -> bool:
        """Whether the command was begun and has no result yet."""
        return command_id in self._running

    def finish(self, command_id: int, outcome: Outcome) -> None:
        """Keep how the command ended."""
        self._running.discard(command_id)
        self.results.add(command_id, CommandResult(command_id, outcome))

    def acknowledged(self, command_id: int) -> None:
        """Forget the result: the control plane has stored it."""
        if self.results.get(command_id) is None:
            return
        self.results.acknowledged(command_id)
        self._forgotten[command_id] = None
        if len(self._forgotten) > _FORGOTTEN_KEPT:
            self._forgotten.popitem(last=False)
