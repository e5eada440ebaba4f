""" "Find customer with email …": finds the one record that holds a value exactly, and returns it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar

from tabkeep.v1 import actions_pb2

from browser_host.task import record_match
from browser_host.task.clauses.plain_clauses import search, search_box
from browser_host.task.failures import NOT_FOUND, Failed
from browser_host.task.survey import Item, Survey
from browser_host.task.workspace import Workspace, seconds

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

    repeatable: ClassVar[bool] = True
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
        for turned in range(_MOST_PAGES):
            shown, matches = await self._matches(workspace, shown)
            seen_near += record_match.near(shown, self.value)
            if matches:
                workspace.output = record_match.only(matches, self.label, self.value)
                self._record(workspace, first=turned == 0)
                return
            survey = await workspace.survey()
            following = [item for item in survey.buttons(_NEXT) if item.landmark not in ("header", "footer")]
            if len(following) != 1:
                break
            await workspace.click(following[0])
        hint = f"; close, but not it: {', '.join(dict.fromkeys(seen_near))}" if seen_near else ""
        raise Failed(NOT_FOUND, f'no {self.noun} with {self.label} "{self.value}" is shown{hint}')

    def _record(self, workspace: Workspace, *, first: bool) -> None:
        """Let a recording read the record again; on which page of the results it will be then nobody knows."""
        recorder = workspace.steps.recorder
        if recorder is None:
            return
        if not first:
            recorder.look_again()
            return
        wanted = actions_pb2.FindRecord(label=self.label, noun=self.noun, value=actions_pb2.Value(literal=self.value))
        recorder.add_read(actions_pb2.Action(find_record=wanted, timeout=seconds(_RESULT_PATIENCE)))

    async def _show_candidates(self, workspace: Workspace) -> None:
        """Search for the value, where need be on the page that the site has for such records."""
        survey, _ = await workspace.until(self._can_look, timeout=_BOX_PATIENCE)
        box = search_box(survey, self.label)
        if box is None or not self._suits(box):
            called = re.compile(rf"^\s*{re.escape(_singular(self.noun))}(s|es)?\s*$", re.IGNORECASE)
            links = survey.buttons(called)
            pressed: set[int] = set()
            while links and len(pressed) < _MOST_LEVELS and not record_match.holds(survey.text, self.value):
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
        return (box is not None and self._suits(box)) or record_match.holds(survey.text, self.value)

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
            matches = record_match.matching(found, self.label, self.value)
            is_new = not before or found["text"] != before["text"]
            if (is_new and matches) or _NOTHING.search(found["text"]) or clock.monotonic() >= end:
                return found, matches
            if is_new and (found["tables"] or found["cards"]) and not results_came:
                results_came = True
                end = min(end, clock.monotonic() + _LATE_ROWS)
            await workspace.pause()
            workspace.steps.check()


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") else word
