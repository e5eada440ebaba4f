"""What a move can ask for once it is on the disk."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from control_plane.entities.keys import Key
from control_plane.live.host_links import Link
from control_plane.live.host_messages import ToHost, Welcome


@dataclass(frozen=True, slots=True)
class Send:
    """Tell a host something."""

    host_id: str
    message: ToHost


@dataclass(frozen=True, slots=True)
class Wake:
    """Wake the watchers of a session or run."""

    topic: str


@dataclass(frozen=True, slots=True)
class Due:
    """Something happens by itself at `time`."""

    time: datetime


@dataclass(frozen=True, slots=True)
class Attached:
    """A host was taken in: from here on, `link` is its stream."""

    link: Link
    stream_no: int
    welcome: Welcome


@dataclass(frozen=True, slots=True)
class Detached:
    """A host holds nothing any more; its silence needs no watching."""

    host_id: str


@dataclass(frozen=True, slots=True)
class KeyChanged:
    """A key was made or revoked."""

    key: Key


@dataclass(frozen=True, slots=True)
class Log:
    """A state move for the log."""

    message: str
    fields: dict[str, object]
    level: int = logging.INFO
