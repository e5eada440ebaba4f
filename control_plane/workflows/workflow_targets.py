"""The elements that a workflow definition names."""

from collections.abc import Mapping
from typing import Final

from tabkeep.v1 import actions_pb2

from control_plane.workflows.workflow_parameters import Holes
from control_plane.workflows.workflow_text import Place, shorten

MAX_NAME: Final = 2_000
TARGET_FIELDS: Final = ("role", "name", "exact", "within", "nth", "css", "test_id", "frame")
Fields = Mapping[str, Place]


def read_target_alone(place: Place, holes: Holes) -> actions_pb2.Target:
    """Return the target that stands here alone, also from its short form, the name."""
    fields = {"name": place} if place.is_short else place.fields(TARGET_FIELDS)
    target = actions_pb2.Target()
    if fields is not None:
        _fill_target(place, fields, holes, target)
    return target


def read_target(place: Place, fields: Fields, holes: Holes, *, required: bool) -> actions_pb2.Target | None:
    """Return the target whose fields stand under `target` or directly in the action; None when there is none."""
    direct = {name: field for name, field in fields.items() if name in TARGET_FIELDS}
    if "target" in fields:
        if direct:
            place.mistake(f"has {' and '.join(direct)} beside target: put them into target")
        return read_target_alone(fields["target"], holes)
    if not direct and not required:
        return None
    target = actions_pb2.Target()
    _fill_target(place, direct, holes, target)
    return target


def _fill_target(place: Place, fields: Fields, holes: Holes, target: actions_pb2.Target) -> None:
    if not {"role", "name", "css", "test_id"} & set(fields):
        place.mistake("names no element: give role, name, css or test_id")
    if "exact" in fields and "name" not in fields:
        fields["exact"].mistake("means nothing without a name")
    for name, field in fields.items():
        if name == "exact":
            target.exact = bool(field.boolean())
        elif name == "nth":
            target.nth = field.integer(1, 10_000) or 0
        elif name in ("name", "within"):
            setattr(target, name, holes.filled(field, MAX_NAME, shown=True) or "")
        else:
            setattr(target, name, holes.unfilled(field, MAX_NAME) or "")
    if target.role and not (target.role.isascii() and target.role.isalpha() and target.role.islower()):
        fields["role"].mistake(f'must be an ARIA role such as button, link or textbox, found "{shorten(target.role)}"')
