"""The operator's proxies by name: read once from a file, checked, frozen. See docs/browsers.md for its form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml

from control_plane.config import ConfigInvalid
from control_plane.destinations import destination, proxy_url

NAME = re.compile(r"[A-Z0-9][A-Z0-9_-]{0,62}")
NONE = "NONE"
"""The name that stands for no proxy; it needs no mapping."""
MOST_SERVERS = 1000

_LOCALE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_COUNTRIES = {
    "AR": ("America/Argentina/Buenos_Aires", "es-AR"),
    "AU": ("Australia/Sydney", "en-AU"),
    "BR": ("America/Sao_Paulo", "pt-BR"),
    "CA": ("America/Toronto", "en-CA"),
    "DE": ("Europe/Berlin", "de-DE"),
    "ES": ("Europe/Madrid", "es-ES"),
    "FR": ("Europe/Paris", "fr-FR"),
    "GB": ("Europe/London", "en-GB"),
    "IE": ("Europe/Dublin", "en-IE"),
    "IN": ("Asia/Kolkata", "en-IN"),
    "IT": ("Europe/Rome", "it-IT"),
    "JP": ("Asia/Tokyo", "ja-JP"),
    "KR": ("Asia/Seoul", "ko-KR"),
    "MX": ("America/Mexico_City", "es-MX"),
    "NL": ("Europe/Amsterdam", "nl-NL"),
    "NZ": ("Pacific/Auckland", "en-NZ"),
    "PH": ("Asia/Manila", "en-PH"),
    "SA": ("Asia/Riyadh", "ar-SA"),
    "TR": ("Europe/Istanbul", "tr-TR"),
    "ZA": ("Africa/Johannesburg", "en-ZA"),
}
_STATES = {
    "CA": "America/Los_Angeles",
    "FL": "America/New_York",
    "NY": "America/New_York",
    "TX": "America/Chicago",
    "WA": "America/Los_Angeles",
}


@dataclass(frozen=True, slots=True)
class ProxyServer:
    """One proxy of the operator's."""

    url: str
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class ProxyLocation:
    """What a name stands for."""

    servers: tuple[ProxyServer, ...]
    bypass: tuple[str, ...]
    time_zone: str
    locale: str
    geolocation: tuple[float, float, float] | None
    """Latitude, longitude, accuracy."""


def load(path: Path | None) -> Mapping[str, ProxyLocation]:
    """The locations of a file; none without one.

    Raises:
        ConfigInvalid: it cannot be read, or says something wrong; the text names the place, never a password.
    """
    if path is None:
        return {}
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        raise ConfigInvalid(f"TABKEEP_PROXY_LOCATIONS={path}: no YAML{where}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigInvalid(f"TABKEEP_PROXY_LOCATIONS={path}: cannot be read: {error}") from None
    if not isinstance(content, dict):
        raise ConfigInvalid(f"TABKEEP_PROXY_LOCATIONS={path}: must map names to proxies")
    locations = {}
    for name, given in content.items():
        try:
            locations[_name(name)] = _location(name, given, path.parent)
        except ValueError as error:
            raise ConfigInvalid(f"TABKEEP_PROXY_LOCATIONS={path}: {name}: {error}") from None
    return locations


def usual_place(name: str) -> tuple[str, str]:
    """Time zone and locale that a name like RESIDENTIAL_GB or US-CA suggests; "" for others."""
    if name.startswith("US-"):
        return _STATES.get(name[3:], "America/New_York"), "en-US"
    if name in ("RESIDENTIAL", "RESIDENTIAL_ISP"):
        return "America/New_York", "en-US"
    return _COUNTRIES.get(name.removeprefix("RESIDENTIAL_"), ("", ""))


def _name(name: Any) -> str:
    if not isinstance(name, str) or not NAME.fullmatch(name) or name == NONE:
        raise ValueError("a name is 1 to 63 capital letters, digits, '_' or '-', and not NONE")
    return name


def _location(name: str, given: Any, directory: Path) -> ProxyLocation:
    known = {"servers", "bypass", "time_zone", "locale", "geolocation"}
    _only(given, known)
    servers = given.get("servers")
    if not isinstance(servers, list) or not 0 < len(servers) <= MOST_SERVERS:
        raise ValueError(f"servers must be a list of 1 to {MOST_SERVERS} proxies")
    time_zone, locale = usual_place(name)
    time_zone, locale = given.get("time_zone", time_zone), given.get("locale", locale)
    try:
        _ = ZoneInfo(time_zone) if time_zone else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"time_zone {time_zone!r} is unknown: use a name like Europe/London") from None
    if locale and not _LOCALE.fullmatch(str(locale)):
        raise ValueError(f"locale {locale!r} is none: use one like en-GB")
    return ProxyLocation(
        servers=tuple(_server(number, one, directory) for number, one in enumerate(servers)),
        bypass=tuple(destination(str(one)) for one in given.get("bypass") or ()),
        time_zone=str(time_zone),
        locale=str(locale),
        geolocation=_geolocation(given.get("geolocation")),
    )


def _server(number: int, given: Any, directory: Path) -> ProxyServer:
    try:
        _only(given, {"url", "username", "password", "password_file"})
        password = given.get("password", "")
        if secret := given.get("password_file"):
            password = (directory / str(secret)).read_text(encoding="utf-8").strip()
        texts = [str(given.get("url", "")), str(given.get("username", "")), str(password)]
        return ProxyServer(proxy_url(texts[0]), *texts[1:])
    except (ValueError, OSError) as error:
        raise ValueError(f"servers[{number}]: {error}") from None


def _geolocation(given: Any) -> tuple[float, float, float] | None:
    if given is None:
        return None
    _only(given, {"latitude", "longitude", "accuracy"})
    try:
        latitude, longitude = float(given["latitude"]), float(given["longitude"])
        accuracy = float(given.get("accuracy", 100))
    except (KeyError, TypeError, ValueError):
        raise ValueError("geolocation needs the numbers latitude and longitude") from None
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180 and accuracy >= 0):
        raise ValueError("geolocation: latitude is -90 to 90, longitude -180 to 180, accuracy 0 or more")
    return latitude, longitude, accuracy


def _only(given: Any, known: set[str]) -> None:
    if not isinstance(given, dict):
        raise ValueError(f"must hold {', '.join(sorted(known))}")
    if unknown := sorted(map(str, set(given) - known)):
        raise ValueError(f"{unknown[0]} is unknown: use {', '.join(sorted(known))}")
