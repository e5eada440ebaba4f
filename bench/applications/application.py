"""What the bench knows of an application: how it is served, who can sign in, and what is true in it."""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tabkeep.v1 import actions_pb2, runs_pb2

from bench.applications.installing import Installation


@dataclass(frozen=True, slots=True)
class Place:
    """A running copy of an application."""

    url: str
    """Without a slash at its end."""
    data: Path
    """The folder of its database and files: this copy's own."""
    log: Path
    """What its server writes."""

    def rows(self, statement: str, *values: Any, database: str = "db.sqlite3") -> list[Any]:
        """Ask its database; rows of one column are that column's values."""
        with closing(sqlite3.connect(f"file:{self.data / database}?mode=ro", uri=True)) as connection:
            rows = connection.execute(statement, values).fetchall()
        return [row[0] if len(row) == 1 else row for row in rows]


@dataclass(frozen=True, slots=True)
class Look:
    """What a judge looks at when the run is over."""

    place: Place
    run: runs_pb2.Run
    answer: str
    """The run's output as JSON; empty without."""
    page: Mapping[str, Any]
    """Of an application that lives in the browser: what its `page_script` gave in the session's page."""


Judge = Callable[[Look], str]
"""What the application disagrees with; empty when all is as the prompt's truth says."""


class Application(ABC):
    """One application."""

    page_script = ""
    """JavaScript that reads the application's state out of the page; empty for one that keeps it on its server."""
    judges: Mapping[str, Judge]
    """By the prompt's name."""

    @abstractmethod
    def prepare(self, installation: Installation, data: Path) -> None:
        """Fill a folder with the data that each copy begins with."""

    @abstractmethod
    def command(self, installation: Installation, data: Path, port: int) -> Sequence[str]:
        """The server's command."""

    def environ(self, installation: Installation, data: Path, port: int) -> Mapping[str, str]:
        """What the command needs in its environment beside what is there."""
        return {}


class ApplicationWithLogin(Application):
    """One that the bench can sign somebody in to."""

    @abstractmethod
    def sign_in(self, url: str, who: str) -> list[actions_pb2.Action]:
        """Typed actions that sign somebody in."""


@dataclass
class Judges:
    """A table of judges, by the functions' names."""

    table: dict[str, Judge] = field(default_factory=dict)

    def __call__(self, judge: Judge) -> Judge:
        self.table[judge.__name__] = judge
        return judge


def goto(url: str) -> actions_pb2.Action:
    """Opens a page."""
    return actions_pb2.Action(goto=actions_pb2.Goto(url=url))


def fill(css: str, text: str) -> actions_pb2.Action:
    """Fills a field."""
    return actions_pb2.Action(
        fill=actions_pb2.Fill(target=actions_pb2.Target(css=css), value=actions_pb2.Value(literal=text))
    )


def click(css: str) -> actions_pb2.Action:
    """Clicks."""
    return actions_pb2.Action(click=actions_pb2.Click(target=actions_pb2.Target(css=css)))


def differs(what: str, found: object, wanted: object) -> str:
    """The usual sentence of a judge; empty when both are equal."""
    return "" if found == wanted else f"{what}: {found!r}, not {wanted!r}"
