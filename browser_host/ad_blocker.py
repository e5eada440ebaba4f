"""Builds the extension `ad-blocker` from filter lists: `python -m browser_host.ad_blocker build`.

The extension is ours and has no script: a manifest, and rules of declarativeNetRequest that the browser itself applies.
The rules come from EasyList and EasyPrivacy, by default as Debian's package webext-ublock-origin-chromium carries them,
which is downloaded and unpacked, not installed; or from list files that are named. Nothing is fetched when a browser
runs. The lists are dual-licensed (GPL-3+ or CC-BY-SA-3.0+); their licence and origin are written beside the rules.

Of the lists' syntax this takes what blocks or allows requests by address, type and party: 95 of 100 network filters.
What hides parts of a page, and what needs a script, is left out. A page itself is never blocked, only what it asks for.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PACKAGE = "webext-ublock-origin-chromium"
LISTS_IN_PACKAGE = "usr/share/chromium/extensions/ublock-origin/assets/thirdparties/easylist"
LISTS = ("easylist.txt", "easyprivacy.txt")
VERSION = "1.0"
MOST_RULES = 30_000
"""Chromium guarantees so many static rules to each extension."""
BLOCK, ALLOW, IMPORTANT = 1, 2, 2

Rule = dict[str, Any]
_TYPES = {
    "script": "script",
    "image": "image",
    "stylesheet": "stylesheet",
    "object": "object",
    "xmlhttprequest": "xmlhttprequest",
    "subdocument": "sub_frame",
    "ping": "ping",
    "media": "media",
    "font": "font",
    "websocket": "websocket",
    "other": "other",
}
_ALL_TYPES = list(_TYPES.values())
_OPTIONS = re.compile(r"\$([\w~,=|.\-:/*]+)$")
_HOST_ONLY = re.compile(r"\|\|([a-z0-9.-]+\.[a-z]{2,})\^")
_COSMETIC = ("##", "#@#", "#?#", "#$#", "#%#")


class NotTaken(Exception):
    """A filter that such rules cannot express; the text is the kind of it."""


@dataclass
class Converted:
    """The rules of some lists, and what became of each line."""

    rules: list[Rule] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


def convert(lines: Iterable[str]) -> Converted:
    """Rules for the filters in EasyList's syntax; filters that block whole hosts alike become one rule."""
    made = Converted()
    hosts: dict[tuple[str, int], set[str]] = {}
    for line in map(str.strip, lines):
        if not line or line[0] in "![":
            continue
        if any(mark in line for mark in _COSMETIC) or line[0] == "#":
            made.counts["hides parts of pages"] += 1
            continue
        try:
            rule = _rule(line)
        except NotTaken as reason:
            made.counts[str(reason)] += 1
            continue
        made.counts["taken"] += 1
        condition = rule["condition"]
        host = _HOST_ONLY.fullmatch(condition.get("urlFilter", ""))
        plain = set(condition) <= {"urlFilter", "resourceTypes", "domainType"}
        if host and plain and rule["action"]["type"] == "block" and condition["resourceTypes"] == _ALL_TYPES:
            hosts.setdefault((condition.get("domainType", ""), rule["priority"]), set()).add(host[1])
        else:
            made.rules.append(rule)
    for (party, priority), names in sorted(hosts.items()):
        together: Rule = {"requestDomains": sorted(names), "resourceTypes": _ALL_TYPES}
        if party:
            together["domainType"] = party
        made.rules.append({"action": {"type": "block"}, "priority": priority, "condition": together})
    for number, rule in enumerate(made.rules, 1):
        rule["id"] = number
    return made


def _rule(line: str) -> Rule:
    allows = line.startswith("@@")
    pattern, options = line[2:] if allows else line, ""
    is_regex = pattern.startswith("/") and pattern.endswith("/") and len(pattern) > 2
    if not is_regex and (found := _OPTIONS.search(pattern)):
        options, pattern = found[1], pattern[: found.start()]
        is_regex = pattern.startswith("/") and pattern.endswith("/") and len(pattern) > 2
    if is_regex:
        raise NotTaken("a regular expression")
    condition: Rule = {}
    kind, priority = "allow" if allows else "block", ALLOW if allows else BLOCK
    wanted: list[str] = []
    unwanted: list[str] = []
    for option in filter(None, options.split(",")):
        negated, (name, _, value) = option.startswith("~"), option.lstrip("~").partition("=")
        if name in ("third-party", "3p"):
            condition["domainType"] = "firstParty" if negated else "thirdParty"
        elif name in ("domain", "from"):
            _add_domains(condition, value)
        elif name in _TYPES:
            (unwanted if negated else wanted).append(_TYPES[name])
        elif name == "match-case":
            condition["isUrlFilterCaseSensitive"] = True
        elif name == "important":
            priority += IMPORTANT
        elif name in ("document", "doc") and allows:
            kind, wanted = "allowAllRequests", ["main_frame", "sub_frame"]
        else:
            raise NotTaken(f"the option {name}")
    condition["resourceTypes"] = wanted or [one for one in _ALL_TYPES if one not in unwanted]
    if not pattern.isascii():
        raise NotTaken("letters outside ASCII")
    if pattern.strip("*"):
        condition["urlFilter"] = pattern
    elif "initiatorDomains" not in condition:
        raise NotTaken("everything everywhere")
    return {"action": {"type": kind}, "priority": priority, "condition": condition}


