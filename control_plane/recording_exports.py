"""Writes a recording as a program: a workflow definition, or a Python script for Playwright alone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import yaml
from google.protobuf import json_format
from google.protobuf.duration_pb2 import Duration
from tabkeep.v1 import actions_pb2, recordings_pb2

from control_plane.errors import PreconditionFailed

_HOLE = re.compile(r"\{\{(\w+)\}\}")
_PARTS = {
    actions_pb2.CREDENTIAL_PART_USERNAME: "username",
    actions_pb2.CREDENTIAL_PART_PASSWORD: "password",
    actions_pb2.CREDENTIAL_PART_ONE_TIME_CODE: "one_time_code",
}
_TARGET = ("role", "name", "exact", "within", "nth", "css", "test_id")


def workflow_yaml(recording_id: str, task: recordings_pb2.RecordedTask) -> str:
    """A definition that CreateWorkflow takes: a parameter for each hole, and one for the page it begins on."""
    parameters: dict[str, Any] = {"start_url": _with_default(task.start if "*" not in task.start else "")}
    for value in task.values:
        parameters[value.name] = {"type": "string", "secret": True} if value.secret else _with_default(value.text)
    blocks: list[dict[str, Any]] = [{"goto": "{{ start_url }}"}]
    for number, part in enumerate(task.parts, 1):
        if part.looks_again:
            blocks.append({"task": {"id": f"part_{number}", "prompt": _holes(part.clause)}})
        elif part.steps:
            steps = [_action(step) for step in part.steps]
            blocks.append({"actions": {"id": f"part_{number}", "steps": steps}})
    title = f"{_HOLE.sub(lambda hole: hole[1], task.template)[:150]} ({recording_id})"
    definition = {"version": 1, "title": title, "parameters": parameters, "blocks": blocks}
    return yaml.safe_dump(definition, sort_keys=False, allow_unicode=True, width=120)


def _with_default(text: str) -> dict[str, Any]:
    return {"type": "string", "default": text} if text else {"type": "string"}


def _holes(text: str) -> str:
    return _HOLE.sub(r"{{ \1 }}", text)


def _action(step: recordings_pb2.RecordedStep) -> dict[str, Any]:
    action = step.action
    kind = action.WhichOneof("kind") or ""
    written: dict[str, Any] = {kind: _fields(kind, getattr(action, kind))}
    expect = [_expect(one) for one in (*action.expect, *step.seen)]
    if expect:
        written["expect"] = expect
    if action.HasField("timeout"):
        written["timeout"] = _length(action.timeout)
    return written


def _point(body: actions_pb2.Click | actions_pb2.Drag) -> dict[str, int] | None:
    return {"x": body.at.x, "y": body.at.y} if body.HasField("at") else None


def _fields(kind: str, body: Any) -> Any:
    fields: dict[str, Any] = {}
    match kind:
        case "goto":
            fields = {"url": _holes(body.url), "allow_error_status": body.allow_error_status}
        case "click":
            fields = {"click_count": body.click_count, "times": body.times, "every": body.every, "at": _point(body)}
        case "fill":
            return {**_target(body.target), "value": _value(body.value), **({"submit": True} if body.submit else {})}
        case "select":
            more = {"more_options": [_value(one) for one in body.more_options]} if body.more_options else {}
            return {**_target(body.target), "option": _value(body.option), **more}
        case "set_checked":
            return {**_target(body.target), "checked": body.checked}
        case "press_key":
            fields = {"key": body.key}
        case "scroll":
            fields = {"delta_y": body.delta_y}
        case "wait":
            return {"condition": _expect(body.condition)} if body.HasField("condition") else _length(body.duration)
        case "extract":
            fields = {"within": _holes(body.within)}
            if body.HasField("schema"):
                fields["schema"] = json_format.MessageToDict(body.schema)
        case "tab":
            what = body.WhichOneof("what") or ""
            tab = getattr(body, what)
            if what == "open":
                return {what: _holes(tab.url) or None}
            by = tab.WhichOneof("by")
            given = getattr(tab, by) if by else None
            return {what: {by: _holes(given) if isinstance(given, str) else given} if by else None}
        case "drag":
            how = body.WhichOneof("destination") or ""
            to = {"x": body.by.x, "y": body.by.y} if how == "by" else _target(getattr(body, how))
            fields = {how: to, "by_corner": body.by_corner, "at": _point(body)}
        case "set_range":
            return {**_target(body.target), "value": body.value}
        case "set_date":
            fields = {"date": body.date}
        case "select_text":
            fields = {"text": _holes(body.text)}
        case "pick_row":
            fields = {"order_by": _holes(body.order_by), "descending": body.descending, "nth": body.nth}
            fields["where"] = [_compared(one) for one in body.where]
            fields["press"] = _target(body.press)
        case "find_record":
            return {"label": _holes(body.label), "noun": body.noun, "value": _value(body.value)}
    if "target" in body.DESCRIPTOR.fields_by_name and body.HasField("target"):
        fields |= _target(body.target)
    return {name: value for name, value in fields.items() if value}


def _target(target: actions_pb2.Target) -> dict[str, Any]:
    given = {name: getattr(target, name) for name in _TARGET}
    return {name: _holes(one) if isinstance(one, str) else one for name, one in given.items() if one}


def _value(value: actions_pb2.Value) -> Any:
    match value.WhichOneof("source"):
        case "parameter":
            return f"{{{{ {value.parameter} }}}}"
        case "credential":
            username = {"username": _holes(value.credential.username)} if value.credential.username else {}
            return {"credential": _PARTS[value.credential.part], **username}
    return {"literal": value.literal} if "{{" in value.literal else value.literal


def _expect(expect: actions_pb2.Expect) -> dict[str, Any]:
    kind = expect.WhichOneof("condition") or ""
    if kind in ("visible", "hidden"):
        return {kind: _target(getattr(expect, kind))}
    if kind == "number":
        return {"number": _compared(expect.number)}
    if kind == "value":
        return {"value": {**_target(expect.value.target), "equals": _holes(expect.value.equals)}}
    return {kind: _holes(getattr(expect, kind))}


def _compared(one: actions_pb2.RowIs | actions_pb2.NumberIs) -> dict[str, Any]:
    how = one.WhichOneof("comparison") or ""
    value = getattr(one, how)
    label = {"label": _holes(one.label)} if one.label else {}
    return {**label, how: _holes(value) if isinstance(value, str) else value}


def _length(length: Duration) -> str:
    return f"{round(length.ToTimedelta().total_seconds() * 1000)}ms"


# Playwright


def playwright_python(recording_id: str, version: int, task: recordings_pb2.RecordedTask) -> str:
    """A script that runs with Playwright alone.

    Raises:
        PreconditionFailed: NOT_EXPORTABLE.
    """
    for part in task.parts:
        if part.looks_again:
            raise _not_exportable(recording_id, f'"{part.clause}" depends on what the page shows')
    lines = [line for part in task.parts for line in _part_lines(recording_id, part)]
    secrets = [value.name for value in task.values if value.secret]
    used = _credentials(task)
    reads = any(step.action.HasField("find_record") for part in task.parts for step in part.steps)
    return "\n".join(
        [
            _docstring(recording_id, version, task, [*secrets, *used]),
            "",
            "import argparse",
            *(["import json"] if reads else []),
            *(["import os"] if secrets or used else []),
            "import re",
            "",
            "from playwright.sync_api import expect, sync_playwright",
            "",
            "parser = argparse.ArgumentParser(description=__doc__)",
            *_options(task),
            "given = parser.parse_args()",
            *(f"{name} = os.environ[{name.upper()!r}]" for name in (*secrets, *used)),
            "",
            "with sync_playwright() as playwright:",
            "    browser = playwright.chromium.launch(headless=not given.headed, executable_path=given.browser)",
            "    page = browser.new_page()",
            "    page.goto(given.start_url)",
            *(f"    {line}" if line else "" for line in lines),
            "    browser.close()",
            "",
        ]
    )


def _not_exportable(recording_id: str, why: str) -> PreconditionFailed:
    return PreconditionFailed(
        f"recording {recording_id} cannot be written as a script for Playwright: {why}; WORKFLOW_YAML can",
        reason="NOT_EXPORTABLE",
        recording_id=recording_id,
    )


def _docstring(recording_id: str, version: int, task: recordings_pb2.RecordedTask, secrets: list[str]) -> str:
    what = _HOLE.sub(lambda hole: hole[1].upper(), task.template).replace("\\", "").replace('"', "'")
    needs = f" Its secrets come from the environment: {', '.join(name.upper() for name in secrets)}." if secrets else ""
    return f'"""{what}\n\nMade by Tabkeep from the recording {recording_id}, version {version}.{needs}\n"""'


def _options(task: recordings_pb2.RecordedTask) -> Iterator[str]:
    start = f"default={task.start!r}" if "*" not in task.start else "required=True"
    yield f'parser.add_argument("--start-url", {start}, help="the page to begin on")'
    for value in task.values:
        if not value.secret:
            need = f"default={value.text!r}" if value.fixed else "required=True"
            yield f'parser.add_argument("--{value.name.replace("_", "-")}", {need})'
    yield 'parser.add_argument("--headed", action="store_true")'
    yield 'parser.add_argument("--browser", help="the path of a Chromium; absent: Playwright\'s own")'


def _credentials(task: recordings_pb2.RecordedTask) -> list[str]:
    """The parts of stored logins that are needed, as names of variables."""
    values = [step.action.fill.value for part in task.parts for step in part.steps if step.action.HasField("fill")]
    names = [f"login_{_PARTS[value.credential.part]}" for value in values if value.HasField("credential")]
    return list(dict.fromkeys(names))


def _part_lines(recording_id: str, part: recordings_pb2.RecordedPart) -> Iterator[str]:
    yield ""
    yield f"# {' '.join(part.clause.split())}"
    for step in part.steps:
        action = step.action
        kind = action.WhichOneof("kind") or ""
        if kind not in _SAID or (kind == "click" and action.click.every) or action.select.more_options:
            raise _not_exportable(recording_id, f'"{part.clause}" needs {kind} as Tabkeep does it')
        if any(expect.HasField("number") for expect in (*action.expect, action.wait.condition)):
            raise _not_exportable(recording_id, f'"{part.clause}" waits for a number as Tabkeep reads it')
        yield from _SAID[kind](getattr(action, kind), step.elements[0] if step.elements else None)
        for expect in (*action.expect, *step.seen):
            yield _checked(expect)


def _text(text: str) -> str:
    """A text with holes as an expression."""
    pieces = _HOLE.split(text)
    if len(pieces) == 1:
        return repr(text)
    parts = [repr(piece) if number % 2 == 0 else f"given.{piece}" for number, piece in enumerate(pieces) if piece]
    return " + ".join(parts)


def _typed(value: actions_pb2.Value) -> str:
    match value.WhichOneof("source"):
        case "parameter":
            return value.parameter if value.parameter.startswith("secret_") else f"given.{value.parameter}"
        case "credential":
            return f"login_{_PARTS[value.credential.part]}"
    return repr(value.literal)


def _located(target: actions_pb2.Target, element: recordings_pb2.RecordedElement | None) -> str:
    """An expression for an element: as a person would say it where Playwright knows it so, else as it was found."""
    scope = "page"
    if target.within:
        rows = "tr, li, article, form, dialog, section, [role=row], [role=listitem]"
        scope = f"page.locator({rows!r}).filter(has_text={_text(target.within)}).last"
    field = element is not None and element.tag.split("/")[0] in ("input", "textarea", "select")
    test_id = target.test_id or (element.test_id if element else "")
    if target.css:
        found = f"{scope}.locator({target.css!r})"
    elif test_id:
        marks = ", ".join(f"[{name}={json.dumps(test_id)}]" for name in ("data-testid", "data-test", "data-qa"))
        found = f"{scope}.locator({marks!r})"
    elif field and element is not None and not target.within and not element.tag.endswith(("/submit", "/button")):
        found = _field(element)
    elif target.role or (element is not None and element.role):
        exact = ", exact=True" if target.exact else ""
        role = target.role or (element.role if element else "")
        name = f", name={_text(target.name)}{exact}" if target.name else ""
        found = f"{scope}.get_by_role({role!r}{name})"
    else:
        found = f"{scope}.get_by_text({_text(target.name)}, exact={target.exact})"
    return f"{found}.nth({target.nth - 1})" if target.nth else found


def _field(element: recordings_pb2.RecordedElement) -> str:
    if element.stable_id:
        return f"page.locator({f'[id={json.dumps(element.stable_id)}]'!r})"
    if element.field_name and not element.tag.endswith(("/radio", "/checkbox")):
        return f"page.locator({f'[name={json.dumps(element.field_name)}]'!r})"
    if element.name:
        return f"page.get_by_label({_text(element.name)}, exact=True)"
    if element.placeholder:
        return f"page.get_by_placeholder({_text(element.placeholder)})"
    return f"page.locator({element.css!r})"


Lines = Iterable[str]
Element = recordings_pb2.RecordedElement | None


def _say_goto(body: actions_pb2.Goto, _: Element) -> Lines:
    return [f"page.goto({_text(body.url)})"]


def _say_click(body: actions_pb2.Click, element: Element) -> Lines:
    options = [f"click_count={body.click_count}"] if body.click_count > 1 else []
    if point := _point(body):
        options.append(f"position={json.dumps(point)}")
    return [f"{_located(body.target, element)}.click({', '.join(options)})"] * max(body.times, 1)


def _say_fill(body: actions_pb2.Fill, element: Element) -> Lines:
    field = _located(body.target, element)
    return [f"{field}.fill({_typed(body.value)})", *([f'{field}.press("Enter")'] if body.submit else [])]


def _say_select(body: actions_pb2.Select, element: Element) -> Lines:
    if element is not None and not element.tag.startswith("select"):
        return [
            f"{_located(body.target, element)}.click()",
            f'page.get_by_role("option", name={_typed(body.option)}).click()',
        ]
    return [f"{_located(body.target, element)}.select_option({_typed(body.option)})"]


def _say_checked(body: actions_pb2.SetChecked, element: Element) -> Lines:
    return [f"{_located(body.target, element)}.set_checked({body.checked})"]


def _say_key(body: actions_pb2.PressKey, element: Element) -> Lines:
    if body.HasField("target"):
        return [f"{_located(body.target, element)}.press({body.key!r})"]
    return [f"page.keyboard.press({body.key!r})"]


def _say_hover(body: actions_pb2.Hover, element: Element) -> Lines:
    return [f"{_located(body.target, element)}.hover()"]


def _say_scroll(body: actions_pb2.Scroll, element: Element) -> Lines:
    if body.HasField("target"):
        return [f"{_located(body.target, element)}.scroll_into_view_if_needed()"]
    return [f"page.mouse.wheel(0, {body.delta_y})"]


def _say_wait(body: actions_pb2.Wait, _: Element) -> Lines:
    if body.HasField("condition"):
        return [_checked(body.condition)]
    return [f"page.wait_for_timeout({round(body.duration.ToTimedelta().total_seconds() * 1000)})"]


def _say_find(body: actions_pb2.FindRecord, _: Element) -> Lines:
    cell = f'page.get_by_role("cell", name={_typed(body.value)}, exact=True)'
    return [
        f'row = page.get_by_role("row").filter(has={cell})',
        "expect(row).to_have_count(1)",
        'names = row.locator("xpath=ancestor::table[1]").get_by_role("columnheader").all_inner_texts()',
        'print(json.dumps(dict(zip(names, row.get_by_role("cell").all_inner_texts()))))',
    ]


_SAID: dict[str, Callable[[Any, Element], Lines]] = {
    "goto": _say_goto,
    "click": _say_click,
    "fill": _say_fill,
    "select": _say_select,
    "set_checked": _say_checked,
    "press_key": _say_key,
    "hover": _say_hover,
    "scroll": _say_scroll,
    "wait": _say_wait,
    "find_record": _say_find,
    "back": lambda body, element: ["page.go_back()"],
    "reload": lambda body, element: ["page.reload()"],
}


def _checked(expect: actions_pb2.Expect) -> str:
    match expect.WhichOneof("condition"):
        case "url_glob":
            pattern = ".*".join(re.escape(piece) for piece in expect.url_glob.split("*"))
            return f"expect(page).to_have_url(re.compile({f'^{pattern}$'!r}))"
        case "text":
            return f"expect(page.get_by_text({_text(expect.text)}).first).to_be_visible()"
        case "text_gone":
            return f"expect(page.get_by_text({_text(expect.text_gone)}).filter(visible=True)).to_have_count(0)"
        case "visible":
            return f"expect({_located(expect.visible, None)}.first).to_be_visible()"
        case "hidden":
            return f"expect({_located(expect.hidden, None)}.filter(visible=True)).to_have_count(0)"
        case "value":
            return f"expect({_located(expect.value.target, None)}).to_have_value({_text(expect.value.equals)})"
    return f"expect(page).to_have_title(re.compile(re.escape({_text(expect.title)}), re.IGNORECASE))"
