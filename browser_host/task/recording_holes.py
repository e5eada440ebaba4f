"""Holes in what is recorded, where the values of a prompt stood, and values in the holes of what is replayed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from urllib.parse import quote, quote_plus, unquote_plus, urlsplit

from google.protobuf import json_format, struct_pb2
from google.protobuf.message import Message
from tabkeep.host.v1 import host_pb2
from tabkeep.v1 import actions_pb2

_SHORTEST_PART = 2
"""Characters of a value that is looked for within longer texts; shorter ones count where they are the whole text."""
_OF_ONE_RECORD = re.compile(
    r"^\d+$|\d{3,}|^(?=.*\d)[0-9a-f-]{8,}$|^(?=.*\d)(?=.*[A-Za-z])[A-Za-z0-9_-]{10,}$|^[A-Za-z]{1,4}-?\d+$"
)
"""A part of a path that names one record of many, and will be another one the next time."""

Fill = Callable[[str], str]
"""Puts texts into the holes of a text."""

WITHOUT_HOLES = frozenset({"css", "test_id", "url_glob", "key", "note", "path", "block_id"})
"""The texts of an action that are used as they stand."""


class NotRecordable(Exception):
    """This cannot be recorded; the text says why."""


class Holes:
    """The values of one prompt."""

    def __init__(self, values: Sequence[host_pb2.PromptValue]) -> None:
        """Take them from a StartRun."""
        self.values = {value.name: value for value in values}
        self._plain = sorted((v for v in values if not v.secret and v.text), key=lambda v: len(v.text), reverse=True)
        self._secret = sorted((v for v in values if v.secret and v.text), key=lambda v: len(v.text), reverse=True)
        self.used: set[str] = set()
        """The names of the values that something recorded has a hole for."""
        self.pinned: set[str] = set()
        """Those that stand where there can be no hole."""

    def text(self, text: str) -> str:
        """A text that people may see, with holes for the values in it.

        Raises:
            NotRecordable: it has a secret in it, or braces of its own.
        """
        if "{{" in text or "\x00" in text:
            raise NotRecordable("a text of the page has {{ in it")
        for value in self._secret:
            if value.text in text:
                raise NotRecordable("a text of the page shows a secret of the prompt")
        return self._with_holes(text, self._plain)

    def clause(self, text: str) -> str:
        """A clause of the prompt, with holes for all its values, secret ones included."""
        return self._with_holes(text.replace("{{", "{ {"), [*self._secret, *self._plain])

    def _with_holes(self, text: str, values: Iterable[host_pb2.PromptValue]) -> str:
        found: list[str] = []  # what was replaced is no text to look for other values in
        for value in values:
            if len(value.text) < _SHORTEST_PART and text.strip() != value.text:
                continue
            edge = r"[\w@]"
            pattern = rf"(?<!{edge}){re.escape(value.text)}(?!{edge})"

            def hole(_: re.Match[str], name: str = value.name) -> str:
                found.append(name)
                return f"\x00{len(found) - 1}\x00"

            text = re.sub(pattern, hole, text, flags=re.IGNORECASE)
        self.used.update(found)
        return re.sub(r"\x00(\d+)\x00", lambda match: f"{{{{{found[int(match[1])]}}}}}", text)

    def value(self, value: actions_pb2.Value, credential: actions_pb2.Value | None, *, secret: bool) -> None:
        """Make what went into a page a hole, or the part of a credential that it was; a constant stays.

        Raises:
            NotRecordable: it is secret, and nobody knows where it came from.
        """
        if value.WhichOneof("source") != "literal":
            return
        for known in (*self._secret, *self._plain):
            if known.text == value.literal:
                self.used.add(known.name)
                sensitive = value.sensitive or known.secret or secret
                value.CopyFrom(actions_pb2.Value(parameter=known.name, sensitive=sensitive))
                return
        if credential is not None:
            value.CopyFrom(credential)
            return
        if value.sensitive or secret:
            raise NotRecordable("a secret was typed that is not a value of the prompt")
        if "{{" in value.literal:
            raise NotRecordable("a text that was typed has {{ in it")
        self.pin(value.literal)

    def pin(self, text: str) -> None:
        """The values in this text stay as they are: the recording holds for them only.

        Raises:
            NotRecordable: one of them is secret.
        """
        if any(value.text in text for value in self._secret):
            raise NotRecordable("a secret of the prompt stands where it cannot be left out")
        self.pinned.update(value.name for value in self._plain if _stands_in(value.text, text))

    def free(self, text: str) -> str:
        """The text, or "" where a value of the prompt stands in it."""
        return "" if any(_stands_in(value.text, text) for value in (*self._secret, *self._plain)) else text

    def url(self, url: str) -> str:
        """A URL that was opened.

        Raises:
            NotRecordable.
        """
        if "{{" in url:
            raise NotRecordable("a URL has {{ in it")
        for value in (*self._secret, *self._plain):
            encoded = {quote(value.text), quote(value.text, safe=""), quote_plus(value.text)} - {value.text}
            if any(one in url for one in encoded):
                raise NotRecordable("a URL has a value of the prompt in it, in another form")
        return self.text(url)

    def texts(self, message: Message) -> None:
        """Put holes for the values into all texts of an action or condition, but for what goes into pages.

        Raises:
            NotRecordable.
        """
        for field, value in message.ListFields():
            if field.message_type is not None:
                for one in value if field.is_repeated else (value,):
                    if isinstance(one, struct_pb2.Struct):
                        self.pin(json.dumps(json_format.MessageToDict(one), ensure_ascii=False))
                    elif not isinstance(one, actions_pb2.Value):
                        self.texts(one)
            elif field.type == field.TYPE_STRING and not field.is_repeated:
                if field.name == "url":
                    setattr(message, field.name, self.url(value))
                elif field.name in WITHOUT_HOLES:
                    self.pin(value)
                else:
                    setattr(message, field.name, self.text(value))
            elif not isinstance(value, bool | bytes | str) and field.enum_type is None and not field.is_repeated:
                self.pin(f"{value:g}")  # a number can be no hole

    def glob(self, url: str) -> str:
        """A pattern for the URL of a page: without its query, and with "*" for what is of one record."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https"):
            return ""
        segments = [self._segment(one) for one in parts.path.split("/")]
        rest = "*" if parts.query or parts.fragment else ""
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{'/'.join(segments)}{rest}"

    def _segment(self, segment: str) -> str:
        plain = unquote_plus(segment).casefold()
        slug = re.sub(r"[\W_]+", "-", plain)
        for value in self.values.values():
            text = value.text.casefold()
            if len(text) >= _SHORTEST_PART and (text in plain or re.sub(r"[\W_]+", "-", text) in slug):
                return "*"
        return "*" if _OF_ONE_RECORD.search(segment) or "*" in segment else segment


