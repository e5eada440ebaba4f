"""The asynchronous client: one method for each thing the control plane does."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import mimetypes
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Iterable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self, TypeVar

from tabkeep import endpoint, watching, wire
from tabkeep.calls import Calls, RetryPolicy
from tabkeep.errors import DataLoss, DeadlineExceeded, FieldViolation, InvalidArgument, ProfileDamaged, TabkeepError
from tabkeep.records import (
    Artifact,
    ArtifactType,
    BrowserPage,
    BrowserProfile,
    BrowserSession,
    BrowserSessionOptions,
    BrowserSessionState,
    BrowserSessionUpdate,
    BrowserType,
    CrashPolicy,
    CreatedKey,
    Credential,
    DialogPolicy,
    ExportedRecording,
    File,
    Host,
    HttpCredential,
    IrreversiblePolicy,
    Key,
    KeyScope,
    PermissionGrant,
    Planner,
    Proxy,
    Recording,
    RecordingFormat,
    ReplayMode,
    Run,
    RunStatus,
    RunUpdate,
    ScreenRecording,
    ScreenshotMode,
    TakeOverLink,
    Usage,
    Viewport,
    WebhookDelivery,
    WebhookDeliveryState,
    Workflow,
)
from tabkeep.v1 import (
    actions_pb2,
    artifacts_pb2,
    browser_profiles_pb2,
    browser_sessions_pb2,
    credentials_pb2,
    files_pb2,
    hosts_pb2,
    keys_pb2,
    recordings_pb2,
    runs_pb2,
    usage_pb2,
    webhooks_pb2,
    workflows_pb2,
)

_T = TypeVar("_T")

logger = logging.getLogger(__name__)

DEFAULT_CALL_TIMEOUT = timedelta(seconds=30)
HELD_CALL = timedelta(seconds=60)
"""How long one GetRun call is held while waiting for a run; short enough for every proxy on the way."""

_PAGE_SIZE = 100
_CHUNK_BYTES = 256 * 1024


class Client:
    """Talks to one control plane.

    Use it as `async with Client() as client:`, or call `close`. It belongs to the event loop that uses it first.
    Every method raises `tabkeep.TabkeepError`; calls that are safe to repeat are repeated after UNAVAILABLE, which
    is why a `request_id` is made for each call that is given none.
    """

    def __init__(
        self,
        api_key: str | None = None,
        address: str | None = None,
        *,
        tls: bool | None = None,
        root_certificates: bytes | None = None,
        call_timeout: timedelta = DEFAULT_CALL_TIMEOUT,
        retry: RetryPolicy | None = None,
    ) -> None:
        """Take what is given, else TABKEEP_API_KEY or TABKEEP_API_KEY_FILE, and TABKEEP_ADDRESS (127.0.0.1:7330).

        `call_timeout` bounds each unary call, its retries included; watches have no bound. TLS is used when asked
        for, when `root_certificates` (PEM) are given, or when the address begins with https:// or grpcs://.

        Raises:
            AuthenticationError: KEY_MISSING, there is no key.
        """
        where = endpoint.resolve(api_key, address, tls=tls, root_certificates=root_certificates)
        self._calls = Calls(where, timeout=call_timeout, retry=retry or RetryPolicy())

    @property
    def address(self) -> str:
        """The control plane's address, as used."""
        return self._calls.endpoint.address

    async def __aenter__(self) -> Self:
        """Return the client; it connects with its first call."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection; sessions and runs go on."""
        await self.close()

    async def close(self) -> None:
        """Close the connection; sessions and runs go on."""
        await self._calls.close()

    # Browser sessions.

    async def create_browser_session(
        self,
        *,
        timeout: timedelta | int | None = None,
        browser_type: BrowserType | str | None = None,
        url: str | None = None,
        viewport: Viewport | tuple[int, int] | None = None,
        labels: Mapping[str, str] | None = None,
        queue_timeout: timedelta | None = None,
        browser_profile_id: str | None = None,
        browser_profile_version: int | None = None,
        save_profile: bool = False,
        extensions: Sequence[str] | None = None,
        proxy: Proxy | str | None = None,
        proxy_location: str | None = None,
        allowed_domains: Sequence[str] = (),
        blocked_domains: Sequence[str] = (),
        dialogs: DialogPolicy | str | None = None,
        on_crash: CrashPolicy | str | None = None,
        max_pages: int | None = None,
        permissions: Sequence[PermissionGrant | str] = (),
        http_credentials: Sequence[HttpCredential] = (),
        request_id: str | None = None,
    ) -> BrowserSession:
        """Open a browser; the session is returned at once, before its browser is up.

        `timeout` is its lifetime from the browser's launch, 5 minutes to 24 hours, 60 minutes when not given; a bare
        number counts minutes. `browser_type` is "chrome" or "msedge". `queue_timeout` is how long to wait for a host
        with room, at most 1 hour. `extensions` are names of what hosts offer (`list_hosts`). It starts from the current
        version of `browser_profile_id`, or from the one named. With `save_profile` its state is kept when it closes: as
        the profile's next version, or, without a profile, for `create_browser_profile`. The same `request_id` returns
        the same session.

        All that the browser sends goes through `proxy` (a `Proxy`, or "http://user:password@host:port"; also https
        and socks5) or through the operator's proxy that `proxy_location` names, never both. It reaches only
        `allowed_domains`, where given, and never `blocked_domains`.

        `dialogs` answers the browser's dialogs that no action answers: "dismiss" (the default) or "accept". `on_crash`
        is what follows on the crash of a page: "reload" (the default) or "close_session". At most `max_pages` tabs are
        open at once, 20 when not given. `permissions` are what pages may do ("geolocation", or a `PermissionGrant` for
        one origin); `http_credentials` are given to their origins when these ask by HTTP.

        Raises:
            InvalidArgument: a field is wrong; nothing was stored.
            BrowserNotOffered: no attached host has this browser.
            NotFound: no such profile in the caller's organization.
            ExtensionNotOffered: none has it with these extensions.
            FailedPrecondition: PROXY_LOCATION_NOT_CONFIGURED; the message lists those that are.
        """
        options = BrowserSessionOptions(
            timeout=timeout,
            browser_type=browser_type,
            url=url,
            viewport=viewport,
            labels=labels,
            queue_timeout=queue_timeout,
            browser_profile_id=browser_profile_id,
            browser_profile_version=browser_profile_version,
            save_profile=save_profile,
            extensions=extensions,
            proxy=proxy,
            proxy_location=proxy_location,
            allowed_domains=allowed_domains,
            blocked_domains=blocked_domains,
            dialogs=dialogs,
            on_crash=on_crash,
            max_pages=max_pages,
            permissions=permissions,
            http_credentials=http_credentials,
        )
        request = wire.to_create_session(options, request_id or _new_request_id())
        answer = await self._calls.unary(
            "BrowserSessionService/CreateBrowserSession", request, browser_sessions_pb2.CreateBrowserSessionResponse
        )
        return wire.browser_session(answer.browser_session)

    @asynccontextmanager
    async def browser_session(
        self,
        *,
        timeout: timedelta | int | None = None,
        browser_type: BrowserType | str | None = None,
        url: str | None = None,
        viewport: Viewport | tuple[int, int] | None = None,
        labels: Mapping[str, str] | None = None,
        queue_timeout: timedelta | None = None,
        browser_profile_id: str | None = None,
        browser_profile_version: int | None = None,
        save_profile: bool = False,
        extensions: Sequence[str] | None = None,
        proxy: Proxy | str | None = None,
        proxy_location: str | None = None,
        allowed_domains: Sequence[str] = (),
        blocked_domains: Sequence[str] = (),
        dialogs: DialogPolicy | str | None = None,
        on_crash: CrashPolicy | str | None = None,
        max_pages: int | None = None,
        permissions: Sequence[PermissionGrant | str] = (),
        http_credentials: Sequence[HttpCredential] = (),
        request_id: str | None = None,
    ) -> AsyncIterator[BrowserSession]:
        """Open a browser for the length of an `async with` block and close it whatever happens there.

        It is closed on errors and on cancellation too, also on one that comes while it is being opened. When closing
        fails after the block has failed, the block's error is raised, with a note on the session.
        """
        session = await _to_the_end(
            self.create_browser_session(
                timeout=timeout,
                browser_type=browser_type,
                url=url,
                viewport=viewport,
                labels=labels,
                queue_timeout=queue_timeout,
                browser_profile_id=browser_profile_id,
                browser_profile_version=browser_profile_version,
                save_profile=save_profile,
                extensions=extensions,
                proxy=proxy,
                proxy_location=proxy_location,
                allowed_domains=allowed_domains,
                blocked_domains=blocked_domains,
                dialogs=dialogs,
                on_crash=on_crash,
                max_pages=max_pages,
                permissions=permissions,
                http_credentials=http_credentials,
                request_id=request_id,
            ),
            undo=self._close_quietly,
        )
        try:
            yield session
        except BaseException as error:
            if problem := await _to_the_end(self._close_quietly(session)):
                error.add_note(f"browser session {session.browser_session_id} could not be closed: {problem}")
            raise
        else:
            await _to_the_end(self.close_browser_session(session.browser_session_id))

    async def get_browser_session(self, browser_session_id: str) -> BrowserSession:
        """Return one session.

        Raises:
            NotFound: no such session in the caller's organization.
        """
        request = browser_sessions_pb2.GetBrowserSessionRequest(browser_session_id=browser_session_id)
        answer = await self._calls.unary(
            "BrowserSessionService/GetBrowserSession", request, browser_sessions_pb2.GetBrowserSessionResponse
        )
        return wire.browser_session(answer.browser_session)

    async def list_browser_sessions(
        self,
        *,
        states: Iterable[BrowserSessionState | str] = (),
        labels: Mapping[str, str] | None = None,
        page_size: int = _PAGE_SIZE,
    ) -> AsyncIterator[BrowserSession]:
        """Yield the organization's sessions, newest first; pages are fetched as they are needed.

        Only those in one of `states` and with all of `labels`, where given.
        """
        request = browser_sessions_pb2.ListBrowserSessionsRequest(
            page_size=page_size,
            states=[wire.enum_to_proto(BrowserSessionState, state) for state in states],
            labels=dict(labels or {}),
        )
        while True:
            page = await self._calls.unary(
                "BrowserSessionService/ListBrowserSessions", request, browser_sessions_pb2.ListBrowserSessionsResponse
            )
            for session in page.browser_sessions:
                yield wire.browser_session(session)
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def watch_browser_session(
        self, browser_session_id: str, *, expiry_warning: timedelta | None = None
    ) -> AsyncGenerator[BrowserSessionUpdate, None]:
        """Yield the session as it is now and again after each change, until it is closed.

        Changes that come faster than they are read are merged. A broken connection is made again. `expiry_warning`
        is how long before its end to warn, at most 1 hour, 1 minute when not given.

        Raises:
            NotFound: no such session in the caller's organization.
        """
        updates = watching.watch_browser_session(self._calls, browser_session_id, expiry_warning)
        async with aclosing(updates):
            async for update in updates:
                yield update

    async def extend_browser_session(self, browser_session_id: str, timeout: timedelta | int) -> BrowserSession:
        """Give an open session a new whole lifetime, counted from its browser's launch; a bare number is minutes.

        Raises:
            SessionClosed: it is closed.
            InvalidArgument: out of bounds, or the new end lies in the past.
        """
        request = browser_sessions_pb2.ExtendBrowserSessionRequest(
            browser_session_id=browser_session_id, timeout=wire.minutes_to_duration(timeout)
        )
        answer = await self._calls.unary(
            "BrowserSessionService/ExtendBrowserSession", request, browser_sessions_pb2.ExtendBrowserSessionResponse
        )
        return wire.browser_session(answer.browser_session)

    async def update_browser_session(
        self,
        browser_session_id: str,
        *,
        proxy: Proxy | str | None = None,
        proxy_location: str | None = None,
        allowed_domains: Sequence[str] | None = None,
        blocked_domains: Sequence[str] | None = None,
        dialogs: DialogPolicy | str | None = None,
        on_crash: CrashPolicy | str | None = None,
        max_pages: int | None = None,
        permissions: Sequence[PermissionGrant | str] | None = None,
        http_credentials: Sequence[HttpCredential] | None = None,
    ) -> BrowserSession:
        """Change what an open session's browser and pages may do, while it goes on; None leaves a setting as it is.

        An empty `proxy` or `proxy_location` takes the proxy away. The new proxy is not tried: a page that it does not
        load fails with PROXY_FAILED. Tabs that are open stay, also beyond a lower `max_pages`.

        Raises:
            SessionClosed: it is closed.
            InvalidArgument: a setting is wrong, or none is given; nothing was changed.
            FailedPrecondition: PROXY_LOCATION_NOT_CONFIGURED.
        """
        page_options = {
            "dialogs": dialogs,
            "on_crash": on_crash,
            "max_pages": max_pages,
            "permissions": permissions,
            "http_credentials": http_credentials,
        }
        request = wire.to_update_session(
            browser_session_id, proxy, proxy_location, allowed_domains, blocked_domains, page_options
        )
        answer = await self._calls.unary(
            "BrowserSessionService/UpdateBrowserSession", request, browser_sessions_pb2.UpdateBrowserSessionResponse
        )
        return wire.browser_session(answer.browser_session)

    async def list_pages(self, browser_session_id: str) -> list[BrowserPage]:
        """Return a session's open tabs, in the order of their opening, as its host last reported them."""
        answer = await self._calls.unary(
            "BrowserSessionService/ListPages",
            browser_sessions_pb2.ListPagesRequest(browser_session_id=browser_session_id),
            browser_sessions_pb2.ListPagesResponse,
        )
        return [wire.browser_page(page) for page in answer.pages]

    async def create_take_over_link(
        self, browser_session_id: str, *, lifetime: timedelta | None = None
    ) -> TakeOverLink:
        """Make a link with which a person takes over the session's browser without a key, for 15 minutes or `lifetime`.

        Raises:
            PermissionDenied: the client's key has neither the scope operator nor cdp.
            SessionClosed: it is closed.
        """
        request = browser_sessions_pb2.CreateTakeOverLinkRequest(browser_session_id=browser_session_id)
        if lifetime is not None:
            request.lifetime.CopyFrom(wire.to_duration(lifetime, "lifetime"))
        answer = await self._calls.unary(
            "BrowserSessionService/CreateTakeOverLink", request, browser_sessions_pb2.CreateTakeOverLinkResponse
        )
        return wire.take_over_link(answer)

    async def close_browser_session(self, browser_session_id: str) -> BrowserSession:
        """Close a session: its runs end, its browser is gone within seconds. Closing twice changes nothing.

        Raises:
            NotFound: no such session in the caller's organization.
        """
        request = browser_sessions_pb2.CloseBrowserSessionRequest(browser_session_id=browser_session_id)
        answer = await self._calls.unary(
            "BrowserSessionService/CloseBrowserSession", request, browser_sessions_pb2.CloseBrowserSessionResponse
        )
        return wire.browser_session(answer.browser_session)

    # Browser profiles.

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
            name=name, description=description, request_id=request_id or _new_request_id()
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

    async def list_browser_profiles(self, *, page_size: int = _PAGE_SIZE) -> AsyncIterator[BrowserProfile]:
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

    # Runs.

    async def run_task(
        self,
        prompt: str | None = None,
        *,
        actions: Sequence[actions_pb2.Action] = (),
        url: str | None = None,
        browser_session_id: str | None = None,
        browser_profile_id: str | None = None,
        browser_session: BrowserSessionOptions | None = None,
        max_steps: int | None = None,
        timeout: timedelta | None = None,
        data_extraction_schema: Mapping[str, Any] | None = None,
        fail_if_busy: bool = False,
        labels: Mapping[str, str] | None = None,
        screenshots: ScreenshotMode | str | None = None,
        record_console: bool = False,
        record_network: bool = False,
        screen_recording: ScreenRecording | bool = False,
        planner: Planner | str | None = None,
        irreversible_policy: IrreversiblePolicy | str | None = None,
        replay_mode: ReplayMode | str | None = None,
        webhook_url: str | None = None,
        request_id: str | None = None,
        wait_for_completion: bool = False,
    ) -> Run:
        """Run a task: a prompt, or typed actions (see `tabkeep.actions`).

        With `browser_session_id` it waits its turn in that session and goes on where the last run ended, on the
        current page unless `url` is given. Without, it gets a session of its own, opened as `browser_session` says
        and closed afterwards. With `wait_for_completion` the final run is returned, however it ended: look at its
        `status` or call `raise_for_failure`. When the waiting is given up, the run goes on. `planner` says who turns
        the prompt into steps, `irreversible_policy` what happens before paying, ordering, deleting and sending,
        `replay_mode` whether recordings are used and made; `webhook_url` is told of the run's end. The console, the
        requests and moving pictures of its pages become artifacts of the run where asked for.

        Raises:
            InvalidArgument: a field is wrong; nothing was stored.
            SessionClosed: the session takes no more runs.
            SessionBusy: another run has its turn, and `fail_if_busy` is set.
            QueueFull: too many runs wait in the session.
        """
        request = runs_pb2.RunTaskRequest(
            prompt=prompt or "",
            actions=actions,
            url=url or "",
            browser_session_id=browser_session_id or "",
            browser_profile_id=browser_profile_id or "",
            max_steps=max_steps or 0,
            fail_if_busy=fail_if_busy,
            labels=dict(labels or {}),
            record_console=record_console,
            record_network=record_network,
            screen_recording=_screen_recording(screen_recording),
            webhook_url=webhook_url or "",
            request_id=request_id or _new_request_id(),
        )
        if data_extraction_schema is not None:
            request.data_extraction_schema.CopyFrom(wire.to_struct(data_extraction_schema))
        if replay_mode is not None:
            request.replay_mode = wire.enum_to_proto(ReplayMode, replay_mode)
        _set_run_options(request, browser_session, timeout, screenshots, planner, irreversible_policy)
        answer = await self._calls.unary("RunService/RunTask", request, runs_pb2.RunTaskResponse)
        run = wire.run(answer.run)
        return await self.wait_for_run(run.run_id) if wait_for_completion and not run.is_final else run

    async def run_workflow(
        self,
        workflow_id: str,
        *,
        parameters: Mapping[str, Any] | None = None,
        workflow_version: int | None = None,
        browser_session_id: str | None = None,
        browser_profile_id: str | None = None,
        browser_session: BrowserSessionOptions | None = None,
        max_steps: int | None = None,
        timeout: timedelta | None = None,
        fail_if_busy: bool = False,
        labels: Mapping[str, str] | None = None,
        screenshots: ScreenshotMode | str | None = None,
        record_console: bool = False,
        record_network: bool = False,
        screen_recording: ScreenRecording | bool = False,
        planner: Planner | str | None = None,
        irreversible_policy: IrreversiblePolicy | str | None = None,
        webhook_url: str | None = None,
        request_id: str | None = None,
        wait_for_completion: bool = False,
    ) -> Run:
        """Run a stored workflow, its newest version unless `workflow_version` says which; see `run_task`.

        Raises:
            NotFound: no such workflow or session in the caller's organization.
            InvalidArgument: a parameter is missing, unknown or of the wrong type; nothing was stored.
        """
        request = runs_pb2.RunWorkflowRequest(
            workflow_id=workflow_id,
            workflow_version=workflow_version or 0,
            browser_session_id=browser_session_id or "",
            browser_profile_id=browser_profile_id or "",
            max_steps=max_steps or 0,
            fail_if_busy=fail_if_busy,
            labels=dict(labels or {}),
            record_console=record_console,
            record_network=record_network,
            screen_recording=_screen_recording(screen_recording),
            webhook_url=webhook_url or "",
            request_id=request_id or _new_request_id(),
        )
        if parameters is not None:
            request.parameters.CopyFrom(wire.to_struct(parameters))
        _set_run_options(request, browser_session, timeout, screenshots, planner, irreversible_policy)
        answer = await self._calls.unary("RunService/RunWorkflow", request, runs_pb2.RunWorkflowResponse)
        run = wire.run(answer.run)
        return await self.wait_for_run(run.run_id) if wait_for_completion and not run.is_final else run

    async def get_run(self, run_id: str, *, wait_timeout: timedelta | None = None) -> Run:
        """Return a run; with `wait_timeout` (at most 10 minutes) not before it is final or that time is over.

        Raises:
            NotFound: no such run in the caller's organization.
        """
        request = runs_pb2.GetRunRequest(run_id=run_id)
        if wait_timeout is not None:
            request.wait_timeout.CopyFrom(wire.to_duration(wait_timeout, "wait_timeout"))
        held = wait_timeout.total_seconds() if wait_timeout else 0.0
        answer = await self._calls.unary("RunService/GetRun", request, runs_pb2.GetRunResponse, extra_seconds=held)
        return wire.run(answer.run)

    async def wait_for_run(self, run_id: str, *, timeout: timedelta | None = None) -> Run:
        """Return a run when it is final; without `timeout`, however long that takes (a paused run waits for a person).

        Raises:
            DeadlineExceeded: RUN_NOT_FINAL, the timeout is over and the run goes on.
            NotFound: no such run in the caller's organization.
        """
        loop = asyncio.get_running_loop()
        give_up = None if timeout is None else loop.time() + timeout.total_seconds()
        while True:
            left = HELD_CALL if give_up is None else timedelta(seconds=max(0.0, give_up - loop.time()))
            run = await self.get_run(run_id, wait_timeout=min(left, HELD_CALL))
            if run.is_final:
                return run
            if give_up is not None and loop.time() >= give_up:
                message = f"run {run_id} is still {run.status} after {timeout}: wait again or cancel it"
                raise DeadlineExceeded(message, code="DEADLINE_EXCEEDED", reason="RUN_NOT_FINAL")

    async def list_runs(
        self,
        *,
        browser_session_id: str | None = None,
        workflow_id: str | None = None,
        statuses: Iterable[RunStatus | str] = (),
        page_size: int = _PAGE_SIZE,
    ) -> AsyncIterator[Run]:
        """Yield the organization's runs, newest first; pages are fetched as they are needed."""
        request = runs_pb2.ListRunsRequest(
            page_size=page_size,
            browser_session_id=browser_session_id or "",
            workflow_id=workflow_id or "",
            statuses=[wire.enum_to_proto(RunStatus, status) for status in statuses],
        )
        while True:
            page = await self._calls.unary("RunService/ListRuns", request, runs_pb2.ListRunsResponse)
            for run in page.runs:
                yield wire.run(run)
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def watch_run(self, run_id: str, *, after_seq: int = 0) -> AsyncGenerator[RunUpdate, None]:
        """Yield the run's events from `after_seq` + 1 on, each exactly once and in order, and the run as it changes.

        Ends after the final run. A broken connection is made again, from the last event received; only after the
        retry policy's `watch_patience` without anything new its error is raised.

        Raises:
            NotFound: no such run in the caller's organization.
            OutOfRange: `after_seq` is larger than the last event's seq.
        """
        updates = watching.watch_run(self._calls, run_id, after_seq)
        async with aclosing(updates):
            async for update in updates:
                yield update

    async def cancel_run(self, run_id: str) -> Run:
        """End a run: at once if it waits, else at the next step, at the latest 5 seconds later.

        Raises:
            NotFound: no such run in the caller's organization.
        """
        request = runs_pb2.CancelRunRequest(run_id=run_id)
        answer = await self._calls.unary("RunService/CancelRun", request, runs_pb2.CancelRunResponse)
        return wire.run(answer.run)

    async def resolve_approval(self, run_id: str, approval_id: str, approved: bool, *, comment: str = "") -> Run:
        """Answer what a paused run asks (`run.pending_approval`); `comment` says who answers and why.

        Raises:
            NoApprovalPending: the run does not wait for this approval.
        """
        request = runs_pb2.ResolveApprovalRequest(
            run_id=run_id, approval_id=approval_id, approved=approved, comment=comment
        )
        answer = await self._calls.unary("RunService/ResolveApproval", request, runs_pb2.ResolveApprovalResponse)
        return wire.run(answer.run)

    # Artifacts.

    async def get_artifact(self, artifact_id: str) -> bytes:
        """Return an artifact's bytes, checked against its checksum.

        Raises:
            NotFound: no such artifact in the caller's organization, not arrived yet, or its bytes have expired.
            FailedPrecondition: its bytes were never taken.
            DataLoss: the bytes are not those that were stored.
        """
        return (await self.fetch_artifact(artifact_id))[1]

    async def fetch_artifact(self, artifact_id: str) -> tuple[Artifact, bytes]:
        """Return an artifact's record and its bytes; raises like `get_artifact`."""
        failures = 0
        while True:
            try:
                return await self._get_artifact(artifact_id)
            except TabkeepError as error:
                failures += 1
                if not self._calls.broken(error) or failures >= self._calls.retry.max_attempts:
                    raise
                await self._calls.pause(failures, error)

    async def capture_page(
        self, browser_session_id: str, artifact_type: ArtifactType | str = ArtifactType.SCREENSHOT
    ) -> Artifact:
        """Take a picture of what a live session's page shows, or print it (`"pdf"`); `get_artifact` has the bytes.

        Raises:
            NotFound: no such session in the caller's organization.
            FailedPrecondition: it is not running, or its page did not answer.
            Unavailable: its host cannot be reached.
            ValueError: the artifact_type is unknown.
        """
        request = artifacts_pb2.CapturePageRequest(
            browser_session_id=browser_session_id, artifact_type=wire.enum_to_proto(ArtifactType, artifact_type)
        )
        answer = await self._calls.unary("ArtifactService/CapturePage", request, artifacts_pb2.CapturePageResponse)
        return wire.artifact(answer.artifact)

    async def list_artifacts(
        self,
        run_id: str | None = None,
        *,
        browser_session_id: str | None = None,
        artifact_types: Iterable[ArtifactType | str] = (),
    ) -> list[Artifact]:
        """Return the artifacts of a run, or of a session and its runs, in the order of their creation.

        Raises:
            NotFound: no such run or session in the caller's organization.
            InvalidArgument: neither or both are given.
            ValueError: an artifact_type is unknown.
        """
        request = artifacts_pb2.ListArtifactsRequest(
            run_id=run_id or "",
            browser_session_id=browser_session_id or "",
            artifact_types=[wire.enum_to_proto(ArtifactType, one) for one in artifact_types],
        )
        answer = await self._calls.unary("ArtifactService/ListArtifacts", request, artifacts_pb2.ListArtifactsResponse)
        return [wire.artifact(artifact) for artifact in answer.artifacts]

    # Files for runs to give to pages.

    async def upload_file(
        self,
        source: Path | str | bytes,
        *,
        file_name: str | None = None,
        content_type: str | None = None,
        request_id: str | None = None,
    ) -> File:
        """Store a file, at most 64 MiB: one on this machine by its path, or these bytes, which need a `file_name`.

        Its checksum is compared with what arrives. `content_type` is guessed from the name when not given.

        Raises:
            OSError: it cannot be read.
            InvalidArgument: a field is wrong, or it is too large; nothing was stored.
            FileQuotaFull: the organization's files are too many, or take too much space.
        """
        upload = await asyncio.to_thread(_open_upload, source, file_name, content_type)
        upload.header.request_id = request_id or _new_request_id()
        answer = await self._calls.upload("FileService/UploadFile", upload.requests, files_pb2.UploadFileResponse)
        return wire.file(answer.file)

    async def get_file(self, file_id: str) -> bytes:
        """Return a file's bytes, checked against its checksum.

        Raises:
            NotFound: no such file in the caller's organization.
            DataLoss: the bytes are not those that were stored.
        """
        return (await self.fetch_file(file_id))[1]

    async def fetch_file(self, file_id: str) -> tuple[File, bytes]:
        """Return a file's record and its bytes; raises like `get_file`."""
        failures = 0
        while True:
            try:
                return await self._get_file(file_id)
            except TabkeepError as error:
                failures += 1
                if not self._calls.broken(error) or failures >= self._calls.retry.max_attempts:
                    raise
                await self._calls.pause(failures, error)

    async def list_files(self, *, file_name: str | None = None, page_size: int = _PAGE_SIZE) -> AsyncIterator[File]:
        """Yield the organization's files, or those of exactly this name, newest first."""
        request = files_pb2.ListFilesRequest(page_size=page_size, file_name=file_name or "")
        while True:
            page = await self._calls.unary("FileService/ListFiles", request, files_pb2.ListFilesResponse)
            for file in page.files:
                yield wire.file(file)
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def delete_file(self, file_id: str) -> None:
        """Delete a file; what runs have given to pages stays with them.

        Raises:
            NotFound: no such file, or it was deleted before, perhaps by a first try of this call.
        """
        request = files_pb2.DeleteFileRequest(file_id=file_id)
        await self._calls.unary("FileService/DeleteFile", request, files_pb2.DeleteFileResponse)

    # Workflows.

    async def create_workflow(
        self, definition: str, *, workflow_id: str | None = None, request_id: str | None = None
    ) -> Workflow:
        """Store a definition (YAML or JSON) as version 1 of a new workflow.

        Raises:
            InvalidArgument: `field_violations` have the line and path of each mistake.
            WorkflowExists: the `workflow_id` is taken.
        """
        request = workflows_pb2.CreateWorkflowRequest(
            definition=definition, workflow_id=workflow_id or "", request_id=request_id or _new_request_id()
        )
        answer = await self._calls.unary(
            "WorkflowService/CreateWorkflow", request, workflows_pb2.CreateWorkflowResponse
        )
        return wire.workflow(answer.workflow)

    async def get_workflow(self, workflow_id: str, *, version: int | None = None) -> Workflow:
        """Return one version of a workflow, the newest one unless told.

        Raises:
            NotFound: no such workflow or version in the caller's organization.
        """
        request = workflows_pb2.GetWorkflowRequest(workflow_id=workflow_id, version=version or 0)
        answer = await self._calls.unary("WorkflowService/GetWorkflow", request, workflows_pb2.GetWorkflowResponse)
        return wire.workflow(answer.workflow)

    async def list_workflows(self, *, page_size: int = _PAGE_SIZE) -> AsyncIterator[Workflow]:
        """Yield the newest version of each of the organization's workflows, newest workflow first."""
        request = workflows_pb2.ListWorkflowsRequest(page_size=page_size)
        while True:
            page = await self._calls.unary(
                "WorkflowService/ListWorkflows", request, workflows_pb2.ListWorkflowsResponse
            )
            for workflow in page.workflows:
                yield wire.workflow(workflow)
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def update_workflow(
        self, workflow_id: str, definition: str, *, expected_version: int | None = None
    ) -> Workflow:
        """Store a definition as the next version; runs that have begun keep theirs.

        With `expected_version` it replaces that version and no other, and the call is repeated when the connection
        breaks. Without, it is not: a second try could store the same definition twice.

        Raises:
            VersionConflict: `expected_version` is not the newest, perhaps because a first try did store it.
            InvalidArgument: `field_violations` have the line and path of each mistake.
        """
        request = workflows_pb2.UpdateWorkflowRequest(
            workflow_id=workflow_id, definition=definition, expected_version=expected_version or 0
        )
        answer = await self._calls.unary(
            "WorkflowService/UpdateWorkflow",
            request,
            workflows_pb2.UpdateWorkflowResponse,
            safe=bool(expected_version),
        )
        return wire.workflow(answer.workflow)

    async def delete_workflow(self, workflow_id: str) -> None:
        """Delete a workflow: it takes no more runs.

        Raises:
            NotFound: no such workflow, or it was deleted before, perhaps by a first try of this call.
        """
        request = workflows_pb2.DeleteWorkflowRequest(workflow_id=workflow_id)
        await self._calls.unary("WorkflowService/DeleteWorkflow", request, workflows_pb2.DeleteWorkflowResponse)

    # Hosts and keys: for keys with the operator scope; others get PermissionDenied.

    async def list_hosts(self) -> list[Host]:
        """Return all hosts that ever attached and were not gone for more than 24 hours."""
        answer = await self._calls.unary(
            "HostService/ListHosts", hosts_pb2.ListHostsRequest(), hosts_pb2.ListHostsResponse
        )
        return [wire.host(host) for host in answer.hosts]

    async def get_host(self, host_id: str) -> Host:
        """Return one host; NotFound when it never attached."""
        request = hosts_pb2.GetHostRequest(host_id=host_id)
        answer = await self._calls.unary("HostService/GetHost", request, hosts_pb2.GetHostResponse)
        return wire.host(answer.host)

    async def drain_host(self, host_id: str, *, drain_timeout: timedelta | None = None) -> Host:
        """Take a host out of service; its sessions may go on for `drain_timeout`, 10 minutes when not given.

        Raises:
            HostNotAttached: it is lost or gone.
        """
        request = hosts_pb2.DrainHostRequest(host_id=host_id)
        if drain_timeout is not None:
            request.drain_timeout.CopyFrom(wire.to_duration(drain_timeout, "drain_timeout"))
        answer = await self._calls.unary("HostService/DrainHost", request, hosts_pb2.DrainHostResponse)
        return wire.host(answer.host)

    async def release_host(self, host_id: str) -> Host:
        """End a host's quarantine; one that is in none is returned as it is. NotFound when it never attached."""
        request = hosts_pb2.ReleaseHostRequest(host_id=host_id)
        answer = await self._calls.unary("HostService/ReleaseHost", request, hosts_pb2.ReleaseHostResponse)
        return wire.host(answer.host)

    async def create_key(
        self,
        *,
        organization_id: str | None = None,
        scope: KeyScope | str = KeyScope.API,
        display_name: str = "",
        host_id: str | None = None,
    ) -> CreatedKey:
        """Make a key; its text is in the answer and shown nowhere else. A host token has no organization.

        `host_id` names the host that a host token is for, "*" any; without, it is the first one's that attaches with
        it.
        Not repeated when the connection breaks: that would make another key.
        """
        request = keys_pb2.CreateKeyRequest(
            organization_id=organization_id or "",
            scope=wire.enum_to_proto(KeyScope, scope),
            display_name=display_name,
            host_id=host_id or "",
        )
        answer = await self._calls.unary("KeyService/CreateKey", request, keys_pb2.CreateKeyResponse)
        return wire.created_key(answer)

    async def list_keys(self) -> list[Key]:
        """Return all keys without their texts, newest first."""
        answer = await self._calls.unary("KeyService/ListKeys", keys_pb2.ListKeysRequest(), keys_pb2.ListKeysResponse)
        return [wire.key(key) for key in answer.keys]

    async def revoke_key(self, key_id: str) -> Key:
        """Revoke a key: calls with it are refused from now on.

        Raises:
            LastOperatorKey: nobody could make keys any more.
        """
        request = keys_pb2.RevokeKeyRequest(key_id=key_id)
        answer = await self._calls.unary("KeyService/RevokeKey", request, keys_pb2.RevokeKeyResponse)
        return wire.key(answer.key)

    # Usage and webhooks.

    async def create_credential(
        self,
        origin: str,
        username: str,
        password: str,
        *,
        totp_secret: str | None = None,
        request_id: str | None = None,
    ) -> Credential:
        """Store a login for the origin of a URL; nobody can read its password again.

        `totp_secret` is the base32 seed of its one-time codes, if it has any.

        Raises:
            InvalidArgument: a field is wrong.
            AlreadyExists: there is one for this origin and username.
        """
        request = credentials_pb2.CreateCredentialRequest(
            origin=origin,
            username=username,
            password=password,
            totp_secret=totp_secret or "",
            request_id=request_id or _new_request_id(),
        )
        answer = await self._calls.unary(
            "CredentialService/CreateCredential", request, credentials_pb2.CreateCredentialResponse
        )
        return wire.credential(answer.credential)

    async def list_credentials(self, origin: str | None = None) -> list[Credential]:
        """Return the stored logins, or those for the origin of a URL."""
        request = credentials_pb2.ListCredentialsRequest(origin=origin or "")
        answer = await self._calls.unary(
            "CredentialService/ListCredentials", request, credentials_pb2.ListCredentialsResponse
        )
        return [wire.credential(one) for one in answer.credentials]

    async def delete_credential(self, credential_id: str) -> None:
        """Delete a stored login.

        Raises:
            NotFound: no such credential in the caller's organization.
        """
        request = credentials_pb2.DeleteCredentialRequest(credential_id=credential_id)
        await self._calls.unary("CredentialService/DeleteCredential", request, credentials_pb2.DeleteCredentialResponse)

    async def list_recordings(
        self, *, origin: str | None = None, page_size: int = _PAGE_SIZE
    ) -> AsyncIterator[Recording]:
        """Yield what is recorded, or what is for the site of a URL, without its parts, newest first."""
        request = recordings_pb2.ListRecordingsRequest(page_size=page_size, origin=origin or "")
        while True:
            page = await self._calls.unary(
                "RecordingService/ListRecordings", request, recordings_pb2.ListRecordingsResponse
            )
            for one in page.recordings:
                yield wire.recording(one)
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def get_recording(self, recording_id: str) -> Recording:
        """Return a recording with its parts.

        Raises:
            NotFound: no such recording in the caller's organization.
        """
        request = recordings_pb2.GetRecordingRequest(recording_id=recording_id)
        answer = await self._calls.unary("RecordingService/GetRecording", request, recordings_pb2.GetRecordingResponse)
        return wire.recording(answer.recording)

    async def delete_recording(self, recording_id: str) -> None:
        """Delete a recording; the next success records anew.

        Raises:
            NotFound: no such recording in the caller's organization.
        """
        request = recordings_pb2.DeleteRecordingRequest(recording_id=recording_id)
        await self._calls.unary("RecordingService/DeleteRecording", request, recordings_pb2.DeleteRecordingResponse)

    async def export_recording(
        self, recording_id: str, export_format: RecordingFormat | str = RecordingFormat.WORKFLOW_YAML
    ) -> ExportedRecording:
        """Return a recording as a workflow's definition, or as a script for Playwright alone.

        Raises:
            NotFound: no such recording in the caller's organization.
            FailedPrecondition: the format cannot say a part of it.
        """
        request = recordings_pb2.ExportRecordingRequest(
            recording_id=recording_id, format=wire.enum_to_proto(RecordingFormat, export_format)
        )
        answer = await self._calls.unary(
            "RecordingService/ExportRecording", request, recordings_pb2.ExportRecordingResponse
        )
        return wire.exported_recording(answer)

    async def get_usage(self, month: str | None = None, *, organization_id: str | None = None) -> Usage:
        """Return what an organization used in a month ("2026-11", in UTC; the present one unless told).

        Raises:
            InvalidArgument: not a month.
            PermissionDenied: another organization's usage, asked for without the operator scope.
        """
        request = usage_pb2.GetUsageRequest(month=month or "", organization_id=organization_id or "")
        answer = await self._calls.unary("UsageService/GetUsage", request, usage_pb2.GetUsageResponse)
        return wire.usage(answer.usage)

    async def list_webhook_deliveries(
        self,
        *,
        run_id: str | None = None,
        states: Iterable[WebhookDeliveryState | str] = (),
        page_size: int = _PAGE_SIZE,
    ) -> AsyncIterator[WebhookDelivery]:
        """Yield the organization's webhook deliveries without their attempts, newest first."""
        request = webhooks_pb2.ListWebhookDeliveriesRequest(
            page_size=page_size,
            run_id=run_id or "",
            states=[wire.enum_to_proto(WebhookDeliveryState, state) for state in states],
        )
        while True:
            page = await self._calls.unary(
                "WebhookService/ListWebhookDeliveries", request, webhooks_pb2.ListWebhookDeliveriesResponse
            )
            for delivery in page.webhook_deliveries:
                yield wire.webhook_delivery(delivery)
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def get_webhook_delivery(self, webhook_delivery_id: str) -> WebhookDelivery:
        """Return a delivery with all its attempts.

        Raises:
            NotFound: no such delivery in the caller's organization.
        """
        request = webhooks_pb2.GetWebhookDeliveryRequest(webhook_delivery_id=webhook_delivery_id)
        answer = await self._calls.unary(
            "WebhookService/GetWebhookDelivery", request, webhooks_pb2.GetWebhookDeliveryResponse
        )
        return wire.webhook_delivery(answer.webhook_delivery)

    async def replay_webhook(
        self, run_id: str, *, webhook_url: str | None = None, wait_timeout: timedelta | None = None
    ) -> WebhookDelivery:
        """Tell the end of a run again, where its last delivery went unless `webhook_url` says otherwise.

        With `wait_timeout` (at most 30 s) the answer has the first attempt in it.

        Raises:
            FailedPrecondition: the run is not final, or has no webhook.
        """
        request = webhooks_pb2.ReplayWebhookRequest(run_id=run_id, webhook_url=webhook_url or "")
        if wait_timeout is not None:
            request.wait_timeout.CopyFrom(wire.to_duration(wait_timeout, "wait_timeout"))
        answer = await self._calls.unary(
            "WebhookService/ReplayWebhook",
            request,
            webhooks_pb2.ReplayWebhookResponse,
            extra_seconds=wait_timeout.total_seconds() if wait_timeout else 0.0,
        )
        return wire.webhook_delivery(answer.webhook_delivery)

    async def get_webhook_secret(self) -> str:
        """Return the secret under which the organization's webhooks carry `webhook-signature`."""
        answer = await self._calls.unary(
            "WebhookService/GetWebhookSecret",
            webhooks_pb2.GetWebhookSecretRequest(),
            webhooks_pb2.GetWebhookSecretResponse,
        )
        return answer.secret

    async def _close_quietly(self, session: BrowserSession) -> TabkeepError | None:
        try:
            await self.close_browser_session(session.browser_session_id)
        except TabkeepError as error:
            fields = {"browser_session_id": session.browser_session_id, "code": error.code, "reason": error.reason}
            logger.warning("session not closed", extra=fields)
            return error
        return None

    async def _get_artifact(self, artifact_id: str) -> tuple[Artifact, bytes]:
        request = artifacts_pb2.GetArtifactRequest(artifact_id=artifact_id)
        record: artifacts_pb2.Artifact | None = None
        data = bytearray()
        answers = self._calls.stream("ArtifactService/GetArtifact", request, artifacts_pb2.GetArtifactResponse)
        async with aclosing(answers) as stream:
            async for part in stream:
                if part.HasField("artifact"):
                    record = part.artifact
                else:
                    data += part.chunk
        if record is None or len(data) != record.size or hashlib.sha256(data).hexdigest() != record.sha256:
            message = f"artifact {artifact_id} arrived damaged: {len(data)} bytes do not match its record"
            raise DataLoss(message, code="DATA_LOSS", reason="ARTIFACT_DAMAGED")
        return wire.artifact(record), bytes(data)

    async def _get_file(self, file_id: str) -> tuple[File, bytes]:
        request = files_pb2.GetFileRequest(file_id=file_id)
        record: files_pb2.File | None = None
        data = bytearray()
        answers = self._calls.stream("FileService/GetFile", request, files_pb2.GetFileResponse)
        async with aclosing(answers) as stream:
            async for part in stream:
                if part.HasField("file"):
                    record = part.file
                else:
                    data += part.chunk
        if record is None or len(data) != record.size or hashlib.sha256(data).hexdigest() != record.sha256:
            message = f"file {file_id} arrived damaged: {len(data)} bytes do not match its record"
            raise DataLoss(message, code="DATA_LOSS", reason="FILE_DAMAGED")
        return wire.file(record), bytes(data)

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


