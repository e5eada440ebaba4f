"""What a model may ask for, and what its words become: the actions and conditions that everybody uses."""

from __future__ import annotations

from typing import Any

from google.protobuf import json_format
from tabkeep.v1 import actions_pb2

from browser_host.task.by_model.model import Tool

_ELEMENT = {"type": "string", "description": "an element number from the page, for example e12"}
_TEXT = {"type": "string"}
_CONDITIONS = {
    "text": {"type": "string", "description": "this text is visible"},
    "text_gone": {"type": "string", "description": "this text is no longer visible"},
    "url_contains": {"type": "string", "description": "the URL has this in it"},
    "field": {"type": "string", "description": "the name of a field that has the value `equals`"},
    "equals": _TEXT,
    "shows": {"type": "string", "description": "an element with this name is visible"},
    "shows_no": {"type": "string", "description": "no element with this name is visible"},
}
_CONDITION = {"type": "object", "description": "exactly one of these", "properties": _CONDITIONS}
_MOST_CONDITIONS = 8
_MOST_FILES = 20


def _tool(name: str, description: str, required: tuple[str, ...] = (), **properties: Any) -> Tool:
    schema = {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}
    return Tool(name, description, schema)


PLAN = _tool(
    "plan",
    "Call this first: say what will be true of the page when the task is done and is not true now. `done` is believed "
    "only when all of it is true then.",
    ("done_when",),
    done_when={"type": "array", "items": _CONDITION, "minItems": 1, "maxItems": _MOST_CONDITIONS},
)
DONE = _tool(
    "done",
    "The task is done. `output` is what it asks for, in words or values that stand on the page.",
    output={"description": "any JSON value; leave it out if the task asks for no data"},
)
GIVE_UP = _tool("give_up", "The task cannot be done. Say why, so that a person understands it.", ("why",), why=_TEXT)
SIGN_IN = _tool(
    "sign_in",
    "Log in on this site with the credential that is stored for it; you will not see it.",
    username={"type": "string", "description": "whose, where there are several"},
)
READ_PAGE = _tool("read_page", "The page's text, from a character on.", start={"type": "integer", "minimum": 0})
ASK_PERSON = _tool(
    "ask_person", "Ask a person a yes-or-no question, for example at a captcha.", ("question",), question=_TEXT
)
TOOLS = (
    PLAN,
    _tool("goto", "Open a URL.", ("url",), url=_TEXT),
    _tool("click", "Click an element.", ("element",), element=_ELEMENT, double={"type": "boolean"}),
    _tool(
        "fill",
        "Replace the text of a field. Use {{name}} alone as value for a secret or parameter.",
        ("element", "value"),
        element=_ELEMENT,
        value=_TEXT,
        submit={"type": "boolean", "description": "press Enter afterwards"},
    ),
    _tool("select", "Choose an option of a list.", ("element", "option"), element=_ELEMENT, option=_TEXT),
    _tool(
        "check",
        "Check or uncheck a box, radio button or switch.",
        ("element", "checked"),
        element=_ELEMENT,
        checked={"type": "boolean"},
    ),
    _tool("press_key", "Press a key, for example Enter or Escape.", ("key",), key=_TEXT, element=_ELEMENT),
    _tool("hover", "Move the pointer onto an element.", ("element",), element=_ELEMENT),
    _tool("scroll", "Scroll an element into view, or the page.", element=_ELEMENT, pixels={"type": "integer"}),
    _tool("wait_for", "Wait until a text is visible, at most 15 seconds.", ("text",), text=_TEXT),
    _tool(
        "upload",
        "Give files to a file field, or to what opens a file chooser: files that the task names, by id or name.",
        ("files",),
        files={"type": "array", "items": _TEXT, "minItems": 1, "maxItems": _MOST_FILES},
        element=_ELEMENT,
    ),
    _tool("back", "Go one page back."),
    SIGN_IN,
    READ_PAGE,
    ASK_PERSON,
    DONE,
    GIVE_UP,
)
NAMES = tuple(tool.name for tool in TOOLS)


class BadCall(Exception):
    """A call that means nothing; the text tells the model what would."""


def text_argument(arguments: dict[str, Any], name: str) -> str:
    """A text that must be there.

    Raises:
        BadCall.
    """
    value = arguments.get(name)
    if not isinstance(value, str) or not value:
        raise BadCall(f"`{name}` must be a text")
    return value