def _stands_in(value: str, text: str) -> bool:
    """Whether a value stands in a text as a word, or as a part of a made-up one like "btn_red"."""
    return re.search(rf"(?<![^\W_]){re.escape(value)}(?![^\W_])", text, re.IGNORECASE) is not None


def fill_texts(message: Message, fill: Fill) -> None:
    """Put texts into the holes of an action or condition, but for what goes into pages: that stays a parameter."""
    for field, value in message.ListFields():
        if field.message_type is None:
            if field.type == field.TYPE_STRING and field.name not in WITHOUT_HOLES and "{{" in value:
                setattr(message, field.name, fill(value))
            continue
        for one in value if field.is_repeated else (value,):
            if isinstance(one, actions_pb2.Value):
                if one.HasField("credential"):
                    one.credential.username = fill(one.credential.username)
            elif not isinstance(one, struct_pb2.Struct):
                fill_texts(one, fill)


def target_of(action: actions_pb2.Action) -> actions_pb2.Target | None:
    """The element that an action is done with, if it names one."""
    kind = action.WhichOneof("kind")
    body = getattr(action, kind) if kind else None
    if body is None or "target" not in body.DESCRIPTOR.fields_by_name or not body.HasField("target"):
        return None
    target: actions_pb2.Target = body.target
    return target


class Filler:
    """Puts the values of a prompt into the holes of a text."""

    def __init__(self, values: Sequence[host_pb2.PromptValue]) -> None:
        self._texts = {value.name: value.text for value in values}

    def __call__(self, text: str) -> str:
        """The text with its holes filled; holes of other names stay."""
        return re.sub(r"\{\{(\w+)\}\}", lambda match: self._texts.get(match[1], match[0]), text)
