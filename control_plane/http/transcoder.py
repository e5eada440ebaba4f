"""The routes of our own API: made from the protos' descriptors and their `google.api.http` annotations, none by hand.

A field stands in the path, else in the body when the route has one, else in the query, and is read after protobuf's
JSON mapping. `Idempotency-Key` is the request's `request_id`. A stream of messages is answered as Server-Sent Events;
a stream of a record and `chunk`s of bytes as those bytes. What takes such a stream has the bytes as its body, their
media type as `content-type`, and the other fields of the record in the query.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

from google.api import annotations_pb2
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from starlette.responses import Response

from control_plane.http import event_stream, messages, openapi, stored_bytes
from control_plane.http.answers import Refused, json_answer, places
from control_plane.http.calls import Calls
from control_plane.http.endpoint import Ask, Operation, Resource
from control_plane.http.event_stream import as_json

PUBLIC = "tabkeep.v1."

_FIELD = re.compile(r"{(\w+)}")
_QUERY_NAME = re.compile(r"(?P<path>\w+(?:\.\w+)*)(?:\[(?P<key>[^\]]*)\])?")
_LONGEST_KEY = 128
_VERBS = {"get": "GET", "post": "POST", "put": "PUT", "patch": "PATCH", "delete": "DELETE"}


def routes(calls: Calls) -> list[Resource]:
    """One resource for each path that the annotations name."""
    found: dict[str, dict[str, Operation]] = {}
    schemas = openapi.Schemas()
    for name in calls.names:
        if not name.startswith(PUBLIC):
            continue
        method = descriptor_pool.Default().FindMethodByName(name.replace("/", "."))
        rule = method.GetOptions().Extensions[annotations_pb2.http]
        for number, binding in enumerate((rule, *rule.additional_bindings)):
            if (verb := binding.WhichOneof("pattern")) in _VERBS:
                route = Route(name, method, getattr(binding, verb), binding.body, binding.response_body)
                if number:
                    route.operation_id += "By" + "".join(field.title().replace("_", "") for field in route.in_path)
                found.setdefault(route.path, {})[_VERBS[verb]] = route.operation(schemas)
    return [Resource(path, schemas=schemas.found, **operations) for path, operations in found.items()]


class Route:
    """One annotation: how its requests are read and its answers written."""

    def __init__(self, name: str, method: MethodDescriptor, path: str, body: str, response_body: str) -> None:
        if body not in ("", "*"):
            raise ValueError(f"{name}: only whole bodies can be read")
        self.path = path
        self.method = method
        self.operation_id = method.name
        self.in_path = _FIELD.findall(path)
        self.is_upload = method.client_streaming
        self.takes_body = body == "*" and not self.is_upload
        self.response_body = response_body
        self._name = name
        self._request: Descriptor = method.input_type
        self._response: Descriptor = method.output_type
        if self.is_upload:
            header = self._request.fields_by_name["header"].message_type
            assert header is not None
            self._request = header
        hidden = [*self.in_path, *(("content_type",) if self.is_upload else ())]
        self.in_query = [field for field in self._request.fields if field.name not in hidden]
        self.form = _form(self._response)
        self.after = self._request.fields_by_name.get("after_seq") if self.form.seq else None
        """The field that `Last-Event-ID` sets."""

    @property
    def is_download(self) -> bool:
        """Whether the answer is bytes, in chunks, whose record says their size and checksum."""
        chunk = self._response.fields_by_name.get("chunk")
        return self.method.server_streaming and chunk is not None and chunk.type == FieldDescriptor.TYPE_BYTES

    @property
    def idempotent_by(self) -> FieldDescriptor | None:
        """The field that `Idempotency-Key` sets."""
        return self._request.fields_by_name.get("request_id")

    def operation(self, schemas: openapi.Schemas) -> Operation:
        """What the route does, for its resource."""
        answer = self._answer
        if self.is_upload:
            answer = self._upload
        elif self.method.server_streaming:
            answer = self._download if self.is_download else self._watch
        return Operation(
            answer,
            document=openapi.operation(self, schemas),
            takes_body=self.takes_body,
            reads_body=self.is_upload,
            locate=self._locate,
        )

    async def _answer(self, ask: Ask) -> Response:
        message = await ask.call(self._name, self._read(ask))
        return json_answer(200, as_json(getattr(message, self.response_body) if self.response_body else message))

    async def _upload(self, ask: Ask) -> Response:
        data = self._with_idempotency_key(ask, self._from_query(ask))
        if media_type := ask.request.headers.get("content-type", ""):
            data["content_type"] = media_type
        header = messages.read(self._request, data, "query")

        async def parts() -> AsyncIterator[Message]:
            make: Any = message_factory.GetMessageClass(self.method.input_type)
            yield make(header=header)
            async for piece in ask.request.stream():
                yield make(chunk=piece)

        message = await ask.call(self._name, parts())
        return json_answer(200, as_json(getattr(message, self.response_body)))

    async def _watch(self, ask: Ask) -> Response:
        request: Any = self._read(ask)
        if self.after is not None and (last := ask.request.headers.get("last-event-id")):
            if not re.fullmatch(r"[0-9]{1,18}", last):
                raise Refused(422, "FIELD_INVALID", [_wrong(["header", "Last-Event-ID"], "must be a whole number")])
            setattr(request, self.after.name, int(last))
        return await event_stream.answer(ask.stream(self._name, request), self.form, self._locate)

    async def _download(self, ask: Ask) -> Response:
        record, pieces = await stored_bytes.of_call(ask.stream(self._name, self._read(ask)))
        name = _file_name(next(iter(ask.path.values()), ""))
        return await stored_bytes.answer(
            ask.request,
            pieces,
            size=record.size,
            sha256=record.sha256,
            media_type=getattr(record, "content_type", ""),
            headers={"content-disposition": f'attachment; filename="{name}"'},
        )

    def _locate(self, field: str) -> list[str | int]:
        if self.is_upload:
            name = field.removeprefix("header.")
            return ["header", "content-type"] if name == "content_type" else ["query", *places(name)]
        if field in self.in_path:
            return ["path", field]
        return ["body" if self.takes_body else "query", *places(field)]

    def _read(self, ask: Ask) -> Message:
        """The service's request."""
        if self.takes_body:
            if ask.query:
                name = ask.query[0][0]
                raise Refused(422, "FIELD_INVALID", [_wrong(["query", name], "no such field: they go into the body")])
            data = ask.json()
        else:
            data = self._from_query(ask)
        if isinstance(data, dict):
            data = self._with_path(ask, self._with_idempotency_key(ask, data))
        return messages.read(self._request, data, "body" if self.takes_body else "query")

    def _with_path(self, ask: Ask, data: dict[str, Any]) -> dict[str, Any]:
        for name in self.in_path:
            for given in {name, self._request.fields_by_name[name].json_name} & data.keys():
                where = "body" if self.takes_body else "query"
                raise Refused(422, "FIELD_INVALID", [_wrong([where, given], "stands in the path: leave it out here")])
        return data | {name: ask.path[name] for name in self.in_path}

    def _with_idempotency_key(self, ask: Ask, data: dict[str, Any]) -> dict[str, Any]:
        key, field = ask.request.headers.get("idempotency-key"), self.idempotent_by
        if key is None or field is None:
            return data
        if not 0 < len(key) <= _LONGEST_KEY:
            message = f"must have 1 to {_LONGEST_KEY} characters, and has {len(key)}"
            raise Refused(422, "FIELD_INVALID", [_wrong(["header", "Idempotency-Key"], message)])
        given = data.get(field.json_name, data.get(field.name))
        if given not in (None, "", key):
            message = "is another than the header Idempotency-Key: give one of them"
            raise Refused(422, "FIELD_INVALID", [_wrong(["body", field.json_name], message)])
        data = {name: value for name, value in data.items() if name not in (field.name, field.json_name)}
        return data | {field.name: key}

    def _from_query(self, ask: Ask) -> dict[str, Any]:
        """The query as the JSON it stands for: `labels[team]=x`, `states=A&states=B`, `a.b=1`."""
        data: dict[str, Any] = {}
        for name, value in ask.query:
            _put(self._request, data, name, value)
        return data


