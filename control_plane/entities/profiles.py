"""Browser profiles and the states they consist of, as stored. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

MOST_VERSIONS = 5
"""Of a profile; older ones are dropped."""
MOST_PROFILES = 1000
"""Of an organization."""
SNAPSHOT_RETENTION = timedelta(hours=24)
"""How long what a session without a profile has saved waits for CreateBrowserProfile."""
SAVE_WAIT = timedelta(minutes=3)
"""How long after a session's end its state is waited for; its host tries for two minutes."""


@dataclass(frozen=True, slots=True)
class BrowserProfile:
    """A profile as stored; the meaning of each field is the proto's."""

    browser_profile_id: str
    organization_id: str
    name: str
    description: str
    version: int
    last_version: int
    """The highest number given out, to a version or to a session that is about to save one."""
    create_time: datetime
    update_time: datetime


@dataclass(frozen=True, slots=True)
class BrowserState:
    """A sealed browser state. Its bytes are in a file named after it."""

    state_id: str
    organization_id: str
    owner_id: str
    """A profile, or the session without a profile that saved it."""
    version: int
    """Of the profile; 1 for a session's."""
    finished: bool
    """False while the session that saves it goes on: then it is nobody else's to see."""
    browser_session_id: str
    browser_version: str
    state_time: datetime
    size: int
    cookie_count: int
    origin_count: int
    key_id: str
    wrapped_key: bytes
    create_time: datetime

    @property
    def context(self) -> bytes:
        """What its bytes are sealed for."""
        return sealing_context(self.organization_id, self.owner_id, self.version)


def sealing_context(organization_id: str, owner_id: str, version: int) -> bytes:
    """What the bytes of a state are bound to."""
    return "\0".join(("tabkeep browser state 1", organization_id, owner_id, str(version))).encode()