def _set_run_options(
    request: runs_pb2.RunTaskRequest | runs_pb2.RunWorkflowRequest,
    browser_session: BrowserSessionOptions | None,
    timeout: timedelta | None,
    screenshots: ScreenshotMode | str | None,
    planner: Planner | str | None,
    irreversible_policy: IrreversiblePolicy | str | None,
) -> None:
    if browser_session is not None:
        request.browser_session.CopyFrom(wire.to_create_session(browser_session))
    if timeout is not None:
        request.timeout.CopyFrom(wire.to_duration(timeout, "timeout"))
    if screenshots is not None:
        request.screenshots = wire.enum_to_proto(ScreenshotMode, screenshots)
    if planner is not None:
        request.planner = wire.enum_to_proto(Planner, planner)
    if irreversible_policy is not None:
        request.irreversible_policy = wire.enum_to_proto(IrreversiblePolicy, irreversible_policy)


def _screen_recording(wanted: ScreenRecording | bool) -> runs_pb2.ScreenRecording | None:
    if not wanted:
        return None
    return wire.to_screen_recording(ScreenRecording() if isinstance(wanted, bool) else wanted)


@dataclass(frozen=True, slots=True)
class _Upload:
    """What is to be sent of a file, as often as it takes."""

    source: Path | bytes
    header: files_pb2.FileHeader

    async def requests(self) -> AsyncIterator[files_pb2.UploadFileRequest]:
        yield files_pb2.UploadFileRequest(header=self.header)
        with await asyncio.to_thread(_opened, self.source) as file:
            while chunk := await asyncio.to_thread(file.read, _CHUNK_BYTES):
                yield files_pb2.UploadFileRequest(chunk=chunk)


