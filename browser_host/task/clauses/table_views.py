"""How a table or list is shown: sorted by a column, narrowed by one of its filters; and what its first row says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from browser_host.task import extract
from browser_host.task.clauses.choosing import click
from browser_host.task.failures import AMBIGUOUS, EXPECTATION_FAILED, EXTRACT, NOT_FOUND, Failed
from browser_host.task.likeness import likeness, words_of
from browser_host.task.scene import Thing, folded
from browser_host.task.survey import BUTTONS, OUTSIDE, Item, Survey
from browser_host.task.workspace import Workspace

_PATIENCE = 5.0
_MOST_PRESSES = 3
"""Unsorted, then one way, then the other."""
_SURE = 54


@dataclass(frozen=True, slots=True)
class SortTable:
    """Sort the page's table by a column, with the column's own heading."""

    column: str
    descending: bool

    @property
    def words(self) -> str:
        """The clause."""
        return f'sort by "{self.column}", {"greatest" if self.descending else "least"} first'

    async def carry_out(self, workspace: Workspace) -> None:
        """Press the heading until the rows are in this order; a table that is so already is left alone."""
        for press in range(_MOST_PRESSES):
            if self._sorted(await workspace.read()):
                return
            survey, _ = await workspace.until(lambda page: bool(self._headings(page)), timeout=_PATIENCE)
            headings = self._headings(survey)
            if not headings:
                raise Failed(NOT_FOUND, f'no table on the page can be sorted by "{self.column}"')
            if len(headings) > 1:
                raise Failed(AMBIGUOUS, f'{len(headings)} headings are called "{self.column}"')
            if press < _MOST_PRESSES - 1:
                await workspace.click(headings[0])
                await workspace.until(lambda page, before=survey: page.text != before.text, timeout=_PATIENCE)  # type: ignore[misc]
        raise Failed(EXPECTATION_FAILED, f'the rows are not in the order of "{self.column}"')

    def _headings(self, survey: Survey) -> list[Any]:
        wanted = words_of(self.column)
        return [
            item
            for item in survey.items
            if item.role in (*BUTTONS, "columnheader") and not item.disabled and words_of(item.name) == wanted
        ]

    def _sorted(self, found: dict[str, Any]) -> bool:
        columns = [values for table in extract.tables_of(found) if (values := _column(table, self.column)) is not None]
        if len(columns) != 1 or len(columns[0]) < 2:
            return False
        numbers = [extract.amount(value) for value in columns[0]]
        keys: list[Any] = numbers if None not in numbers else [value.casefold() for value in columns[0]]
        return keys == sorted(keys, reverse=self.descending) and len(set(map(str, keys))) > 1


def _column(table: list[dict[str, str]], wanted: str) -> list[str] | None:
    """The cells under the label that is meant; None where no label is, or several are."""
    rated = sorted(((likeness(wanted, label), label) for label in (table[0] if table else {})), reverse=True)
    if not rated or rated[0][0] < _SURE or (len(rated) > 1 and rated[1][0] == rated[0][0]):
        return None
    return [row.get(rated[0][1], "") for row in table]


@dataclass(frozen=True, slots=True)
class OfFirstRow:
    """What the first row of the page's table has in a column."""

    column: str

    @property
    def words(self) -> str:
        """The clause."""
        return f"read {self.column} of the first row"

    async def carry_out(self, workspace: Workspace) -> None:
        """Only where one table of the page has such a column."""
        found = await workspace.read()
        columns = [values for table in extract.tables_of(found) if (values := _column(table, self.column))]
        if len(columns) != 1:
            raise Failed(
                AMBIGUOUS if columns else EXTRACT, f"{len(columns) or 'no'} tables of the page have {self.column}"
            )
        if not columns[0][0]:
            raise Failed(EXTRACT, f"the first row has no {self.column}")
        workspace.output = {"_".join(re.findall(r"\w+", self.column.lower())): columns[0][0]}


@dataclass(frozen=True, slots=True)
class FilterBy:
    """Narrow a list with one of the filters that the page offers: a group of links with a heading."""

    filter: str
    """The words of the heading, and behind them those of the link."""

    @property
    def words(self) -> str:
        """The clause."""
        return f'filter by "{self.filter}"'

    async def carry_out(self, workspace: Workspace) -> None:
        """Press the link with this name below the heading with this name."""
        end = workspace.steps.clock.monotonic() + _PATIENCE
        links = self._links((await workspace.scene()).things)
        while not links and workspace.steps.clock.monotonic() < end:
            await workspace.pause()
            links = self._links((await workspace.scene()).things)
        if len(links) != 1:
            raise Failed(
                AMBIGUOUS if links else NOT_FOUND, f'{len(links) or "no"} filters of the page are "{self.filter}"'
            )
        await click(workspace, links[0])

    def _links(self, things: tuple[Thing, ...]) -> list[Thing]:
        words = self.filter.split()
        found = []
        for count in range(1, len(words)):
            label, value = " ".join(words[:count]), " ".join(words[count:])
            for at, heading in enumerate(things):
                if not heading.own or not _heads(heading, label):
                    continue
                for one in things[at + 1 :]:
                    if (one.tag, one.words, one.home) == (heading.tag, heading.words, heading.home) and one.own:
                        break
                    if one.acts and re.fullmatch(rf"{re.escape(folded(value))}(?:\W*\d+\W*)?", folded(one.called)):
                        found.append(one)
                        break
        return list({one.id: one for one in found}.values())


def _heads(one: Thing, label: str) -> bool:
    said = re.sub(r"^(?:filter )?by ", "", folded(one.text)).rstrip(":")
    return said == folded(label) or re.fullmatch(rf"{re.escape(folded(label))}(?:\W*\d+\W*)?", said) is not None


@dataclass(frozen=True, slots=True)
class NarrowTo:
    """Show only what has a value: by the one link outside the rows that is called like the value."""

    value: str

    @property
    def words(self) -> str:
        """The clause."""
        return f'show only what is "{self.value}"'

    async def carry_out(self, workspace: Workspace) -> None:
        """Press it, with or without a number behind it.

        Raises:
            Failed: NOT_FOUND, AMBIGUOUS.
        """
        survey, _ = await workspace.until(lambda page: bool(self._links(page)), timeout=_PATIENCE)
        links = self._links(survey)
        if len({item.href or item.id for item in links}) != 1:
            reason = AMBIGUOUS if links else NOT_FOUND
            raise Failed(reason, f'{len(links) or "no"} links of the page show only what is "{self.value}"')
        await workspace.click(links[0])

    def _links(self, survey: Survey) -> list[Item]:
        called = re.compile(rf"{re.escape(self.value)}(?:\W*\d+\W*)?", re.IGNORECASE)
        return [
            item
            for item in survey.items
            if item.role == "link" and not item.disabled and called.fullmatch(item.name.strip())
            and item.landmark not in OUTSIDE
        ]  # fmt: skip
