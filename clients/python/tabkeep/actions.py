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
from datetime import timedelta
from typing import Any, TypedDict, Unpack

from google.protobuf import json_format

from tabkeep import wire
from tabkeep.v1 import actions_pb2

Action = actions_pb2.Action
Expect = actions_pb2.Expect
Target = actions_pb2.Target
Value = actions_pb2.Value

__all__ = [
    "Action",
    "Expect",
    "Target",
    "Value",
    "back",
    "click",
    "expect_hidden",
    "expect_text",
    "expect_text_gone",
    "expect_title",
    "expect_url",
    "expect_value",
    "expect_visible",
    "extract",
    "fill",
    "from_json",
    "goto",
    "hover",
    "parameter",
    "press_key",
    "reload",
    "scroll",
    "secret",
    "select",
    "set_checked",
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


def goto(url: str, *, allow_error_status: bool = False, **common: Unpack[Common]) -> Action:
    """Open a URL; HTTP statuses of 400 and more fail unless `allow_error_status`."""
    return _action(common, goto=actions_pb2.Goto(url=url, allow_error_status=allow_error_status))


def click(*, click_count: int = 1, **element: Unpack[OnElement]) -> Action:
    """Click an element; it fails when the click has no effect that can be seen."""
    which, common = _split(element)
    return _action(common, click=actions_pb2.Click(target=which, click_count=click_count))


def fill(text: str | Value, *, submit: bool = False, **element: Unpack[OnElement]) -> Action:
    """Replace a field's text and read it back; `submit` presses Enter afterwards."""
    which, common = _split(element)
    return _action(common, fill=actions_pb2.Fill(target=which, value=_value(text), submit=submit))


def select(option: str | Value, **element: Unpack[OnElement]) -> Action:
    """Choose an option by its visible text or value."""
    which, common = _split(element)
    return _action(common, select=actions_pb2.Select(target=which, option=_value(option)))


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


def back(**common: Unpack[Common]) -> Action:
    """Go one page back."""
    return _action(common, back=actions_pb2.Back())


def reload(**common: Unpack[Common]) -> Action:
    """Load the page again."""
    return _action(common, reload=actions_pb2.Reload())


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


def _value(text: str | Value) -> Value:
    return Value(literal=text) if isinstance(text, str) else text


def _action(common: Common, **kind: Any) -> Action:
    action = Action(note=common.get("note", ""), expect=common.get("expect", ()), **kind)
    if "timeout" in common:
        action.timeout.CopyFrom(wire.to_duration(common["timeout"], "timeout"))
    return action