def _opened(source: Path | bytes) -> BinaryIO:
    return BytesIO(source) if isinstance(source, bytes) else source.open("rb")


def _open_upload(source: Path | str | bytes, file_name: str | None, content_type: str | None) -> _Upload:
    if isinstance(source, bytes):
        if not file_name:
            raise ValueError("bytes have no name: give a file_name")
        where: Path | bytes = source
        sha256, size = hashlib.sha256(source).hexdigest(), len(source)
    else:
        where = Path(source)
        file_name = file_name or where.name
        with where.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            size = file.tell()
    guessed = content_type or mimetypes.guess_type(file_name)[0] or ""
    return _Upload(where, files_pb2.FileHeader(file_name=file_name, content_type=guessed, size=size, sha256=sha256))


async def _to_the_end(work: Awaitable[_T], *, undo: Any = None) -> _T:
    """Await `work` to its end even when the caller is cancelled meanwhile, then let the cancellation go on.

    `undo` is called with the result in that case. Calls are bounded by their timeouts, so this is too.
    """
    task = asyncio.ensure_future(work)
    cancellation: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            if task.cancelled():
                raise
            cancellation = error
        except BaseException:
            break
    if cancellation is None:
        return task.result()
    if undo is not None and not task.cancelled() and task.exception() is None:
        await _to_the_end(undo(task.result()))
    raise cancellation


def _new_request_id() -> str:
    return str(uuid.uuid4())
