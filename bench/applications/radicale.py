"""Radicale, a calendar server with a page for its collections. They are folders; its log says whom it let in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from tabkeep.v1 import actions_pb2

from bench.applications.application import ApplicationWithLogin, Judges, Look, Place, click, differs, fill, goto
from bench.applications.installing import Installation

_PASSWORDS = {"mona": "Paper-Crane-6"}
_OLD = {"tag": "VCALENDAR", "D:displayname": "Birthdays", "C:calendar-description": "everybody's"}

judge = Judges()


class Radicale(ApplicationWithLogin):
    """A server with one user and one calendar."""

    judges = judge.table

    def prepare(self, installation: Installation, data: Path) -> None:
        (data / "users").write_text("".join(f"{name}:{word}\n" for name, word in _PASSWORDS.items()))
        old = data / "collections/collection-root/mona/birthdays"
        old.mkdir(parents=True)
        (old / ".Radicale.props").write_text(json.dumps(_OLD))

    def command(self, installation: Installation, data: Path, port: int) -> Sequence[str]:
        return (
            installation.program("radicale"), "--server-hosts", f"127.0.0.1:{port}", "--auth-type", "htpasswd",
            "--auth-htpasswd-filename", str(data / "users"), "--auth-htpasswd-encryption", "plain",
            "--storage-filesystem-folder", str(data / "collections"), "--auth-delay", "0",
        )  # fmt: skip

    def sign_in(self, url: str, who: str) -> list[actions_pb2.Action]:
        return [
            goto(f"{url}/.web/"),
            fill("#loginscene [data-name=user]", who),
            fill("#loginscene [data-name=password]", _PASSWORDS[who]),
            click("#loginscene button[type=submit]"),
        ]


def collections(place: Place) -> list[tuple[str, str, str]]:
    """Kind, name and description of mona's collections, by name."""
    found = [
        json.loads(file.read_text()) for file in place.data.glob("collections/collection-root/mona/*/.Radicale.props")
    ]
    return sorted(
        (one.get("tag", ""), one.get("D:displayname", ""), one.get("C:calendar-description", "")) for one in found
    )


def let_in(place: Place) -> bool:
    return "Successful login: 'mona'" in place.log.read_text()


@judge
def radicale_log_in(look: Look) -> str:
    return "" if let_in(look.place) else "the server's log has no login of mona"


@judge
def radicale_new_calendar(look: Look) -> str:
    wanted = [("VCALENDAR", "Birthdays", "everybody's"), ("VCALENDAR", "Work", "shifts and meetings")]
    return differs("collections", collections(look.place), wanted)


@judge
def radicale_wrong_password(look: Look) -> str:
    return "the server let mona in" if let_in(look.place) else ""


@judge
def radicale_rename(look: Look) -> str:
    return differs("collections", collections(look.place), [("VCALENDAR", "Parties", "everybody's")])


@judge
def radicale_delete(look: Look) -> str:
    return differs("collections", collections(look.place), [])


@judge
def radicale_address_book(look: Look) -> str:
    wanted = [("VADDRESSBOOK", "Friends", ""), ("VCALENDAR", "Birthdays", "everybody's")]
    return differs("collections", collections(look.place), wanted)


@judge
def radicale_describe(look: Look) -> str:
    return differs("collections", collections(look.place), [("VCALENDAR", "Birthdays", "family and friends")])
