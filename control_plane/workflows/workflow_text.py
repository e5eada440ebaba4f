"""The text of a workflow definition as a tree of places, and the mistakes found in it.

YAML and JSON are read by one parser (PyYAML's, with the safe loader's idea of what a plain word means), which
keeps the line of everything. Nothing is constructed from the text: a `Place` hands out text, numbers, fields
and items, reports what does not fit, and goes on, so that one reading finds all mistakes. The rule kept here:
hostile text costs little time and memory and ends in `DefinitionInvalid`, never in another error.
"""

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from difflib import get_close_matches
from typing import Any, Final

import yaml

from control_plane.errors import FieldInvalid, FieldViolation
from control_plane.workflows.workflow_durations import parse_duration, show_duration

MAX_DEFINITION_BYTES: Final = 262_144
MAX_MISTAKES: Final = 20
# Nested flow brackets cost libyaml quadratic time (minutes for 256 KiB of "["): the depth is bounded while
# the events stream in, before a node is made.
MAX_DEPTH: Final = 32
MAX_NODES: Final = 10_000
MAX_EXACT_INTEGER: Final = 2**53

# libyaml where it is built in: it is ten times faster, and it takes tabs between the parts of JSON.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_TEXT_TAG: Final = "tag:yaml.org,2002:str"
_KINDS: Final = {
    "tag:yaml.org,2002:bool": "true or false",
    "tag:yaml.org,2002:int": "a number",
    "tag:yaml.org,2002:float": "a number",
    "tag:yaml.org,2002:timestamp": "a date",
    "tag:yaml.org,2002:merge": "a merge key",
    "tag:yaml.org,2002:value": "a special word",
}
_UNPRINTABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_INTEGER: Final = re.compile(r"[-+]?(0|[1-9][0-9]{0,18})")
_NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,60})?([eE][-+]?[0-9]{1,3})?")
_SURROGATE_PAIR: Final = re.compile(r"(\\\\)|\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """Something wrong in a definition: its line from 1, its path such as `blocks[1].task` (may be empty), and words."""

    line: int
    path: str
    message: str

    def __str__(self) -> str:
        return f"line {self.line}, {self.path}: {self.message}" if self.path else f"line {self.line}: {self.message}"


class DefinitionInvalid(FieldInvalid):
    """The definition cannot be run. Holds its first 20 mistakes in the order of lines, and how many there are."""

    def __init__(self, mistakes: Collection[Mistake]) -> None:
        self.mistakes: tuple[Mistake, ...] = tuple(sorted(set(mistakes))[:MAX_MISTAKES])
        self.total: int = len(set(mistakes))
        violations = [FieldViolation("definition", str(mistake)) for mistake in self.mistakes]
        if self.total > len(self.mistakes):
            violations.append(FieldViolation("definition", f"and {self.total - len(self.mistakes)} more mistakes"))
        super().__init__(violations)


@dataclass(frozen=True, slots=True)
class Place:
    """One node of the text and its path. The readers return None after they have reported a mistake."""

    node: yaml.Node = field(repr=False)
    path: str
    mistakes: list[Mistake] = field(repr=False)

    def mistake(self, message: str) -> None:
        """Report something wrong here."""
        self.mistakes.append(Mistake(self.node.start_mark.line + 1, self.path, message))

    @property
    def is_mapping(self) -> bool:
        return isinstance(self.node, yaml.MappingNode)

    @property
    def is_list(self) -> bool:
        return isinstance(self.node, yaml.SequenceNode)

    @property
    def is_short(self) -> bool:
        """A short form may stand here: no mapping, except `{{ name }}` without quotes, which was meant as text."""
        return not self.is_mapping or bool(self.unquoted_hole())

    @property
    def is_nothing(self) -> bool:
        """Null, or no value after the colon."""
        return bool(self.node.tag == "tag:yaml.org,2002:null")

    @property
    def source(self) -> str:
        """The scalar as it is written, shortened for messages; empty for mappings and lists."""
        return shorten(self.node.value) if isinstance(self.node, yaml.ScalarNode) else ""

    def found(self) -> str:
        """Say what stands here, for "must be ..., found ...", with the quotes that would make it text."""
        if self.is_list:
            return "found a list"
        if self.is_mapping:
            hole = self.unquoted_hole()
            return f'found a mapping: write "{hole}" with quotes' if hole else "found a mapping"
        if self.is_nothing:
            return "found nothing"
        if self.node.tag == _TEXT_TAG:
            return f'found the text "{self.source}"'
        return f"found {self.source}, which without quotes is {_KINDS.get(self.node.tag, 'not text')}"

    def fields(self, known: Collection[str], required: Collection[str] = ()) -> dict[str, "Place"] | None:
        """Return the fields of a mapping; unknown, repeated and missing ones are reported and left out."""
        if not self.is_mapping:
            self.mistake(f"must be a mapping with {listing(known)}, {self.found()}")
            return None
        fields: dict[str, Place] = {}
        meant: set[str | None] = set()
        for name, key, value in self.entries():
            if name in known:
                fields[name] = value
            # Looking for a likeness costs time: beyond all that is ever shown it is left out.
            elif len(self.mistakes) < 10 * MAX_MISTAKES:
                key.mistake(f"unknown field; {suggestion(name, known)}")
                meant.add(likeness(name, known))
            else:
                key.mistake("unknown field")
        for name in required:
            if name not in fields and name not in meant:
                Place(self.node, join(self.path, name), self.mistakes).mistake("is missing")
        return fields

    def entries(self) -> Iterator[tuple[str, "Place", "Place"]]:
        """Return name, key and value of a mapping's fields; names that are not text or come twice are reported."""
        lines: dict[str, int] = {}
        for key, value in self.node.value if self.is_mapping else ():
            name = key.value if isinstance(key, yaml.ScalarNode) else ""
            path = join(self.path, name) if name else self.path
            key_place = Place(key, path, self.mistakes)
            if key.tag != _TEXT_TAG:
                key_place.mistake(_wrong_key(key_place))
            elif name in lines:
                key_place.mistake(f"is given twice, first in line {lines[name]}")
            else:
                lines[name] = key.start_mark.line + 1
                yield name, key_place, Place(value, path, self.mistakes)

    def items(self, most: int, what: str) -> list["Place"] | None:
        """Return the items of a list that must have 1 to `most` of `what`."""
        if not self.is_list:
            self.mistake(f"must be a list of {what}, {self.found()}")
            return None
        count = len(self.node.value)
        if not 1 <= count <= most:
            self.mistake(f"has {count or 'no'} {what}: 1 to {most} are possible")
            return None
        return [Place(node, f"{self.path}[{index}]", self.mistakes) for index, node in enumerate(self.node.value)]

    def text(self, most: int, *, may_be_empty: bool = False) -> str | None:
        """Return text of at most `most` characters."""
        if not isinstance(self.node, yaml.ScalarNode) or self.is_nothing:
            self.mistake(f"must be text, {self.found()}")
        elif self.node.tag != _TEXT_TAG:
            self.mistake(f'must be text, {self.found()}: write "{self.source}"')
        elif len(self.node.value) > most:
            self.mistake(f"has {len(self.node.value)} characters: at most {most} are possible")
        elif not may_be_empty and not self.node.value.strip():
            self.mistake("must not be empty")
        elif control := _UNPRINTABLE.search(self.node.value):
            self.mistake(f"has the control character U+{ord(control[0]):04X}, which is not text")
        else:
            return str(self.node.value)
        return None

    def integer(self, least: int, most: int) -> int | None:
        """Return a whole number within the bounds."""
        if self.node.tag != "tag:yaml.org,2002:int":
            self.mistake(f"must be a whole number, {self.found()}")
        elif not _INTEGER.fullmatch(self.node.value):
            self.mistake(f"must be a whole number in plain decimal digits, found {self.source}")
        elif not least <= int(self.node.value) <= most:
            self.mistake(f"must be {least} to {most}, found {self.source}")
        else:
            return int(self.node.value)
        return None

    def number(self) -> float | None:
        """Return a number that is finite."""
        if self.node.tag not in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float"):
            self.mistake(f"must be a number, {self.found()}")
        elif not _NUMBER.fullmatch(self.node.value):
            self.mistake(f"must be a number in plain decimal digits, found {self.source}")
        else:
            value = self._number()
            return None if value is None else float(value)
        return None

    def boolean(self) -> bool | None:
        """Return true or false (yes, no, on and off are the same to YAML)."""
        if self.node.tag != "tag:yaml.org,2002:bool":
            self.mistake(f"must be true or false, {self.found()}")
            return None
        return str(self.node.value).lower() in {"true", "yes", "on"}

    def duration(self, least: timedelta, most: timedelta) -> timedelta | None:
        """Return a length of time such as 90s, 5m or 1h30m within the bounds."""
        length = parse_duration(self.node.value) if isinstance(self.node, yaml.ScalarNode) else None
        if self.node.tag in {"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"} and ":" not in self.source:
            self.mistake(f"must be a duration with its unit: write {self.source}s, {self.source}m or {self.source}h")
        elif length is None:
            self.mistake(f"must be a duration such as 90s, 5m or 1h30m, {self.found()}")
        elif not least <= length <= most:
            bounds = f"{show_duration(least)} to {show_duration(most)}"
            self.mistake(f"must be {bounds}, found {self.source}")
        else:
            return length
        return None

    def plain(self) -> Any:
        """Return the JSON value that stands here: dict, list, str, int, float, bool or None.

        What JSON does not have (dates, octal numbers, infinity) is reported and read as None.
        """
        if self.is_mapping:
            return {name: value.plain() for name, _, value in self.entries()}
        if self.is_list:
            places = (Place(node, f"{self.path}[{i}]", self.mistakes) for i, node in enumerate(self.node.value))
            return [place.plain() for place in places]
        if self.is_nothing:
            return None
        if self.node.tag == "tag:yaml.org,2002:bool":
            return self.boolean()
        if isinstance(self.node, yaml.ScalarNode) and not self.node.style and _NUMBER.fullmatch(self.node.value):
            return self._number()
        if self.node.tag == _TEXT_TAG:
            return self.text(MAX_DEFINITION_BYTES, may_be_empty=True)
        self.mistake(f'{self.source} without quotes is not a JSON value: write "{self.source}" if text is meant')
        return None

    def _number(self) -> int | float | None:
        source = self.node.value
        value: int | float = int(source) if source.lstrip("-").isdigit() else float(source)
        if abs(value) > MAX_EXACT_INTEGER and (isinstance(value, int) or value in (float("inf"), float("-inf"))):
            self.mistake(f"{self.source} is too large for an exact number: write it with quotes if text is meant")
            return None
        return value

    def unquoted_hole(self) -> str:
        """Return `{{ name }}` when that stands here without quotes, which YAML takes for two nested mappings."""
        entries = self.node.value
        inner = entries[0][0] if len(entries) == 1 else None
        if isinstance(inner, yaml.MappingNode) and len(inner.value) == 1:
            name = inner.value[0][0]
            return "{{ " + shorten(name.value) + " }}" if isinstance(name, yaml.ScalarNode) else ""
        return ""


def compose(text: str) -> Place:
    """Return the root of a definition's text.

    Raises:
        DefinitionInvalid: the text is too large, not YAML or JSON, nested too deep, or uses what definitions do
            not: anchors, aliases, tags, several documents.
    """
    _check_characters(text)
    if text.lstrip("\ufeff \t\r\n").startswith("{"):
        text = _SURROGATE_PAIR.sub(_joined_pair, text)
    try:
        _check_events(text)
        node = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise DefinitionInvalid([_not_yaml(text, error)]) from None
    if node is None:
        raise DefinitionInvalid([Mistake(1, "", "the definition is empty")])
    return Place(node, "", [])


def join(path: str, name: str) -> str:
    """Return the path of a field."""
    return f"{path}.{shorten(name)}" if path else shorten(name)


def shorten(text: str, most: int = 60) -> str:
    """Return text on one line, cut to `most` characters, that can be printed."""
    line = "".join(character if character.isprintable() else " " for character in text[: most + 1])
    return line if len(line) <= most else line[:most] + "…"


def listing(names: Collection[str]) -> str:
    return ", ".join(names)


def likeness(name: str, known: Collection[str]) -> str | None:
    """Return the known name that `name` was probably meant to be."""
    close = get_close_matches(name[:60].lower(), known, n=1, cutoff=0.65)
    return close[0] if close else None


def suggestion(name: str, known: Collection[str]) -> str:
    """Return `did you mean "..."?`, or all that is known when nothing comes close."""
    meant = likeness(name, known)
    return f'did you mean "{meant}"?' if meant else f"possible here: {listing(known)}"


def _wrong_key(key: Place) -> str:
    if key.is_mapping or key.is_list:
        return f"a field's name must be text, {key.found()}"
    if key.is_nothing:
        return "a field's name must be text, found nothing"
    if key.node.tag == "tag:yaml.org,2002:merge":
        return "<< (merging) is not used in definitions: write the fields out"
    return f'a field\'s name must be text, {key.found()}: write "{key.source}"'


def _check_characters(text: str) -> None:
    if not text.strip("\ufeff \t\r\n"):
        raise DefinitionInvalid([Mistake(1, "", "the definition is empty")])
    # A character is at most 4 bytes; the first look keeps a huge text from being encoded at all.
    size = len(text) if len(text) > MAX_DEFINITION_BYTES else len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_DEFINITION_BYTES:
        message = f"the definition has {size} bytes or more: at most {MAX_DEFINITION_BYTES} are possible"
        raise DefinitionInvalid([Mistake(1, "", message)])
    if found := _UNPRINTABLE.search(text):
        line = text.count("\n", 0, found.start()) + 1
        message = f"the character U+{ord(found[0]):04X} cannot stand in a definition"
        raise DefinitionInvalid([Mistake(line, "", message)])


def _check_events(text: str) -> None:
    """Bound depth and number of nodes, and refuse what lets a small text become a large tree."""
    mistakes: list[Mistake] = []
    depth = nodes = documents = 0
    for event in yaml.parse(text, Loader=_Loader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        nodes += isinstance(event, yaml.NodeEvent)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        documents += isinstance(event, yaml.DocumentStartEvent)
        for limit, value, what in ((MAX_DEPTH, depth, "levels deep"), (MAX_NODES, nodes, "values and names long")):
            if value > limit:
                raise DefinitionInvalid([Mistake(line, "", f"the definition is more than {limit} {what}"), *mistakes])
        if documents > 1:
            message = "a second document begins here: a definition is one document, without --- inside"
            raise DefinitionInvalid([Mistake(line, "", message), *mistakes])
        mistakes.extend(Mistake(line, "", message) for message in _refusals(event))
    if mistakes:
        raise DefinitionInvalid(mistakes)


def _refusals(event: yaml.Event) -> Iterator[str]:
    if isinstance(event, yaml.AliasEvent):
        name = shorten(event.anchor or "")
        yield f'aliases are not used in definitions: write "*{name}" with quotes if text is meant'
        return
    anchor = event.anchor if isinstance(event, yaml.NodeEvent) else None
    if anchor is not None:
        yield f'anchors are not used in definitions: write "&{shorten(anchor)}" with quotes if text is meant'
    tag = event.tag if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) else None
    if tag is not None:
        name = shorten(tag.replace("tag:yaml.org,2002:", "!!"))
        yield f"tags are not used in definitions, found {name}: leave it out, or write quotes if text is meant"
    if isinstance(event, yaml.ScalarEvent) and (found := re.search("[\ud800-\udfff]", event.value)):
        yield f"the escape \\u{ord(found[0]):04x} is half a character"


def _joined_pair(match: re.Match[str]) -> str:
    """Join JSON's two escapes for one character beyond U+FFFF, which YAML would take for two broken ones."""
    if match[1]:
        return match[0]
    return chr(0x10000 + ((int(match[2], 16) - 0xD800) << 10) + (int(match[3], 16) - 0xDC00))


def _not_yaml(text: str, error: yaml.YAMLError) -> Mistake:
    if re.match(r'[\ufeff\s]*\{\s*["}]', text):
        try:
            json.loads(text.lstrip("\ufeff"))
        except json.JSONDecodeError as refusal:
            return Mistake(refusal.lineno, "", f"this is not JSON: {_lower(refusal.msg)}, column {refusal.colno}")
        except (ValueError, RecursionError):
            pass
    if not isinstance(error, yaml.MarkedYAMLError):
        return Mistake(1, "", f"this is not YAML: {shorten(str(error), 200)}")
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 1
    context = f" {error.context}" if error.context else ""
    if context and error.context_mark and error.context_mark.line + 1 != line:
        context += f" that begins in line {error.context_mark.line + 1}"
    return Mistake(line, "", f"this is not YAML: {shorten(f'{error.problem}{context}', 200)}{_hint(text, line, error)}")


def _hint(text: str, line: int, error: yaml.MarkedYAMLError) -> str:
    lines = text.splitlines()
    source = lines[line - 1] if line <= len(lines) else ""
    if re.match(r" *\t", source):
        return "; indent with spaces, not with tabs"
    if re.search(r"(:|-)\s+(\{\{|[*&@%`!|>])", source):
        return "; text that begins with {{ or with one of * & @ % ` ! | > needs quotes"
    if "mapping values are not allowed" in str(error.problem):
        return '; text with ": " in it needs quotes'
    return ""


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
