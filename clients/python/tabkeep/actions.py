"""Builders for typed actions, for `run_task(actions=[...])` and for tests.

    from tabkeep import actions as a

    await client.run_task(actions=[
        a.goto("https://shop.example.com"),
        a.fill("wireless headphones", role="searchbox", submit=True),
        a.click(role="link", name="Wireless", nth=1),
    ])

Elements are named as a person would: by `role` and `name`, if need be `within` the row, card or dialog that shows a
text; by `css` or `test_id` where a page names nothing. A match must be unique unless `nth` says which, from 1.
Every action takes `timeout`, `note` and `expect`; `tabkeep.v1.actions_pb2` says what each one checks by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, TypedDict, Unpack

from google.protobuf import json_format

from tabkeep import wire
from tabkeep.v1 import actions_pb2

Action = actions_pb2.Action
Expect = actions_pb2.Expect
RowIs = actions_pb2.RowIs
Target = actions_pb2.Target
Value = actions_pb2.Value

__all__ = [
    "Action",
    "Expect",
    "RowIs",
    "Target",
    "Value",
    "accept_dialog",
    "back",
    "click",
    "close_tab",
    "credential",
    "dismiss_dialog",
    "drag",
    "expect_hidden",
    "expect_number",
    "expect_text",
    "expect_text_gone",
    "expect_title",
    "expect_url",
    "expect_value",
    "expect_visible",
    "extract",
    "fill",
    "find_record",
    "from_action",
    "from_json",
    "goto",
    "hover",
    "open_tab",
    "parameter",
    "pick_row",
    "press_key",
    "reload",
    "row_is",
    "scroll",
    "secret",
    "select",
    "select_text",
    "set_checked",
    "set_date",
    "set_range",
    "switch_tab",
    "target",
    "uncheck",
    "wait_for",
    "wait_time",
]


class Which(TypedDict, total=False):
    """The parts that name an element; all that are given must hold."""

    role: str
    name: str
    exact: bool
    within: str
    nth: int
    css: str
    test_id: str
    frame: str


class Common(TypedDict, total=False):
    """What every action takes."""

    timeout: timedelta
    note: str
    expect: Sequence[Expect]


class OnElement(Which, Common, total=False):
    """An element, and what every action takes."""


def target(**which: Unpack[Which]) -> Target:
    """Name an element."""
    return Target(**which)


def secret(text: str) -> Value:
    """Wrap a text that must never be shown in events, logs or errors."""
    return Value(literal=text, sensitive=True)


def parameter(name: str) -> Value:
    """Take the text from a workflow's parameter."""
    return Value(parameter=name)


def from_action(number: int, path: str = "") -> Value:
    """Take what an earlier action of the same list brought, from 1: `from_action(1, "rows.0.email")`."""
    return Value(from_step=actions_pb2.StepOutput(action=number, path=path))


def credential(part: str, *, username: str = "") -> Value:
    """Take "username", "password" or "one_time_code" of the login stored for the page's origin.

    Only the host sees it.
    """
    field = actions_pb2.CredentialField(username=username)
    field.part = actions_pb2.CredentialPart.Value(f"CREDENTIAL_PART_{part.upper()}")  # type: ignore[assignment]
    return Value(credential=field, sensitive=part != "username")


def goto(url: str, *, allow_error_status: bool = False, **common: Unpack[Common]) -> Action:
    """Open a URL; HTTP statuses of 400 and more fail unless `allow_error_status`."""
    return _action(common, goto=actions_pb2.Goto(url=url, allow_error_status=allow_error_status))


def click(
    *,
    click_count: int = 1,
    times: int = 0,
    every: bool = False,
    at: tuple[int, int] | None = None,
    **element: Unpack[OnElement],
) -> Action:
    """Click an element; it fails when the click has no effect that can be seen.

    `times` clicks it again and again; `every` clicks all elements that match; `at` is a point of the element, in pixels
    from its upper left corner.
    """
    which, common = _split(element)
    click = actions_pb2.Click(target=which, click_count=click_count, times=times, every=every, at=_offset(at))
    return _action(common, click=click)


def fill(text: str | Value, *, submit: bool = False, **element: Unpack[OnElement]) -> Action:
    """Replace a field's text and read it back; `submit` presses Enter afterwards."""
    which, common = _split(element)
    return _action(common, fill=actions_pb2.Fill(target=which, value=_value(text), submit=submit))


def select(option: str | Value, *more_options: str | Value, **element: Unpack[OnElement]) -> Action:
    """Choose an option by its visible text or value; several of a list that takes several."""
    which, common = _split(element)
    more = [_value(one) for one in more_options]
    return _action(common, select=actions_pb2.Select(target=which, option=_value(option), more_options=more))


def set_checked(checked: bool = True, **element: Unpack[OnElement]) -> Action:
    """Check or uncheck a box, radio button or switch."""
    which, common = _split(element)
    return _action(common, set_checked=actions_pb2.SetChecked(target=which, checked=checked))