def _add_domains(condition: Rule, value: str) -> None:
    for domain in value.split("|"):
        if "*" in domain or "/" in domain or not domain.isascii():
            raise NotTaken("a domain with a wildcard")
        place = "excludedInitiatorDomains" if domain.startswith("~") else "initiatorDomains"
        condition.setdefault(place, []).append(domain.lstrip("~").lower())


def build(lists: list[Path], to: Path, origin: str) -> Converted:
    """Write the extension made of these lists into the directory `to`, which is replaced.

    Raises:
        OSError: a list cannot be read or the directory not be written.
        ValueError: there is no rule in them, or there are more than browsers take.
    """
    texts = [path.read_text(encoding="utf-8") for path in lists]
    made = convert(line for text in texts for line in text.splitlines())
    if not 0 < len(made.rules) <= MOST_RULES:
        raise ValueError(f"{len(made.rules)} rules: browsers take 1 to {MOST_RULES}")
    manifest = {
        "manifest_version": 3,
        "name": "ad-blocker",
        "version": VERSION,
        "permissions": ["declarativeNetRequest"],
        "declarative_net_request": {"rule_resources": [{"id": "rules", "enabled": True, "path": "rules.json"}]},
    }
    attribution = [
        "rules.json was made of these filter lists, by taking what declarativeNetRequest can express:",
        "",
        *(f"- {path.name}, sha256 {_sha256(text)}" for path, text in zip(lists, texts, strict=True)),
        "",
        f"Origin: {origin}",
        "EasyList and EasyPrivacy: Copyright the EasyList authors, https://easylist.to/",
        "Licence: GPL-3.0-or-later, or CC-BY-SA-3.0-or-later, at your choice; so are the rules.",
        "https://www.gnu.org/licenses/gpl-3.0.html https://creativecommons.org/licenses/by-sa/3.0/",
    ]
    to.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".ad-blocker-", dir=to.parent) as name:
        new = Path(name) / "ad-blocker"
        new.mkdir()
        (new / "rules.json").write_text(json.dumps(made.rules, separators=(",", ":")), encoding="utf-8")
        (new / "manifest.json").write_text(json.dumps(manifest, indent=1), encoding="utf-8")
        (new / "ATTRIBUTION.txt").write_text("\n".join(attribution) + "\n", encoding="utf-8")
        if to.exists():
            to.rename(Path(name) / "old")
        new.rename(to)
    return made


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def fetch(directory: Path) -> list[Path]:
    """Download Debian's package and unpack the lists; returns them.

    Raises:
        OSError, subprocess.SubprocessError: there is no apt-get or dpkg-deb, or no such package.
    """
    subprocess.run(["apt-get", "-qq", "download", PACKAGE], cwd=directory, stdin=subprocess.DEVNULL, check=True)
    [package] = directory.glob(f"{PACKAGE}_*.deb")
    subprocess.run(["dpkg-deb", "-x", str(package), str(directory / "unpacked")], check=True)
    return [directory / "unpacked" / LISTS_IN_PACKAGE / name for name in LISTS]


def default_directory(environ: dict[str, str] | os._Environ[str] = os.environ) -> Path:
    """Where a host looks for it: beside its data."""
    return Path(environ.get("TABKEEP_DATA_DIR") or Path.home() / ".tabkeep").absolute() / "extensions" / "ad-blocker"


def main() -> int:
    """Build it; the exit status is 1 when that failed."""
    parser = argparse.ArgumentParser(prog="python -m browser_host.ad_blocker", description="The extension ad-blocker.")
    parser.add_argument("command", choices=["build"])
    parser.add_argument("--to", type=Path, default=default_directory(), help="where it goes (%(default)s)")
    parser.add_argument("lists", nargs="*", type=Path, help="filter lists in EasyList's syntax; none: Debian's package")
    arguments = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory(prefix="tabkeep-lists-") as name:
            lists = arguments.lists or fetch(Path(name))
            origin = "files named by the operator" if arguments.lists else f"Debian's package {PACKAGE}"
            made = build(lists, arguments.to, origin)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        print(f"ad-blocker: not built: {error}", file=sys.stderr)
        if shutil.which("apt-get") is None and not arguments.lists:
            print("ad-blocker: no apt-get here: name list files (easylist.txt, easyprivacy.txt)", file=sys.stderr)
        return 1
    left_out = ", ".join(f"{count} {what}" for what, count in made.counts.most_common() if what != "taken")
    print(f"ad-blocker: {len(made.rules)} rules of {made.counts['taken']} filters in {arguments.to}")
    print(f"ad-blocker: left out: {left_out or 'nothing'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
