"""Settings: read once from the environment, checked, frozen, passed down. A setting that is absent works."""

from __future__ import annotations

import os
import re
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import psutil

from browser_host import extensions
from browser_host.chat_completions import ModelSettings
from browser_host.extensions import Extension, ExtensionInvalid
from browser_host.messages import BrowserType
from browser_host.network.egress_policy import EgressRulesInvalid, Pattern
from browser_host.network.machine_network import ALLOW_PRIVATE, private_destinations

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
DEFAULT_SESSION_USERS = (61000, 61999)
"""Below 65536, because containers often have no higher ones."""
_HOST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


class ConfigInvalid(Exception):
    """A setting is wrong; the text names the variable, its value and what would work."""


@dataclass(frozen=True, slots=True)
class Config:
    """All settings of a browser host, each with its default and the reason for it."""

    data_dir: Path
    """The host's own directory: its id, its lock, and one directory per open browser. `host` under TABKEEP_DATA_DIR
    (default ~/.tabkeep), so that one variable serves a control plane and a host on the same machine."""

    host_token: str = field(repr=False)
    """What the host attaches with: the text of TABKEEP_HOST_TOKEN_FILE, default `host-token` in TABKEEP_DATA_DIR.
    A file, because everybody on a machine can read another program's command line."""

    host_id: str
    """TABKEEP_HOST_ID. Default: the one of the last start, else the machine's name, which its operator knows."""

    control_plane: str = "127.0.0.1:7330"
    """Where the control plane listens, host:port. TABKEEP_CONTROL_PLANE."""

    capacity: int = 1
    """The most sessions at once. TABKEEP_CAPACITY. Default: see `default_capacity`."""

    launch_concurrency: int = 1
    """The most cold launches at once. TABKEEP_LAUNCH_CONCURRENCY. Default: the cores; eight at once on two cores
    made each of them take longer than one after the other."""

    sandbox: bool = True
    """Chromium's sandbox. Only TABKEEP_ALLOW_UNSANDBOXED=1 turns it off; the host and its sessions then say
    `sandboxed: false`."""

    session_users: tuple[int, int] | None = None
    """First and last number of the users that browsers run as, each as one of its own. TABKEEP_SESSION_USERS, such as
    61000-61999; off: as the host's own user. Default: 61000-61999 for root on Linux, off for others, who may become
    nobody else."""

    use_cgroups: bool = True
    """Cgroups of its own for each browser. TABKEEP_CGROUPS=0 turns it off. Default: where this process may make them;
    where not, process groups, users and directories find a browser, and it has no limits."""

    session_memory_mib: int = 2048
    """The most memory of a browser. TABKEEP_SESSION_MEMORY_MIB, 0 for no limit. Five times what one with a page of
    middling size takes; a page that takes more crashes, its session goes on."""

    session_tasks: int = 2048
    """The most processes and threads of a browser. TABKEEP_SESSION_TASKS, 0 for no limit. One with a page has about
    150, with 20 tabs some 700."""

    session_cpu_percent: int = 200
    """The most processor time of a browser in percent of one core. TABKEEP_SESSION_CPU_PERCENT, 0 for no limit. A
    start uses two cores for a moment."""

    warm_browsers: int = 1
    """How many browsers are kept started for sessions to come. TABKEEP_WARM_BROWSERS, 0 for none. One costs about
    200 MiB and 0.3 % of a core, and saves a session its browser's start."""

    warm_minimum_free_mib: int = 1024
    """With less memory available none is kept. TABKEEP_WARM_MINIMUM_FREE_MIB."""

    drain_timeout: timedelta = timedelta(minutes=10)
    """How long sessions may go on after the first SIGTERM. TABKEEP_DRAIN_TIMEOUT, in seconds, 0 to 86400. The
    default lets usual tasks end; 0 closes them at once."""

    executables: tuple[tuple[BrowserType, Path], ...] = ()
    """Browsers named by the operator with TABKEEP_CHROME and TABKEEP_MSEDGE; others are looked for."""

    allow_private: tuple[Pattern, ...] = ()
    """Private destinations that all sessions may reach, separated by commas: localhost, intranet.example, 10.1.0.0/16,
    127.0.0.1:3000. TABKEEP_ALLOW_PRIVATE. Default: none, only the public web."""

    model: ModelSettings | None = None
    """Which language model to ask for prompts that the rules do not understand: TABKEEP_MODEL_BASE_URL, the URL of an
    OpenAI-compatible endpoint up to "/v1", and TABKEEP_MODEL, the model's name there; both or neither.
    TABKEEP_MODEL_API_KEY is its key, if it wants one; TABKEEP_MODEL_PICTURES=1 sends pictures of pages too;
    TABKEEP_MODEL_TOKENS is what one run may use, 200000 if not given. Default: no model."""

    extensions: tuple[Extension, ...] = ()
    """TABKEEP_EXTENSIONS, see `extensions`; and `ad-blocker` where `python -m browser_host.ad_blocker build` put it."""

    log_level: str = "INFO"
    """TABKEEP_LOG_LEVEL: DEBUG, INFO, WARNING or ERROR."""


