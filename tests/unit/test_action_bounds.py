"""The bounds of drags, ranges, dates, rows and repeated clicks, as the API refuses them."""

import pytest
from google.protobuf import json_format
from tabkeep.v1 import actions_pb2

from control_plane.fields import Fields
from control_plane.wire.action_wire import check_action


def mistakes(**action) -> list[str]:
    fields = Fields()
    check_action(fields, "a", json_format.ParseDict(action, actions_pb2.Action()))
    return [violation.field for violation in fields.violations]


NAMED = {"name": "A"}


@pytest.mark.parametrize(
    "action",
    [
        {"click": {"target": NAMED, "times": 100}},
        {"click": {"target": NAMED, "every": True}},
        {"drag": {"target": NAMED, "before": {"name": "B"}}},
        {"drag": {"target": NAMED, "by": {"x": -5}, "by_corner": True}},
        {"click": {"target": NAMED, "at": {"x": 0, "y": 10000}}},
        {"drag": {"target": NAMED, "by": {"x": -5}, "at": {"x": 3}}},
        {"set_range": {"target": NAMED, "value": -5}},
        {"set_date": {"target": NAMED, "date": "2024-02-29"}},
        {"select_text": {"target": NAMED}},
        {"pick_row": {"order_by": "Price"}},
        {"pick_row": {"where": [{"contains": "x"}], "press": NAMED}},
    ],
)
def test_what_fits_is_taken(action):
    assert mistakes(**action) == []


@pytest.mark.parametrize(
    ("action", "field"),
    [
        ({"click": {"target": NAMED, "times": 101}}, "a.click.times"),
        ({"click": {"target": NAMED, "every": True, "times": 2}}, "a.click.every"),
        ({"click": {"target": {**NAMED, "nth": 2}, "every": True}}, "a.click.every"),
        ({"select": {"target": NAMED, "option": {"literal": "A"}, "more_options": [{}]}}, "a.select.more_options"),
        ({"drag": {"target": NAMED}}, "a.drag"),
        ({"drag": {"onto": NAMED}}, "a.drag.target"),
        ({"drag": {"target": NAMED, "onto": {"nth": 1}}}, "a.drag.onto"),
        ({"drag": {"target": NAMED, "by": {}}}, "a.drag.by"),
        ({"drag": {"target": NAMED, "by": {"x": 10001}}}, "a.drag.by"),
        ({"drag": {"target": NAMED, "onto": NAMED, "by_corner": True}}, "a.drag.by_corner"),
        ({"click": {"target": NAMED, "at": {"x": -1}}}, "a.click.at"),
        ({"click": {"target": NAMED, "every": True, "at": {}}}, "a.click.at"),
        ({"drag": {"target": NAMED, "onto": NAMED, "at": {"x": 1}}}, "a.drag.at"),
        ({"set_range": {"target": NAMED, "value": "NaN"}}, "a.set_range.value"),
        ({"set_date": {"target": NAMED, "date": "2023-02-29"}}, "a.set_date.date"),
        ({"set_date": {"target": NAMED, "date": "20230201"}}, "a.set_date.date"),
        ({"select_text": {}}, "a.select_text.target"),
        ({"pick_row": {}}, "a.pick_row"),
        ({"pick_row": {"nth": -1}}, "a.pick_row.nth"),
        ({"pick_row": {"where": [{"label": "A"}]}}, "a.pick_row.where[0]"),
        ({"pick_row": {"where": [{"less_than": 3}]}}, "a.pick_row.where[0].label"),
        ({"pick_row": {"order_by": "A", "press": {"nth": 1}}}, "a.pick_row.press"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_field(action, field):
    assert mistakes(**action) == [field]
