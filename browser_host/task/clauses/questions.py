"""Questions about what a page shows: one value of a record, or how many records there are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from browser_host.task import extract
from browser_host.task.failures import AMBIGUOUS, EXTRACT, NOT_FOUND, Failed
from browser_host.task.likeness import likeness, words_of
from browser_host.task.workspace import Workspace

_PATIENCE = 3.0
_ANY_AMOUNT = frozenset({"amount", "quantity", "how much", "number"})


@dataclass(frozen=True, slots=True)
class Ask:
    """What a record that the page shows has in one column."""

    column: str
    subject: str
    """A word or two that the record's row has as a cell of its own, or in one."""
    under: str = ""
    """The column that the subject must stand in; empty for any."""

    @property
    def words(self) -> str:
        """The clause."""
        return f'read {self.column} of "{self.subject}"'

    async def carry_out(self, workspace: Workspace) -> None:
        """Read it off the one row, or the one set of labelled values, that is about the subject."""
        end = workspace.steps.clock.monotonic() + _PATIENCE
        while True:
            found = await workspace.read()
            value = self._value(found)
            if value is not None or workspace.steps.clock.monotonic() >= end:
                break
            await workspace.pause()
            workspace.steps.check()
        if value is None:
            raise Failed(EXTRACT, f'the page shows no {self.column} of "{self.subject}"')
        workspace.output = {_key(self.column): value}

    def _value(self, found: dict[str, Any]) -> str | None:
        """
        Raises:
            Failed: AMBIGUOUS, several rows are about the subject.
        """
        values: dict[str, str] = {}
        for table in extract.tables_of(found):
            rows = self._about(table)
            for row in rows:
                value = self._cell(row)
                if value:
                    values[value] = " ".join(row.values())
        if len(values) > 1:
            listed = "; ".join(text[:80] for text in list(values.values())[:4])
            raise Failed(AMBIGUOUS, f'several rows are about "{self.subject}": {listed}')
        if values:
            return next(iter(values))
        titled = [found["headings"][0] if found["headings"] else "", found.get("title", "")]
        if any(_has(title, self.subject) for title in titled):
            facts = extract.facts_of(found)
            rated = [(likeness(self.column, label), value) for label, value in facts]
            best = max((rating for rating, _ in rated), default=0)
            chosen = {value for rating, value in rated if rating == best and rating >= 50}
            if len(chosen) == 1:
                return chosen.pop()
        return None

    def _about(self, table: list[dict[str, str]]) -> list[dict[str, str]]:
        """Rows that have the subject as a cell; else those that have its words in one."""
        rows = table
        if self.under:
            labels = [label for label in (table[0] if table else {}) if likeness(self.under, label) >= 50]
            return [row for row in rows if any(_same(row.get(label, ""), self.subject) for label in labels)]
        whole = [row for row in rows if any(_same(cell, self.subject) for cell in row.values())]
        return whole or [row for row in rows if any(_has(cell, self.subject) for cell in row.values())]

    def _cell(self, row: dict[str, str]) -> str | None:
        rated = sorted(((likeness(self.column, label), label) for label in row), reverse=True)
        if rated and rated[0][0] >= 50:
            return row[rated[0][1]]
        started = [label for label in row if words_of(label)[: len(words_of(self.column))] == words_of(self.column)]
        if len(started) == 1:
            return row[started[0]]
        others = [cell for cell in row.values() if cell and not _same(cell, self.subject)]
        if self.column in _ANY_AMOUNT and len(others) == 1 and re.search(r"\d", others[0]):
            return others[0]
        return None


@dataclass(frozen=True, slots=True)
class CountOf:
    """How many records of a kind there are, as the page says it."""

    noun: str

    @property
    def words(self) -> str:
        """The clause."""
        return f"count the {self.noun}"

    async def carry_out(self, workspace: Workspace) -> None:
        """Take the page's own number; else the rows of its only table, where that has no further pages."""
        found = await workspace.read()
        stem = words_of(self.noun)[-1]
        said = {
            int(number.replace(",", ""))
            for number, noun in re.findall(r"(?<![\w.,])(\d[\d,]*)\s+(?:total\s+)?([a-z]+)\b", found["text"], re.I)
            if words_of(noun) == [stem]
        }
        if len(said) == 1:
            workspace.output = {"count": said.pop()}
            return
        if len(said) > 1:
            raise Failed(AMBIGUOUS, f"the page has several numbers of {self.noun}: {', '.join(map(str, sorted(said)))}")
        tables = [table for table in found["tables"] if table["headers"]]
        more = re.search(r"\bnext\b|\bpage \d+ of\b|\bshowing \d+", found["text"], re.IGNORECASE)
        titled = any(stem in words_of(text) for text in (found.get("title", ""), *found["headings"][:3]))
        if len(tables) == 1 and titled and not more:
            workspace.output = {"count": len(tables[0]["rows"])}
            return
        raise Failed(NOT_FOUND, f"the page does not say how many {self.noun} there are")


def _key(label: str) -> str:
    return "_".join(re.findall(r"\w+", label.lower())) or "value"


def _same(cell: str, wanted: str) -> bool:
    return " ".join(cell.split()).lower() == " ".join(wanted.split()).lower()


def _has(text: str, wanted: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(wanted)}(?![\w-])", text, re.IGNORECASE) is not None
