""" "Find customer with email …": finds the one record that holds a value exactly, and returns it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from browser_host.task import extract
from browser_host.task.failures import AMBIGUOUS, NOT_FOUND, Failed
from browser_host.task.plain_clauses import search, search_box
from browser_host.task.survey import Item, Survey
from browser_host.task.workspace import Workspace

_NOTHING = re.compile(
    r"\b(no|0|zero) (\w+ ){0,3}(results?|matches|records?|entries|found|match)\b|nothing (was )?found|not found|"
    r"did not match|didn['\u2019]t match",
    re.IGNORECASE,
)
_NEXT = re.compile(
    r"^\s*(next( page)?|older|more results|[\u203a\u00bb\u2192>])\s*[\u203a\u00bb\u2192>]*\s*$", re.IGNORECASE
)
_MOST_PAGES = 20
_MOST_LEVELS = 2
"""A menu and its entry."""
_RESULT_PATIENCE = 5.0
_BOX_PATIENCE = 1.5
_LATE_ROWS = 0.6
"""Seconds for rows that come after the first ones."""
_SEARCH_WORDS = frozenset(
    [
        "search",
        "find",
        "for",
        "the",
        "by",
        "a",
        "an",
        "in",
        "all",
        "site",
        "here",
        "query",
        "q",
        "filter",
        "look",
        "up",
        "type",
        "to",
        "enter",
        "keyword",
        "keywords",
        "text",
        "or",
        "and",
        "of",
    ]
)
_COMMON_LABELS = frozenset(["name", "email", "mail", "phone", "id", "number", "address"])


@dataclass(frozen=True, slots=True)
class FindRecord:
    """Find the record of a kind (`noun`) whose `label` is `value`."""

    noun: str
    label: str
    value: str

    @property
    def words(self) -> str:
        """The clause."""
        return f'find the {self.noun} with {self.label} "{self.value}"'

    async def carry_out(self, workspace: Workspace) -> None:
        """Find it by the page's search, or in its tables; only what holds exactly the value counts."""
        await self._show_candidates(workspace)
        seen_near: list[str] = []
        shown: dict[str, Any] = {}
        for _ in range(_MOST_PAGES):
            shown, matches = await self._matches(workspace, shown)
            seen_near += self._near(shown)
            if matches:
                workspace.output = self._only(matches)
                return
            survey = await workspace.survey()
            following = [item for item in survey.buttons(_NEXT) if item.landmark not in ("header", "footer")]
            if len(following) != 1:
                break
            await workspace.click(following[0])
        hint = f"; close, but not it: {', '.join(dict.fromkeys(seen_near))}" if seen_near else ""
        raise Failed(NOT_FOUND, f'no {self.noun} with {self.label} "{self.value}" is shown{hint}')

    async def _show_candidates(self, workspace: Workspace) -> None:
        """Search for the value, where need be on the page that the site has for such records."""
        survey, _ = await workspace.until(self._can_look, timeout=_BOX_PATIENCE)
        box = search_box(survey, self.label)
        if box is None or not self._suits(box):
            called = re.compile(rf"^\s*{re.escape(_singular(self.noun))}(s|es)?\s*$", re.IGNORECASE)
            links = survey.buttons(called)
            pressed: set[int] = set()
            while links and len(pressed) < _MOST_LEVELS and not _holds(survey.text, self.value):
                pressed.add(links[0].id)
                await workspace.click(links[0])
                # A menu may open first, with the entry that leads there.
                survey, _ = await workspace.until(
                    lambda page, known=frozenset(pressed): (
                        self._can_look(page)  # type: ignore[misc]
                        or any(item.id not in known for item in page.buttons(called))
                    ),
                    timeout=_RESULT_PATIENCE,
                )
                box = search_box(survey, self.label)
                if box is not None and self._suits(box):
                    break
                links = [item for item in survey.buttons(called) if item.id not in pressed]
        if box is not None and self._suits(box):
            await search(workspace, self.value, self.label)

    def _can_look(self, survey: Survey) -> bool:
        box = search_box(survey, self.label)
        return (box is not None and self._suits(box)) or _holds(survey.text, self.value)

    def _suits(self, box: Item) -> bool:
        """Whether the search box is one for such records, as far as its words say."""
        words = {_singular(word) for word in re.findall(r"[a-z]+", " ".join(box.names[:2]).lower())} - _SEARCH_WORDS
        ours = {_singular(word) for word in re.findall(r"[a-z]+", f"{self.noun} {self.label}".lower())}
        return not words or bool(words & (ours | _COMMON_LABELS))

    async def _matches(
        self, workspace: Workspace, before: dict[str, Any]
    ) -> tuple[dict[str, Any], list[dict[str, str]]]:
        """The records that hold the value, once the page shows other data than `before` or says that it has none."""
        clock = workspace.steps.clock
        end = clock.monotonic() + _RESULT_PATIENCE
        results_came = False
        while True:
            found = await workspace.read()
            matches = self._in(found)
            is_new = not before or found["text"] != before["text"]
            if (is_new and matches) or _NOTHING.search(found["text"]) or clock.monotonic() >= end:
                return found, matches
            if is_new and (found["tables"] or found["cards"]) and not results_came:
                results_came = True
                end = min(end, clock.monotonic() + _LATE_ROWS)
            await workspace.pause()
            workspace.steps.check()

    def _in(self, found: dict[str, Any]) -> list[dict[str, str]]:
        rows = [row for table in extract.tables_of(found) for row in table]
        records = [_keyed(row) for row in rows if self._is_it(row)]
        if not records:
            pairs: dict[str, str] = {}
            for label, value in found["pairs"]:
                pairs.setdefault(label, value)
            if self._is_it(pairs):
                records = [_keyed(pairs)]
        if not records:
            records = [
                {"title": card["title"], "text": card["text"]}
                for card in found["cards"]
                if any(_holds(line, self.value) for line in card["lines"])
            ]
        return [record for index, record in enumerate(records) if record not in records[:index]]

    def _is_it(self, row: dict[str, str]) -> bool:
        """Whether the row has the value under its label; under any where no label is called so."""
        label = next((name for name in row if _key(name) == _key(self.label)), None)
        if label is None:
            label = next((name for name in row if _key(self.label) in _key(name).split("_")), None)
        cells = [row[label]] if label is not None else list(row.values())
        return any(_same(cell, self.value) for cell in cells)

    def _near(self, found: dict[str, Any]) -> list[str]:
        """Values that look like the one asked for."""
        start = self.value.split("@")[0].lower()
        words = re.findall(r"[^\s,;()<>]+", found["text"])
        return [word for word in words if len(start) > 3 and word.lower().startswith(start) and "@" in word][:3]

    def _only(self, matches: list[dict[str, str]]) -> dict[str, str]:
        if len(matches) > 1:
            listed = "; ".join(", ".join(list(match.values())[:3]) for match in matches[:5])
            raise Failed(AMBIGUOUS, f'{len(matches)} records have {self.label} "{self.value}": {listed}')
        return matches[0]


def _holds(text: str, value: str) -> bool:
    """Whether the text has the value as a word of its own; an address that goes on is another one."""
    edge = r"[\w@+/-]"
    pattern = rf"(?<!{edge})(?<![\w][.]){re.escape(value)}(?!{edge})(?![.]\w)"
    return re.search(pattern, text, re.IGNORECASE) is not None


def _same(cell: str, value: str) -> bool:
    """Whether a cell holds the value and nothing like it."""
    folded = " ".join(cell.split()).lower()
    return folded == " ".join(value.split()).lower() or ("@" in value and _holds(cell, value))


def _keyed(row: dict[str, str]) -> dict[str, str]:
    return {_key(name): value for name, value in row.items() if value}


def _key(label: str) -> str:
    """A label as a JSON key: "Customer ID" is customer_id."""
    return "_".join(re.findall(r"\w+", label.lower())) or "value"


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") else word
