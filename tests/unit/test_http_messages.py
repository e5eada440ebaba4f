"""JSON to messages: what protobuf's mapping takes is taken as it takes it, and all else is said so that it helps."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from google.protobuf import json_format
from tabkeep.v1 import actions_pb2, browser_sessions_pb2, keys_pb2, runs_pb2, workflows_pb2

from control_plane.http import messages
from control_plane.http.answers import Refused

SESSION = browser_sessions_pb2.CreateBrowserSessionRequest
TASK = runs_pb2.RunTaskRequest


def wrong(kind: Any, data: Any) -> list[tuple[str, str]]:
    """Each mistake's place and words."""
    with pytest.raises(Refused) as refused:
        messages.read(kind.DESCRIPTOR, data, "body")
    assert (refused.value.status, refused.value.code) == (422, "FIELD_INVALID")
    json.dumps(refused.value.detail)
    return [(".".join(map(str, one["loc"])), one["msg"]) for one in refused.value.detail]


@pytest.mark.parametrize(
    ("kind", "data", "place", "said"),
    [
        (SESSION, [], "body", "must be an object, not an array"),
        (SESSION, None, "body", "must be an object, not null"),
        (SESSION, {"lables": 1}, "body.lables", "did you mean 'labels'?"),
        (SESSION, {"zzz": 1}, "body.zzz", "there are timeout, browserType, url"),
        (SESSION, {"timeout": 300}, "body.timeout", 'must be a string such as "90s", not 300'),
        (SESSION, {"timeout": "5 minutes"}, "body.timeout", "'5 minutes' is not understood: write it like \"90s\""),
        (SESSION, {"timeout": "999999999999999999s"}, "body.timeout", "is not understood"),
        (SESSION, {"browserType": "chrome"}, "body.browserType", "is not one of BROWSER_TYPE_CHROME, BROWSER_TYPE_MSE"),
        (SESSION, {"browserType": 77}, "body.browserType", "77 is not one of"),
        (SESSION, {"browserType": True}, "body.browserType", "True is not one of"),
        (SESSION, {"url": 1}, "body.url", "must be a string, not 1"),
        (SESSION, {"url": "\ud800"}, "body.url", "half of a surrogate pair"),
        (SESSION, {"viewport": 1}, "body.viewport", "must be an object, not 1"),
        (SESSION, {"viewport": {"width": 2**31}}, "body.viewport.width", "is not within -2147483648 to 2147483647"),
        (SESSION, {"viewport": {"width": 1.5}}, "body.viewport.width", "must be a whole number, not 1.5"),
        (SESSION, {"viewport": {"width": "1e3"}}, "body.viewport.width", "must be a whole number, not '1e3'"),
        (SESSION, {"viewport": {"width": False}}, "body.viewport.width", "must be a whole number, not false"),
        (SESSION, {"viewport": {"width": 10**400}}, "body.viewport.width", "a number so large is not within"),
        (SESSION, {"labels": []}, "body.labels", "must be an object, not an array"),
        (SESSION, {"labels": {"a": None}}, "body.labels.a", "must be a string, not null"),
        (SESSION, {"labels": {"\udfff": "x"}}, "body.labels.\udfff", "half of a surrogate pair"),
        (SESSION, {"queueTimeout": "1s", "queue_timeout": "2s"}, "body.queue_timeout", "is given twice"),
        (TASK, {"actions": {}}, "body.actions", "must be an array, not an object"),
        (TASK, {"actions": [None]}, "body.actions.0", "must be an object, not null"),
        (
            TASK,
            {"actions": [{"click": {}, "goto": {}}]},
            "body.actions.0.goto",
            "cannot be given together with 'click'",
        ),
        (TASK, {"failIfBusy": "true"}, "body.failIfBusy", "must be true or false, not 'true'"),
        (TASK, {"dataExtractionSchema": []}, "body.dataExtractionSchema", "must be an object, not an array"),
        (TASK, {"dataExtractionSchema": {"a": 10**400}}, "body.dataExtractionSchema.a", "too large"),
        (TASK, {"browserSession": {"viewport": {"depth": 1}}}, "body.browserSession.viewport.depth", "no such field"),
        (keys_pb2.CreateKeyRequest, {"scope": "OPERATOR"}, "body.scope", "is not one of KEY_SCOPE_API, KEY_SCOPE_OPER"),
        (workflows_pb2.UpdateWorkflowRequest, {"expectedVersion": {}}, "body.expectedVersion", "not an object"),
    ],
)
def test_a_mistake_is_said_with_its_place_and_what_would_work(kind, data, place, said):
    ((found, words),) = wrong(kind, data)
    assert found == place
    assert said in words


