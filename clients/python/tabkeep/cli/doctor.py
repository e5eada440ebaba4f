"""`tabkeep doctor`: what is installed here, what is missing, and how to get it."""

from __future__ import annotations

import json
import os
import re
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path

import click
from rich.text import Text

from tabkeep.calls import version
from tabkeep.cli import failures
from tabkeep.cli.connection import json_option
from tabkeep.cli.output import Output, clean, to_json
from tabkeep.endpoint import DEFAULT_PORT

OK = "ok"
NOTE = "note"
MISSING = "missing"

_MINIMUM_PYTHON = (3, 11)
_MINIMUM_SQLITE = (3, 37, 0)
_FIXED_SQLITE = (3, 51, 3)
_BACKPORTED_SQLITE = {(3, 44): 6, (3, 50): 7}
_POLICY_DIRECTORIES = (
    Path("/etc/chromium/policies"),
    Path("/etc/opt/chrome/policies"),
    Path("/etc/opt/edge/policies"),
)
_MARKS = {OK: ("✓", "green"), NOTE: ("!", "yellow"), MISSING: ("✗", "bold red")}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `remedy` says what to do where something is not as it should be."""

    name: str
    state: str
    found: str
    remedy: str = ""


@click.command()
@json_option
def doctor(as_json: bool) -> None:
    """Look at what Tabkeep needs on this machine. Exit status 1 when something needed is missing."""
    out = Output(as_json=as_json)
    findings = list(examine())
    healthy = all(finding.state != MISSING for finding in findings)
    if as_json:
        out.json_line({"healthy": healthy, "findings": to_json(findings)})
    else:
        for finding in findings:
            out.line(_line(finding))
        out.line("everything needed is there" if healthy else "something needed is missing, see above")
    raise click.exceptions.Exit(0 if healthy else failures.FAILED)


def examine() -> Iterator[Finding]:
    """Yield everything there is to say, in the order in which it is best put right."""
    yield _python()
    yield from _packages()
    yield sqlite(sqlite3.sqlite_version_info)
    yield _driver()
    yield from _browsers()
    yield from policies(_POLICY_DIRECTORIES)
    yield _user()
    yield port(DEFAULT_PORT)


def sqlite(found: tuple[int, ...]) -> Finding:
    """Judge a version of SQLite."""
    text = ".".join(map(str, found))
    if found < _MINIMUM_SQLITE:
        return Finding("SQLite", MISSING, text, "the control plane needs 3.37 or newer: use a newer Python or system")
    backported = _BACKPORTED_SQLITE.get((found[0], found[1]))
    if found >= _FIXED_SQLITE or (backported is not None and found[2] >= backported):
        return Finding("SQLite", OK, text)
    return Finding(
        "SQLite",
        NOTE,
        f"{text}, older than 3.51.3",
        "works: the control plane writes through one connection only, which avoids the WAL-reset bug of this version",
    )


def policies(directories: tuple[Path, ...]) -> Iterator[Finding]:
    """Yield what machine-wide browser policies there are, and those that stop Playwright."""
    files = sorted(file for directory in directories for file in directory.glob("*/*.json"))
    if not files:
        yield Finding("browser policies", OK, "none")
    for file in files:
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            yield Finding("browser policy", NOTE, f"{file}: cannot be read: {error}")
            continue
        if isinstance(content, dict) and content.get("DeveloperToolsAvailability") == 2:
            remedy = "DeveloperToolsAvailability 2 makes every launch fail: remove it from this file"
            yield Finding("browser policy", MISSING, str(file), remedy)
        else:
            yield Finding("browser policy", NOTE, str(file), "applies to every browser that is launched here")


def port(number: int) -> Finding:
    """Say whether a port of 127.0.0.1 is free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", number))
        except OSError:
            remedy = "perhaps Tabkeep runs already; else use `tabkeep up --grpc-address 127.0.0.1:0`"
            return Finding(f"port {number}", NOTE, "in use", remedy)
    return Finding(f"port {number}", OK, "free")


def _python() -> Finding:
    found = f"{sys.version.split()[0]} ({sys.executable})"
    if sys.version_info[:2] < _MINIMUM_PYTHON:
        return Finding("Python", MISSING, found, "Python 3.11 or newer is needed")
    return Finding("Python", OK, found)


def _packages() -> Iterator[Finding]:
    yield Finding("tabkeep", OK, version())
    try:
        wanted = metadata.requires("tabkeep") or []
    except metadata.PackageNotFoundError:
        yield Finding("tabkeep", MISSING, "not installed", "install it with pip")
        return
    present = []
    for requirement in wanted:
        name = re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]
        if "platform_system" in requirement and sys.platform == "win32":
            continue
        try:
            present.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            yield Finding(name, MISSING, "not installed", f"pip install '{requirement}'")
    yield Finding("packages", OK, ", ".join(present))


def _driver() -> Finding:
    name = "Playwright driver"
    spec = util.find_spec("playwright")
    if spec is None or spec.origin is None:
        return Finding(name, MISSING, "playwright is not installed", "pip install playwright")
    driver = Path(spec.origin).parent / "driver"
    node = Path(os.environ.get("PLAYWRIGHT_NODEJS_PATH") or driver / ("node.exe" if os.name == "nt" else "node"))
    try:
        asked = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        return Finding(name, MISSING, f"{node} does not run: {error}", "install playwright again for this platform")
    return Finding(name, OK, f"{metadata.version('playwright')}, Node.js {asked.stdout.strip()}")


def _browsers() -> Iterator[Finding]:
    try:
        from browser_host import launch
        from browser_host.messages import BrowserType
    except ImportError as error:
        yield Finding("browser host", MISSING, f"cannot be imported: {error}", "install tabkeep as a whole")
        return
    found = launch.find_browsers()
    for variable in ("TABKEEP_CHROME", "TABKEEP_MSEDGE"):
        named = os.environ.get(variable)
        if named and Path(named) not in [browser.executable for browser in found]:
            remedy = f"set {variable} to the absolute path of a browser's executable, or to nothing"
            yield Finding(variable, MISSING, f"{named} is no browser that says its version", remedy)
    for browser_type, absent in ((BrowserType.CHROME, MISSING), (BrowserType.MSEDGE, NOTE)):
        word = browser_type.name.lower()
        offered = [browser for browser in found if browser.browser_type is browser_type]
        for place, browser in enumerate(offered):
            used = "" if place == 0 else ", not used: the one above comes first"
            yield Finding(f"browser {word}", OK, f"{browser.name} ({browser.executable}){used}")
        if not offered:
            yield Finding(f"browser {word}", absent, "none found", launch.how_to_install(browser_type))


def _user() -> Finding:
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return Finding("user", OK, "root: each session's browser runs as a user of its own")
    remedy = "works: all browsers run as this user; as root, each session's would run as one of its own"
    return Finding("user", NOTE, "not root", remedy)


def _line(finding: Finding) -> Text:
    mark, style = _MARKS[finding.state]
    line = Text.assemble((f"{mark} ", style), f"{finding.name}: ", clean(finding.found))
    if finding.remedy:
        line.append(f"\n    {clean(finding.remedy)}", style="" if finding.state == MISSING else "dim")
    return line
