"""The JSON Schemas of a workflow definition."""

from collections.abc import Mapping
from typing import Any, Final

from google.protobuf import json_format, struct_pb2
from jsonschema import Draft202012Validator, SchemaError

from control_plane.workflows.workflow_text import Place, join, shorten

SCHEMA_FIELDS: Final = ("schema", "data_extraction_schema", "output_schema")
MAX_SCHEMA_BYTES: Final = 65_536
MAX_SCHEMA_NODES: Final = 2_000


def read_schema(parent: Place, fields: Mapping[str, Place]) -> struct_pb2.Struct | None:
    """Return the JSON Schema among the fields, under whichever of its names."""
    given = [name for name in fields if name in SCHEMA_FIELDS]
    if len(given) > 1:
        parent.mistake(f"has {' and '.join(given)}, which mean the same: leave one")
    if not given:
        return None
    place = fields[given[0]]
    if not place.is_mapping:
        place.mistake(f"must be a JSON Schema such as {{type: object, properties: ...}}, {place.found()}")
        return None
    before = len(place.mistakes)
    schema = place.plain()
    if len(place.mistakes) > before or not _is_schema(place, schema):
        return None
    message = struct_pb2.Struct()
    json_format.ParseDict(schema, message)
    if message.ByteSize() > MAX_SCHEMA_BYTES:
        place.mistake(f"has {message.ByteSize()} bytes: at most {MAX_SCHEMA_BYTES} are possible")
        return None
    return message


def _is_schema(place: Place, schema: dict[str, Any]) -> bool:
    values, reference = _survey(schema)
    if values > MAX_SCHEMA_NODES:
        place.mistake(f"has {values} values: at most {MAX_SCHEMA_NODES} are possible in a schema")
        return False
    if reference:
        place.mistake(f'refers to "{shorten(reference)}": only its own parts such as "#/$defs/row" are possible')
        return False
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        # Of "none of these" the choice of words says more.
        cause = next((part for part in error.context or () if part.validator == "enum"), error)
        _at(place, list(error.absolute_path)).mistake(f"is not a JSON Schema: {shorten(cause.message, 200)}")
        return False
    except RecursionError:
        place.mistake("is not a JSON Schema that can be checked: it is nested too deep")
        return False
    return True


def _survey(schema: Any) -> tuple[int, str]:
    """Return the number of values in a schema, and a reference that leads out of it, which a host must not follow."""
    values, outside, rest = 0, "", [schema]
    while rest:
        value = rest.pop()
        values += 1
        if isinstance(value, dict):
            for name in ("$ref", "$dynamicRef"):
                reference = value.get(name)
                if isinstance(reference, str) and not reference.startswith("#"):
                    outside = reference
            rest.extend(value.values())
        elif isinstance(value, list):
            rest.extend(value)
    return values, outside


def _at(place: Place, steps: list[str | int]) -> Place:
    """Return the place below `place` that a path of names and indexes leads to, as far as it exists."""
    for step in steps:
        if isinstance(step, int) and place.is_list:
            place = Place(place.node.value[step], f"{place.path}[{step}]", place.mistakes)
        elif isinstance(step, str) and place.is_mapping:
            nodes = [value for key, value in place.node.value if key.value == step]
            place = Place(nodes[0], join(place.path, step), place.mistakes) if nodes else place
    return place
