"""Records what a task does as it does it: each action with its element, and what became true by it.

Nothing here fails a run. What cannot be recorded so that it would be done again as it was meant - a secret of unknown
origin, a choice among rows that the prompt does not name, a step whose effect is unknown - is the reason why the task
is not recorded, and that is all.
"""

from __future__ import annotations

import re
from typing import Any

from google.protobuf import json_format
from tabkeep.host.v1 import host_pb2
from tabkeep.v1 import actions_pb2, recordings_pb2

from browser_host.browser import BrowserError, BrowserGone, Page
from browser_host.task import page_script
from browser_host.task.failures import AMBIGUOUS, NOT_FOUND, Failed
from browser_host.task.journal import Credential
from browser_host.task.performing.acting import Done
from browser_host.task.recording_holes import Holes, NotRecordable, target_of
from browser_host.task.values import Parameters

LARGEST = 256 * 1024
"""Bytes of a recording."""
_MOST_STEPS = 200
_MOST_MARKS = 3
"""Buttons, links and headings that a step brought and that are kept as what was seen of it."""
_READS = frozenset({"fill", "hover", "scroll", "wait", "extract", "find_record"})
"""What no page answers to; filling a field is read back by itself."""
_CHOICES = frozenset({"click", "set_checked", "hover"})
_DIGIT = re.compile(r"\d")
_LONGEST_MESSAGE = 80

_NOT_RECORDED = frozenset({"tab", "dialog", "upload"})
"""Which tab, and what a dialog is answered with, is told ahead of the step that brings it: a replay is too late. Which
of the prompt's words name a file is not known here, and another file would be a false success."""


