"""Calls about browser profiles."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any

from tabkeep import wire
from tabkeep.client.connection import PAGE_SIZE, Connection, new_request_id
from tabkeep.errors import FieldViolation, InvalidArgument, ProfileDamaged, TabkeepError
from tabkeep.records.profiles import BrowserProfile
from tabkeep.v1 import browser_profiles_pb2


class ProfileCalls(Connection):
    """Calls about browser profiles."""

    async def create_browser_profile(
        self,
        name: str,
        *,
        description: str = "",
        browser_session_id: str | None = None,
        storage_state: str | Mapping[str, Any] | None = None,
        request_id: str | None = None,
    ) -> BrowserProfile:
        """Store a profile: of a session, of a storage state in Playwright's form (JSON or a dict), or blank.

        From an open session the state is taken as it is now and the session goes on; from a closed one it is what the
        session has saved, see `create_browser_session`.

        Raises:
            InvalidArgument: a field is wrong, or both sources are given; nothing was stored.
            ProfileNameTaken: another profile has this name.
            ProfileNotSaved: the closed session has nothing saved.
        """
        if browser_session_id is not None and storage_state is not None:
            violation = FieldViolation("storage_state", "cannot be used together with browser_session_id: choose one")
            raise InvalidArgument(
                violation.description, code="INVALID_ARGUMENT", reason="FIELD_INVALID", field_violations=(violation,)
            )
        request = browser_profiles_pb2.CreateBrowserProfileRequest(
            name=name, description=description, request_id=request_id or new_request_id()
        )
        if browser_session_id is not None:
            request.browser_session_id = browser_session_id
        if storage_state is not None:
            request.storage_state = storage_state if isinstance(storage_state, str) else json.dumps(storage_state)
        answer = await self._calls.unary(
            "BrowserProfileService/CreateBrowserProfile", request, browser_profiles_pb2.CreateBrowserProfileResponse
        )
        return wire.browser_profile(answer.browser_profile)

    async def get_browser_profile(self, browser_profile_id: str) -> BrowserProfile:
        """Return one profile; NotFound when there is none in the caller's organization."""
        request = browser_profiles_pb2.GetBrowserProfileRequest(browser_profile_id=browser_profile_id)
        answer = await self._calls.unary(
            "BrowserProfileService/GetBrowserProfile", request, browser_profiles_pb2.GetBrowserProfileResponse
        )
        return wire.browser_profile(answer.browser_profile)

    async def list_browser_profiles(self, *, page_size: int = PAGE_SIZE) -> AsyncIterator[BrowserProfile]:
        """Yield the organization's profiles, newest first; pages are fetched as they are needed."""
        request = browser_profiles_pb2.ListBrowserProfilesRequest(page_size=page_size)
        while True:
            page = await self._calls.unary(
                "BrowserProfileService/ListBrowserProfiles", request, browser_profiles_pb2.ListBrowserProfilesResponse
            )
            for profile in page.browser_profiles:
                yield wire.browser_profile(profile)
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def update_browser_profile(
        self, browser_profile_id: str, *, name: str | None = None, description: str | None = None
    ) -> BrowserProfile:
        """Change a profile's name or description; what is None stays.

        Raises:
            NotFound: no such profile in the caller's organization.
            ProfileNameTaken: another profile has this name.
        """
        given = {"name": name, "description": description}
        request = browser_profiles_pb2.UpdateBrowserProfileRequest(browser_profile_id=browser_profile_id)
        for field, value in given.items():
            if value is not None:
                setattr(request, field, value)
                request.update_mask.paths.append(field)
        answer = await self._calls.unary(
            "BrowserProfileService/UpdateBrowserProfile", request, browser_profiles_pb2.UpdateBrowserProfileResponse
        )
        return wire.browser_profile(answer.browser_profile)

    async def delete_browser_profile(self, browser_profile_id: str) -> None:
        """Delete a profile with all its versions, for good.

        Raises:
            NotFound: no such profile, or it was deleted before, perhaps by a first try of this call.
        """
        request = browser_profiles_pb2.DeleteBrowserProfileRequest(browser_profile_id=browser_profile_id)
        await self._calls.unary(
            "BrowserProfileService/DeleteBrowserProfile", request, browser_profiles_pb2.DeleteBrowserProfileResponse
        )

    async def export_browser_profile(self, browser_profile_id: str, *, version: int | None = None) -> dict[str, Any]:
        """Return cookies, localStorage and IndexedDB of a version, the current one unless told, in Playwright's form.

        Whoever has it is logged in: treat it as a password.

        Raises:
            NotFound: no such profile or version in the caller's organization.
            ProfileDamaged: the stored state is not what it was.
        """
        request = browser_profiles_pb2.ExportBrowserProfileRequest(
            browser_profile_id=browser_profile_id, version=version or 0
        )
        failures = 0
        while True:
            try:
                return await self._export(request)
            except TabkeepError as error:
                failures += 1
                if not self._calls.broken(error) or failures >= self._calls.retry.max_attempts:
                    raise
                await self._calls.pause(failures, error)

    async def _export(self, request: browser_profiles_pb2.ExportBrowserProfileRequest) -> dict[str, Any]:
        record: browser_profiles_pb2.ExportedStorageState | None = None
        data = bytearray()
        answers = self._calls.stream(
            "BrowserProfileService/ExportBrowserProfile", request, browser_profiles_pb2.ExportBrowserProfileResponse
        )
        async with aclosing(answers) as stream:
            async for part in stream:
                if part.HasField("storage_state"):
                    record = part.storage_state
                else:
                    data += part.chunk
        if record is None or len(data) != record.size or hashlib.sha256(data).hexdigest() != record.sha256:
            message = f"the state of browser profile {request.browser_profile_id} arrived damaged"
            raise ProfileDamaged(message, code="DATA_LOSS", reason="PROFILE_DAMAGED")
        state: dict[str, Any] = json.loads(data)
        return state
