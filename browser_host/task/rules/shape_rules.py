"""What clauses mean that are about shapes: which are clicked, counted, named, or dragged where."""

from __future__ import annotations

import re

from browser_host.task.clauses.colours import COLOUR
from browser_host.task.clauses.looks import Looks
from browser_host.task.clauses.moved_shapes import BoxLooks, DragInto, MoveShape
from browser_host.task.clauses.points import BisectAngle, ClickMidpoint, CompleteRightAngle, DrawLine
from browser_host.task.clauses.shapes import (
    ClickCoordinate,
    ClickEachShape,
    ClickShape,
    CountShapes,
    DescribeFigure,
    EnterCount,
)
from browser_host.task.prompt_text import CUT
from browser_host.task.rules.choosing_rules import TEXT_FIELD
from browser_host.task.rules.grammar import NotUnderstood, Reader, Rule, rule_adder
from browser_host.task.rules.vocabulary import THE
from browser_host.task.workspace import Intent

SHAPE_RULES: list[Rule] = []
rule = rule_adder(SHAPE_RULES)

_KIND = (
    r"item|object|thing|shape|figure|circle|dot|point|ellipse|oval|rectangle|square|box|triangle|pentagon|hexagon"
    r"|polygon|letter|digit|number"
)
_SIZE = r"large|big|small|little|tiny|larger|bigger|smaller|largest|biggest|smallest"
_SIZES = {"big": "large", "little": "small", "tiny": "small"}
_HOW = rf"(?:(?P<size>{_SIZE}) )?(?:(?P<colour>{COLOUR})(?:[ -]colou?red)? )?"
_ONE = rf"{_HOW}(?P<what>{_KIND}|[a-z\d])"
_MANY = rf"{_HOW}(?P<what>(?:{_KIND}|[a-z\d])(?=e?s\b))e?s"
_CLICK = r"(?:click|press|tap)(?: on)?"
_FIND = rf"(?:find(?:{CUT}|,? and ))?"


def _looks(match: re.Match[str], *, any_thing: bool = False) -> Looks:
    """How something looks; one letter stays as it was written.

    Raises:
        NotUnderstood: it says no more than "item", unless that means `any_thing` that is drawn.
    """
    size = (match["size"] or "").lower()
    what = match["what"] if len(match["what"]) == 1 else match["what"].lower()
    looks = Looks(what, (match["colour"] or "").lower(), _SIZES.get(size, size))
    if not any_thing and looks.says_nothing:
        raise NotUnderstood
    return looks


@rule(rf"{_FIND}{_CLICK} (?P<article>the|an?) {_ONE}")
def _click(reader: Reader, match: re.Match[str]) -> Intent:
    looks = _looks(match)
    one_of_them = match["article"].lower() != "the"
    if len(looks.what) == 1 and looks.is_bare and not one_of_them:
        raise NotUnderstood  # "the x" is what closes something
    return ClickShape(looks, one_of_them)


@rule(rf"{_CLICK} (?:all|each|every)(?: of)?(?: the)? (?:{_MANY})", rf"{_CLICK} (?:each|every) {_ONE}")
def _click_each(reader: Reader, match: re.Match[str]) -> Intent:
    return ClickEachShape(_looks(match))


@rule(rf"{_FIND}{_CLICK} the (?:cent(?:er|re)|middle) of the {_ONE}")
def _click_middle(reader: Reader, match: re.Match[str]) -> Intent:
    return ClickShape(_looks(match))


@rule(rf"{_FIND}{_CLICK} the (?:grid )?(?:coordinates?|point|position)(?: at)? \((?P<at>[^()]+)\)")
def _click_coordinate(reader: Reader, match: re.Match[str]) -> Intent:
    found = re.fullmatch(r"\s*(-?\d+(?:\.\d+)?)\s*[,;]\s*(-?\d+(?:\.\d+)?)\s*", reader.text.plain(match["at"]))
    if found is None:
        raise NotUnderstood
    return ClickCoordinate((found[1], found[2]))