class Recorder:
    """The recording of one task under way."""

    def __init__(self, holes: Holes, prompt: str, parameters: Parameters) -> None:
        """`prompt` is looked into for what it names without quotes; `parameters` are those of the run."""
        self.holes = holes
        self._parameters = parameters
        self.why_not = ""
        """Why the task cannot be recorded."""
        self._prompt = " ".join(prompt.split()).casefold()
        self._parts: list[recordings_pb2.RecordedPart] = []
        self._open = False
        self._before: dict[str, Any] | None = None
        """What the page was before the step that is looked at next."""
        self._unseen: recordings_pb2.RecordedStep | None = None
        self._credentials: list[Credential] = []

    @property
    def going(self) -> bool:
        """Whether there is anything to record now."""
        return self._open and not self.why_not

    def give_up(self, why: str) -> None:
        """The task cannot be recorded; the first reason stays."""
        self.why_not = self.why_not or why

    # Parts

    def begin(self, clause: str, *, looks_again: bool = False, held: bool = False) -> None:
        """A part of the task begins; `held` is whether its clause has its holes already."""
        self._open = not looks_again
        clause = clause if held else self.holes.clause(clause)
        self._parts.append(recordings_pb2.RecordedPart(clause=clause[:4000], looks_again=looks_again))

    async def end(self, page: Page) -> None:
        """The part is done."""
        await self.look(page)
        self._open = False
        self._before = self._unseen = None

    def adopt(self, part: recordings_pb2.RecordedPart) -> None:
        """A part was replayed, and is recorded as it was."""
        self._open = False
        text = json_format.MessageToJson(part)
        self.holes.used.update(name for name in self.holes.values if re.search(rf"\b{re.escape(name)}\b", text))
        self._parts.append(part)

    def look_again(self) -> None:
        """The part that is under way depends on what the page shows: its steps are not kept."""
        part = self._parts[-1]
        part.looks_again = True
        del part.steps[:]
        self._open, self._unseen = False, None

    def add_read(self, action: actions_pb2.Action) -> None:
        """Something was read off the page that a replay is to read again."""
        if self.going:
            self._keep(action, Done())

    # Steps

    def use(self, credential: Credential) -> None:
        """This login is what the next fields are filled with."""
        self._credentials.append(credential)

    async def look(self, page: Page) -> None:
        """See what the step before has brought; called before a step and after the last one."""
        if not self.going or (self._before is not None and self._unseen is None):
            return
        try:
            after = await page_script.look(page, "facts", timeout=0, grace=5.0)
        except BrowserGone:
            raise
        except BrowserError:
            self.give_up("the page did not answer")
            return
        if self._unseen is not None and self._before is not None:
            self._unseen.seen.extend(self._differences(self._before, after))
        self._before, self._unseen = after, None

    def step(self, action: actions_pb2.Action, done: Done) -> None:
        """A step was done."""
        if self.going:
            self._keep(action, done)

    def failed(self, failure: Failed) -> None:
        """A step failed; where its element was not there nothing has happened."""
        if failure.reason not in (NOT_FOUND, AMBIGUOUS):
            self.give_up("a step failed, and what it did is not known")

    def _keep(self, action: actions_pb2.Action, done: Done) -> None:
        if sum(len(part.steps) for part in self._parts) >= _MOST_STEPS:
            self.give_up(f"it has more than {_MOST_STEPS} steps")
            return
        try:
            step = self._recorded(action, done)
        except NotRecordable as reason:
            self.give_up(str(reason))
            return
        self._parts[-1].steps.append(step)
        kind = action.WhichOneof("kind")
        acts = kind not in _READS or (kind == "fill" and action.fill.submit)
        self._unseen = self._parts[-1].steps[-1] if acts else None

    def _recorded(self, action: actions_pb2.Action, done: Done) -> recordings_pb2.RecordedStep:
        kept = actions_pb2.Action()
        kept.CopyFrom(action)
        element = done.element or {}
        kind = kept.WhichOneof("kind")
        if kind in _NOT_RECORDED:
            raise NotRecordable(f"a {kind} action was part of it")
        self._refuse_choice(kept, element)
        values = {
            "fill": [kept.fill.value],
            "select": [kept.select.option, *kept.select.more_options],
            "find_record": [kept.find_record.value],
        }.get(kind or "", [])
        for value in values:
            if value.WhichOneof("source") == "parameter":  # of a workflow, which calls the prompt's values otherwise
                value.literal = self._parameters.value(value)
            self.holes.value(value, self._of_credential(value), secret=bool(element.get("secret")))
        self.holes.texts(kept)
        step = recordings_pb2.RecordedStep(action=kept)
        if element:
            step.elements.append(self._element(element))
        return step

    def _refuse_choice(self, action: actions_pb2.Action, element: dict[str, Any]) -> None:
        """What was taken from among several of its kind must be named by the prompt.

        Raises:
            NotRecordable.
        """
        target, kind = target_of(action), action.WhichOneof("kind")
        if kind == "drag":
            places = [action.drag.target, action.drag.onto, action.drag.before, action.drag.after]
            if not all(self._named(place.name) for place in places if place.ListFields()):
                raise NotRecordable("something was dragged that the prompt does not name")
        if target is None or kind not in _CHOICES or not element.get("repeated"):
            return
        texts = [target.name, target.within] if target.name or target.within else [element.get("name", "")]
        if not any(self._named(text) for text in texts):
            raise NotRecordable(f'"{element.get("name", "")}" was chosen from among others by what the page showed')

    def _named(self, text: str) -> bool:
        folded = " ".join(text.split()).casefold()
        if len(folded) < 2:
            return False
        for value in self.holes.values.values():
            if value.text and value.text.casefold() in folded:
                return True
        return re.search(rf"(?<!\w){re.escape(folded)}(?!\w)", self._prompt) is not None

    def _element(self, element: dict[str, Any]) -> recordings_pb2.RecordedElement:
        names = ("test_id", "stable_id", "field_name", "css")
        return recordings_pb2.RecordedElement(
            role=element["role"],
            name=self.holes.text(element["name"]),
            placeholder=self.holes.text(element["placeholder"]),
            region=self.holes.text(element["region"]),
            tag=element["tag"],
            **{name: self.holes.free(element[name]) for name in names},
        )

    def _of_credential(self, value: actions_pb2.Value) -> actions_pb2.Value | None:
        """The part of a stored login that was typed, if it was one."""
        for login in reversed(self._credentials):
            parts = {
                actions_pb2.CREDENTIAL_PART_PASSWORD: login.password,
                actions_pb2.CREDENTIAL_PART_ONE_TIME_CODE: login.one_time_code,
                actions_pb2.CREDENTIAL_PART_USERNAME: login.username,
            }
            for part, text in parts.items():
                if text and text == value.literal:
                    named = [one for one in self.holes.values.values() if one.text == login.username]
                    self.holes.used.update(one.name for one in named)
                    username = f"{{{{{named[0].name}}}}}" if named else ""
                    field = actions_pb2.CredentialField(part=part, username=username)
                    hidden = part != actions_pb2.CREDENTIAL_PART_USERNAME
                    return actions_pb2.Value(credential=field, sensitive=hidden)
        return None

    def mend(
        self, step: recordings_pb2.RecordedStep, element: dict[str, Any], action: actions_pb2.Action | None
    ) -> None:
        """Keep an element as it is now, before those it was known as; `action` has its new target, if there is one."""
        try:
            now = self._element(element)
            if action is not None:
                held = actions_pb2.Action()
                held.CopyFrom(action)
                target, kept = target_of(held), target_of(step.action)
                assert target is not None
                assert kept is not None
                self.holes.texts(target)
                kept.CopyFrom(target)
        except NotRecordable as reason:
            self.give_up(str(reason))
            return
        older = list(step.elements)
        del step.elements[:]
        step.elements.extend([now, *older])

    # What was seen

    def _differences(self, before: dict[str, Any], after: dict[str, Any]) -> list[actions_pb2.Expect]:
        """What holds after a step and did not before, as far as it says something of the step and not of the data."""
        seen: list[actions_pb2.Expect] = []
        if after["url"] != before["url"]:
            glob = self.holes.glob(after["url"])
            if glob:
                seen.append(actions_pb2.Expect(url_glob=glob))
        if before["password"] and not after["password"]:
            seen.append(actions_pb2.Expect(hidden=actions_pb2.Target(css="input[type=password]")))
        if before["dialog"] and not after["dialog"]:
            seen.append(actions_pb2.Expect(hidden=actions_pb2.Target(css="dialog[open],[role=dialog]")))
        elif after["dialog"] and not before["dialog"]:
            seen.append(actions_pb2.Expect(visible=actions_pb2.Target(css="dialog[open],[role=dialog]")))
        known = {(one["kind"], one["text"]) for one in before["messages"]}
        for one in after["messages"]:
            if (one["kind"], one["text"]) in known:
                continue
            if one["kind"] == "error":
                self.give_up("the page showed an error on the way")
            if one["kind"] == "success":
                self._see_text(seen, one["text"])
        old = {(mark["role"], mark["name"]) for mark in before["marks"]}
        new = [mark for mark in after["marks"] if (mark["role"], mark["name"]) not in old]
        new.sort(key=lambda mark: mark["role"] != "heading")
        for mark in new:
            if len(seen) >= _MOST_MARKS + 2:
                break
            self._see_mark(seen, mark)
        return seen

    def _see_text(self, seen: list[actions_pb2.Expect], text: str) -> None:
        if len(text) > _LONGEST_MESSAGE:
            return
        try:
            held = self.holes.text(text)
        except NotRecordable:
            return
        if not _DIGIT.search(re.sub(r"\{\{\w+\}\}", "", held)):
            seen.append(actions_pb2.Expect(text=held))

    def _see_mark(self, seen: list[actions_pb2.Expect], mark: dict[str, str]) -> None:
        try:
            name = self.holes.text(mark["name"])
        except NotRecordable:
            return
        if not _DIGIT.search(re.sub(r"\{\{\w+\}\}", "", name)):
            seen.append(actions_pb2.Expect(visible=actions_pb2.Target(role=mark["role"], name=name)))

    # The whole

    def task(
        self, recordings: host_pb2.Recordings, origin: str, start: str, planner: str
    ) -> recordings_pb2.RecordedTask | None:
        """What was recorded; None where the task cannot be, and `why_not` says why."""
        if not any(part.steps for part in self._parts):
            self.give_up("no step of it is worth recording")
        if self.why_not:
            return None
        task = recordings_pb2.RecordedTask(template=recordings.template, origin=origin, start=start, planner=planner)
        task.parts.extend(self._parts)
        for value in recordings.values:
            fixed = value.name in self.holes.pinned or value.name not in self.holes.used
            if fixed and value.secret:
                self.give_up("a secret of the prompt was not needed")
                return None
            task.values.add(name=value.name, secret=value.secret, fixed=fixed, text=value.text if fixed else "")
        if task.ByteSize() > LARGEST:
            self.give_up(f"it has more than {LARGEST} bytes")
            return None
        return task
