"""Browser profiles, and what a session saves into them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ProfileSaveState(StrEnum):
    """What became of keeping a session's state."""

    PENDING = "pending"
    SAVED = "saved"
    SAVED_EARLIER = "saved_earlier"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ProfileSave:
    """What became of keeping a session's state."""

    state: ProfileSaveState
    message: str
    """Why it is not SAVED."""
    browser_profile_version: int | None
    """The version of the profile that the session made."""
    state_time: datetime | None
    """The moment whose state is stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserProfileVersion:
    """One saved state of a profile."""

    version: int
    browser_session_id: str | None
    browser_version: str | None
    state_time: datetime
    size: int
    cookie_count: int
    origin_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserProfile:
    """A saved browser state with a name."""

    browser_profile_id: str
    organization_id: str
    name: str
    description: str
    version: int
    versions: tuple[BrowserProfileVersion, ...]
    create_time: datetime
    update_time: datetime
