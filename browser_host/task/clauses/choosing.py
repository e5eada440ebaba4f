"""Clauses that choose or set something by its kind, its place or its looks, where no name says which."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tabkeep.v1 import actions_pb2

from browser_host.task.clauses.colours import NAMES, distance, hexadecimal, is_shade_of, parsed
from browser_host.task.failures import AMBIGUOUS, EXPECTATION_FAILED, NO_EFFECT, NOT_FOUND, Failed
from browser_host.task.scene import Scene, Thing, folded, only, the_nth
from browser_host.task.workspace import Workspace

_PATIENCE = 5.0
_COLOUR_MARGIN = 30.0
"""How much nearer than any other a colour must be, of 441."""
_SUGGESTIONS_PATIENCE = 3.0


async def click(workspace: Workspace, thing: Thing) -> None:
    """Press something a scene showed."""
    target = await workspace.target_of(thing.ref, thing.called or thing.role)
    await workspace.do(actions_pb2.Action(click=actions_pb2.Click(target=target)))


async def check(workspace: Workspace, thing: Thing, checked: bool = True) -> None:
    """Set a box or radio button a scene showed."""
    target = await workspace.target_of(thing.ref, thing.called or thing.role)
    await workspace.do(actions_pb2.Action(set_checked=actions_pb2.SetChecked(target=target, checked=checked)))


async def fill(workspace: Workspace, thing: Thing, text: str, *, sensitive: bool = False) -> None:
    """Fill a field a scene showed."""
    target = await workspace.target_of(thing.ref, thing.called or thing.role)
    value = actions_pb2.Value(literal=text, sensitive=sensitive or thing.secret)
    await workspace.do(actions_pb2.Action(fill=actions_pb2.Fill(target=target, value=value)))


@dataclass(frozen=True, slots=True)
class ChooseSeveral:
    """Choose all of these: boxes to tick, or options of one list that takes several."""

    words: str
    options: tuple[str, ...]

    async def carry_out(self, workspace: Workspace) -> None:
        """Find what has all of them, then set it."""
        scene = await workspace.scene()
        wanted = [folded(option) for option in self.options]
        lists = scene.all(lambda one: {folded(option) for option in one.options} >= set(wanted) and not one.disabled)
        if lists:
            await self._in_list(workspace, only(lists, f'list with "{", ".join(self.options)}"'))
            return
        boxes: list[Thing] = []
        for option in self.options:
            fitting = scene.all(lambda one, option=option: _is_box(one) and folded(one.name) == folded(option))  # type: ignore[misc]
            boxes.append(only(fitting, f'box or option "{option}"'))
        before = {one.id for one in scene.things if one.checked}
        for box in boxes:
            await check(workspace, box)
        ticked = {one.id for one in (await workspace.scene()).things if one.checked}
        if ticked != before | {box.id for box in boxes} and all(box.role != "radio" for box in boxes):
            raise Failed(EXPECTATION_FAILED, "other boxes than those asked for were changed on the way")

    async def _in_list(self, workspace: Workspace, one: Thing) -> None:
        target = await workspace.target_of(one.ref, one.called or one.role)
        first, *more = [actions_pb2.Value(literal=option) for option in self.options]
        select = actions_pb2.Select(target=target, option=first, more_options=more)
        await workspace.do(actions_pb2.Action(select=select))


def _is_box(one: Thing) -> bool:
    return one.role in ("checkbox", "radio", "switch") and not one.disabled


@dataclass(frozen=True, slots=True)
class ChooseNothing:
    """ "Select nothing": no box may be ticked."""

    words: str = "choose nothing"

    async def carry_out(self, workspace: Workspace) -> None:
        """Untick what is ticked."""
        for box in (await workspace.scene()).all(lambda one: one.role == "checkbox" and bool(one.checked)):
            await check(workspace, box, False)


@dataclass(frozen=True, slots=True)
class ChooseInOnly:
    """Choose an option in the only list of the page, or the n-th."""

    words: str
    option: str
    nth: int = 0

    async def carry_out(self, workspace: Workspace) -> None:
        """Find the list; one that is drawn over a hidden native one is opened like a person does."""
        scene = await workspace.scene()
        lists = scene.all(lambda one: one.tag == "select" and not one.disabled)
        if len(lists) > 1 and not self.nth:
            lists = [one for one in lists if folded(self.option) in map(folded, one.options)]
        if lists:
            one = the_nth(lists, self.nth, "list")
            target = await workspace.target_of(one.ref, one.called or one.role)
            option = actions_pb2.Value(literal=self.option)
            await workspace.do(actions_pb2.Action(select=actions_pb2.Select(target=target, option=option)))
            return
        drawn = scene.all(lambda one: one.opens or one.role == "combobox" or _draws_list(one))
        await click(workspace, the_nth(_outermost(drawn), self.nth, "list"))
        options = (await workspace.scene()).all(lambda one: folded(one.text) == folded(self.option))
        await click(workspace, only(_innermost(options), f'option "{self.option}"'))
        shown = await workspace.scene()
        kept = [one for one in shown.things if folded(one.text) == folded(self.option) or one.value == self.option]
        if not kept:
            raise Failed(EXPECTATION_FAILED, f'the list does not show "{self.option}" as chosen')


def _draws_list(one: Thing) -> bool:
    return bool(re.search(r"\b(drop ?down|select(ric|box|or)?|combo ?box|picker)\b", one.words)) and (
        one.own or one.acts
    )


def _outermost(things: Sequence[Thing]) -> list[Thing]:
    """Of things that lie over one another the first."""
    kept: list[Thing] = []
    for one in things:
        if not any(_over(one, other) for other in kept):
            kept.append(one)
    return kept


def _innermost(things: Sequence[Thing]) -> list[Thing]:
    """Of things that lie over one another the last."""
    return list(reversed(_outermost(list(reversed(things)))))


def _over(one: Thing, other: Thing) -> bool:
    x, y = one.x + one.width / 2, one.y + one.height / 2
    return other.x - 1 <= x <= other.x + other.width + 1 and other.y - 1 <= y <= other.y + other.height + 1


@dataclass(frozen=True, slots=True)
class SetRanges:
    """Set the only slider or spinner, the n-th, or all of them in page order."""

    words: str
    kind: str
    """slider or spinner."""
    values: tuple[float, ...]

    async def carry_out(self, workspace: Workspace) -> None:
        """Count them first: as many numbers as sliders, or none is moved."""
        role = "slider" if self.kind == "slider" else "spinbutton"
        things = (await workspace.scene()).all(lambda one: one.role == role and not one.disabled)
        if len(things) != len(self.values):
            reason = AMBIGUOUS if len(things) > len(self.values) else NOT_FOUND
            raise Failed(reason, f"there are {len(things)} {self.kind}s on the page for {len(self.values)} numbers")
        for place, value in enumerate(self.values, 1):
            target = actions_pb2.Target(role=role, nth=place if len(things) > 1 else 0)
            await workspace.do(actions_pb2.Action(set_range=actions_pb2.SetRange(target=target, value=value)))


@dataclass(frozen=True, slots=True)
class SetTheDate:
    """Put a date, or a time of day, into the field that is for it."""

    words: str
    date: str
    """ "2026-04-08", or "14:30" for a time."""

    async def carry_out(self, workspace: Workspace) -> None:
        """Find the field by its type, its name, or because there is no other."""
        time = ":" in self.date
        word = "time" if time else "date"
        fields = (await workspace.scene()).all(
            lambda one: (
                one.tag == "input" and not one.disabled and (one.editable or one.readonly) and one.role != "slider"
            )
        )
        typed = [one for one in fields if one.type == word]
        named = [one for one in fields if re.search(rf"{word}", f"{one.name} {one.words}", re.IGNORECASE)]
        field = only(typed or named or fields, f"field for the {word}")
        if time:
            await fill(workspace, field, self.date)
            return
        target = await workspace.target_of(field.ref, field.called or field.role)
        await workspace.do(actions_pb2.Action(set_date=actions_pb2.SetDate(target=target, date=self.date)))


@dataclass(frozen=True, slots=True)
class FillOnly:
    """Fill the only text field, the n-th, or all of them."""

    words: str
    text: str
    nth: int = 0
    every: bool = False
    secret: bool = False
    large: bool | None = None
    """Only fields of several lines, only those of one, or both."""

    async def carry_out(self, workspace: Workspace) -> None:
        """Fill them and read them back."""
        scene = await workspace.scene()
        if self.every:
            fields = scene.all(lambda one: one.is_text_field and one.secret) if self.secret else scene.text_fields()
            if not fields:
                raise Failed(NOT_FOUND, "there is no such field on the page")
            for field in fields:
                await fill(workspace, field, self.text, sensitive=self.secret)
            return
        await fill(workspace, text_field(scene, self.nth, large=self.large), self.text, sensitive=self.secret)


def text_field(scene: Scene, nth: int = 0, *, large: bool | None = None) -> Thing:
    """The only field for text, or the n-th; of one line where there are both.

    Raises:
        Failed: NOT_FOUND, AMBIGUOUS.
    """
    fields = scene.text_fields(large=large)
    if large is None and not nth:
        fields = scene.text_fields(large=False) or fields
    if len(fields) > 1 and not nth:
        fields = [one for one in fields if not one.secret] or fields
    return the_nth(fields, nth, "text field")


@dataclass(frozen=True, slots=True)
class FocusField:
    """Put the cursor into the only text field, or the n-th."""

    words: str
    nth: int = 0

    async def carry_out(self, workspace: Workspace) -> None:
        """Click into it."""
        await click(workspace, text_field(await workspace.scene(), self.nth))


@dataclass(frozen=True, slots=True)
class ClickKind:
    """Click the only thing of a kind, or the n-th."""

    words: str
    kind: str
    nth: int = 0

    async def carry_out(self, workspace: Workspace) -> None:
        """Find them by role."""
        things = (await workspace.scene()).all(lambda one: is_kind(one, self.kind) and not one.disabled)
        thing = the_nth(things, self.nth, self.kind)
        if thing.checked is None:
            await click(workspace, thing)
        else:
            await check(workspace, thing)


def is_kind(one: Thing, kind: str) -> bool:
    """Whether something is what people call a button, a checkbox, a text area, …"""
    kind = kind.lower().replace("-", " ")
    if kind in ("textarea", "text area"):
        return one.tag == "textarea"
    if kind in ("text", "textbox", "text box", "text field", "input", "input field"):
        return one.is_text_field and one.tag != "textarea"
    roles = {"radio button": "radio", "dropdown": "combobox", "check box": "checkbox", "menu item": "menuitem"}
    return one.role == roles.get(kind, kind)


@dataclass(frozen=True, slots=True)
class ClickAnyKind:
    """Click one of a kind, no matter which: "a button widget"."""

    words: str
    kind: str

    async def carry_out(self, workspace: Workspace) -> None:
        """Take the first in page order."""
        things = (await workspace.scene()).all(lambda one: is_kind(one, self.kind) and not one.disabled)
        await click(workspace, the_nth(things, 1, self.kind))


@dataclass(frozen=True, slots=True)
class Send:
    """Press the button that sends: the one that is called so, else the only one whose name says that it sends."""

    words: str
    name: str

    async def carry_out(self, workspace: Workspace) -> None:
        """Press it."""
        await click(workspace, (await workspace.scene()).sender(self.name))


@dataclass(frozen=True, slots=True)
class SendIfAlone:
    """Press the page's only button, if its name says that it sends."""

    words: str = "press the only button, if it sends"

    async def carry_out(self, workspace: Workspace) -> None:
        """Nothing is done where there are several, or none; tools without a name, as editors have them, are none."""
        buttons = (await workspace.scene()).all(
            lambda one: one.role == "button" and not one.disabled and one.called != ""
        )
        if len(buttons) == 1 and re.fullmatch(r"\W*submit\W*", buttons[0].called, re.IGNORECASE):
            await click(workspace, buttons[0])