def condition(wanted: Any) -> actions_pb2.Expect:
    """A condition as everybody's.

    Raises:
        BadCall.
    """
    if not isinstance(wanted, dict):
        raise BadCall("a condition is an object")
    kinds = [name for name in wanted if name != "equals"]
    if len(kinds) != 1 or kinds[0] not in _CONDITIONS:
        raise BadCall("a condition has exactly one of text, text_gone, url_contains, field, shows, shows_no")
    kind, value = kinds[0], wanted[kinds[0]]
    if not isinstance(value, str) or not value.strip():
        raise BadCall(f"`{kind}` must be a text")
    match kind:
        case "text":
            return actions_pb2.Expect(text=value)
        case "text_gone":
            return actions_pb2.Expect(text_gone=value)
        case "url_contains":
            return actions_pb2.Expect(url_glob=f"*{value}*")
        case "shows":
            return actions_pb2.Expect(visible=actions_pb2.Target(name=value))
        case "shows_no":
            return actions_pb2.Expect(hidden=actions_pb2.Target(name=value))
    equals = wanted.get("equals")
    if not isinstance(equals, str):
        raise BadCall("`field` needs `equals`, a text")
    target = actions_pb2.Target(role="textbox", name=value)
    return actions_pb2.Expect(value=actions_pb2.FieldValue(target=target, equals=equals))


def conditions(arguments: dict[str, Any]) -> list[actions_pb2.Expect]:
    """What `plan` says.

    Raises:
        BadCall.
    """
    wanted = arguments.get("done_when")
    if not isinstance(wanted, list) or not 1 <= len(wanted) <= _MOST_CONDITIONS:
        raise BadCall(f"`done_when` must be a list of 1 to {_MOST_CONDITIONS} conditions")
    return [condition(one) for one in wanted]


def action(name: str, arguments: dict[str, Any], target: actions_pb2.Target | None) -> actions_pb2.Action:
    """A call as an action; `target` is the element that it names, if any.

    Raises:
        BadCall.
    """
    match name:
        case "goto":
            return _action(goto={"url": text_argument(arguments, "url")})
        case "back":
            return _action(back={})
        case "wait_for":
            return _action(wait={"condition": {"text": text_argument(arguments, "text")}})
        case "scroll" if target is None:
            pixels = arguments.get("pixels")
            if not isinstance(pixels, int):
                raise BadCall("`scroll` needs `element` or `pixels`")
            return _action(scroll={"deltaY": max(-10000, min(pixels, 10000))})
        case "upload":
            made = _action(upload={"files": _files(arguments)})
            if target is not None:
                made.upload.target.CopyFrom(target)
            return made
        case "press_key":
            made = _action(press_key={"key": text_argument(arguments, "key")})
            if target is not None:
                made.press_key.target.CopyFrom(target)
            return made
    if target is None:
        raise BadCall("`element` must be an element number of the page, for example e12")
    made = actions_pb2.Action()
    match name:
        case "click":
            made.click.click_count = 2 if arguments.get("double") is True else 1
        case "fill":
            value = arguments.get("value")
            if not isinstance(value, str):
                raise BadCall("`value` must be a text")
            made.fill.value.literal = value
            made.fill.submit = arguments.get("submit") is True
        case "select":
            made.select.option.literal = text_argument(arguments, "option")
        case "check":
            if not isinstance(arguments.get("checked"), bool):
                raise BadCall("`checked` must be true or false")
            made.set_checked.checked = arguments["checked"]
        case "hover":
            made.hover.SetInParent()
        case "scroll":
            made.scroll.SetInParent()
        case _:
            raise BadCall(f"there is no tool {name[:60]!r}; there are {', '.join(NAMES)}")
    getattr(made, str(made.WhichOneof("kind"))).target.CopyFrom(target)
    return made


def _files(arguments: dict[str, Any]) -> list[str]:
    files = arguments.get("files")
    if not isinstance(files, list) or not 1 <= len(files) <= _MOST_FILES or not all(isinstance(f, str) for f in files):
        raise BadCall(f"`files` must be a list of 1 to {_MOST_FILES} names or ids of files")
    return files


def _action(**kind: Any) -> actions_pb2.Action:
    return json_format.ParseDict(kind, actions_pb2.Action())
