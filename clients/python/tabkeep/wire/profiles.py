"""Browser profiles."""

from __future__ import annotations

from tabkeep.records.profiles import BrowserProfile, BrowserProfileVersion, ProfileSave, ProfileSaveState
from tabkeep.v1 import browser_profiles_pb2, browser_sessions_pb2
from tabkeep.wire.enums import enum_of
from tabkeep.wire.values import optional_timestamp, timestamp


def browser_profile(message: browser_profiles_pb2.BrowserProfile) -> BrowserProfile:
    """Return a browser profile."""
    return BrowserProfile(
        browser_profile_id=message.browser_profile_id,
        organization_id=message.organization_id,
        name=message.name,
        description=message.description,
        version=message.version,
        versions=tuple(
            BrowserProfileVersion(
                version=v.version,
                browser_session_id=v.browser_session_id or None,
                browser_version=v.browser_version or None,
                state_time=timestamp(v.state_time),
                size=v.size,
                cookie_count=v.cookie_count,
                origin_count=v.origin_count,
            )
            for v in message.versions
        ),
        create_time=timestamp(message.create_time),
        update_time=timestamp(message.update_time),
    )


def profile_save(message: browser_sessions_pb2.ProfileSave) -> ProfileSave:
    return ProfileSave(
        state=enum_of(ProfileSaveState, message.state),
        message=message.message,
        browser_profile_version=message.browser_profile_version or None,
        state_time=optional_timestamp(message, "state_time"),
    )