def uncheck(**element: Unpack[OnElement]) -> Action:
    """Uncheck a box or turn a switch off."""
    return set_checked(False, **element)


def press_key(key: str, **element: Unpack[OnElement]) -> Action:
    """Press a key or chord in DOM names ("Enter", "Control+A"), on an element or on what has the focus."""
    which, common = _split(element)
    return _action(common, press_key=actions_pb2.PressKey(key=key, target=_named(which)))


def hover(**element: Unpack[OnElement]) -> Action:
    """Move the pointer onto an element."""
    which, common = _split(element)
    return _action(common, hover=actions_pb2.Hover(target=which))


def scroll(delta_y: int = 0, **element: Unpack[OnElement]) -> Action:
    """Bring an element into view, or without one scroll the page by CSS pixels, downwards."""
    which, common = _split(element)
    return _action(common, scroll=actions_pb2.Scroll(target=_named(which), delta_y=delta_y))


def drag(
    *,
    onto: Target | None = None,
    before: Target | None = None,
    after: Target | None = None,
    by: tuple[int, int] | None = None,
    by_corner: bool = False,
    at: tuple[int, int] | None = None,
    **element: Unpack[OnElement],
) -> Action:
    """Drag an element onto another, before or after one of its list, or by pixels; `by_corner` resizes it.

    One of `onto`, `before`, `after` and `by` has to be given. With `by` it may be taken `at` a point of it, in pixels
    from its upper left corner.
    """
    which, common = _split(element)
    message = actions_pb2.Drag(
        target=which, onto=onto, before=before, after=after, by=_offset(by), by_corner=by_corner, at=_offset(at)
    )
    return _action(common, drag=message)


def _offset(point: tuple[int, int] | None) -> actions_pb2.Offset | None:
    return actions_pb2.Offset(x=point[0], y=point[1]) if point is not None else None


def set_range(value: float, **element: Unpack[OnElement]) -> Action:
    """Move a slider or spinner to a number and read it back."""
    which, common = _split(element)
    return _action(common, set_range=actions_pb2.SetRange(target=which, value=value))


def set_date(day: date, **element: Unpack[OnElement]) -> Action:
    """Put a date into a field, by its calendar where it takes no text, and read it back."""
    which, common = _split(element)
    return _action(common, set_date=actions_pb2.SetDate(target=which, date=day.isoformat()))


def select_text(text: str = "", **element: Unpack[OnElement]) -> Action:
    """Select an element's text, or the part of it that is given."""
    which, common = _split(element)
    return _action(common, select_text=actions_pb2.SelectText(target=which, text=text))


def pick_row(
    *where: RowIs,
    order_by: str = "",
    descending: bool = False,
    nth: int = 0,
    press: Target | None = None,
    **common: Unpack[Common],
) -> Action:
    """Press a row, card or entry that is found by what it says, or something in it.

    a.pick_row(a.row_is("Status", equals="open"), order_by="Price", press=a.target(role="button", name="Buy"))
    """
    message = actions_pb2.PickRow(where=where, order_by=order_by, descending=descending, nth=nth, press=press)
    return _action(common, pick_row=message)


def row_is(
    label: str = "",
    *,
    contains: str | None = None,
    equals: str | None = None,
    less_than: float | None = None,
    greater_than: float | None = None,
) -> RowIs:
    """Say what must be true of a row: of the value with this label, or of the row as a whole."""
    return RowIs(label=label, contains=contains, equals=equals, less_than=less_than, greater_than=greater_than)


def wait_for(condition: Expect, **common: Unpack[Common]) -> Action:
    """Wait until something is true of the page: `wait_for(expect_text("Order placed"))`."""
    return _action(common, wait=actions_pb2.Wait(condition=condition))


def wait_time(duration: timedelta, **common: Unpack[Common]) -> Action:
    """Wait for a time."""
    return _action(common, wait=actions_pb2.Wait(duration=wire.to_duration(duration, "duration")))


def extract(schema: Mapping[str, Any] | None = None, *, within: str = "", **common: Unpack[Common]) -> Action:
    """Read data from the page into the run's output, by a JSON Schema or, without one, as the page shows it."""
    message = actions_pb2.Extract(within=within)
    if schema is not None:
        message.schema.CopyFrom(wire.to_struct(schema))
    return _action(common, extract=message)


def upload(*files: str, **element: Unpack[OnElement]) -> Action:
    """Give files (by file_id, or by name) to a file field or what opens a file chooser; without one, the only field."""
    which, common = _split(element)
    return _action(common, upload=actions_pb2.Upload(target=_named(which), files=files))


def find_record(label: str, value: str | Value, *, noun: str = "", **common: Unpack[Common]) -> Action:
    """Read the one record that has exactly this value under a label; it fails where none or several have it."""
    return _action(common, find_record=actions_pb2.FindRecord(label=label, value=_value(value), noun=noun))


def back(**common: Unpack[Common]) -> Action:
    """Go one page back."""
    return _action(common, back=actions_pb2.Back())


