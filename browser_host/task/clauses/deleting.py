"""Deleting a record that has a name, by its own page or its row: the page's question answered, the record gone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urldefrag

from tabkeep.v1 import actions_pb2

from browser_host.task.clauses.named_records import ROWS, in_entry, links_to, open_named
from browser_host.task.clauses.saving import send
from browser_host.task.failures import AMBIGUOUS, EXPECTATION_FAILED, NOT_FOUND, Failed
from browser_host.task.likeness import words_of
from browser_host.task.survey import Item, Survey
from browser_host.task.workspace import Workspace

_PATIENCE = 5.0
_ABOUT_TO_ASK = 0.7
_DELETING = ("delete", "remove", "destroy", "trash")
_DELETE = re.compile(r"^\W*(?:delete|drop|remove|retire)\b", re.IGNORECASE)
_SURE = re.compile(
    r"^\W*(?:yes\b|delete\b|drop\b|remove\b|confirm\b|ok\W*$|continue\W*$|i['\u2019]m sure)", re.IGNORECASE
)
_NO = re.compile(r"^\W*(?:no\b|cancel|back|keep)", re.IGNORECASE)
_ASKS = re.compile(
    r"\b(?:are )?you sure\b|\bcan(?:not|['\u2019]t) be (?:undone|reversed)\b|\breally (?:delete|drop|remove)\b|"
    r"\bconfirm\b",
    re.IGNORECASE,
)
_PHRASE = re.compile(
    r"\b(?:[Ee]nter|[Tt]ype)(?: in)?(?: the (?:phrase|word|text|name))? [\"'\u201c\u2018]?"
    r"(?P<phrase>[\w/.-]+(?: [\w/.-]+){0,3}?)"
    r"[\"'\u201d\u2019]? (?:in(?:to)? the (?:box|field)|to confirm)\b"
)
"""How a page asks for a word to be typed before it deletes."""


@dataclass(frozen=True, slots=True)
class DeleteRecord:
    """Delete a record, and say yes where the page asks whether that is meant."""

    name: str
    kind: str

    @property
    def words(self) -> str:
        """The clause."""
        return f'delete the {self.kind} "{self.name}"'

    async def carry_out(self, workspace: Workspace) -> None:
        """Open it, press the button that deletes it, confirm, and see that it is gone."""
        survey, _ = await workspace.until(lambda page: bool(links_to(page, self.name)), timeout=2.0)
        if not _is_one(self._deleting(survey)):
            if (own := await in_entry(workspace, self.name, _DELETING)) is not None:
                await self._from_entry(workspace, survey, own)
                return
            survey = await workspace.survey()
        if not self._deleting(survey):
            if self.kind in ROWS:
                raise Failed(NOT_FOUND, f'no {self.kind} of "{self.name}" has anything to delete it with')
            await open_named(workspace, self.name, self.kind)
            survey, _ = await workspace.until(lambda page: bool(self._deleting(page)), timeout=_PATIENCE)
        buttons = self._deleting(survey)
        if not buttons:
            raise Failed(NOT_FOUND, f'there is nothing to delete the {self.kind} "{self.name}" with')
        if not _is_one(buttons):
            # One that stands alone is about the page's own record; in a row, it is about what the row has.
            buttons = [item for item in buttons if words_of(item.context) in ([], words_of(item.name))] or buttons
        if not _is_one(buttons):
            raise Failed(AMBIGUOUS, f"several buttons may be meant: {', '.join(item.name for item in buttons[:6])}")
        in_row = set(words_of(self.name)) <= set(words_of(buttons[0].context))
        button = await workspace.target(buttons[0])
        if in_row and await workspace.rows({"label": "", "contains": self.name}):
            await self._from_entry(workspace, survey, button)
            return
        await workspace.do(actions_pb2.Action(click=actions_pb2.Click(target=button)))
        after, _ = await workspace.until(
            lambda page: bool(_sure(page, survey)) or (page.url != survey.url and not self._names_it(page, survey)),
            timeout=_PATIENCE,
        )
        if not _sure(after, survey):
            # A page that has just moved on may be about to ask.
            after, _ = await workspace.until(lambda page: bool(_sure(page, survey)), timeout=_ABOUT_TO_ASK)
        if _sure(after, survey):
            await _say_yes(workspace, after, survey)
        _, gone = await workspace.until(lambda page: not self._names_it(page, survey), timeout=_PATIENCE)
        if not gone:
            raise Failed(EXPECTATION_FAILED, f'the page still has a link to the {self.kind} "{self.name}"')

    async def _from_entry(self, workspace: Workspace, survey: Survey, button: actions_pb2.Target) -> None:
        """Press the button of the entry, confirm where that is asked for, and see the entry gone."""
        before = len(await workspace.rows({"label": "", "contains": self.name}))
        await workspace.do(actions_pb2.Action(click=actions_pb2.Click(target=button)))
        after, _ = await workspace.until(
            lambda page: bool(_sure(page, survey)) or page.url != survey.url or self.name not in page.text,
            timeout=_PATIENCE,
        )
        if _sure(after, survey):
            after = await _say_yes(workspace, after, survey)
        if urldefrag(after.url)[0] != urldefrag(survey.url)[0]:
            # Only the list proves that the entry is gone: any other page may just not show it.
            await workspace.do(actions_pb2.Action(goto=actions_pb2.Goto(url=survey.url)))
        end = workspace.steps.clock.monotonic() + _PATIENCE
        while len(await workspace.rows({"label": "", "contains": self.name})) >= before:
            if workspace.steps.clock.monotonic() >= end:
                raise Failed(EXPECTATION_FAILED, f'the page still shows the {self.kind} "{self.name}"')
            await workspace.pause()

    def _deleting(self, survey: Survey) -> list[Item]:
        """What deletes this very record: on its own page, or in its row."""
        asked = set(words_of(self.name))
        # "Remove all permissions" removes something else.
        plain = {"delete", "drop", "remove", "retire", "this", *words_of(self.kind), *asked}
        deleting = [
            item
            for item in survey.buttons(_DELETE)
            if item.landmark not in ("header", "banner", "footer", "search") and set(words_of(item.name)) <= plain
        ]
        own = [item for item in deleting if asked <= set(words_of(item.name)) - {"delete", "drop", "remove"}]
        if own:
            return own
        in_row = [item for item in deleting if asked <= set(words_of(item.context))]
        if in_row and len(deleting) > 1:
            return in_row
        about = f"{survey.title} {survey.url} " + " ".join(list(survey.lines())[:40])
        ours = asked <= set(words_of(about)) and not self._names_it_in_list(survey)
        return deleting if ours else []

    def _names_it_in_list(self, survey: Survey) -> bool:
        """Whether the page lists such records, so that its buttons may be about several."""
        return any(item.role == "checkbox" and not item.name for item in survey.items)

    def _names_it(self, survey: Survey, before: Survey) -> bool:
        name = self.name.lower()
        return any(item.role == "link" and item.name.strip().lower() == name for item in survey.items) or bool(
            _sure(survey, before) and name in survey.text.lower()
        )


def _is_one(items: list[Item]) -> bool:
    """Whether these lead to one and the same place, or are one button: its name alone is also that of other rows'."""
    return len({item.href or item.id for item in items}) == 1


