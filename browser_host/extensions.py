"""Extensions that the operator has put on this host: directories with an unpacked extension, checked before they are
offered and again whenever one is loaded.

TABKEEP_EXTENSIONS names them, with a semicolon between them: `name=/path/of/it`, and where the operator wants to be
sure what it is `name=/path/of/it#sha256`. The checksum is of all files, by name and content; the host's log says it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
MOST_BYTES = 128 * 2**20
MOST_FILES = 5000
_WRITTEN_BY_BROWSER = "_metadata"
"""Chromium puts its indexed rules there, and refuses an extension that comes with them."""


class ExtensionInvalid(Exception):
    """A directory is no extension that could be loaded, or not the one it was; the text says why."""


@dataclass(frozen=True, slots=True)
class Extension:
    """An extension that may be loaded."""

    name: str
    """What sessions call it."""
    directory: Path
    version: str
    sha256: str
    """Of its files."""
    has_rules: bool
    """It blocks requests by static rules, which take a moment to be in force."""
    has_scripts: bool
    """It does something of its own accord, so it must not be loaded before there is a session that asked for it."""


def read(name: str, directory: Path, sha256: str = "") -> Extension:
    """Check an unpacked extension; with `sha256`, that it is that very one.

    Raises:
        ExtensionInvalid.
    """
    if not NAME.fullmatch(name):
        raise ExtensionInvalid(f"{name!r} is no name for an extension: use 1 to 63 lower-case letters, digits and '-'")
    manifest = _manifest(directory)
    found = checksum(directory)
    if sha256 and sha256.lower() != found:
        raise ExtensionInvalid(f"{directory}: its checksum is {found} and not {sha256}: it is not what it was")
    rules = manifest.get("declarative_net_request")
    scripts = "background" in manifest or "content_scripts" in manifest
    return Extension(name, directory, str(manifest["version"]), found, isinstance(rules, dict), scripts)


def copy(extension: Extension, to: Path, user: int) -> Path:
    """A copy for one browser, which writes into it; its user's, unless that is 0.

    Raises:
        ExtensionInvalid: it is not what it was when the host began to offer it.
    """
    copied = to / extension.name
    copied.mkdir(mode=0o700, parents=True)
    for path in _files(extension.directory):
        target = copied / path.relative_to(extension.directory)
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    if checksum(copied) != extension.sha256:
        raise ExtensionInvalid(f"extension {extension.name} has changed since this host started: start the host anew")
    if user:
        for path in (to, copied, *copied.rglob("*")):
            os.chown(path, user, user)
    return copied


def checksum(directory: Path) -> str:
    """Of all files below a directory, by relative path and content, in hexadecimal.

    Raises:
        ExtensionInvalid: there is something in it that is no file, or there is too much.
    """
    digest = hashlib.sha256()
    size = 0
    try:
        for path in _files(directory):
            content = path.read_bytes()
            size += len(content)
            if size > MOST_BYTES:
                raise ExtensionInvalid(f"{directory}: larger than {MOST_BYTES >> 20} MiB")
            name = path.relative_to(directory).as_posix().encode()
            digest.update(b"%d %s %d " % (len(name), name, len(content)) + content)
    except OSError as error:
        raise ExtensionInvalid(f"{directory}: cannot be read: {error}") from None
    return digest.hexdigest()


def _files(directory: Path) -> list[Path]:
    """All files, in a fixed order, without what a browser has written there."""
    found: list[Path] = []
    for root, directories, names in os.walk(directory):
        if Path(root) == directory and _WRITTEN_BY_BROWSER in directories:
            directories.remove(_WRITTEN_BY_BROWSER)
        for name in (*directories, *names):
            if Path(root, name).is_symlink():
                raise ExtensionInvalid(f"{Path(root, name)}: a link, which could lead anywhere: put the file there")
        found.extend(Path(root, name) for name in names)
        if len(found) > MOST_FILES:
            raise ExtensionInvalid(f"{directory}: more than {MOST_FILES} files")
    return sorted(found)


def _manifest(directory: Path) -> dict[str, Any]:
    path = directory / "manifest.json"
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ExtensionInvalid(f"{path}: cannot be read: {error}") from None
    if not isinstance(manifest, dict):
        raise ExtensionInvalid(f"{path}: is no JSON object")
    if manifest.get("manifest_version") != 3:
        raise ExtensionInvalid(
            f"{path}: manifest_version is {manifest.get('manifest_version')!r}: browsers of today load 3 only"
        )
    for field in ("name", "version"):
        if not isinstance(manifest.get(field), str) or not manifest[field]:
            raise ExtensionInvalid(f"{path}: has no {field}")
    reserved = [one.name for one in directory.iterdir() if one.name.startswith("_") and one.name != "_locales"]
    if any(name != _WRITTEN_BY_BROWSER for name in reserved):
        raise ExtensionInvalid(f"{directory}: names that begin with _ are the browser's own: {', '.join(reserved)}")
    return manifest