@dataclass(frozen=True, slots=True)
class ClickColour:
    """Click the one box of a colour."""

    words: str
    colour: str

    async def carry_out(self, workspace: Workspace) -> None:
        """Take the box whose colour is clearly the nearest to the one of that name."""
        boxes = coloured(await workspace.scene())
        wanted = NAMES[self.colour]
        near = sorted(boxes, key=lambda one: distance(one[1], wanted))
        if not near or distance(near[0][1], wanted) > _COLOUR_MARGIN * 2:
            raise Failed(NOT_FOUND, f"there is no {self.colour} box on the page")
        same = [box for box, colour in near if distance(colour, wanted) < distance(near[0][1], wanted) + _COLOUR_MARGIN]
        await click(workspace, only(same, f"{self.colour} box"))


@dataclass(frozen=True, slots=True)
class ChooseShades:
    """Click all boxes whose colour is light or dark of one hue."""

    words: str
    colour: str

    async def carry_out(self, workspace: Workspace) -> None:
        """One after the other; a page without any has none to choose."""
        boxes = [box for box, colour in coloured(await workspace.scene()) if is_shade_of(colour, self.colour)]
        if not boxes:
            raise Failed(NOT_FOUND, f"there is no shade of {self.colour} on the page")
        for box in boxes:
            await click(workspace, box)