@pytest.mark.parametrize("mask", ["proxyLocation,pageOptions.maxPages", "proxy_location,page_options.max_pages"])
def test_a_mask_may_be_written_as_in_json_or_as_in_the_messages_that_name_its_fields(mask):
    request = messages.read(browser_sessions_pb2.UpdateBrowserSessionRequest.DESCRIPTOR, {"updateMask": mask}, "body")
    assert list(request.update_mask.paths) == ["proxy_location", "page_options.max_pages"]


def test_all_mistakes_are_said_at_once_up_to_a_bound():
    assert [place for place, _ in wrong(SESSION, {"url": 1, "labels": 2, "viewport": {"width": [], "height": ""}})] == [
        "body.url",
        "body.labels",
        "body.viewport.width",
        "body.viewport.height",
    ]
    assert len(wrong(SESSION, {f"field{number}": 1 for number in range(500)})) == 20


def test_what_is_nested_beyond_measure_is_a_mistake():
    deep: Any = 1
    for _ in range(500):
        deep = {"a": deep}
    ((_, words),) = wrong(TASK, {"dataExtractionSchema": deep})
    assert "nested deeper" in words


def test_both_spellings_nulls_and_the_many_ways_to_write_a_number_are_understood():
    data: dict[str, Any] = {"queue_timeout": "1.5s", "timeout": None, "browserType": 2, "labels": {"a": "b"}}
    data["viewport"] = {"width": "1000", "height": 700.0}
    assert messages.read(SESSION.DESCRIPTOR, data, "body") == json_format.ParseDict(data, SESSION())


def random_value(dice: random.Random, depth: int = 0) -> Any:
    """Something that JSON can say, often what a field would take."""
    kinds = 12 if depth < 4 else 9
    match dice.randrange(kinds):
        case 0:
            return None
        case 1:
            return dice.choice([True, False])
        case 2:
            return dice.choice([0, 1, -1, 300, 2**31, -(2**63), 2**64, 10**30])
        case 3:
            return dice.choice([0.5, 1.0, -0.0, 1e308, 1e39, 3e9])
        case 4 | 5:
            return dice.choice(["", "x", "1", "-5", "1.5", "NaN", "true", "\u00e9\U0001f600", "\ud800", "a" * 300])
        case 6:
            return dice.choice(["90s", "-1s", "1.000000001s", "2026-01-01T00:00:00Z", "BROWSER_TYPE_CHROME"])
        case 7 | 8:
            return dice.choice(["KEY_TEXT", "AAAA", "SCREENSHOT_MODE_NONE", "css=a", "0x10"])
        case 9:
            return [random_value(dice, depth + 1) for _ in range(dice.randrange(3))]
        case _:
            return {dice.choice(["a", "b", "", "1"]): random_value(dice, depth + 1) for _ in range(dice.randrange(3))}


def random_message(dice: random.Random, descriptor: Any, depth: int = 0) -> Any:
    """JSON that is much like the message, with mistakes here and there."""
    if dice.random() < 0.1 or depth > 4:
        return random_value(dice)
    data: dict[str, Any] = {}
    for field in descriptor.fields:
        if dice.random() > 0.25:
            continue
        name = dice.choice([field.name, field.json_name])
        inner = field.message_type
        if inner is None or messages.is_map(field) or inner.full_name.startswith("google.") or dice.random() < 0.2:
            data[name] = random_value(dice, 2)
        else:
            one = random_message(dice, inner, depth + 1)
            data[name] = [one] if field.is_repeated else one
    return data


@pytest.mark.parametrize("seed", range(8))
def test_it_takes_nothing_that_protobuf_refuses_and_reads_all_the_rest_as_protobuf_does(seed):
    dice = random.Random(seed)
    kinds = [SESSION, TASK, runs_pb2.RunWorkflowRequest, actions_pb2.Action, runs_pb2.ListRunsRequest]
    taken = 0
    for _ in range(1_500):
        kind = dice.choice(kinds)
        data = random_message(dice, kind.DESCRIPTOR)
        try:
            message = messages.read(kind.DESCRIPTOR, data, "body")
        except Refused:
            continue
        taken += 1
        assert message == json_format.ParseDict(data, kind())
    assert taken > 100