def from_environment(environ: Mapping[str, str]) -> Config:
    """Read the settings from variables; absent or empty ones keep their defaults.

    Raises:
        ConfigInvalid: a variable's value is wrong.
    """
    root = Path(environ.get("TABKEEP_DATA_DIR") or Path.home() / ".tabkeep").absolute()
    data_dir = root / "host"
    cores = os.cpu_count() or 1
    sandbox = _sandbox(environ)
    level = (environ.get("TABKEEP_LOG_LEVEL") or "INFO").upper()
    if level not in LOG_LEVELS:
        raise ConfigInvalid(f"TABKEEP_LOG_LEVEL={level}: use {', '.join(LOG_LEVELS)}")
    return Config(
        data_dir=data_dir,
        host_token=_host_token(environ, root),
        host_id=_host_id(environ, data_dir),
        control_plane=_address(environ.get("TABKEEP_CONTROL_PLANE") or "127.0.0.1:7330"),
        capacity=int(
            _number(environ, "TABKEEP_CAPACITY", 1, 1000, default_capacity(cores, psutil.virtual_memory().available))
        ),
        launch_concurrency=int(_number(environ, "TABKEEP_LAUNCH_CONCURRENCY", 1, 1000, cores)),
        sandbox=sandbox,
        session_users=_session_users(environ, sandbox=sandbox),
        use_cgroups=_cgroups(environ),
        session_memory_mib=int(_number(environ, "TABKEEP_SESSION_MEMORY_MIB", 0, 2**20, 2048)),
        session_tasks=int(_number(environ, "TABKEEP_SESSION_TASKS", 0, 2**20, 2048)),
        session_cpu_percent=int(_number(environ, "TABKEEP_SESSION_CPU_PERCENT", 0, 100_000, 200)),
        warm_browsers=int(_number(environ, "TABKEEP_WARM_BROWSERS", 0, 100, 1)),
        warm_minimum_free_mib=int(_number(environ, "TABKEEP_WARM_MINIMUM_FREE_MIB", 0, 2**20, 1024)),
        drain_timeout=timedelta(seconds=_number(environ, "TABKEEP_DRAIN_TIMEOUT", 0, 86400, 600)),
        executables=_executables(environ),
        allow_private=_allow_private(environ),
        extensions=_extensions(environ, root),
        model=_model(environ),
        log_level=level,
    )


def default_capacity(cores: int, available_memory_bytes: int) -> int:
    """Four sessions for each core, as far as memory goes: 400 MiB a browser, after 1 GiB for everything else.

    Four, because sessions wait for pages and people most of their time; 400 MiB is what one browser with a page of
    middling size took (proportional set size). Never less than 1.
    """
    by_memory = (available_memory_bytes - 2**30) // (400 * 2**20)
    return max(1, min(cores * 4, by_memory))


def _number(environ: Mapping[str, str], variable: str, lowest: float, highest: float, default: float) -> float:
    value = environ.get(variable)
    if not value:
        return default
    try:
        number = float(value)
    except ValueError:
        number = lowest - 1
    if not lowest <= number <= highest:
        raise ConfigInvalid(f"{variable}={value}: use a number from {lowest:g} to {highest:g}")
    return number


def _address(value: str) -> str:
    host, colon, port = value.rpartition(":")
    if not (colon and host and port.isdigit() and 0 < int(port) < 65536):
        raise ConfigInvalid(f"TABKEEP_CONTROL_PLANE={value}: use host:port, for example 127.0.0.1:7330")
    return value


def _host_token(environ: Mapping[str, str], root: Path) -> str:
    path = Path(environ.get("TABKEEP_HOST_TOKEN_FILE") or root / "host-token")
    try:
        token = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigInvalid(f"TABKEEP_HOST_TOKEN_FILE={path}: cannot be read: {error}") from None
    if not token or not token.isascii() or not token.isprintable() or any(map(str.isspace, token)):
        raise ConfigInvalid(f"TABKEEP_HOST_TOKEN_FILE={path}: holds no token: write one line with the token into it")
    return token


def _host_id(environ: Mapping[str, str], data_dir: Path) -> str:
    given = environ.get("TABKEEP_HOST_ID")
    if given:
        if not _HOST_ID.fullmatch(given):
            raise ConfigInvalid(
                f"TABKEEP_HOST_ID={given}: use 1 to 63 letters, digits, '.', '_' or '-', a letter or digit first"
            )
        return given
    remembered = host_id_file(data_dir)
    try:
        host_id = remembered.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        name = re.sub(r"[^A-Za-z0-9._-]", "-", socket.gethostname())[:63].lstrip("._-")
        return name or "host"
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigInvalid(f"TABKEEP_HOST_ID: not given, and {remembered} cannot be read: {error}") from None
    if not _HOST_ID.fullmatch(host_id):
        raise ConfigInvalid(f"TABKEEP_HOST_ID: not given, and {remembered} holds no host id: give one, or remove it")
    return host_id