def reload(**common: Unpack[Common]) -> Action:
    """Load the page again."""
    return _action(common, reload=actions_pb2.Reload())


def switch_tab(
    title: str = "",
    *,
    index: int | None = None,
    url: str | None = None,
    page_id: str | None = None,
    previous: bool = False,
    **common: Unpack[Common],
) -> Action:
    """Switch to an open tab by its title, its place from 1 (-1: the newest), a glob of its URL, its id, or back."""
    which = _tab(title or None, index, url, page_id, previous)
    return _action(common, tab=actions_pb2.Tab(switch_to=which))


def open_tab(url: str = "", **common: Unpack[Common]) -> Action:
    """Open a new tab, with a URL or empty."""
    return _action(common, tab=actions_pb2.Tab(open=actions_pb2.NewTab(url=url)))


def close_tab(
    title: str = "",
    *,
    index: int | None = None,
    url: str | None = None,
    page_id: str | None = None,
    previous: bool = False,
    **common: Unpack[Common],
) -> Action:
    """Close a tab, named as for `switch_tab`; without a name the one in front."""
    which = _tab(title or None, index, url, page_id, previous)
    return _action(common, tab=actions_pb2.Tab(close=which))


def accept_dialog(text: str | Value | None = None, *, message: str = "", **common: Unpack[Common]) -> Action:
    """Answer OK to the dialog that the action before this one brings, with a text if it is a prompt."""
    dialog = actions_pb2.Dialog(answer=actions_pb2.DIALOG_ANSWER_ACCEPT, message=message)
    if text is not None:
        dialog.text.CopyFrom(_value(text))
    return _action(common, dialog=dialog)


def dismiss_dialog(*, message: str = "", **common: Unpack[Common]) -> Action:
    """Answer Cancel to the dialog that the action before this one brings."""
    return _action(common, dialog=actions_pb2.Dialog(answer=actions_pb2.DIALOG_ANSWER_DISMISS, message=message))


def expect_url(glob: str) -> Expect:
    """The URL matches; "*" stands for any characters."""
    return Expect(url_glob=glob)


def expect_text(text: str) -> Expect:
    """The text is visible."""
    return Expect(text=text)


def expect_text_gone(text: str) -> Expect:
    """The text is not visible."""
    return Expect(text_gone=text)


def expect_title(text: str) -> Expect:
    """The document's title has the text in it."""
    return Expect(title=text)


def expect_visible(**which: Unpack[Which]) -> Expect:
    """The element is visible."""
    return Expect(visible=Target(**which))


def expect_hidden(**which: Unpack[Which]) -> Expect:
    """The element is not there or not visible."""
    return Expect(hidden=Target(**which))


def expect_value(equals: str, **which: Unpack[Which]) -> Expect:
    """The field has this value."""
    return Expect(value=actions_pb2.FieldValue(target=Target(**which), equals=equals))


def expect_number(
    label: str, *, less_than: float | None = None, greater_than: float | None = None, equal_to: float | None = None
) -> Expect:
    """The number that the page shows with this label compares so."""
    number = actions_pb2.NumberIs(label=label, less_than=less_than, greater_than=greater_than, equal_to=equal_to)
    return Expect(number=number)


def from_json(items: Sequence[Mapping[str, Any]]) -> list[Action]:
    """Return actions from proto's JSON form: `[{"goto": {"url": "https://..."}}, {"click": {"target": {...}}}]`.

    Raises:
        ValueError: an item is no action; the message has its place in the list, from 1.
    """
    actions = []
    for place, item in enumerate(items, start=1):
        try:
            actions.append(json_format.ParseDict(dict(item), Action()))
        except (json_format.ParseError, AttributeError, TypeError, ValueError) as error:
            raise ValueError(f"action {place}: {error}") from error
    return actions


def _split(element: OnElement) -> tuple[Target, Common]:
    common: Common = {}
    which: dict[str, Any] = dict(element)
    for name in Common.__annotations__:
        if name in which:
            common[name] = which.pop(name)  # type: ignore[literal-required]
    return Target(**which), common


def _named(which: Target) -> Target | None:
    return which if which.ListFields() else None


def _tab(
    title: str | None, index: int | None, url: str | None, page_id: str | None, previous: bool
) -> actions_pb2.WhichTab:
    given = {"title": title, "index": index, "url": url, "page_id": page_id, "previous": previous or None}
    named = {name: value for name, value in given.items() if value is not None}
    if len(named) > 1:
        raise ValueError(f"one of {' and '.join(named)} names a tab")
    return actions_pb2.WhichTab(**named)  # type: ignore[arg-type]


def _value(text: str | Value) -> Value:
    return Value(literal=text) if isinstance(text, str) else text


def _action(common: Common, **kind: Any) -> Action:
    action = Action(note=common.get("note", ""), expect=common.get("expect", ()), **kind)
    if "timeout" in common:
        action.timeout.CopyFrom(wire.to_duration(common["timeout"], "timeout"))
    return action
