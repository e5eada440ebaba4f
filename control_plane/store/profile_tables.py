"""The questions the control plane asks of its tables of browser profiles and states."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from control_plane.entities.profiles import BrowserProfile, BrowserState
from control_plane.store.rows import Table, time_text

_PROFILES = Table(BrowserProfile, "browser_profiles", ["browser_profile_id"])
_STATES = Table(BrowserState, "browser_states", ["state_id"])


class Profiles:
    """The tables of browser profiles and of browser states."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def get(self, browser_profile_id: str) -> BrowserProfile | None:
        return _PROFILES.one(self._connection, "WHERE browser_profile_id = ?", (browser_profile_id,))

    def of_organization(self, organization_id: str, browser_profile_id: str) -> BrowserProfile | None:
        profile = self.get(browser_profile_id)
        return profile if profile and profile.organization_id == organization_id else None

    def named(self, organization_id: str, name: str) -> BrowserProfile | None:
        return _PROFILES.one(self._connection, "WHERE organization_id = ? AND name = ?", (organization_id, name))

    def count(self, organization_id: str) -> int:
        (count,) = self._connection.execute(
            "SELECT count(*) FROM browser_profiles WHERE organization_id = ?", (organization_id,)
        ).fetchone()
        return int(count)

    def page(self, organization_id: str, before: str, limit: int) -> list[BrowserProfile]:
        """Newest first, those older than `before` ("" for all)."""
        return _PROFILES.all(
            self._connection,
            "WHERE organization_id = ? AND (? = '' OR browser_profile_id < ?) ORDER BY browser_profile_id DESC LIMIT ?",
            (organization_id, before, before, limit),
        )

    def insert(self, profile: BrowserProfile) -> None:
        _PROFILES.insert(self._connection, profile)

    def update(self, old: BrowserProfile, new: BrowserProfile) -> BrowserProfile:
        _PROFILES.update(self._connection, old, new)
        return new

    def delete(self, browser_profile_id: str) -> None:
        """The profile and all its states."""
        self._connection.execute("DELETE FROM browser_states WHERE owner_id = ?", (browser_profile_id,))
        self._connection.execute("DELETE FROM browser_profiles WHERE browser_profile_id = ?", (browser_profile_id,))

    def state(self, owner_id: str, version: int) -> BrowserState | None:
        """A state, also one that is not finished."""
        return _STATES.one(self._connection, "WHERE owner_id = ? AND version = ?", (owner_id, version))

    def finished_states(self, owner_id: str) -> list[BrowserState]:
        """Newest first."""
        return _STATES.all(self._connection, "WHERE owner_id = ? AND finished ORDER BY version DESC", (owner_id,))

    def put_state(self, state: BrowserState) -> str:
        """Store a state in the place of the one of its owner and version; returns that one's state_id, or ""."""
        row = self._connection.execute(
            "DELETE FROM browser_states WHERE owner_id = ? AND version = ? RETURNING state_id",
            (state.owner_id, state.version),
        ).fetchone()
        _STATES.insert(self._connection, state)
        return row[0] if row else ""

    def update_state(self, old: BrowserState, new: BrowserState) -> None:
        _STATES.update(self._connection, old, new)

    def drop_state(self, state_id: str) -> None:
        self._connection.execute("DELETE FROM browser_states WHERE state_id = ?", (state_id,))

    def forget_snapshots_before(self, time: datetime) -> None:
        """Drop what sessions without a profile saved before `time`."""
        self._connection.execute(
            "DELETE FROM browser_states WHERE owner_id = browser_session_id AND finished AND create_time < ?",
            (time_text(time),),
        )

    def state_ids(self) -> set[str]:
        """Of all states: their files are to be kept."""
        return {row[0] for row in self._connection.execute("SELECT state_id FROM browser_states")}

    def any_state(self) -> bool:
        return bool(self._connection.execute("SELECT 1 FROM browser_states LIMIT 1").fetchone())

    def sealed_under_others(self, key_id: str, after: str, limit: int) -> list[BrowserState]:
        """States whose data key is wrapped by another master key than this, by state_id."""
        return _STATES.all(
            self._connection,
            "WHERE key_id != ? AND state_id > ? ORDER BY state_id LIMIT ?",
            (key_id, after, limit),
        )