def host_id_file(data_dir: Path) -> Path:
    """Where the host id is kept, so that a machine that is renamed stays the same host."""
    return data_dir / "host_id"


def _cgroups(environ: Mapping[str, str]) -> bool:
    value = environ.get("TABKEEP_CGROUPS") or "1"
    if value not in {"0", "1"}:
        raise ConfigInvalid(f"TABKEEP_CGROUPS={value}: use 1 or 0")
    return value == "1"


def _sandbox(environ: Mapping[str, str]) -> bool:
    value = environ.get("TABKEEP_ALLOW_UNSANDBOXED") or ""
    if value not in {"", "0", "1"}:
        raise ConfigInvalid(f"TABKEEP_ALLOW_UNSANDBOXED={value}: use 1 or 0")
    return value != "1"


def _session_users(environ: Mapping[str, str], *, sandbox: bool) -> tuple[int, int] | None:
    value = environ.get("TABKEEP_SESSION_USERS") or ""
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    if value == "off" or (not value and not (root and sys.platform == "linux")):
        if root and sandbox:
            raise ConfigInvalid(
                f"TABKEEP_SESSION_USERS={value}: Chromium's sandbox cannot start as root: give a range such as "
                "61000-61999 (on Linux), run the host as another user, or set TABKEEP_ALLOW_UNSANDBOXED=1"
            )
        return None
    if not value:
        return DEFAULT_SESSION_USERS
    given = re.fullmatch(r"([1-9]\d{0,8})-([1-9]\d{0,8})", value)
    if given is None or int(given[1]) > int(given[2]):
        raise ConfigInvalid(f"TABKEEP_SESSION_USERS={value}: use two user numbers such as 61000-61999, or off")
    if not root:
        raise ConfigInvalid(f"TABKEEP_SESSION_USERS={value}: only a host run as root can become other users: use off")
    return int(given[1]), int(given[2])


def _allow_private(environ: Mapping[str, str]) -> tuple[Pattern, ...]:
    try:
        return private_destinations(environ)
    except EgressRulesInvalid as error:
        raise ConfigInvalid(f"{ALLOW_PRIVATE}: {error}") from None


def _model(environ: Mapping[str, str]) -> ModelSettings | None:
    base_url, name = environ.get("TABKEEP_MODEL_BASE_URL") or "", environ.get("TABKEEP_MODEL") or ""
    if not base_url and not name:
        return None
    if not base_url or not name:
        missing = "TABKEEP_MODEL" if base_url else "TABKEEP_MODEL_BASE_URL"
        raise ConfigInvalid(f"{missing}: not given: a model needs TABKEEP_MODEL_BASE_URL and TABKEEP_MODEL")
    if not re.match(r"https?://[^/\s]", base_url):
        raise ConfigInvalid(f"TABKEEP_MODEL_BASE_URL={base_url}: use a URL such as http://127.0.0.1:11434/v1")
    pictures = environ.get("TABKEEP_MODEL_PICTURES") or "0"
    if pictures not in {"0", "1"}:
        raise ConfigInvalid(f"TABKEEP_MODEL_PICTURES={pictures}: use 1 or 0")
    return ModelSettings(
        base_url=base_url,
        name=name,
        api_key=environ.get("TABKEEP_MODEL_API_KEY") or "",
        sees_pictures=pictures == "1",
        token_budget=int(_number(environ, "TABKEEP_MODEL_TOKENS", 1000, 100_000_000, 200_000)),
    )


def _extensions(environ: Mapping[str, str], root: Path) -> tuple[Extension, ...]:
    given: dict[str, tuple[Path, str]] = {}
    built = root / "extensions" / "ad-blocker"
    if (built / "manifest.json").is_file():
        given["ad-blocker"] = (built, "")
    for part in filter(None, map(str.strip, (environ.get("TABKEEP_EXTENSIONS") or "").split(";"))):
        name, equals, place = part.partition("=")
        path, _, sha256 = place.partition("#")
        if not equals or not Path(path).is_absolute():
            raise ConfigInvalid(f"TABKEEP_EXTENSIONS={part}: use name=/absolute/directory or name=/directory#sha256")
        given[name.strip()] = (Path(path), sha256)
    found = []
    for name, (directory, sha256) in sorted(given.items()):
        try:
            found.append(extensions.read(name, directory, sha256))
        except ExtensionInvalid as error:
            raise ConfigInvalid(f"TABKEEP_EXTENSIONS={name}={directory}: {error}") from None
    return tuple(found)


def _executables(environ: Mapping[str, str]) -> tuple[tuple[BrowserType, Path], ...]:
    found: list[tuple[BrowserType, Path]] = []
    for browser_type, variable in ((BrowserType.CHROME, "TABKEEP_CHROME"), (BrowserType.MSEDGE, "TABKEEP_MSEDGE")):
        value = environ.get(variable)
        if not value:
            continue
        path = Path(value)
        if not path.is_absolute() or not os.access(path, os.X_OK) or path.is_dir():
            raise ConfigInvalid(f"{variable}={value}: use the absolute path of an executable file")
        found.append((browser_type, path))
    return tuple(found)
