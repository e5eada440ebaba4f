"""The actions of a workflow definition, read into the messages of actions.proto.

The names are those of the protos; the short forms of docs/workflows.md are all that is added.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final

from tabkeep.v1 import actions_pb2

from control_plane.workflows.action_bounds import FARTHEST_PX, MOST_CONDITIONS, MOST_OPTIONS, MOST_TIMES, is_a_date
from control_plane.workflows.workflow_expectations import read_comparison, read_expectation
from control_plane.workflows.workflow_parameters import Holes
from control_plane.workflows.workflow_schemas import SCHEMA_FIELDS, read_schema
from control_plane.workflows.workflow_tabs import read_dialog, read_tab, read_url
from control_plane.workflows.workflow_targets import MAX_NAME, TARGET_FIELDS, Fields, read_target, read_target_alone
from control_plane.workflows.workflow_text import Place, listing

MAX_ACTIONS: Final = 500
MAX_EXPECTATIONS: Final = 50
MAX_NOTE: Final = 500
MAX_FILES, MAX_FILE_NAME = 20, 255

ACTION_TIMEOUT: Final = (timedelta(milliseconds=100), timedelta(minutes=10))
WAIT_DURATION: Final = (timedelta(milliseconds=1), timedelta(minutes=10))
# What an action has when no timeout is given: the proto's default.
DEFAULT_ACTION_TIMEOUT: Final = timedelta(seconds=15)

_ROW_COMPARISONS: Final = ("contains", "equals", "less_than", "greater_than")
_DESTINATIONS: Final = ("onto", "before", "after", "by")
_BESIDE: Final = ("timeout", "note", "expect")

_Reader = Callable[[Place, Holes, actions_pb2.Action], None]


def read_action(place: Place, holes: Holes) -> actions_pb2.Action:
    """Return one action; what was wrong with it is reported and left out of it."""
    action = actions_pb2.Action()
    before = len(place.mistakes)
    fields = place.fields((*ACTION_KINDS, *_BESIDE))
    if fields is None:
        return action
    kinds = [name for name in fields if name in ACTION_KINDS]
    if len(kinds) > 1:
        place.mistake(f"is {' and '.join(kinds)} at once: make it {len(kinds)} actions")
    elif not kinds and len(place.mistakes) == before:
        place.mistake(f"names no action: one of {listing(ACTION_KINDS)}")
    for kind in kinds:
        ACTION_KINDS[kind](fields[kind], holes, action)
    if "note" in fields:
        action.note = holes.unfilled(fields["note"], MAX_NOTE) or ""
    for item in (fields["expect"].items(MAX_EXPECTATIONS, "expectations") or []) if "expect" in fields else []:
        action.expect.append(read_expectation(item, holes))
    _set_timeout(fields, action)
    return action


def _set_timeout(fields: Fields, action: actions_pb2.Action) -> None:
    wait = action.wait.duration.ToTimedelta() if action.wait.HasField("duration") else timedelta()
    if "timeout" in fields:
        timeout = fields["timeout"].duration(*ACTION_TIMEOUT)
        if timeout is None:
            return
        if timeout < wait:
            fields["timeout"].mistake("is shorter than the wait itself: leave it out")
        action.timeout.FromTimedelta(timeout)
    elif wait > DEFAULT_ACTION_TIMEOUT / 2:
        # A wait lasts at most its action's timeout; a long one brings its own.
        action.timeout.FromTimedelta(min(wait + DEFAULT_ACTION_TIMEOUT, ACTION_TIMEOUT[1]))


def read_goto(place: Place, holes: Holes, also: tuple[str, ...] = ()) -> actions_pb2.Goto:
    """Return goto, also from its short form, the URL alone. Fields in `also` are the caller's."""
    known = ("url", "allow_error_status", *also)
    fields = {"url": place} if place.is_short else place.fields(known, required=["url"]) or {}
    goto = actions_pb2.Goto()
    if "url" in fields:
        goto.url = read_url(fields["url"], holes) or ""
    if "allow_error_status" in fields:
        goto.allow_error_status = bool(fields["allow_error_status"].boolean())
    return goto


