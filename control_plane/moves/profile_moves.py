"""Every move of a browser profile that a caller asks for: within one transaction each."""

from __future__ import annotations

from dataclasses import dataclass, replace

from control_plane.entities.profiles import MOST_PROFILES, BrowserProfile, BrowserState
from control_plane.errors import AlreadyExists, QuotaFull
from control_plane.moves.profile_saves import not_found
from control_plane.moves.requests import Request, answered, remember
from control_plane.store import Tables, Transaction


@dataclass(frozen=True, slots=True)
class ShownProfile:
    """A profile with the versions that others may see, newest first."""

    profile: BrowserProfile
    versions: tuple[BrowserState, ...]


def find(tables: Tables, organization_id: str, browser_profile_id: str) -> ShownProfile:
    """The organization's profile.

    Raises:
        NotFound: there is none, whoever else may have one.
    """
    profile = tables.profiles.of_organization(organization_id, browser_profile_id)
    if profile is None:
        raise not_found(browser_profile_id)
    return _shown(tables, profile)


def page(tables: Tables, organization_id: str, before: str, limit: int) -> list[ShownProfile]:
    """The organization's profiles, newest first, those older than `before` ("" for all)."""
    return [_shown(tables, profile) for profile in tables.profiles.page(organization_id, before, limit)]


def _shown(tables: Tables, profile: BrowserProfile) -> ShownProfile:
    return ShownProfile(profile, tuple(tables.profiles.finished_states(profile.browser_profile_id)))


def find_state(tables: Tables, organization_id: str, browser_profile_id: str, version: int = 0) -> BrowserState:
    """A version of the organization's profile; 0 for the current one.

    Raises:
        NotFound: no such profile, or no such version any more.
    """
    profile = tables.profiles.of_organization(organization_id, browser_profile_id)
    if profile is None:
        raise not_found(browser_profile_id)
    state = tables.profiles.state(browser_profile_id, version or profile.version)
    if state is None or not state.finished:
        raise not_found(browser_profile_id, version or profile.version)
    return state


def earlier(tables: Tables, organization_id: str, name: str, request: Request | None) -> ShownProfile | None:
    """What an earlier call with this request_id made; None when there was none.

    Raises:
        AlreadyExists: the name is taken, or the request_id was used with another body.
        QuotaFull: PROFILE_QUOTA.
        NotFound: what it made was deleted.
    """
    if made := answered(tables, request):
        return find(tables, organization_id, made)
    _refuse_name(tables, organization_id, name)
    if tables.profiles.count(organization_id) >= MOST_PROFILES:
        raise QuotaFull(
            f"the organization has {MOST_PROFILES} browser profiles, the most it may have: delete some",
            reason="PROFILE_QUOTA",
        )
    return None


def create(tx: Transaction, profile: BrowserProfile, state: BrowserState, request: Request | None) -> ShownProfile:
    """Store a profile and its version 1, whose bytes are on the disk; raises like `earlier`."""
    if made := earlier(tx, profile.organization_id, profile.name, request):
        return made
    tx.profiles.insert(profile)
    tx.profiles.put_state(state)
    remember(tx, request, profile.browser_profile_id)
    return _shown(tx, profile)


def update(
    tx: Transaction, organization_id: str, browser_profile_id: str, name: str | None, description: str | None
) -> ShownProfile:
    """Change what is not None.

    Raises:
        NotFound: no such profile.
        AlreadyExists: PROFILE_NAME_TAKEN.
    """
    old = find(tx, organization_id, browser_profile_id).profile
    if name is not None and name != old.name:
        _refuse_name(tx, organization_id, name)
    new = replace(
        old,
        name=old.name if name is None else name,
        description=old.description if description is None else description,
    )
    if new != old:
        tx.profiles.update(old, replace(new, update_time=tx.now))
    return find(tx, organization_id, browser_profile_id)


def delete(tx: Transaction, organization_id: str, browser_profile_id: str) -> list[str]:
    """Delete a profile; returns the states whose files are to go.

    Raises:
        NotFound: no such profile.
    """
    shown = find(tx, organization_id, browser_profile_id)
    tx.profiles.delete(browser_profile_id)
    return [state.state_id for state in shown.versions]


def rewrapped(tx: Transaction, state: BrowserState, key_id: str, wrapped_key: bytes) -> None:
    """Store a state's data key as another master key wraps it, unless the state is another by now."""
    now = tx.profiles.state(state.owner_id, state.version)
    if now is not None and now.wrapped_key == state.wrapped_key:
        tx.profiles.update_state(now, replace(now, key_id=key_id, wrapped_key=wrapped_key))


def _refuse_name(tables: Tables, organization_id: str, name: str) -> None:
    if tables.profiles.named(organization_id, name):
        raise AlreadyExists(
            f"a browser profile named {name!r} exists already: choose another name",
            reason="PROFILE_NAME_TAKEN",
            name=name,
        )