def coloured(scene: Scene) -> list[tuple[Thing, tuple[int, int, int]]]:
    """Boxes that show nothing but a colour, with it."""
    found = []
    for one in scene.things:
        colour = parsed(one.color)
        if (
            colour is not None
            and not one.called
            and not one.value
            and min(one.width, one.height) >= 8
            and not one.editable
        ):
            found.append((one, colour))
    return found


@dataclass(frozen=True, slots=True)
class PickColour:
    """Put a colour into the field for colours."""

    words: str
    colour: str
    """Its name; empty for the colour of the only box that shows one."""

    async def carry_out(self, workspace: Workspace) -> None:
        """Write it as the field has it, and read it back."""
        scene = await workspace.scene()
        wanted = hexadecimal(self.colour) if self.colour else _sample(scene)
        fields = scene.all(lambda one: one.editable and not one.disabled and _for_colours(one))
        field = only(fields, "field for a colour")
        marked = field.type == "color" or field.value.startswith("#")
        await fill(workspace, field, f"{'#' if marked else ''}{wanted if field.value.islower() else wanted.upper()}")


def _for_colours(one: Thing) -> bool:
    return one.type == "color" or re.fullmatch(r"#?[0-9a-fA-F]{6}", one.value) is not None


def _sample(scene: Scene) -> str:
    samples = [(box, colour) for box, colour in coloured(scene) if not box.acts and colour != (255, 255, 255)]
    if len(samples) != 1:
        raise Failed(AMBIGUOUS if samples else NOT_FOUND, f"{len(samples)} boxes show a colour to choose")
    return "".join(f"{part:02x}" for part in samples[0][1])


