"""BrowserProfileService: convert, take or open a state, move or read, convert back."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import grpc
from tabkeep.v1 import browser_profiles_pb2 as pb
from tabkeep.v1 import browser_profiles_pb2_grpc as pb_grpc

from control_plane.coordinator import Coordinator
from control_plane.entities import browser_states
from control_plane.entities.profiles import BrowserProfile, BrowserState
from control_plane.entities.sessions import ProfileSaveState, Session, SessionState
from control_plane.errors import PreconditionFailed, Unavailable
from control_plane.fields import Fields
from control_plane.interceptors import caller
from control_plane.keeping.state_keeping import StateKeeping
from control_plane.live.captures import Captures
from control_plane.live.host_messages import CaptureState
from control_plane.moves import profile_moves, session_moves
from control_plane.page_tokens import PageTokens
from control_plane.store import Tables
from control_plane.wire import profile_wire
from control_plane.wire.request_ids import request_id

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
_CHUNK_BYTES = 256 * 1024
_CAPTURE_SECONDS = 20.0
"""How long a live browser may take to give its state; its host takes 15 s at most."""
_SAVE_SECONDS = 10.0
"""How long a call waits for the save of a session that has just closed."""


@dataclass(frozen=True, slots=True)
class _Source:
    """A state in the clear, and where it comes from."""

    content: bytes
    browser_session_id: str
    state_time: datetime


class BrowserProfileService(pb_grpc.BrowserProfileServiceServicer):
    """See the proto for what each call does."""

    def __init__(
        self, coordinator: Coordinator, page_tokens: PageTokens, keeping: StateKeeping, captures: Captures
    ) -> None:
        self._coordinator = coordinator
        self._database = coordinator.database
        self._page_tokens = page_tokens
        self._keeping = keeping
        self._captures = captures

    async def CreateBrowserProfile(
        self, request: pb.CreateBrowserProfileRequest, context: Context
    ) -> pb.CreateBrowserProfileResponse:
        fields, organization_id = Fields(), caller.get().organization_id
        spec = profile_wire.profile_spec(fields, request)
        again = request_id(fields, organization_id, "CreateBrowserProfile", request)
        fields.raise_if_wrong()
        # Before a browser is asked for its state: a call that can only fail, or was answered before, asks nobody.
        made = await self._database.read(
            lambda tables: profile_moves.earlier(tables, organization_id, spec.name, again)
        )
        if made is not None:
            return pb.CreateBrowserProfileResponse(browser_profile=profile_wire.browser_profile(made))
        now = self._coordinator.clock.now()
        source = _Source(spec.content, "", now)
        if spec.browser_session_id:
            source = await self._state_of_session(organization_id, spec.browser_session_id)
        profile = BrowserProfile(
            browser_profile_id=self._database.new_id("bp"),
            organization_id=organization_id,
            name=spec.name,
            description=spec.description,
            version=1,
            last_version=1,
            create_time=now,
            update_time=now,
        )
        state = await self._keeping.seal(
            source.content,
            browser_states.summary(source.content),
            organization_id=organization_id,
            owner_id=profile.browser_profile_id,
            version=1,
            browser_session_id=source.browser_session_id,
            state_time=source.state_time,
            finished=True,
        )
        made = await self._coordinator.admit(profile_moves.create, profile, state, again)
        return pb.CreateBrowserProfileResponse(browser_profile=profile_wire.browser_profile(made))

    async def GetBrowserProfile(
        self, request: pb.GetBrowserProfileRequest, context: Context
    ) -> pb.GetBrowserProfileResponse:
        organization_id = caller.get().organization_id
        found = await self._database.read(
            lambda tables: profile_moves.find(tables, organization_id, request.browser_profile_id)
        )
        return pb.GetBrowserProfileResponse(browser_profile=profile_wire.browser_profile(found))

    async def ListBrowserProfiles(
        self, request: pb.ListBrowserProfilesRequest, context: Context
    ) -> pb.ListBrowserProfilesResponse:
        fields, organization_id = Fields(), caller.get().organization_id
        size = fields.page_size(request.page_size)
        before = self._page_tokens.read(fields, request, organization_id)
        fields.raise_if_wrong()
        found = await self._database.read(lambda tables: profile_moves.page(tables, organization_id, before, size + 1))
        last = found[size - 1].profile.browser_profile_id if len(found) > size else ""
        return pb.ListBrowserProfilesResponse(
            browser_profiles=[profile_wire.browser_profile(one) for one in found[:size]],
            next_page_token=self._page_tokens.make(request, organization_id, last),
        )

    async def UpdateBrowserProfile(
        self, request: pb.UpdateBrowserProfileRequest, context: Context
    ) -> pb.UpdateBrowserProfileResponse:
        fields = Fields()
        change = profile_wire.profile_change(fields, request)
        fields.raise_if_wrong()
        changed = await self._coordinator.move(
            profile_moves.update,
            caller.get().organization_id,
            change.browser_profile_id,
            change.name,
            change.description,
        )
        return pb.UpdateBrowserProfileResponse(browser_profile=profile_wire.browser_profile(changed))

    async def DeleteBrowserProfile(
        self, request: pb.DeleteBrowserProfileRequest, context: Context
    ) -> pb.DeleteBrowserProfileResponse:
        dropped = await self._coordinator.move(
            profile_moves.delete, caller.get().organization_id, request.browser_profile_id
        )
        await self._keeping.drop(dropped)
        return pb.DeleteBrowserProfileResponse()

    async def ExportBrowserProfile(
        self, request: pb.ExportBrowserProfileRequest, context: Context
    ) -> AsyncIterator[pb.ExportBrowserProfileResponse]:
        fields, organization_id = Fields(), caller.get().organization_id
        if request.version < 0:
            fields.wrong("version", f"{request.version} is negative")
        fields.raise_if_wrong()
        state = await self._database.read(
            lambda tables: profile_moves.find_state(
                tables, organization_id, request.browser_profile_id, request.version
            )
        )
        content = browser_states.exported(await self._keeping.open(state))
        record = pb.ExportedStorageState(
            browser_profile_id=state.owner_id,
            version=state.version,
            size=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
        )
        yield pb.ExportBrowserProfileResponse(storage_state=record)
        for start in range(0, len(content), _CHUNK_BYTES):
            yield pb.ExportBrowserProfileResponse(chunk=content[start : start + _CHUNK_BYTES])

    # The state of a session.

    async def _state_of_session(self, organization_id: str, browser_session_id: str) -> _Source:
        session = await self._read(organization_id, browser_session_id)
        if session.open:
            return await self._live_state(session)
        if session.profile_save_state is ProfileSaveState.PENDING:
            session = await self._saved(organization_id, browser_session_id)
        state = await self._database.read(lambda tables: _saved_state(tables, session))
        return _Source(await self._keeping.open(state), browser_session_id, state.state_time)

    async def _saved(self, organization_id: str, browser_session_id: str) -> Session:
        """A session that has closed, once its save is over."""
        with self._coordinator.feed.watch(browser_session_id) as changed:
            try:
                async with asyncio.timeout(_SAVE_SECONDS):
                    while True:
                        changed.clear()
                        session = await self._read(organization_id, browser_session_id)
                        if session.profile_save_state is not ProfileSaveState.PENDING:
                            return session
                        await changed.wait()
            except TimeoutError:
                raise Unavailable(
                    f"the state of session {browser_session_id} is not persisted yet: ask again soon",
                    reason="PROFILE_NOT_PERSISTED",
                    retry_after=timedelta(seconds=2),
                ) from None

    async def _live_state(self, session: Session) -> _Source:
        if session.state is not SessionState.RUNNING:
            raise PreconditionFailed(
                f"session {session.browser_session_id} is {session.state.value}: its browser is not up yet",
                reason="SESSION_NOT_RUNNING",
                browser_session_id=session.browser_session_id,
            )
        host = await self._database.read(lambda tables: tables.hosts.get(session.host_id))
        if host is None or self._coordinator.links.get(session.host_id) is None:
            raise _unreachable(session)
        with self._captures.wait_for(session.browser_session_id, session.fence) as capture:
            message = CaptureState(session.browser_session_id, session.fence, capture.capture_id)
            self._coordinator.links.send(session.host_id, message)
            try:
                async with asyncio.timeout(_CAPTURE_SECONDS):
                    captured = await capture.answer
            except TimeoutError:
                raise _unreachable(session) from None
        if captured.failure:
            raise PreconditionFailed(
                f"the browser of session {session.browser_session_id} did not give its state: {captured.failure}",
                reason="CAPTURE_FAILED",
                browser_session_id=session.browser_session_id,
            )
        return _Source(captured.content, session.browser_session_id, self._coordinator.clock.now())

    async def _read(self, organization_id: str, browser_session_id: str) -> Session:
        return await self._database.read(lambda tables: session_moves.find(tables, organization_id, browser_session_id))


def _saved_state(tables: Tables, session: Session) -> BrowserState:
    """What a closed session has saved.

    Raises:
        PreconditionFailed: PROFILE_NOT_SAVED, with the reason.
    """
    saved = (ProfileSaveState.SAVED, ProfileSaveState.SAVED_EARLIER)
    if session.profile_save_state in saved:
        owner = session.browser_profile_id or session.browser_session_id
        state = tables.profiles.state(owner, session.profile_save_version or 1)
        if state is not None and state.browser_session_id == session.browser_session_id:
            return state
        why = "what it saved is not kept any more"
    elif session.profile_save_state is ProfileSaveState.FAILED:
        why = f"it could not be saved: {session.profile_save_message}"
    else:
        why = "it was not created with save_profile"
    raise PreconditionFailed(
        f"session {session.browser_session_id} is closed and has no state to make a profile of: {why}",
        reason="PROFILE_NOT_SAVED",
        browser_session_id=session.browser_session_id,
    )


def _unreachable(session: Session) -> Unavailable:
    return Unavailable(
        f"host {session.host_id} of session {session.browser_session_id} did not bring its state: try again",
        reason="HOST_UNREACHABLE",
        retry_after=timedelta(seconds=2),
    )