def _put(descriptor: Descriptor, data: dict[str, Any], name: str, value: str) -> None:
    matched = _QUERY_NAME.fullmatch(name)
    *outer, last = matched["path"].split(".") if matched else [name]
    for part in outer:
        field = messages.fields_by_name(descriptor).get(part)
        if field is None or field.message_type is None or field.is_repeated:
            raise Refused(422, "FIELD_INVALID", [_wrong(["query", name], f"no such field: {part!r} has no parts")])
        descriptor, data = field.message_type, data.setdefault(part, {})
    field = messages.fields_by_name(descriptor).get(last)
    key = matched["key"] if matched else None
    if field is not None and messages.is_map(field) and key is not None:
        data, last, field = data.setdefault(last, {}), key, messages.map_value(field)
    elif key is not None:
        raise Refused(422, "FIELD_INVALID", [_wrong(["query", name], "no such field: it has no keys")])
    spelt = {"true": True, "false": False}.get(value, value) if _is_bool(field) else value
    if field is not None and field.is_repeated and not messages.is_map(field):
        data.setdefault(last, []).append(spelt)
    elif last in data:
        raise Refused(422, "FIELD_INVALID", [_wrong(["query", name], "is given more than once")])
    else:
        data[last] = spelt


def _is_bool(field: FieldDescriptor | None) -> bool:
    return field is not None and field.type == FieldDescriptor.TYPE_BOOL


def _wrong(place: list[str], message: str) -> dict[str, Any]:
    return {"type": "value_error", "loc": [part[:200] for part in place], "msg": message}


def _form(response: Descriptor) -> event_stream.Form:
    """How a stream's messages become events: named by their oneof, numbered by the `seq` of the one that has it."""
    choice = next((oneof.name for oneof in response.oneofs if not oneof.name.startswith("_")), "")
    seq = None
    for field in response.fields:
        if field.message_type is not None and "seq" in field.message_type.fields_by_name:
            seq = (field.name, "seq")
    return event_stream.Form(choice, seq)


def _file_name(text: str) -> str:
    return re.sub(r"[^\w.-]", "_", text, flags=re.ASCII)