@rule(
    rf"(?:tell me )?how many (?P<noun>{_MANY}) are (?:there|shown|drawn|on the page)(?: on the page| below)?",
    rf"count the (?P<noun>{_MANY})(?: on the page| below)?",
)
def _how_many(reader: Reader, match: re.Match[str]) -> Intent:
    return CountShapes(_looks(match), match["noun"])


@rule(
    rf"(?:type|enter|write|put|input) the (?:total )?number of (?P<noun>{_MANY}|[a-z]+s)(?: below| above| shown)?"
    rf" (?:in|into) {THE}{TEXT_FIELD}"
)
def _enter_count(reader: Reader, match: re.Match[str]) -> Intent:
    noun = match["noun"]
    return EnterCount(noun, _looks(match) if match["what"] else None)


@rule(
    r"(?:click|press)(?: on)? the button that (?:best |correctly )?(?:describes|names|says what) the (?:figure|shape)"
    r"(?: is)?(?: below| above| shown| on the page)?"
)
def _describe(reader: Reader, match: re.Match[str]) -> Intent:
    return DescribeFigure()


# Points and lines


@rule(
    rf"{_FIND}{_CLICK} (?:the )?(?:(?:shortest|exact) )?(?:mid-?point|halfway|half way|middle)(?: between| of) the"
    rf" two {_MANY}"
)
def _midpoint(reader: Reader, match: re.Match[str]) -> Intent:
    return ClickMidpoint(_looks(match))


@rule(r"add (?:a|the) (?:third )?point (?:to (?:create|make|form)|that (?:creates|makes|forms)) a right angle")
def _right_angle(reader: Reader, match: re.Match[str]) -> Intent:
    return CompleteRightAngle()


@rule(
    r"(?:create|draw|add) a line (?:that|which) (?:bisects|halves) the angle(?: evenly| equally)?(?: in(?:to)? (?:two|"
    r"halves))?"
)
def _bisect(reader: Reader, match: re.Match[str]) -> Intent:
    return BisectAngle()


@rule(rf"draw an? (?P<way>vertical|horizontal) line (?:(?:that|which) (?:runs|goes|passes) )?through the {_ONE}")
def _line(reader: Reader, match: re.Match[str]) -> Intent:
    return DrawLine(_looks(match), match["way"].lower() == "vertical")


# Dragging

_WAY = r"(?:to the )?(?P<way>left|right|up|down)(?:wards?)?"
_INTO = r"(?:in(?:to)?|inside(?: of)?|so that (?:it is|they are)(?: completely| fully)? (?:inside(?: of)?|in))"


def _box(match: re.Match[str], name: str) -> BoxLooks:
    side, size, colour = ((match[f"{name}_{part}"] or "").lower() for part in ("side", "size", "colour"))
    return BoxLooks(Looks("box", colour, _SIZES.get(size, size)), side)


def _box_words(name: str) -> str:
    return (
        rf"(?:(?P<{name}_side>left|right|upper|lower|top|bottom)(?:[ -]hand)? )?(?:(?P<{name}_size>{_SIZE}) )?"
        rf"(?:(?P<{name}_colour>{COLOUR}) )?(?:box|rectangle|square|frame)"
    )


@rule(rf"(?:drag|move) the {_ONE} {_WAY}(?: by (?P<by>\d{{1,3}}) ?(?:px|pixels))?")
def _move(reader: Reader, match: re.Match[str]) -> Intent:
    return MoveShape(_looks(match, any_thing=True), match["way"].lower(), int(match["by"] or 0))


@rule(
    rf"(?:drag|move|put) (?:all|every|each)(?: of)?(?: the)? {_MANY} {_INTO} the {_box_words('box')}"
    rf"(?P<rest>,? and (?:everything|all(?: the)?) (?:else|others?|the rest) {_INTO} the {_box_words('other')})?"
)
def _all_into(reader: Reader, match: re.Match[str]) -> Intent:
    return DragInto(_looks(match), True, _box(match, "box"), _box(match, "other") if match["rest"] else None)


@rule(rf"(?:drag|move|put) the {_ONE} {_INTO} the {_box_words('box')}")
def _one_into(reader: Reader, match: re.Match[str]) -> Intent:
    return DragInto(_looks(match), False, _box(match, "box"))