@dataclass(frozen=True, slots=True)
class EnterSuggested:
    """Enter something that the field itself suggests, by how it begins and ends, and send it where one button does."""

    words: str
    begins: str
    ends: str = ""

    async def carry_out(self, workspace: Workspace) -> None:
        """Type the beginning, choose the suggestion, see that the field has it."""
        scene = await workspace.scene()
        field = text_field(scene)
        chosen = await choose_suggestion(workspace, field, self.begins, self._fits)
        after = await workspace.scene()
        kept = [one for one in after.things if one.id == field.id]
        if kept and kept[0].value and not self._fits(kept[0].value):
            raise Failed(EXPECTATION_FAILED, f'the field shows "{kept[0].value[:60]}" and not "{chosen}"')
        buttons = after.all(lambda one: one.role == "button" and not one.disabled)
        if len(buttons) == 1:
            await click(workspace, buttons[0])

    def _fits(self, text: str) -> bool:
        text = text.strip().lower()
        return text.startswith(self.begins.lower()) and text.endswith(self.ends.lower())


async def choose_suggestion(workspace: Workspace, field: Thing, typed: str, fits: object) -> str:
    """Type into a field and choose the first suggestion that fits; what was chosen.

    Raises:
        Failed: NOT_FOUND, nothing that fits is suggested.
    """
    assert callable(fits)
    known = {one.id: one.text for one in (await workspace.scene()).things}
    await fill(workspace, field, typed)
    end = workspace.steps.clock.monotonic() + _SUGGESTIONS_PATIENCE
    while True:
        shown = (await workspace.scene()).all(
            lambda one: (
                bool(one.text) and known.get(one.id) != one.text and one.role != "textbox" and bool(fits(one.text))
            )
        )
        offered = _innermost(shown)
        if offered:
            best = min(offered, key=lambda one: len(one.text))
            await click(workspace, best)
            return best.text
        if workspace.steps.clock.monotonic() >= end:
            raise Failed(NOT_FOUND, f'the field suggests nothing that fits "{typed}"')
        await workspace.pause()


