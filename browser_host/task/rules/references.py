"""Clauses that say "it": what they mean is what an earlier clause of the prompt has found, opened or made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tabkeep.v1 import actions_pb2

from browser_host.task.clauses.cart_lines import RemoveFromCart
from browser_host.task.clauses.deleting import DeleteRecord
from browser_host.task.clauses.named_records import EditNamed, open_named
from browser_host.task.clauses.plain_clauses import DoubleClick
from browser_host.task.clauses.shopping import IN_CART
from browser_host.task.failures import AMBIGUOUS, Failed
from browser_host.task.workspace import Subject, Workspace


def meant(workspace: Workspace) -> Subject:
    """What "it" is.

    Raises:
        Failed: AMBIGUOUS, what an earlier clause found is not one thing.
    """
    if workspace.subject is None:
        raise Failed(AMBIGUOUS, '"it" may be any of several things that were found: say its name')
    return workspace.subject


@dataclass(frozen=True, slots=True)
class OpenIt:
    """Open what was found."""

    names_subject: ClassVar[bool] = True
    refers_to_subject: ClassVar[bool] = True
    words: str = "open it"

    async def carry_out(self, workspace: Workspace) -> None:
        """Follow its link; by its address where the page that lists it shortens its name."""
        subject = meant(workspace)
        survey = await workspace.survey()
        links = [item for item in survey.items if subject.url and item.href == subject.url and not item.disabled]
        if links:
            await workspace.click(next((item for item in links if item.name), links[0]))
        elif subject.url:
            await workspace.do(actions_pb2.Action(goto=actions_pb2.Goto(url=subject.url)))
        else:
            await open_named(workspace, subject.name, subject.kind)
        workspace.subject = Subject(subject.name, subject.kind)


@dataclass(frozen=True, slots=True)
class EditIt:
    """Open what was found so that it can be changed."""

    names_subject: ClassVar[bool] = True
    refers_to_subject: ClassVar[bool] = True
    words: str = "edit it"

    async def carry_out(self, workspace: Workspace) -> None:
        """As by its name."""
        subject = meant(workspace)
        await EditNamed(subject.name, subject.kind).carry_out(workspace)


@dataclass(frozen=True, slots=True)
class DeleteIt:
    """Delete what was found or opened."""

    refers_to_subject: ClassVar[bool] = True
    words: str = "delete it"

    async def carry_out(self, workspace: Workspace) -> None:
        """As by its name."""
        subject = meant(workspace)
        if subject.kind == IN_CART:
            await RemoveFromCart(subject.name).carry_out(workspace)
        else:
            await DeleteRecord(subject.name, subject.kind or "record").carry_out(workspace)
        workspace.subject = None


@dataclass(frozen=True, slots=True)
class DeleteAdded(DeleteRecord):
    """Delete one of the entries that an earlier clause has added, by its name alone."""

    refers_to_subject: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class ClickIt:
    """Click what an earlier clause has named."""

    refers_to_subject: ClassVar[bool] = True
    twice: bool = False

    @property
    def words(self) -> str:
        """The clause."""
        return "double-click it" if self.twice else "click it"

    async def carry_out(self, workspace: Workspace) -> None:
        """As by its name."""
        name = meant(workspace).name
        if self.twice:
            await DoubleClick(name).carry_out(workspace)
        else:
            click = actions_pb2.Click(target=actions_pb2.Target(name=name))
            await workspace.do(actions_pb2.Action(click=click))
