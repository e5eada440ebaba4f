"""I Hate Money, a budget that several people share. Its database has its people and bills."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tabkeep.v1 import actions_pb2

from bench.applications.application import ApplicationWithLogin, Judges, Look, Place, click, differs, fill, goto
from bench.applications.installing import Installation, NotInstalled

_FOLDER = Path(__file__).parent / "sites" / "budget"
_CODES = {"lisbon": "Salt-Pier-6"}

judge = Judges()


class Budget(ApplicationWithLogin):
    """One with a trip to Lisbon in it; who signs in is the project."""

    judges = judge.table

    def prepare(self, installation: Installation, data: Path) -> None:
        done = subprocess.run(
            [str(installation.python), "-B", str(_FOLDER / "seed.py")],
            env={**os.environ, **self.environ(installation, data, 0)}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise NotInstalled(f"the budget could not be filled:\n{done.stderr[-2000:]}")

    def command(self, installation: Installation, data: Path, port: int) -> Sequence[str]:
        python = str(installation.python)
        return (python, "-B", "-m", "flask", "--app", "ihatemoney.wsgi:application", "run", "--port", str(port))

    def environ(self, installation: Installation, data: Path, port: int) -> Mapping[str, str]:
        return {
            "BENCH_DATA": str(data),
            "IHATEMONEY_SETTINGS_FILE_PATH": str(_FOLDER / "settings.py"),
            "PYTHONUNBUFFERED": "1",
        }

    def sign_in(self, url: str, who: str) -> list[actions_pb2.Action]:
        return [
            goto(f"{url}/authenticate?project_id={who}"),
            fill("#password", _CODES[who]),
            click("form button[type=submit]"),
        ]


def bills(place: Place) -> list[tuple[str, str, float, str]]:
    """What for, who paid, how much and for whom."""
    return place.rows(
        "SELECT b.what, p.name, b.amount, (SELECT group_concat(name, ', ') FROM (SELECT o.name FROM billowers x"
        " JOIN person o ON o.id = x.person_id WHERE x.bill_id = b.id ORDER BY o.name))"
        " FROM bill b JOIN person p ON p.id = b.payer_id ORDER BY b.id"
    )


_DINNER = ("Dinner at the harbour", "Rosa", 90.0, "Emil, Jack, Rosa")
_MUSEUM = ("Museum tickets", "Emil", 24.0, "Emil, Rosa")
_TRAIN = ("Train to Sintra", "Jack", 60.0, "Emil, Jack, Rosa")


@judge
def budget_log_in(look: Look) -> str:
    shown = re.search(r'"GET /lisbon/ HTTP/1.1" 200', look.place.log.read_text())
    return "" if shown else "the server did not show the bills"


@judge
def budget_new_bill(look: Look) -> str:
    found = [(what.lower(), *rest) for what, *rest in bills(look.place)[3:]]
    return differs("new bills", found, [("ice cream", "Jack", 18.5, "Emil, Jack, Rosa")])


@judge
def budget_new_participant(look: Look) -> str:
    people = look.place.rows("SELECT name FROM person ORDER BY id")
    return differs("people", people, ["Rosa", "Emil", "Jack", "Nadia"])


@judge
def budget_delete_bill(look: Look) -> str:
    return differs("bills", bills(look.place), [_DINNER, _TRAIN])


@judge
def budget_who_paid(look: Look) -> str:
    right = "Jack" in look.answer and "Emil" not in look.answer and "Rosa" not in look.answer
    return "" if right else f"the answer is {look.answer}"


@judge
def budget_add_dinner(look: Look) -> str:
    found = [(what.lower(), *rest) for what, *rest in bills(look.place)[3:]]
    return differs("new bills", found, [("pastries", "Emil", 7.4, "Emil, Jack, Rosa")])


@judge
def budget_cost_of_museum(look: Look) -> str:
    numbers = set(map(float, re.findall(r"\d+(?:\.\d+)?", look.answer)))
    return differs("the answer's numbers", numbers - {12.0}, {24.0})
