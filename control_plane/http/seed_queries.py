"""Reads the queries of the seed's requests: each mistake is refused with its place, and nothing is guessed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from control_plane.http.endpoint import Ask
from control_plane.http.seed_body import Body, BodyInvalid

_FLAGS = {"true": True, "1": True, "false": False, "0": False}


def query_text(ask: Ask, name: str) -> str:
    """A text of the query; "" when it is absent."""
    return _last(ask, name) or ""


def query_texts(ask: Ask, name: str) -> list[str]:
    """The values of a repeated field that say something."""
    return [value for key, value in ask.query if key == name and value]


def query_flag(ask: Ask, name: str) -> bool | None:
    """True or false; None when it is absent.

    Raises:
        BodyInvalid: it is something else.
    """
    given = query_text(ask, name).lower()
    if given and given not in _FLAGS:
        raise BodyInvalid([{"type": "bool_parsing", "loc": ["query", name], "msg": "must be true or false"}])
    return _FLAGS.get(given)


def query_time(ask: Ask, name: str) -> datetime | None:
    """A time; in UTC where it says no offset. None when it is absent.

    Raises:
        BodyInvalid: it is something else.
    """
    given = query_text(ask, name)
    if not given:
        return None
    try:
        time = datetime.fromisoformat(given)
    except ValueError:
        message = "must be a time such as 2026-02-01T10:00:00Z"
        raise BodyInvalid([{"type": "datetime_parsing", "loc": ["query", name], "msg": message}]) from None
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)


def query_number(ask: Ask, name: str, default: int, lowest: int, highest: int) -> int:
    """A whole number of the query.

    Raises:
        BodyInvalid: it is something else, or out of bounds.
    """
    given: Any = _last(ask, name)
    if given is not None and given.isascii() and given.removeprefix("-").isdigit() and len(given) < 12:
        given = int(given)
    body = Body({name: given}, "query")
    number = body.whole(name, default, lowest, highest)
    body.raise_if_wrong()
    return number


def query_words(ask: Ask, name: str, words: Mapping[str, Any]) -> list[Any]:
    """What the words of a repeated query field stand for."""
    found = []
    for value in (value for key, value in ask.query if key == name):
        if value not in words:
            message = f"must be one of {', '.join(words)}"
            raise BodyInvalid([{"type": "enum", "loc": ["query", name], "msg": message}])
        found.append(words[value])
    return found


PAGING: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("page", {"type": "integer", "minimum": 1, "maximum": 100}),
    ("page_size", {"type": "integer", "minimum": 1, "maximum": 100}),
)


def paging(ask: Ask, size: int = 10) -> tuple[int, int]:
    """How many to leave out, and how many to show then; `size` where the request does not say."""
    page, size = query_number(ask, "page", 1, 1, 100), query_number(ask, "page_size", size, 1, 100)
    return (page - 1) * size, size


def _last(ask: Ask, name: str) -> str | None:
    return next((value for key, value in reversed(ask.query) if key == name), None)
