"""Roundup, an issue tracker. Its database has the issues; who signed in is among its one-time keys."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tabkeep.v1 import actions_pb2

from bench.applications.application import ApplicationWithLogin, Judges, Look, Place, click, differs, fill, goto
from bench.applications.installing import Installation, NotInstalled

_SERVE = Path(__file__).parent / "sites" / "tracker" / "serve.py"
_DATABASE = "tracker/db/db"
_PASSWORDS = {"tess": "Amber-Coast-9"}
_ISSUES = (
    ("The lamp in the hall is broken", "bug"),
    ("Server room is too warm", "critical"),
    ("A second screen for the desk", "wish"),
    ("Invoices are sent twice", "urgent"),
)

judge = Judges()


class Roundup(ApplicationWithLogin):
    """The tracker that its `classic` template makes, which everybody may read."""

    judges = judge.table

    def prepare(self, installation: Installation, data: Path) -> None:
        home = data / "tracker"

        def admin(*words: str) -> None:
            command = [installation.program("roundup-admin"), "-i", str(home), *words]
            done = subprocess.run(
                command, cwd=data, capture_output=True, text=True, check=False,
                env={**os.environ, "SENDMAILDEBUG": str(data / "mail")},
            )  # fmt: skip
            if done.returncode != 0:
                raise NotInstalled(f"roundup-admin {words[0]} failed:\n{(done.stdout + done.stderr)[-2000:]}")

        admin("install", "classic", "sqlite")
        _configure(home, web="http://127.0.0.1/tracker/", domain="tracker.example", host="localhost")
        admin("initialise", "Slate-Roof-2")
        for name, password in _PASSWORDS.items():
            admin(
                "create", "user", f"username={name}", f"password={password}", f"address={name}@tracker.example",
                "roles=User",
            )  # fmt: skip
        for title, priority in _ISSUES:
            admin("create", "issue", f"title={title}", f"priority={priority}", "status=chatting")

    def command(self, installation: Installation, data: Path, port: int) -> Sequence[str]:
        home = data / "tracker"
        _configure(home, web=f"http://127.0.0.1:{port}/tracker/")
        return (str(installation.python), "-B", str(_SERVE), str(home), str(port))

    def environ(self, installation: Installation, data: Path, port: int) -> Mapping[str, str]:
        return {"SENDMAILDEBUG": str(data / "mail"), "PYTHONUNBUFFERED": "1"}

    def sign_in(self, url: str, who: str) -> list[actions_pb2.Action]:
        return [
            goto(f"{url}/tracker/"),
            fill("input[name=__login_name]", who),
            fill("input[name=__login_password]", _PASSWORDS[who]),
            click("form input[type=submit][value=Login]"),
        ]


def _configure(home: Path, **settings: str) -> None:
    """Set lines of the tracker's configuration, commented out or not."""
    file = home / "config.ini"
    lines = file.read_text().splitlines()
    for name, value in settings.items():
        place = next(n for n, line in enumerate(lines) if line.lstrip("#").split("=")[0].strip() == name)
        lines[place] = f"{name} = {value}"
    file.write_text("\n".join(lines) + "\n")


def issues(place: Place) -> list[tuple[str, str, str, str]]:
    """Title, priority, status and creator."""
    return place.rows(
        "SELECT i._title, p._name, s._name, u._username FROM _issue i LEFT JOIN _priority p ON p.id = i._priority"
        " LEFT JOIN _status s ON s.id = i._status LEFT JOIN _user u ON u.id = i._creator"
        " WHERE i.__retired__ = 0 ORDER BY i.id",
        database=_DATABASE,
    )


def _unchanged(status: str = "chatting") -> list[tuple[str, str, str, str]]:
    return [(title, priority, status, "admin") for title, priority in _ISSUES]


@judge
def roundup_log_in(look: Look) -> str:
    if not (look.place.data / "tracker/db/db-session").exists():
        return "there is no session"
    stored = look.place.rows("SELECT session_value FROM sessions", database="tracker/db/db-session")
    return "" if any("tess" in str(value) for value in stored) else f"sessions: {stored}"


@judge
def roundup_new_issue(look: Look) -> str:
    new = [(title, priority, who) for title, priority, _, who in issues(look.place)[len(_ISSUES) :]]
    return differs("new issues", new, [("Printer is on fire", "urgent", "tess")])


@judge
def roundup_resolve(look: Look) -> str:
    wanted = _unchanged()
    wanted[0] = (wanted[0][0], "bug", "resolved", "admin")
    return differs("issues", issues(look.place), wanted)


@judge
def roundup_search(look: Look) -> str:
    right = "Server room is too warm" in look.answer and "Invoices" not in look.answer
    return "" if right else f"the answer is {look.answer}"


@judge
def roundup_assign(look: Look) -> str:
    wanted = _unchanged()
    wanted[3] = (wanted[3][0], "bug", "chatting", "admin")
    return differs("issues", issues(look.place), wanted)


@judge
def roundup_no_such_issue(look: Look) -> str:
    return differs("issues", issues(look.place), _unchanged())


def messages(place: Place) -> list[tuple[str, str]]:
    """The title of an issue and the text of a message of it, without the stop at its end."""
    rows = place.rows(
        "SELECT i._title, m._summary FROM issue_messages x JOIN _msg m ON m.id = x.linkid"
        " JOIN _issue i ON i.id = x.nodeid",
        database=_DATABASE,
    )
    return [(title, text.rstrip(".")) for title, text in rows]


@judge
def roundup_comment(look: Look) -> str:
    return differs("messages", messages(look.place), [("Server room is too warm", "The fan is on order")])


@judge
def roundup_two_changes(look: Look) -> str:
    wanted = _unchanged()
    wanted[2] = (wanted[2][0], "urgent", "testing", "admin")
    return differs("issues", issues(look.place), wanted)


@judge
def roundup_new_and_testing(look: Look) -> str:
    return differs("new issues", issues(look.place)[len(_ISSUES) :], [("The door squeaks", "wish", "testing", "tess")])


@judge
def roundup_give_to_tess(look: Look) -> str:
    rows = look.place.rows(
        "SELECT i._title, u._username FROM _issue i JOIN _user u ON u.id = i._assignedto", database=_DATABASE
    )
    return differs("assigned", rows, [("Invoices are sent twice", "tess")])


@judge
def roundup_close_two(look: Look) -> str:
    wanted = _unchanged()
    wanted[0] = (wanted[0][0], "bug", "done-cbb", "admin")
    return differs("issues", issues(look.place), wanted) or differs(
        "messages", messages(look.place), [("The lamp in the hall is broken", "New bulb fitted")]
    )