def read_extract(place: Place, holes: Holes, also: tuple[str, ...] = ()) -> actions_pb2.Extract:
    """Return extract; nothing after the colon means: the whole page as it is."""
    extract = actions_pb2.Extract()
    fields = {} if place.is_nothing else place.fields((*SCHEMA_FIELDS, "within", *also)) or {}
    schema = read_schema(place, fields)
    if schema is not None:
        extract.schema.CopyFrom(schema)
    if "within" in fields:
        extract.within = holes.unfilled(fields["within"], MAX_NAME) or ""
    return extract


def read_wait(place: Place, holes: Holes, also: tuple[str, ...] = ()) -> actions_pb2.Wait:
    """Return wait, also from its short form, the duration alone."""
    wait = actions_pb2.Wait()
    before = len(place.mistakes)
    fields = {"duration": place} if place.is_short else place.fields(("duration", "condition", *also)) or {}
    if "duration" in fields and "condition" in fields:
        place.mistake("has a duration and a condition: make it two waits")
    elif not {"duration", "condition"} & fields.keys() and len(place.mistakes) == before:
        place.mistake("must have a duration or a condition")
    if "duration" in fields:
        duration = fields["duration"].duration(*WAIT_DURATION)
        if duration is not None:
            wait.duration.FromTimedelta(duration)
    elif "condition" in fields:
        wait.condition.CopyFrom(read_expectation(fields["condition"], holes))
    return wait


def _goto(place: Place, holes: Holes, action: actions_pb2.Action) -> None:
    action.goto.CopyFrom(read_goto(place, holes))


def _extract(place: Place, holes: Holes, action: actions_pb2.Action) -> None:
    action.extract.CopyFrom(read_extract(place, holes))


def _wait(place: Place, holes: Holes, action: actions_pb2.Action) -> None:
    action.wait.CopyFrom(read_wait(place, holes))


def _on_target(
    place: Place, holes: Holes, target: actions_pb2.Target, own: tuple[str, ...] = (), required: tuple[str, ...] = ()
) -> Fields:
    """Read the target of an action and return the action's own fields; a target is needed in all of these."""
    if not own and place.is_short:
        target.CopyFrom(read_target_alone(place, holes))
        return {}
    fields = place.fields((*own, "target", *TARGET_FIELDS), required) or {}
    if place.is_mapping:
        target.CopyFrom(read_target(place, fields, holes, required=True) or actions_pb2.Target())
    return fields


def _click(place: Place, holes: Holes, action: actions_pb2.Action) -> None:
    action.click.SetInParent()
    if place.is_short:
        action.click.target.CopyFrom(read_target_alone(place, holes))
        return
    fields = _on_target(place, holes, action.click.target, ("click_count", "times", "every", "at"))
    if "click_count" in fields:
        action.click.click_count = fields["click_count"].integer(1, 3) or 0
    if "times" in fields:
        action.click.times = fields["times"].integer(1, MOST_TIMES) or 0
    if "every" in fields:
        action.click.every = bool(fields["every"].boolean())
    if action.click.every and ("times" in fields or action.click.target.nth):
        place.mistake("is for every element: leave out times and nth")
    if "at" in fields:
        _read_offset(fields["at"], action.click.at, 0)
        if action.click.every:
            fields["at"].mistake("means nothing with every")


def _fill(place: Place, holes: Holes, action: actions_pb2.Action) -> None:
    fields = _on_target(place, holes, action.fill.target, ("value", "submit"), ("value",))
    if "value" in fields:
        action.fill.value.CopyFrom(holes.value(fields["value"]) or actions_pb2.Value())
    if "submit" in fields:
        action.fill.submit = bool(fields["submit"].boolean())


def _select(place: Place, holes: Holes, action: actions_pb2.Action) -> None:
    fields = _on_target(place, holes, action.select.target, ("option", "more_options"), ("option",))
    if "option" in fields:
        action.select.option.CopyFrom(holes.value(fields["option"]) or actions_pb2.Value())
    for item in (fields["more_options"].items(MOST_OPTIONS, "options") or []) if "more_options" in fields else []:
        action.select.more_options.append(holes.value(item) or actions_pb2.Value())


