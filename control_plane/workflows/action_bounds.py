"""The bounds of the actions that a pointer does beyond a press: drags, ranges, dates, selections, rows, repetition."""

from __future__ import annotations

import math
from datetime import date

from tabkeep.v1 import actions_pb2

from control_plane.fields import Fields

MOST_TIMES = 100
MOST_OPTIONS = 200
MOST_CONDITIONS = 20
FARTHEST_PX = 10_000
LONGEST_TEXT = 65_536


def check_gesture(fields: Fields, field: str, action: actions_pb2.Action) -> None:
    """The bounds of what is special to these kinds; other kinds are let pass."""
    match action.WhichOneof("kind"):
        case "click":
            _click(fields, f"{field}.click", action.click)
        case "select":
            _select(fields, f"{field}.select.more_options", action.select)
        case "drag":
            _drag(fields, f"{field}.drag", action.drag)
        case "set_range":
            _number(fields, f"{field}.set_range.value", action.set_range.value)
        case "set_date":
            _date(fields, f"{field}.set_date.date", action.set_date.date)
        case "select_text":
            fields.text(f"{field}.select_text.text", action.select_text.text, LONGEST_TEXT)
        case "pick_row":
            _pick_row(fields, f"{field}.pick_row", action.pick_row)


def names_an_element(target: actions_pb2.Target) -> bool:
    """Whether a target says anything that an element can be found by."""
    return bool(target.role or target.name or target.css or target.test_id)


def _click(fields: Fields, field: str, click: actions_pb2.Click) -> None:
    if not 0 <= click.times <= MOST_TIMES:
        fields.wrong(f"{field}.times", f"must be 0 to {MOST_TIMES}")
    if click.every and (click.times > 1 or click.target.nth):
        fields.wrong(f"{field}.every", "cannot be set together with times or target.nth")
    if click.HasField("at"):
        _point(fields, f"{field}.at", click.at)
        if click.every:
            fields.wrong(f"{field}.at", "means nothing with every")


def _select(fields: Fields, field: str, select: actions_pb2.Select) -> None:
    if len(select.more_options) > MOST_OPTIONS:
        fields.wrong(field, f"has more than {MOST_OPTIONS} options")
    for value in select.more_options:
        if value.WhichOneof("source") != "literal":
            fields.wrong(field, "needs a text for each option: set literal")
        fields.text(field, value.literal, LONGEST_TEXT)


def _drag(fields: Fields, field: str, drag: actions_pb2.Drag) -> None:
    how = drag.WhichOneof("destination")
    if how is None:
        fields.wrong(field, "leads nowhere: set onto, before, after or by")
    elif how == "by":
        if abs(drag.by.x) > FARTHEST_PX or abs(drag.by.y) > FARTHEST_PX:
            fields.wrong(f"{field}.by", f"must be at most {FARTHEST_PX} pixels either way")
        elif not drag.by.x and not drag.by.y:
            fields.wrong(f"{field}.by", "leads nowhere: set x or y")
    elif not names_an_element(getattr(drag, how)):
        fields.wrong(f"{field}.{how}", "names no element: set role, name, css or test_id")
    if drag.by_corner and how not in (None, "by"):
        fields.wrong(f"{field}.by_corner", "means nothing without by")
    if drag.HasField("at"):
        _point(fields, f"{field}.at", drag.at)
        if drag.by_corner or how != "by":
            fields.wrong(f"{field}.at", "means nothing without by, or with by_corner")


def _point(fields: Fields, field: str, at: actions_pb2.Offset) -> None:
    if not (0 <= at.x <= FARTHEST_PX and 0 <= at.y <= FARTHEST_PX):
        fields.wrong(field, f"must lie within the element: x and y of 0 to {FARTHEST_PX}")


def _number(fields: Fields, field: str, value: float) -> None:
    if not math.isfinite(value):
        fields.wrong(field, "must be a number")


def is_a_date(text: str) -> bool:
    """Whether a text is a day such as "2026-04-08"."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _date(fields: Fields, field: str, text: str) -> None:
    if not is_a_date(text):
        fields.wrong(field, 'must be a date such as "2026-04-08"')


def _pick_row(fields: Fields, field: str, pick: actions_pb2.PickRow) -> None:
    if not pick.where and not pick.order_by and not pick.nth:
        fields.wrong(field, "chooses no row: set where, order_by or nth")
    if len(pick.where) > MOST_CONDITIONS:
        fields.wrong(f"{field}.where", f"has more than {MOST_CONDITIONS} conditions")
    if pick.nth < 0:
        fields.wrong(f"{field}.nth", "must not be negative")
    if pick.HasField("press") and not names_an_element(pick.press):
        fields.wrong(f"{field}.press", "names no element: set role, name, css or test_id")
    for index, one in enumerate(pick.where):
        how = one.WhichOneof("comparison")
        if how is None or not (getattr(one, how) if how in ("contains", "equals") else True):
            fields.wrong(f"{field}.where[{index}]", "compares nothing: set contains, equals, less_than or greater_than")
        if how in ("less_than", "greater_than") and not one.label:
            fields.wrong(f"{field}.where[{index}].label", "must say which number is compared")
