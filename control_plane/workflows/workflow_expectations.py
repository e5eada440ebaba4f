"""What a workflow definition expects of a page."""

from typing import Final

from tabkeep.v1 import actions_pb2

from control_plane.workflows.workflow_parameters import Holes
from control_plane.workflows.workflow_targets import MAX_NAME, TARGET_FIELDS, Fields, read_target, read_target_alone
from control_plane.workflows.workflow_text import Place, listing

_CONDITIONS: Final = ("url_glob", "text", "text_gone", "visible", "hidden", "value", "title", "number")
_NUMBER_COMPARISONS: Final = ("less_than", "greater_than", "equal_to")


def read_expectation(place: Place, holes: Holes) -> actions_pb2.Expect:
    """Return something that must be true of the page: a mapping with exactly one condition."""
    expect = actions_pb2.Expect()
    before = len(place.mistakes)
    fields = place.fields(_CONDITIONS)
    if fields is None:
        return expect
    if len(fields) > 1:
        place.mistake(f"has {' and '.join(fields)}: write each as an item of its own")
    elif not fields and len(place.mistakes) == before:
        place.mistake(f"names no condition: one of {listing(_CONDITIONS)}")
    for name, condition in fields.items():
        if name in {"visible", "hidden"}:
            getattr(expect, name).CopyFrom(read_target_alone(condition, holes))
        elif name == "number":
            _read_number_is(condition, holes, expect.number)
        elif name == "value":
            _read_field_value(condition, holes, expect.value)
        elif name == "url_glob":
            expect.url_glob = holes.unfilled(condition, MAX_NAME) or ""
        else:
            setattr(expect, name, holes.filled(condition, MAX_NAME, shown=True) or "")
    return expect


def _read_field_value(place: Place, holes: Holes, value: actions_pb2.FieldValue) -> None:
    fields = place.fields(("target", *TARGET_FIELDS, "equals"), required=["equals"])
    if fields is None:
        return
    value.target.CopyFrom(read_target(place, fields, holes, required=True) or actions_pb2.Target())
    if "equals" in fields:
        value.equals = holes.filled(fields["equals"], MAX_NAME, shown=True, may_be_empty=True) or ""


def _read_number_is(place: Place, holes: Holes, number: actions_pb2.NumberIs) -> None:
    fields = place.fields(("label", *_NUMBER_COMPARISONS), required=["label"])
    if fields is None:
        return
    if "label" in fields:
        number.label = holes.filled(fields["label"], MAX_NAME, shown=True) or ""
    read_comparison(place, fields, _NUMBER_COMPARISONS, number, holes)


def read_comparison(
    place: Place,
    fields: Fields,
    known: tuple[str, ...],
    message: actions_pb2.NumberIs | actions_pb2.RowIs,
    holes: Holes,
) -> None:
    """Read the one comparison among the fields."""
    given = [name for name in fields if name in known]
    if len(given) != 1:
        place.mistake(f"must compare in one way: {listing(known)}")
        return
    name = given[0]
    value = (
        holes.filled(fields[name], MAX_NAME, shown=True) or ""
        if name in ("contains", "equals")
        else fields[name].number() or 0.0
    )
    setattr(message, name, value)