def _set_checked(place: Place, holes: Holes, action: actions_pb2.Action) -> None:
    fields = _on_target(place, holes, action.set_checked.target, ("checked",), ("checked",))
    if "checked" in fields:
        action.set_checked.checked = bool(fields["checked"].boolean())


def _check(place: Place, holes: Holes, action: actions_pb2.Action) -> None:
    _on_target(place, holes, action.set_checked.target)
    action.set_checked.checked = True


def _uncheck(place: Place, holes: Holes, action: actions_pb2.Action) -> None:
    _on_target(place, holes, action.set_checked.target)
    action.set_checked.checked = False


def _press_key(place: Place, holes: Holes, action: actions_pb2.Action) -> None:
    action.press_key.SetInParent()
    known = ("key", "target", *TARGET_FIELDS)
    fields = {"key": place} if place.is_short else place.fields(known, required=["key"]) or {}
    target = read_target(place, fields, holes, required=False)
    if target is not None:
        action.press_key.target.CopyFrom(target)
    if "key" in fields:
        action.press_key.key = holes.unfilled(fields["key"], 100) or ""


def _hover(place: Place, holes: Holes, action: actions_pb2.Action) -> None:
    _on_target(place, holes, action.hover.target)


def _scroll(place: Place, holes: Holes, action: actions_pb2.Action) -> None:
    action.scroll.SetInParent()
    fields = place.fields(("delta_y", "target", *TARGET_FIELDS))
    if fields is None:
        return
    target = read_target(place, fields, holes, required=False)
    if (target is None) == ("delta_y" not in fields):
        place.mistake("must have either a target to bring into view or delta_y")
    if target is not None:
        action.scroll.target.CopyFrom(target)
    if "delta_y" in fields:
        action.scroll.delta_y = fields["delta_y"].integer(-1_000_000, 1_000_000) or 0


def _find_record(place: Place, holes: Holes, action: actions_pb2.Action) -> None:
    fields = place.fields(("label", "value", "noun"), required=["label", "value"]) or {}
    record = action.find_record
    record.SetInParent()
    if "label" in fields:
        record.label = holes.filled(fields["label"], MAX_NAME, shown=True) or ""
    if "noun" in fields:
        record.noun = holes.unfilled(fields["noun"], MAX_NAME, may_be_empty=True) or ""
    if "value" in fields:
        record.value.CopyFrom(holes.value(fields["value"]) or actions_pb2.Value())


def _drag(place: Place, holes: Holes, action: actions_pb2.Action) -> None:
    fields = _on_target(place, holes, action.drag.target, (*_DESTINATIONS, "by_corner", "at"))
    given = [name for name in fields if name in _DESTINATIONS]
    if len(given) != 1:
        place.mistake(f"must lead to one place: {listing(_DESTINATIONS)}")
    elif given[0] == "by":
        _read_offset(fields["by"], action.drag.by, -FARTHEST_PX)
    else:
        getattr(action.drag, given[0]).CopyFrom(read_target_alone(fields[given[0]], holes))
    if "by_corner" in fields:
        action.drag.by_corner = bool(fields["by_corner"].boolean())
        if action.drag.by_corner and given != ["by"]:
            fields["by_corner"].mistake("means nothing without by")
    if "at" in fields:
        _read_offset(fields["at"], action.drag.at, 0)
        if action.drag.by_corner or given != ["by"]:
            fields["at"].mistake("means nothing without by, or with by_corner")


def _read_offset(place: Place, offset: actions_pb2.Offset, least: int) -> None:
    """Read {x, y}, of which one may be left out, into a message."""
    offset.SetInParent()
    for name, field in (place.fields(("x", "y")) or {}).items():
        setattr(offset, name, field.integer(least, FARTHEST_PX) or 0)


def _set_range(place: Place, holes: Holes, action: actions_pb2.Action) -> None:
    fields = _on_target(place, holes, action.set_range.target, ("value",), ("value",))
    if "value" in fields:
        action.set_range.value = fields["value"].number() or 0.0


