"""`tabkeep doctor` finds what is missing and says how to get it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from tabkeep.cli import commands, doctor


@pytest.mark.parametrize(
    ("version", "state"),
    [
        ((3, 36, 0), doctor.MISSING),
        ((3, 40, 1), doctor.NOTE),
        ((3, 44, 5), doctor.NOTE),
        ((3, 44, 6), doctor.OK),
        ((3, 50, 7), doctor.OK),
        ((3, 51, 2), doctor.NOTE),
        ((3, 51, 3), doctor.OK),
        ((3, 52, 0), doctor.OK),
    ],
)
def test_an_sqlite_that_is_too_old_is_missing_and_one_with_the_wal_bug_is_noted(
    version: tuple[int, ...], state: str
) -> None:
    assert doctor.sqlite(version).state == state


def test_a_policy_that_stops_every_launch_is_missing_and_says_which_file(tmp_path: Path) -> None:
    managed = tmp_path / "managed"
    managed.mkdir()
    (managed / "a.json").write_text('{"DeveloperToolsAvailability": 2}')
    (managed / "b.json").write_text('{"URLBlocklist": ["file:*"]}')
    (managed / "c.json").write_text("{")
    found = list(doctor.policies((tmp_path, tmp_path / "absent")))
    assert [finding.state for finding in found] == [doctor.MISSING, doctor.NOTE, doctor.NOTE]
    assert found[0].found == str(managed / "a.json")
    assert [finding.state for finding in doctor.policies((tmp_path / "absent",))] == [doctor.OK]


def test_a_port_in_use_is_noted() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        assert doctor.port(number).state == doctor.NOTE
    assert doctor.port(number).state == doctor.OK


def test_the_whole_examination_is_json_and_its_status_says_whether_something_is_missing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status = commands.run(["doctor", "--json"])
    said = json.loads(capsys.readouterr().out)
    missing = [finding["name"] for finding in said["findings"] if finding["state"] == "missing"]
    assert said["healthy"] == (missing == [])
    assert status == (1 if missing else 0)
    names = {finding["name"] for finding in said["findings"]}
    assert {"Python", "SQLite", "Playwright driver", "browser chrome", "port 7330"} <= names


def test_without_a_browser_it_fails_and_says_how_to_get_one(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from browser_host import launch\n"
        "launch.find_browsers = lambda: []\n"
        "from tabkeep.cli import commands\n"
        "sys.exit(commands.run(['doctor']))\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert "browser chrome: none found" in ended.stdout
    assert "playwright install chromium" in ended.stdout
    assert ended.stderr == ""


def test_a_browser_that_the_operator_names_and_is_none_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TABKEEP_CHROME", str(tmp_path / "chrome"))
    assert commands.run(["doctor", "--json"]) == 1
    findings = {finding["name"]: finding for finding in json.loads(capsys.readouterr().out)["findings"]}
    assert findings["TABKEEP_CHROME"]["state"] == "missing"
    assert str(tmp_path / "chrome") in findings["TABKEEP_CHROME"]["found"]
