"""The OpenAPI 3.1 document of everything that the gateway serves, made from the routes and the protos' descriptors.

Descriptors carry no comments at run time, so `make gen` writes the protos' comments into `proto_comments.json`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from importlib import metadata, resources
from typing import Any, Protocol

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor, MethodDescriptor

from control_plane.http import stored_bytes
from control_plane.http.answers import JSON
from control_plane.http.endpoint import Operation, Resource
from control_plane.http.event_stream import MEDIA_TYPE
from control_plane.http.messages import is_map, map_value

Schema = dict[str, Any]

_KIND = FieldDescriptor
_FIELD = re.compile(r"{(\w+)}")
_COMMENTS: dict[str, str] = json.loads(
    resources.files("control_plane.http").joinpath("proto_comments.json").read_text(encoding="utf-8")
)
_DURATION = {"type": "string", "pattern": r"^-?[0-9]{1,12}(\.[0-9]{1,9})?s$", "examples": ["90s"]}
_WELL_KNOWN: Mapping[str, Schema] = {
    "google.protobuf.Duration": _DURATION,
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time", "examples": ["2026-02-01T10:30:00Z"]},
    "google.protobuf.FieldMask": {"type": "string"},
    "google.protobuf.Struct": {"type": "object"},
    "google.protobuf.ListValue": {"type": "array"},
    "google.protobuf.Value": {},
}
_INT32 = {"type": "integer", "format": "int32", "minimum": -(2**31), "maximum": 2**31 - 1}
_INT64 = {"type": "string", "format": "int64", "pattern": "^-?[0-9]{1,19}$"}
_UINT64 = {"type": "string", "format": "uint64", "pattern": "^[0-9]{1,20}$"}
_SCALARS: Mapping[int, Schema] = {
    _KIND.CPPTYPE_INT32: _INT32,
    _KIND.CPPTYPE_UINT32: {"type": "integer", "minimum": 0, "maximum": 2**32 - 1},
    _KIND.CPPTYPE_INT64: _INT64,
    _KIND.CPPTYPE_UINT64: _UINT64,
    _KIND.CPPTYPE_BOOL: {"type": "boolean"},
    # A number that JSON cannot write is one of these words.
    _KIND.CPPTYPE_DOUBLE: {"anyOf": [{"type": "number"}, {"enum": ["NaN", "Infinity", "-Infinity"]}]},
    _KIND.CPPTYPE_FLOAT: {"anyOf": [{"type": "number"}, {"enum": ["NaN", "Infinity", "-Infinity"]}]},
}
_ERRORS = {
    400: "What cannot be read as HTTP, or a position beyond the end.",
    403: "The key is missing, unknown or revoked, or it may not do this.",
    404: "No such thing in the caller's organization, or no such route.",
    408: "The request did not come in time.",
    409: "The thing is in a state that does not allow this, or something else has its id.",
    413: "The body is too large.",
    415: "The body is no JSON in UTF-8.",
    421: "The host that the request names is not served here.",
    422: "A field is wrong: `detail` names each of them and says what would work.",
    429: "A bound on waiting work is reached: `retry-after` may say when to try again.",
    431: "Request line and headers are too large.",
    500: "A fault of Tabkeep's own: `detail` has the incident under which its log has the cause.",
    503: "Not now: the same request may succeed after `retry-after` seconds.",
}
_OF_BODIES = (409, 413, 415, 429)
_ERROR: Schema = {
    "type": "object",
    "description": "Why a request was not done.",
    "properties": {
        "detail": {
            "description": "For a person: what is wrong and what would work.",
            "anyOf": [{"type": "string"}, {"type": "array", "items": {"$ref": "#/components/schemas/FieldError"}}],
        },
        "code": {"type": "string", "description": "For programs: a stable word.", "examples": ["SESSION_CLOSED"]},
    },
    "required": ["detail", "code"],
}
_FIELD_ERROR: Schema = {
    "type": "object",
    "description": "A field and what is wrong with it.",
    "properties": {
        "type": {"type": "string", "description": "The kind of mistake."},
        "loc": {
            "type": "array",
            "items": {"type": ["string", "integer"]},
            "description": "Where: body, query, path or header, then the names on the way.",
        },
        "msg": {"type": "string", "description": "What is wrong."},
        "input": {"description": "What was given."},
    },
    "required": ["type", "loc", "msg"],
}


class Annotated(Protocol):
    """What a route made of an annotation knows of itself."""

    method: MethodDescriptor
    operation_id: str
    path: str
    in_path: list[str]
    in_query: list[FieldDescriptor]
    takes_body: bool
    is_upload: bool
    response_body: str
    after: FieldDescriptor | None

    @property
    def is_download(self) -> bool: ...

    @property
    def idempotent_by(self) -> FieldDescriptor | None: ...


class Schemas:
    """Schemas of messages and enums, each made once. As an answer a message has all of its fields; as a request it
    has those that are given, and no others."""

    def __init__(self) -> None:
        self.found: dict[str, Schema] = {}

    def answer(self, descriptor: Descriptor) -> Schema:
        """A message in an answer."""
        return self._message(descriptor, given=False)

    def request(self, descriptor: Descriptor, without: Sequence[str] = ()) -> Schema:
        """A message in a request, without the fields that stand elsewhere."""
        if not without:
            return self._message(descriptor, given=True)
        return self._object(descriptor, given=True, without=without)

    def field(self, field: FieldDescriptor, *, given: bool) -> Schema:
        """A field, with its comment."""
        comment = _comment(field.full_name)
        schema = self._type(field, given=given)
        return {**schema, "description": comment} if comment and "$ref" not in schema else schema

    def _type(self, field: FieldDescriptor, *, given: bool) -> Schema:
        if is_map(field):
            value = map_value(field)
            return {"type": "object", "additionalProperties": self._one(value, given=given)}
        one = self._one(field, given=given)
        return {"type": "array", "items": one} if field.is_repeated else one

    def _one(self, field: FieldDescriptor, *, given: bool) -> Schema:
        if field.message_type is not None:
            return self._message(field.message_type, given=given)
        if field.enum_type is not None:
            return self._enum(field.enum_type)
        if field.cpp_type == _KIND.CPPTYPE_STRING:
            return {"type": "string", **({"format": "byte"} if field.type == _KIND.TYPE_BYTES else {})}
        return dict(_SCALARS[field.cpp_type])

    def _message(self, descriptor: Descriptor, *, given: bool) -> Schema:
        if (known := _WELL_KNOWN.get(descriptor.full_name)) is not None:
            return dict(known)
        name = descriptor.name
        if given and not name.endswith("Request"):
            name += "Given"
        if name not in self.found:
            self.found[name] = {}  # before its fields, which may refer to it
            self.found[name] = self._object(descriptor, given=given)
        return {"$ref": f"#/components/schemas/{name}"}

    def _object(self, descriptor: Descriptor, *, given: bool, without: Sequence[str] = ()) -> Schema:
        fields = [field for field in descriptor.fields if field.name not in without]
        schema: Schema = {"type": "object", "description": _comment(descriptor.full_name)}
        schema["properties"] = {field.json_name: self.field(field, given=given) for field in fields}
        if given:
            schema["additionalProperties"] = False
        elif always := [field.json_name for field in fields if field.is_repeated or not field.has_presence]:
            schema["required"] = always
        return schema

    def _enum(self, enum: EnumDescriptor) -> Schema:
        if enum.name not in self.found:
            beside = enum.full_name.rpartition(".")[0]
            said = [f"- `{value.name}`: {_comment(f'{beside}.{value.name}')}" for value in enum.values]
            self.found[enum.name] = {
                "type": "string",
                "enum": [value.name for value in enum.values],
                "description": "\n".join([_comment(enum.full_name), "", *said]),
            }
        return {"$ref": f"#/components/schemas/{enum.name}"}


def operation(route: Annotated, schemas: Schemas) -> dict[str, Any]:
    """What one annotated route does."""
    comment = _comment(route.method.full_name)
    summary, _, rest = comment.partition("\n")
    found: dict[str, Any] = {
        "operationId": route.operation_id,
        "tags": [route.method.containing_service.name.removesuffix("Service")],
        "summary": summary,
        "description": rest.strip() or summary,
        "parameters": _parameters(route, schemas),
        "responses": {"200": _answer(route, schemas)},
    }
    if route.takes_body:
        schema = schemas.request(route.method.input_type, route.in_path)
        found["requestBody"] = {"content": {JSON: {"schema": schema}}}
    if route.is_upload:
        found["requestBody"] = {"required": True, "content": {"*/*": {}}}
    return stored_bytes.documented(found) if route.is_download else found


def _parameters(route: Annotated, schemas: Schemas) -> list[dict[str, Any]]:
    fields = route.method.input_type.fields_by_name
    found: list[dict[str, Any]] = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": _comment(fields[name].full_name),
            "schema": {"type": "string", "pattern": "^[^/:]+$"},
        }
        for name in route.in_path
    ]
    if not route.takes_body:
        for field in route.in_query:
            parameter: dict[str, Any] = {
                "name": field.json_name,
                "in": "query",
                "schema": schemas.field(field, given=True),
            }
            if is_map(field):
                parameter.update(style="deepObject", explode=True)
            found.append(parameter | {"description": _comment(field.full_name)})
    if route.idempotent_by is not None:
        text = f"Makes a retry safe; the same as the field `{route.idempotent_by.json_name}`."
        found.append(_header("Idempotency-Key", text, {"type": "string", "minLength": 1, "maxLength": 128}))
    if route.after is not None:
        text = "The id of the last event that was received: the stream goes on after it."
        found.append(_header("Last-Event-ID", text, {"type": "string", "pattern": "^[0-9]{1,18}$"}))
    return found


def _header(name: str, description: str, schema: Schema) -> dict[str, Any]:
    return {"name": name, "in": "header", "description": description, "schema": schema}


def _answer(route: Annotated, schemas: Schemas) -> dict[str, Any]:
    response = route.method.output_type
    if route.is_download:
        return {"description": "The bytes, with their own media type.", "content": {"*/*": {}}}
    if route.method.server_streaming:
        text = (
            "Server-Sent Events; the schema is that of one event. `event` is the name of the chosen field of `data`, "
            "where it has a choice; an `event: error` carries an Error and ends the stream. A line that begins with a "
            "colon says only that the connection is there."
        )
        message = {"type": "string", "contentMediaType": JSON, "contentSchema": schemas.answer(response)}
        event: Schema = {"type": "object", "properties": {"data": message}, "required": ["data"]}
        event["properties"].update(event={"type": "string"}, id={"type": "string"})
        if route.after is not None:
            text += " `id` is the event's seq: give the last one as Last-Event-ID to go on after it."
        return {
            "description": text,
            "content": {MEDIA_TYPE: {"schema": event}},
        }
    if route.response_body and (part := response.fields_by_name[route.response_body].message_type) is not None:
        response = part
    return {"description": _comment(response.full_name), "content": {JSON: {"schema": schemas.answer(response)}}}


def document(served: Sequence[Resource]) -> dict[str, Any]:
    """Everything that is served, as one document."""
    schemas: dict[str, Any] = {"Error": _ERROR, "FieldError": _FIELD_ERROR}
    paths: dict[str, Any] = {}
    for resource in served:
        schemas |= resource.schemas
        paths[resource.path] = {
            method.lower(): _completed(method, resource.path, operation)
            for method, operation in resource.operations.items()
        }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Tabkeep",
            "version": metadata.version("tabkeep"),
            "description": (
                "Keeps live browsers open for programs. Routes under /v1/tabkeep/ are Tabkeep's own API, the same as "
                "over gRPC, in protobuf's JSON mapping: names in camelCase (the protos' own names are understood too), "
                "int64 as strings, a null as if the field were absent. The others speak as their own documents do. "
                "Every path works with and without a slash at its end."
            ),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "responses": {
                str(status): {
                    "description": text,
                    "content": {JSON: {"schema": {"$ref": "#/components/schemas/Error"}}},
                }
                for status, text in _ERRORS.items()
            },
            "securitySchemes": {
                "key": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "x-api-key",
                    "description": "An API key. `Authorization: Bearer <key>` is understood too.",
                }
            },
        },
    }


def _completed(method: str, path: str, operation: Operation) -> dict[str, Any]:
    """An operation with what is the same for all, and a name where it has none of its own."""
    words = re.findall(r"\w+", path)
    found: dict[str, Any] = {"operationId": "_".join([method.lower(), *words]), "tags": ["Compatible"]}
    found |= operation.document
    given = {parameter["name"] for parameter in found.get("parameters", ()) if parameter.get("in") == "path"}
    missing = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "pattern": "^[^/:]+$"}}
        for name in _FIELD.findall(path)
        if name not in given
    ]
    found["parameters"] = [*missing, *found.get("parameters", ())]
    errors = {
        str(status): {"$ref": f"#/components/responses/{status}"}
        for status in _ERRORS
        if (operation.takes_body or operation.reads_body or status not in _OF_BODIES)
        and not (operation.open and status == 403)
    }
    own = found.get("responses", {})
    found["responses"] = {
        **errors,
        **{status: _also_ours(answer) if status in errors else answer for status, answer in own.items()},
    }
    if operation.open:
        found["security"] = []
    return found


def _also_ours(answer: dict[str, Any]) -> dict[str, Any]:
    """An operation's own words for an error whose status the gateway gives too, before the operation is asked."""
    if "content" not in answer or JSON in answer["content"]:
        return answer
    error = {"schema": {"$ref": "#/components/schemas/Error"}}
    return {**answer, "content": {**answer["content"], JSON: error}}


def _comment(full_name: str) -> str:
    return _COMMENTS.get(full_name, "")
