"""Where the values of an output came from: which element of which page showed them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tabkeep.v1 import runs_pb2

from browser_host.browser import BrowserError, BrowserGone, Document
from browser_host.task import page_script

MOST_VALUES = 500
"""Values of one output that are accounted for."""


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every plain value of an output as text, with its path."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, joined(path, str(name)))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from leaves(inner, joined(path, str(number)))
    elif isinstance(value, float):
        yield path, f"{value:.10g}"
    elif value is not None and value != "" and not isinstance(value, bool):
        yield path, str(value)


def joined(path: str, name: str) -> str:
    """A path one level further in."""
    return ".".join(part for part in (path, name) if part)


async def whence(document: Document, values: Iterable[tuple[str, str]], url: str) -> list[runs_pb2.Provenance]:
    """Where a document, which lies at `url`, shows these texts; those that it does not show are left out."""
    asked = [{"path": path, "text": text} for path, text in values][:MOST_VALUES]
    if not asked:
        return []
    try:
        found = await page_script.look(document, "whence", {"values": asked}, timeout=0, grace=10.0)
    except BrowserGone:
        raise
    except BrowserError:
        return []
    return [runs_pb2.Provenance(url=url, **one) for one in found]


class Sources:
    """What a run has read so far, and where from."""

    def __init__(self) -> None:
        """Nothing."""
        self._known: list[tuple[str, str, runs_pb2.Provenance]] = []

    def add(self, output: Any, provenance: Iterable[runs_pb2.Provenance]) -> None:
        """Remember where the values of a part of the output came from."""
        values = dict(leaves(output))
        room = 4 * MOST_VALUES - len(self._known)
        self._known += [(one.path, values[one.path], one) for one in provenance if one.path in values][: max(room, 0)]

    def of(self, output: Any) -> list[runs_pb2.Provenance]:
        """Where the values of the run's output came from, as far as that is known: by value and place."""
        found: list[runs_pb2.Provenance] = []
        left = list(self._known)
        for path, value in leaves(output):
            fits = [one for one in left if one[1] == value and f".{path}".endswith(f".{one[0]}")]
            if not fits or len(found) >= MOST_VALUES:
                continue
            left.remove(fits[0])
            copy = runs_pb2.Provenance()
            copy.CopyFrom(fits[0][2])
            copy.path = path
            found.append(copy)
        return found
