"""Sealed browser states as a whole: bytes in files, keys and records in the store, all under the vault."""

from __future__ import annotations

import asyncio
import logging
import secrets
from datetime import datetime

from control_plane.coordinator import Coordinator
from control_plane.entities.browser_states import Summary
from control_plane.entities.profiles import BrowserState, sealing_context
from control_plane.errors import DataLoss
from control_plane.keeping.state_files import StateFiles
from control_plane.moves import profile_moves
from control_plane.sealing.vault import Damaged, KeyMissing, Sealed, Vault

logger = logging.getLogger(__name__)

_SWEEP_SECONDS = 3600.0
_REWRAPPED_AT_ONCE = 200


class StateKeeping:
    """Seals states into files and opens them again. `serve` keeps the files and the keys in order."""

    def __init__(self, coordinator: Coordinator, files: StateFiles, vault: Vault) -> None:
        self._coordinator = coordinator
        self._files = files
        self._vault = vault

    async def seal(
        self,
        content: bytes,
        summary: Summary,
        *,
        organization_id: str,
        owner_id: str,
        version: int,
        browser_session_id: str,
        state_time: datetime,
        finished: bool,
    ) -> BrowserState:
        """A state whose bytes are on the disk, sealed for this owner and version; its row is the caller's to store.

        Raises:
            Unavailable: STORAGE_FULL.
        """
        context = sealing_context(organization_id, owner_id, version)
        sealed = await asyncio.to_thread(self._vault.seal, content, context)
        state = BrowserState(
            state_id=secrets.token_hex(16),
            organization_id=organization_id,
            owner_id=owner_id,
            version=version,
            finished=finished,
            browser_session_id=browser_session_id,
            browser_version=summary.browser_version,
            state_time=state_time,
            size=len(content),
            cookie_count=summary.cookie_count,
            origin_count=summary.origin_count,
            key_id=sealed.key_id,
            wrapped_key=sealed.wrapped_key,
            create_time=self._coordinator.clock.now(),
        )
        await self._files.put(state.state_id, sealed.ciphertext)
        return state

    async def open(self, state: BrowserState) -> bytes:
        """The bytes of a state.

        Raises:
            DataLoss: PROFILE_DAMAGED, they are not what was sealed for this owner and version; PROFILE_KEY_MISSING.
        """
        ciphertext = await self._files.get(state.state_id)
        sealed = Sealed(ciphertext, state.key_id, state.wrapped_key)
        what = f"version {state.version} of browser profile {state.owner_id}"
        try:
            return await asyncio.to_thread(self._vault.open, sealed, state.context)
        except Damaged:
            message = f"{what} is damaged on the control plane's disk: it cannot be opened"
            reason = "PROFILE_DAMAGED"
        except KeyMissing:
            message = f"{what} was sealed under master key {state.key_id}, which is not there: put it back"
            reason = "PROFILE_KEY_MISSING"
        logger.error("browser state unreadable", extra={"browser_profile_id": state.owner_id, "reason": reason})
        raise DataLoss(message, reason=reason, browser_profile_id=state.owner_id)

    async def drop(self, state_ids: list[str]) -> None:
        """Remove the files of states whose rows are gone."""
        await self._files.drop(state_ids)

    async def rewrap(self) -> int:
        """Wrap all data keys by the current master key; returns how many could not be unwrapped."""
        unreadable, done, after = 0, 0, ""
        while states := await self._coordinator.database.read(
            lambda tables, after=after: tables.profiles.sealed_under_others(  # type: ignore[misc]
                self._vault.current, after, _REWRAPPED_AT_ONCE
            )
        ):
            for state in states:
                try:
                    wrapped = self._vault.rewrap(state.key_id, state.wrapped_key, state.context)
                except (Damaged, KeyMissing):
                    unreadable += 1
                    continue
                await self._coordinator.move(profile_moves.rewrapped, state, self._vault.current, wrapped)
                done += 1
            after = states[-1].state_id
        if unreadable:
            logger.error("browser states unreadable: their master key is missing", extra={"states": unreadable})
        if done:
            logger.info("data keys wrapped anew", extra={"states": done, "key_id": self._vault.current})
        return unreadable

    async def open_up(self) -> None:
        """Sweep the files and wrap the data keys anew, before anything is written."""
        await self._sweep()
        await self.rewrap()

    async def serve(self) -> None:
        """Sweep the files every hour, until cancelled."""
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            try:
                await self._sweep()
            except Exception:
                logger.exception("browser state files not swept")

    async def _sweep(self) -> None:
        kept = await self._coordinator.database.read(lambda tables: tables.profiles.state_ids())
        if swept := await self._files.sweep(kept):
            logger.info("browser state files swept", extra={"files": swept})