def _set_date(place: Place, holes: Holes, action: actions_pb2.Action) -> None:
    fields = _on_target(place, holes, action.set_date.target, ("date",), ("date",))
    if "date" in fields:
        action.set_date.date = holes.unfilled(fields["date"], 10) or ""
        if action.set_date.date and not is_a_date(action.set_date.date):
            fields["date"].mistake(f'must be a date such as "2026-04-08", found "{action.set_date.date}"')


def _select_text(place: Place, holes: Holes, action: actions_pb2.Action) -> None:
    action.select_text.SetInParent()
    if place.is_short:
        action.select_text.target.CopyFrom(read_target_alone(place, holes))
        return
    fields = _on_target(place, holes, action.select_text.target, ("text",))
    if "text" in fields:
        action.select_text.text = holes.filled(fields["text"], MAX_NAME, shown=True) or ""


def _pick_row(place: Place, holes: Holes, action: actions_pb2.Action) -> None:
    pick = action.pick_row
    pick.SetInParent()
    fields = place.fields(("where", "order_by", "descending", "nth", "press"))
    if fields is None:
        return
    if not {"where", "order_by", "nth"} & fields.keys():
        place.mistake("chooses no row: give where, order_by or nth")
    for item in (fields["where"].items(MOST_CONDITIONS, "conditions") or []) if "where" in fields else []:
        said = item.fields(("label", *_ROW_COMPARISONS)) or {}
        one = pick.where.add()
        if "label" in said:
            one.label = holes.filled(said["label"], MAX_NAME, shown=True) or ""
        read_comparison(item, said, _ROW_COMPARISONS, one, holes)
    if "order_by" in fields:
        pick.order_by = holes.filled(fields["order_by"], MAX_NAME, shown=True) or ""
    if "descending" in fields:
        pick.descending = bool(fields["descending"].boolean())
    if "nth" in fields:
        pick.nth = fields["nth"].integer(1, 10_000) or 0
    if "press" in fields:
        pick.press.CopyFrom(read_target_alone(fields["press"], holes))


def _back(place: Place, holes: Holes, action: actions_pb2.Action) -> None:
    action.back.SetInParent()
    _nothing_inside(place)


def _reload(place: Place, holes: Holes, action: actions_pb2.Action) -> None:
    action.reload.SetInParent()
    _nothing_inside(place)


def _tab(place: Place, holes: Holes, action: actions_pb2.Action) -> None:
    action.tab.SetInParent()
    read_tab(place, holes, action.tab)


def _dialog(place: Place, holes: Holes, action: actions_pb2.Action) -> None:
    read_dialog(place, holes, action.dialog)


def _upload(place: Place, holes: Holes, action: actions_pb2.Action) -> None:
    alone = place.is_short or place.is_list
    fields = {"files": place} if alone else place.fields(("files", "target", *TARGET_FIELDS), ["files"]) or {}
    action.upload.SetInParent()
    target = None if alone else read_target(place, fields, holes, required=False)
    if target is not None:
        action.upload.target.CopyFrom(target)
    if "files" in fields:
        given = fields["files"]
        for one in given.items(MAX_FILES, "files") or [] if given.is_list else [given]:
            action.upload.files.append(holes.filled(one, MAX_FILE_NAME, shown=True) or "")


def _nothing_inside(place: Place) -> None:
    if not place.is_nothing and not (place.is_mapping and not place.node.value):
        place.mistake(f"takes nothing: write {{}}, {place.found()}")


ACTION_KINDS: Final[Mapping[str, _Reader]] = {
    "goto": _goto,
    "click": _click,
    "fill": _fill,
    "select": _select,
    "set_checked": _set_checked,
    "check": _check,
    "uncheck": _uncheck,
    "press_key": _press_key,
    "hover": _hover,
    "scroll": _scroll,
    "wait": _wait,
    "extract": _extract,
    "back": _back,
    "reload": _reload,
    "upload": _upload,
    "find_record": _find_record,
    "tab": _tab,
    "dialog": _dialog,
    "drag": _drag,
    "set_range": _set_range,
    "set_date": _set_date,
    "select_text": _select_text,
    "pick_row": _pick_row,
}
