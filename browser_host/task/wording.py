"""Actions, targets and conditions: in words for people, and as the page's script takes them."""

from __future__ import annotations

import re
from typing import Any

from google.protobuf.duration_pb2 import Duration
from tabkeep.v1 import actions_pb2

from browser_host.task.values import MASK

_LONGEST = 80
_SECRET_NAME = re.compile(
    r"pass(word|phrase|code)|pass\b|\bpin\b|secret|cvv|cvc|\bcsc\b|security code|one.?time|"
    r"card.?(number|num\b|no\b)|\bcc.?(number|num|csc)|^\W*(credit |debit |payment |bank )?card\W*$",
    re.IGNORECASE,
)


def script_target(target: actions_pb2.Target) -> dict[str, Any]:
    """A target as the page's script takes it."""
    return {
        "role": target.role,
        "name": target.name,
        "exact": target.exact,
        "within": target.within,
        "nth": target.nth,
        "css": target.css,
        "testId": target.test_id,
        "frame": target.frame,
    }


def target_from_script(found: dict[str, Any]) -> actions_pb2.Target:
    """A target as the page's script gives it."""
    return actions_pb2.Target(
        role=found.get("role", ""),
        name=found.get("name", ""),
        exact=found.get("exact", False),
        within=found.get("within", ""),
        nth=found.get("nth", 0),
        css=found.get("css", ""),
        test_id=found.get("testId", ""),
        frame=found.get("frame", ""),
    )


def names_a_secret(target: actions_pb2.Target) -> bool:
    """Whether the target's own words say that its text must not be shown."""
    return any(_SECRET_NAME.search(text) for text in (target.name, target.css, target.test_id))


def target_words(target: actions_pb2.Target) -> str:
    """A target in words."""
    words = [target.role or ("" if target.css or target.test_id else "element")]
    if target.name:
        words.append(f'"{target.name}"')
    if target.css:
        words.append(target.css)
    if target.test_id:
        words.append(f'[test id "{target.test_id}"]')
    if target.within:
        words.append(f'in "{target.within}"')
    if target.nth:
        words.append(f"number {target.nth}")
    if target.frame:
        words.append(f'in the frame "{target.frame}"')
    return " ".join(word for word in words if word)


def value_words(value: actions_pb2.Value) -> str:
    """A value in words; sensitive ones are masked."""
    match value.WhichOneof("source"):
        case "credential":
            part = actions_pb2.CredentialPart.Name(value.credential.part).removeprefix("CREDENTIAL_PART_")
            return f"the {part.lower().replace('_', '-')} of a stored login"
        case "from_step":
            step = value.from_step
            what = f"action {step.action}" if step.action else f'block "{step.block_id}"'
            return f"{step.path or 'what'} {'of' if step.path else 'is brought by'} {what}"
    if value.sensitive:
        return MASK
    if value.WhichOneof("source") == "parameter":
        return "{{" + value.parameter + "}}"
    text = value.literal
    return f'"{text[:_LONGEST]}…"' if len(text) > _LONGEST else f'"{text}"'


def duration_words(duration: Duration) -> str:
    """A length of time in words."""
    return f"{duration.ToTimedelta().total_seconds():g} s"


def script_condition(expect: actions_pb2.Expect) -> dict[str, Any]:
    """A condition as the page's script takes it."""
    kind = expect.WhichOneof("condition")
    match kind:
        case "url_glob":
            return {"urlGlob": expect.url_glob}
        case "text":
            return {"text": expect.text}
        case "text_gone":
            return {"textGone": expect.text_gone}
        case "visible":
            return {"visible": script_target(expect.visible)}
        case "hidden":
            return {"hidden": script_target(expect.hidden)}
        case "value":
            return {"value": {"target": script_target(expect.value.target), "equals": expect.value.equals}}
        case "title":
            return {"title": expect.title}
        case "number":
            how = expect.number.WhichOneof("comparison") or "equal_to"
            compared = {how.split("_")[0]: getattr(expect.number, how)}
            return {"number": {"label": expect.number.label, **compared}}
    raise ValueError("an expectation without a condition")


def condition_words(expect: actions_pb2.Expect) -> str:
    """A condition in words."""
    match expect.WhichOneof("condition"):
        case "url_glob":
            return f"the URL matches {expect.url_glob}"
        case "text":
            return f'the page shows "{expect.text}"'
        case "text_gone":
            return f'the page does not show "{expect.text_gone}"'
        case "visible":
            return f"{target_words(expect.visible)} is visible"
        case "hidden":
            return f"{target_words(expect.hidden)} is gone"
        case "value":
            secret = names_a_secret(expect.value.target)
            return f"{target_words(expect.value.target)} has the value {MASK if secret else expect.value.equals!r}"
        case "title":
            return f'the title has "{expect.title}"'
        case "number":
            how = expect.number.WhichOneof("comparison") or "equal_to"
            return f'"{expect.number.label}" is {how.replace("_", " ")} {getattr(expect.number, how):g}'
    raise ValueError("an expectation without a condition")


