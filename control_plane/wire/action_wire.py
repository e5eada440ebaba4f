"""The bounds of the actions that a task is given, and of the schemas of what is extracted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from google.protobuf import struct_pb2
from google.protobuf.json_format import MessageToDict
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from tabkeep.v1 import actions_pb2

from control_plane.fields import Fields
from control_plane.wire.times import MINUTE
from control_plane.workflows.action_bounds import check_gesture, names_an_element
from control_plane.workflows.workflow_definitions import READING

_MOST_FILES = 20


def checked_schema(fields: Fields, field: str, schema: struct_pb2.Struct) -> struct_pb2.Struct | None:
    """The JSON Schema of a request's field; None when there is none, or one that is too large."""
    if not schema.fields:
        return None
    if schema.ByteSize() > 65_536:
        fields.wrong(field, f"{schema.ByteSize()} bytes are more than the maximum of 65536")
        return None
    try:
        Draft202012Validator.check_schema(MessageToDict(schema))
    except SchemaError as error:
        fields.wrong(field, f"not a JSON Schema: {error.message} at {error.json_path}")
    return schema


def check_action(
    fields: Fields, field: str, action: actions_pb2.Action, earlier: Sequence[actions_pb2.Action] = ()
) -> None:
    """The bounds of one action; `earlier` are those before it in its list."""
    kind = action.WhichOneof("kind")
    if kind is None:
        fields.wrong(field, "says nothing to do: set one of goto, click, fill, …")
        return
    fields.duration(action, "timeout", timedelta(milliseconds=100), 10 * MINUTE, MINUTE, f"{field}.")
    fields.text(f"{field}.note", action.note, 500)
    if kind == "goto":
        if not action.goto.url:
            fields.wrong(f"{field}.goto.url", "must not be empty")
        fields.url(f"{field}.goto.url", action.goto.url)
    values = {"fill": action.fill.value, "select": action.select.option, "find_record": action.find_record.value}
    value = values.get(kind)
    if value is not None and value.WhichOneof("source") == "parameter":
        fields.wrong(
            f"{field}.{kind}", f"names the parameter {value.parameter[:100]!r}: only workflows have parameters"
        )
    if value is not None and value.WhichOneof("source") is None:
        fields.wrong(f"{field}.{kind}", "needs an option" if kind == "select" else "needs a text: set value.literal")
    if value is not None:
        fields.text(f"{field}.{kind}", value.literal, 65_536)
        _check_source(fields, f"{field}.{kind}.{'option' if kind == 'select' else 'value'}", value, earlier)
    check_gesture(fields, field, action)
    if kind in ("click", "fill", "select", "set_checked", "hover", "drag", "set_range", "set_date", "select_text"):
        target: actions_pb2.Target = getattr(action, kind).target
        if not names_an_element(target):
            fields.wrong(f"{field}.{kind}.target", "names no element: set role, name, css or test_id")
    if kind == "tab":
        _check_tab(fields, f"{field}.tab", action.tab)
    if kind == "dialog":
        _check_dialog(fields, f"{field}.dialog", action.dialog)
    if kind == "upload":
        _check_upload(fields, f"{field}.upload", action.upload)
    if kind == "press_key" and not action.press_key.key:
        fields.wrong(f"{field}.press_key.key", "must not be empty")
    if kind == "wait" and action.wait.WhichOneof("until") is None:
        fields.wrong(f"{field}.wait", "waits for nothing: set duration or condition")
    if kind == "find_record" and not action.find_record.label:
        fields.wrong(f"{field}.find_record.label", "must not be empty")
    if kind == "extract":
        checked_schema(fields, f"{field}.extract.schema", action.extract.schema)


def _check_source(fields: Fields, field: str, value: actions_pb2.Value, earlier: Sequence[actions_pb2.Action]) -> None:
    """That what a value refers to comes before it."""
    if value.HasField("from_step"):
        field, step = f"{field}.from_step", value.from_step
        fields.text(f"{field}.path", step.path, 500)
        if step.block_id:
            fields.wrong(f"{field}.block_id", "only workflows have blocks: name an action")
        elif not 1 <= step.action <= len(earlier):
            fields.wrong(f"{field}.action", f"{step.action} does not come before this action: use 1 to {len(earlier)}")
        elif earlier[step.action - 1].WhichOneof("kind") not in READING:
            fields.wrong(f"{field}.action", f"{step.action} brings nothing: only extract and find_record do")
    elif value.HasField("credential"):
        field = f"{field}.credential"
        fields.text(f"{field}.username", value.credential.username, 500)
        if value.credential.part not in (1, 2, 3):
            fields.wrong(f"{field}.part", "must be USERNAME, PASSWORD or ONE_TIME_CODE")


def _check_tab(fields: Fields, field: str, tab: actions_pb2.Tab) -> None:
    what = tab.WhichOneof("what")
    if what is None:
        fields.wrong(field, "says nothing to do: set one of switch_to, open, close")
    elif what == "open":
        fields.url(f"{field}.open.url", tab.open.url)
    else:
        which: actions_pb2.WhichTab = getattr(tab, what)
        by = which.WhichOneof("by")
        if by is None and what == "switch_to":
            fields.wrong(f"{field}.switch_to", "names no tab: set one of index, title, url, page_id, previous")
        if by == "index" and not (which.index == -1 or 1 <= which.index <= 100):
            fields.wrong(f"{field}.{what}.index", f"{which.index} is no place: use 1 to 100, or -1 for the newest tab")
        if by in ("title", "url", "page_id"):
            fields.text(f"{field}.{what}.{by}", getattr(which, by), 2000, required=True)
        if by == "previous" and not which.previous:
            fields.wrong(f"{field}.{what}.previous", "must be true, or another way to name the tab be used")


def _check_dialog(fields: Fields, field: str, dialog: actions_pb2.Dialog) -> None:
    if dialog.answer not in (actions_pb2.DIALOG_ANSWER_ACCEPT, actions_pb2.DIALOG_ANSWER_DISMISS):
        fields.wrong(f"{field}.answer", f"{dialog.answer} is no answer: use ACCEPT or DISMISS")
    fields.text(f"{field}.message", dialog.message, 1000)
    if not dialog.HasField("text"):
        return
    if dialog.answer == actions_pb2.DIALOG_ANSWER_DISMISS:
        fields.wrong(f"{field}.text", "is for a prompt that is accepted: leave it out, or accept")
    if dialog.text.WhichOneof("source") == "parameter":
        fields.wrong(f"{field}.text", f"names the parameter {dialog.text.parameter[:100]!r}: only workflows have any")
    elif dialog.text.WhichOneof("source") != "literal":
        fields.wrong(f"{field}.text", "needs a text that is known before: set text.literal")
    fields.text(f"{field}.text", dialog.text.literal, 65_536)


def _check_upload(fields: Fields, field: str, upload: actions_pb2.Upload) -> None:
    if upload.HasField("target") and not names_an_element(upload.target):
        fields.wrong(f"{field}.target", "names no element: set role, name, css or test_id, or leave it out")
    if not 1 <= len(upload.files) <= _MOST_FILES:
        fields.wrong(f"{field}.files", f"{len(upload.files)} files are not within 1 to {_MOST_FILES}")
    for place, name in enumerate(upload.files[:_MOST_FILES]):
        fields.text(f"{field}.files[{place}]", name, 255, required=True)
