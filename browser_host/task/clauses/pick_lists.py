"""Putting something into groups, roles or the like: two lists with an arrow between them, one list, or boxes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tabkeep.v1 import actions_pb2

from browser_host.task.clauses.choosing import check, click
from browser_host.task.failures import AMBIGUOUS, EXPECTATION_FAILED, NOT_FOUND, Failed
from browser_host.task.likeness import words_of
from browser_host.task.scene import Scene, Thing, folded
from browser_host.task.workspace import Workspace

_PATIENCE = 5.0
_ACROSS = re.compile(
    r"^\W*(?:choose|add|include|move|assign)\b(?!.*\ball\b)|^\s*(?:>|\u203a|\u2192|\u25b6)\s*$", re.IGNORECASE
)
_AVAILABLE = re.compile(r"\b(?:available|possible|unassigned|all)\b", re.IGNORECASE)
_OTHERS = re.compile(r"\b(?:remove|left|back|available|another|new)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PutInto:
    """Choose these where the form has them to choose from, beside what is chosen already."""

    of: str
    """What they are: groups, roles, …"""
    names: tuple[str, ...]

    @property
    def words(self) -> str:
        """The clause."""
        return f"choose the {self.of} {', '.join(self.names)}"

    async def carry_out(self, workspace: Workspace) -> None:
        """Choose them, and see them chosen."""
        scene = await self._scene(workspace)
        boxes = [self._boxes(scene, name) for name in self.names]
        lists = [one for one in scene.things if one.multiple and one.options and not one.disabled]
        offering = [one for one in lists if all(self._has(one, name) for name in self.names)]
        if len(offering) == 1:
            await self._from_list(workspace, scene, offering[0])
        elif not offering and all(len(found) == 1 for found in boxes):
            for found in boxes:
                if not found[0].checked:
                    await check(workspace, found[0])
        else:
            reason = AMBIGUOUS if offering or any(len(found) > 1 for found in boxes) else NOT_FOUND
            raise Failed(
                reason, f"{len(offering) or 'no'} lists on the page have the {self.of} {', '.join(self.names)}"
            )

    async def _scene(self, workspace: Workspace) -> Scene:
        """The page once it has what is to be chosen, or its patience is over: such lists are drawn late."""
        end = workspace.steps.clock.monotonic() + _PATIENCE
        while True:
            scene = await workspace.scene()
            there = any(all(self._has(one, name) for name in self.names) for one in scene.things if one.multiple)
            if there or all(self._boxes(scene, name) for name in self.names):
                return scene
            if workspace.steps.clock.monotonic() >= end:
                return scene
            await workspace.pause()

    def _boxes(self, scene: Scene, name: str) -> list[Thing]:
        return scene.all(lambda one: one.role == "checkbox" and not one.disabled and folded(one.called) == folded(name))

    @staticmethod
    def _has(one: Thing, name: str) -> bool:
        return any(folded(option) == folded(name) for option in one.options)

    async def _from_list(self, workspace: Workspace, scene: Scene, offering: Thing) -> None:
        target = await workspace.target_of(offering.ref, offering.called)
        across = self._across(scene, offering)
        if across is None and _AVAILABLE.search(offering.called):
            raise Failed(NOT_FOUND, f"nothing on the page moves {self.of} out of the list of those available")
        if across is None and offering.value:
            raise Failed(AMBIGUOUS, f"the list of {self.of} has a choice already, which this would take away")
        first, *more = [actions_pb2.Value(literal=name) for name in self.names]
        select = actions_pb2.Select(target=target, option=first, more_options=more)
        await workspace.do(actions_pb2.Action(select=select))
        if across is None:
            return
        await click(workspace, across)
        end = workspace.steps.clock.monotonic() + _PATIENCE
        while not await self._moved(workspace, offering):
            if workspace.steps.clock.monotonic() >= end:
                raise Failed(
                    EXPECTATION_FAILED, f"the page does not show the {self.of} {', '.join(self.names)} as chosen"
                )
            await workspace.pause()

    async def _moved(self, workspace: Workspace, offering: Thing) -> bool:
        lists = [one for one in (await workspace.scene()).things if one.multiple and one.id != offering.id]
        return any(all(self._has(one, name) for name in self.names) for one in lists)

    def _across(self, scene: Scene, offering: Thing) -> Thing | None:
        """The button that moves what is selected into the other list; None where there is no other list.

        Raises:
            Failed: AMBIGUOUS.
        """
        if not any(one.multiple and one.id != offering.id for one in scene.things):
            return None
        noun = words_of(self.of)[-1]
        moving = [
            one
            for one in scene.things
            if one.acts
            and one.role in ("button", "link")
            and _ACROSS.search(one.called)
            and not _OTHERS.search(one.called)
        ]
        named = [one for one in moving if noun in words_of(one.called)]
        near = [one for one in moving if abs(one.y - offering.y) < max(offering.height, 200)]
        choice = named or near
        if len(choice) > 1:
            raise Failed(
                AMBIGUOUS, f"several buttons may choose {self.of}: {', '.join(one.called for one in choice[:5])}"
            )
        return choice[0] if choice else None