def _sure(survey: Survey, before: Survey) -> list[Item]:
    """The buttons that say yes to a page's question whether this is meant; a way to say no makes one of a new page."""
    no = any(item.role in ("button", "link") and _NO.search(item.name) for item in survey.items)
    asked = _ASKS.search(survey.text) is not None
    if not asked and (survey.url == before.url or not no):
        return []
    # What was there before the page asked deletes something else: a list has such a button in every row.
    old = {(item.id, item.name) for item in before.items} if survey.url == before.url else set()
    buttons = [
        item
        for item in survey.items
        if item.role in ("button", "link") and not item.disabled and (item.id, item.name) not in old
        and (_SURE.search(item.name) or _ASKS.search(item.name)) and not _NO.search(item.name)
    ]  # fmt: skip
    pressed = [item for item in buttons if item.role == "button"]
    return sorted(pressed or (buttons if asked else []), key=lambda item: (not item.dialog, item.ref))


async def _say_yes(workspace: Workspace, survey: Survey, before: Survey) -> Survey:
    """Press what says yes, after typing the word that the page wants to see first, where it wants one."""
    wanted = _PHRASE.search(" ".join(survey.text.split()))
    known = {item.id for item in before.items}
    fields = survey.fields(lambda item: item.id not in known and not item.filled and not item.secret)
    if wanted and len(fields) == 1:
        await workspace.fill(fields[0], wanted["phrase"])
        survey = await workspace.survey()
    return await send(workspace, survey, await workspace.target(_sure(survey, before)[0]))