def describe(action: actions_pb2.Action) -> str:
    """An action in one line for people."""
    match action.WhichOneof("kind"):
        case "goto":
            return f"go to {action.goto.url}"
        case "click":
            times = {2: "double-click ", 3: "triple-click "}.get(action.click.click_count, "click ")
            often = f", {action.click.times} times" if action.click.times > 1 else ""
            where = target_words(action.click.target) + (
                _point_words(action.click) if action.click.HasField("at") else ""
            )
            return times + ("every " if action.click.every else "") + where + often
        case "fill":
            submit = " and press Enter" if action.fill.submit else ""
            return f"fill {target_words(action.fill.target)} with {value_words(action.fill.value)}{submit}"
        case "select":
            options = ", ".join(value_words(one) for one in (action.select.option, *action.select.more_options))
            return f"select {options} in {target_words(action.select.target)}"
        case "set_checked":
            return f"{'check' if action.set_checked.checked else 'uncheck'} {target_words(action.set_checked.target)}"
        case "press_key":
            on = f" on {target_words(action.press_key.target)}" if action.press_key.HasField("target") else ""
            return f"press {action.press_key.key}{on}"
        case "hover":
            return f"hover over {target_words(action.hover.target)}"
        case "scroll":
            if action.scroll.HasField("target"):
                return f"scroll to {target_words(action.scroll.target)}"
            return f"scroll {'up' if action.scroll.delta_y < 0 else 'down'} by {abs(action.scroll.delta_y)} px"
        case "wait":
            if action.wait.WhichOneof("until") == "duration":
                return f"wait {duration_words(action.wait.duration)}"
            return f"wait until {condition_words(action.wait.condition)}"
        case "extract":
            return f'extract data from "{action.extract.within}"' if action.extract.within else "extract data"
        case "find_record":
            record = action.find_record
            return f"read the {record.noun or 'record'} with {record.label} {value_words(record.value)}"
        case "back":
            return "go back"
        case "reload":
            return "reload the page"
        case "tab":
            return _tab_words(action.tab)
        case "dialog":
            return _dialog_words(action.dialog)
        case "upload":
            names = ", ".join(f'"{name[:_LONGEST]}"' for name in action.upload.files)
            to = f" to {target_words(action.upload.target)}" if action.upload.HasField("target") else ""
            return f"upload {names}{to}"
        case "drag":
            return _drag_words(action.drag)
        case "set_range":
            return f"set {target_words(action.set_range.target)} to {action.set_range.value:g}"
        case "set_date":
            return f"set {target_words(action.set_date.target)} to {action.set_date.date}"
        case "select_text":
            part = f'"{action.select_text.text}" in ' if action.select_text.text else "the text of "
            return f"select {part}{target_words(action.select_text.target)}"
        case "pick_row":
            return _row_words(action.pick_row)
    raise ValueError("an action without a kind")


def _point_words(body: actions_pb2.Click | actions_pb2.Drag) -> str:
    return f" at {body.at.x}, {body.at.y} px"


def _drag_words(drag: actions_pb2.Drag) -> str:
    taken = f"drag {'the corner of ' if drag.by_corner else ''}{target_words(drag.target)}"
    taken += _point_words(drag) if drag.HasField("at") else ""
    how = drag.WhichOneof("destination")
    if how == "by":
        return f"{taken} by {drag.by.x}, {drag.by.y} px"
    return f"{taken} {how} {target_words(getattr(drag, how))}" if how else taken


def _row_words(pick: actions_pb2.PickRow) -> str:
    pressed = f"press {target_words(pick.press)} in" if pick.HasField("press") else "press"
    which = f" number {pick.nth}" if pick.nth else ""
    order = f" by {pick.order_by}, {'greatest' if pick.descending else 'least'} first" if pick.order_by else ""
    said = []
    for one in pick.where:
        how = one.WhichOneof("comparison") or "contains"
        value = getattr(one, how)
        shown = f"{value:g}" if isinstance(value, float) else f'"{value}"'
        said.append(f"{one.label} {how.replace('_', ' ')} {shown}".strip())
    return f"{pressed} the row{which}{order}{' where ' if said else ''}{' and '.join(said)}"


def _tab_words(tab: actions_pb2.Tab) -> str:
    match tab.WhichOneof("what"):
        case "open":
            return f"open {tab.open.url} in a new tab" if tab.open.url else "open a new tab"
        case "close":
            return f"close {which_tab(tab.close)}"
        case "switch_to":
            return f"switch to {which_tab(tab.switch_to)}"
    raise ValueError("a tab action that does nothing")


def which_tab(which: actions_pb2.WhichTab) -> str:
    """A tab in words."""
    match which.WhichOneof("by"):
        case "index":
            return "the newest tab" if which.index == -1 else f"tab {which.index}"
        case "title":
            return f'the tab "{which.title}"'
        case "url":
            return f"the tab at {which.url}"
        case "page_id":
            return f"the tab {which.page_id[:_LONGEST]}"
        case "previous":
            return "the previous tab"
    return "this tab"


def _dialog_words(dialog: actions_pb2.Dialog) -> str:
    which = f'the dialog "{dialog.message[:_LONGEST]}"' if dialog.message else "the dialog"
    if dialog.answer != actions_pb2.DIALOG_ANSWER_ACCEPT:
        return f"dismiss {which}"
    return f"answer {value_words(dialog.text)} to {which}" if dialog.HasField("text") else f"accept {which}"
