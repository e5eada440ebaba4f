"""Questions that begin with who, which, where, when or how much: answered out of the rows of a table that is shown.

Every word of a question must be accounted for by the table: by a heading, by a cell, or by being a word that only joins
others. What is left over may bound what is asked, so that there is no answer then.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from browser_host.task import extract
from browser_host.task.failures import AMBIGUOUS, EXTRACT, Failed
from browser_host.task.likeness import likeness, words_of
from browser_host.task.workspace import Workspace

_PATIENCE = 3.0
_SURE = 54
_JOINING = frozenset(
    words_of(
        "a an the is are was were be do does did have has had of in on at to for from by with and there here that this "
        "it who which what when where how much many one live lives located belong belongs come comes cost costs called "
        "named listed shown table list page have got get me my i we you value amount"
    )
)
_USUALLY = {
    "who": ("name", "user", "customer", "person", "assigned to", "owner", "author", "creator"),
    "when": ("date", "day", "time", "created", "due", "when"),
    "where": ("city", "place", "location", "country", "where"),
    "how much": ("amount", "price", "total", "cost", "how much", "quantity"),
}
"""The headings under which such a question is answered, where it names none itself."""
_GREATEST = frozenset(words_of("largest highest biggest greatest most expensive dearest newest latest"))
_LEAST = frozenset(words_of("smallest lowest fewest least cheapest oldest earliest"))
_RANKED_BY = {"expensive": "price", "dearest": "price", "cheapest": "price", "newest": "date", "latest": "date",
              "oldest": "date", "earliest": "date"}  # fmt: skip
_ENDS_OPEN = re.compile(r"\w\s+(?:by|on|at|in|to|from)\W*$", re.IGNORECASE)
_MORE_PAGES = re.compile(r"\bnext\b|\bpage \d+ of\b|\bolder\b", re.IGNORECASE)

_Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class AskTable:
    """A question about the rows of a table."""

    question: str
    """Without what it begins with: "who", "which cities"."""
    asks: str
    """who, when, where, how much, which, or how many."""
    noun: str = ""
    """Of which and how many: what is asked for."""
    column: str = ""
    """What is wanted of it, where the prompt says so beside the question."""

    @property
    def words(self) -> str:
        """The clause."""
        return f"answer: {self.asks} {self.noun + ' ' if self.noun else ''}{self.question}"

    async def carry_out(self, workspace: Workspace) -> None:
        """Look at every table that is shown; they must not contradict one another.

        Raises:
            Failed: EXTRACT, no table answers it; AMBIGUOUS.
        """
        end = workspace.steps.clock.monotonic() + _PATIENCE
        while not (answers := self._answers(found := await workspace.read())):
            if workspace.steps.clock.monotonic() >= end:
                raise Failed(EXTRACT, f'no table on the page answers "{self.asks} {self.noun} {self.question}"')
            await workspace.pause()
            workspace.steps.check()
        if len(answers) > 1 or (len(answers[0]) > 1 and not self._many):
            listed = "; ".join(", ".join(answer[:4]) for answer in answers[:4])
            raise Failed(AMBIGUOUS, f'the page has several answers to "{self.question}": {listed}')
        [answer] = answers
        if (self._many or self._rank) and _MORE_PAGES.search(found["text"]):
            raise Failed(EXTRACT, "the table has further pages, and the answer may be on them")
        key = "_".join(re.findall(r"\w+", (self.column or self.noun or "answer").lower()))
        if self.asks == "how many":
            workspace.output = {"count": len(answer)}
        else:
            workspace.output = {key: answer if self._many else answer[0]}

    @property
    def _many(self) -> bool:
        return self.asks == "how many" or (self.asks == "which" and re.search(r"(?<![su])s$", self.noun) is not None)

    @property
    def _rank(self) -> set[str]:
        return set(words_of(self.question)) & (_GREATEST | _LEAST)

    def _answers(self, found: dict[str, Any]) -> list[list[str]]:
        """Those of the tables that have one, without repetition."""
        about = words_of(f"{found.get('title', '')} {' '.join(found['headings'][:3])}")
        answers: list[list[str]] = []
        for table in extract.tables_of(found):
            column = self._column(list(table[0]) if table else [], about)
            rows = self._rows(table, column) if column else []
            cells = [row[column] for row in rows if row.get(column)] if column else []
            if self.asks != "how many" and not self._many:
                cells = list(dict.fromkeys(cells))
            if cells and cells not in answers:
                answers.append(cells)
        return answers

    def _column(self, headings: list[str], about: list[str]) -> str | None:
        """The heading of what is asked for."""
        asked = words_of(f"{self.asks} {self.question}")
        literal = [
            one for one in headings if words_of(one)[:1] == words_of(self.asks)[:1] and set(words_of(one)) <= set(asked)
        ]
        # "Who paid": the heading "Paid by" as well.
        if self.asks in ("who", "when", "where") and not self.column:
            literal = literal or [
                one for one in headings if set(words_of(one)[:-1]) <= set(asked) and _ENDS_OPEN.search(one)
            ]
        if literal and not self.column:
            return max(literal, key=len)
        for wanted in [self.column] if self.column else [self.noun, *_USUALLY.get(self.asks, ())]:
            if heading := _heading(wanted, headings):
                return heading
        # The table itself is of such things: they are meant by their names.
        if self.noun and words_of(self.noun)[-1] in about:
            return _heading("name", headings)
        return None

    def _rows(self, table: list[_Row], column: str) -> list[_Row]:
        """The rows that the question is about; none where words of it are left over."""
        asked = set(words_of(self.question)) - _JOINING - set(words_of(column)) - set(words_of(self.noun)) - self._rank
        ranked_by = self._ranked_by(table) if self._rank else None
        if self._rank and ranked_by is None:
            return []
        asked -= set(words_of(ranked_by or "")) | set(_RANKED_BY)
        rows = table
        if asked:
            whole = [row for row in table if self._tells(row, column, asked)]
            rows = whole or [row for row in table if asked <= _words(row, column)]
        if ranked_by is None or not rows:
            return rows if asked or self.asks == "how many" else []
        numbers = [extract.amount(row.get(ranked_by, "")) for row in rows]
        if None in numbers:
            return []
        best = (max if self._rank & _GREATEST else min)(number for number in numbers if number is not None)
        return [row for row, number in zip(rows, numbers, strict=True) if number == best]

    def _tells(self, row: _Row, column: str, asked: set[str]) -> bool:
        """Whether whole cells of the row, and headings beside them, account for all that is asked."""
        said: set[str] = set()
        for label, cell in row.items():
            words = set(words_of(cell)) - _JOINING
            if label != column and words and words <= asked:
                said |= words | set(words_of(label))
        return bool(said) and asked <= said

    def _ranked_by(self, table: list[_Row]) -> str | None:
        """The heading of the numbers that decide; the only numbers of the table where the question names none."""
        headings = list(table[0]) if table else []
        wanted = next((label for word, label in _RANKED_BY.items() if word in self._rank), self.question)
        named = [
            one for one in headings if set(words_of(one)) & set(words_of(wanted)) or likeness(wanted, one) >= _SURE
        ]
        numeric = [
            one
            for one in headings
            if likeness("id", one) < _SURE and all(_is_number(row.get(one, "")) for row in table)
        ]
        fitting = [one for one in named if one in numeric] or numeric
        return fitting[0] if len(fitting) == 1 else None


def _heading(wanted: str, headings: Sequence[str]) -> str | None:
    """The heading that is likest to what is wanted; None where none is like it."""
    rated = max(((likeness(wanted, one), -place) for place, one in enumerate(headings)), default=(0, 0))
    return headings[-rated[1]] if rated[0] >= _SURE else None


def _words(row: _Row, column: str) -> set[str]:
    return {word for label, cell in row.items() if label != column for word in words_of(cell)}


def _is_number(text: str) -> bool:
    return re.fullmatch(r"\W*\d[\d., \u00a0]*\W*", text) is not None


@dataclass(frozen=True, slots=True)
class ReadColumns:
    """Some columns of all rows of the page's table."""

    columns: tuple[str, ...]

    @property
    def words(self) -> str:
        """The clause."""
        return f"read {', '.join(self.columns)} of each row"

    async def carry_out(self, workspace: Workspace) -> None:
        """Only where one table has them all.

        Raises:
            Failed: EXTRACT, AMBIGUOUS.
        """
        found = await workspace.read()
        fitting = []
        for table in extract.tables_of(found):
            labels = {}
            for column in self.columns:
                rated = sorted(
                    ((likeness(column, label), label) for label in (table[0] if table else {})), reverse=True
                )
                if rated and rated[0][0] >= _SURE:
                    labels[column] = rated[0][1]
            if len(labels) == len(self.columns):
                fitting.append([{name: row.get(label, "") for name, label in labels.items()} for row in table])
        if len(fitting) != 1:
            reason = AMBIGUOUS if fitting else EXTRACT
            raise Failed(reason, f"{len(fitting) or 'no'} tables of the page have {', '.join(self.columns)}")
        workspace.output = fitting[0]