@dataclass(frozen=True, slots=True)
class CloseDialog:
    """Close the dialog that is open, by the button that is named or by the one that closes."""

    words: str
    button: str = ""

    async def carry_out(self, workspace: Workspace) -> None:
        """Press it, and see that it did something."""
        scene = await workspace.scene()
        buttons = scene.all(lambda one: one.dialog and one.role == "button" and not one.disabled)
        if not scene.all(lambda one: one.dialog):
            raise Failed(NOT_FOUND, "there is no dialog on the page")
        cross = folded(self.button) in ("", "x", "\u00d7", "\u2715", "close")
        fitting = [one for one in buttons if folded(one.called) == folded(self.button)]
        if not fitting and cross:
            fitting = [one for one in buttons if re.search(r"\bclose\b", f"{one.called} {one.words}", re.IGNORECASE)]
        await click(workspace, only(fitting, f'button "{self.button or "close"}" in the dialog'))


@dataclass(frozen=True, slots=True)
class Resize:
    """Make a field wider, narrower, higher or lower with its corner."""

    words: str
    dimension: str
    larger: bool

    async def carry_out(self, workspace: Workspace) -> None:
        """Drag the corner a good way, then see that it has become so."""
        field = only((await workspace.scene()).all(lambda one: one.tag == "textarea"), "text area")
        way = 20 if self.larger else -20
        offset = actions_pb2.Offset(**({"x": way} if self.dimension == "width" else {"y": way}))
        target = await workspace.target_of(field.ref, field.called or field.role)
        drag = actions_pb2.Drag(target=target, by=offset, by_corner=True)
        await workspace.do(actions_pb2.Action(drag=drag))
        after = [one for one in (await workspace.scene()).things if one.id == field.id]
        now, before = (getattr(one, self.dimension) for one in (after[0] if after else field, field))
        if (now > before) != self.larger or now == before:
            raise Failed(NO_EFFECT, f"the {self.dimension} was {before:g} px and is {now:g} px")


@dataclass(frozen=True, slots=True)
class ScrollInside:
    """Scroll the inside of the only text area, or of what scrolls, to its top or bottom."""

    words: str
    end: str

    async def carry_out(self, workspace: Workspace) -> None:
        """Scroll it and see that it is there."""
        area = only((await workspace.scene()).all(lambda one: one.tag == "textarea"), "text area")
        if not await workspace.scroll_within(area.ref, self.end):
            raise Failed(EXPECTATION_FAILED, f"the text area is not at its {self.end}")
