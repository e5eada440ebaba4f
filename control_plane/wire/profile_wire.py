"""Between the protos of browser profiles and this program, both ways, with the checks of every field."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from tabkeep.host.v1 import host_pb2
from tabkeep.v1 import browser_profiles_pb2 as pb

from control_plane.entities import browser_states
from control_plane.entities.browser_states import MAX_BYTES, StateInvalid
from control_plane.fields import Fields
from control_plane.moves.profile_moves import ShownProfile
from control_plane.moves.profile_saves import BroughtState
from control_plane.wire.times import set_time

_LONGEST_NAME, _LONGEST_DESCRIPTION = 200, 1000
_CHANGEABLE = ("name", "description")


@dataclass(frozen=True, slots=True)
class ProfileSpec:
    """What a CreateBrowserProfileRequest asks for."""

    name: str
    description: str
    browser_session_id: str
    content: bytes
    """The state, unless a session gives it."""


@dataclass(frozen=True, slots=True)
class ProfileChange:
    """What an UpdateBrowserProfileRequest asks for; None stays as it is."""

    browser_profile_id: str
    name: str | None
    description: str | None


def profile_spec(fields: Fields, request: pb.CreateBrowserProfileRequest) -> ProfileSpec:
    """What to make."""
    source = request.WhichOneof("source")
    content = browser_states.blank()
    if source == "storage_state":
        content = browser_states.uploaded(fields, "storage_state", request.storage_state)
    elif source == "browser_session_id":
        fields.text("browser_session_id", request.browser_session_id, 200, required=True)
    return ProfileSpec(
        name=fields.text("name", request.name, _LONGEST_NAME, required=True),
        description=fields.text("description", request.description, _LONGEST_DESCRIPTION),
        browser_session_id=request.browser_session_id,
        content=content,
    )


def profile_change(fields: Fields, request: pb.UpdateBrowserProfileRequest) -> ProfileChange:
    """What to change."""
    paths = list(request.update_mask.paths)
    for path in paths:
        if path not in _CHANGEABLE:
            fields.wrong("update_mask", f"{path[:80]!r} cannot be changed: use {' and '.join(_CHANGEABLE)}")
    if not paths:
        paths = [name for name in _CHANGEABLE if getattr(request, name)]
        if not paths:
            fields.wrong("update_mask", f"names nothing to change: use {' and '.join(_CHANGEABLE)}")
    name = description = None
    if "name" in paths:
        name = fields.text("name", request.name, _LONGEST_NAME, required=True)
    if "description" in paths:
        description = fields.text("description", request.description, _LONGEST_DESCRIPTION)
    browser_profile_id = fields.text("browser_profile_id", request.browser_profile_id, 200, required=True)
    return ProfileChange(browser_profile_id, name, description)


def browser_profile(shown: ShownProfile) -> pb.BrowserProfile:
    """A profile as callers see it."""
    profile = shown.profile
    proto = pb.BrowserProfile(
        browser_profile_id=profile.browser_profile_id,
        organization_id=profile.organization_id,
        name=profile.name,
        description=profile.description,
        version=profile.version,
    )
    set_time(proto.create_time, profile.create_time)
    set_time(proto.update_time, profile.update_time)
    for state in shown.versions:
        version = proto.versions.add(
            version=state.version,
            browser_session_id=state.browser_session_id,
            browser_version=state.browser_version,
            size=state.size,
            cookie_count=state.cookie_count,
            origin_count=state.origin_count,
        )
        set_time(version.state_time, state.state_time)
    return proto


def brought_state(header: host_pb2.BrowserStateHeader, now: datetime) -> BroughtState:
    """What a host says of a state that it brings.

    Raises:
        StateInvalid: it is too large, or says neither how large it is nor why there is none.
    """
    if not header.failure and not 0 < header.size <= MAX_BYTES:
        raise StateInvalid(f"a browser state of {header.size} bytes: it must be 1 to {MAX_BYTES}")
    age = max(timedelta(), header.age.ToTimedelta())
    return BroughtState(
        host_id=header.host_id,
        browser_session_id=header.browser_session_id,
        fence=header.fence,
        state_no=header.state_no,
        last=header.last,
        state_time=now - min(age, timedelta(days=1)),
    )
