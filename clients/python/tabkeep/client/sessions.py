"""Calls about browser sessions."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import timedelta

from tabkeep import watching, wire
from tabkeep.client.cancellation import to_the_end
from tabkeep.client.connection import PAGE_SIZE, Connection, new_request_id
from tabkeep.errors import TabkeepError
from tabkeep.records.sessions import (
    BrowserPage,
    BrowserSession,
    BrowserSessionOptions,
    BrowserSessionState,
    BrowserSessionUpdate,
    BrowserType,
    CrashPolicy,
    DialogPolicy,
    HttpCredential,
    PermissionGrant,
    Proxy,
    TakeOverLink,
    Viewport,
)
from tabkeep.v1 import browser_sessions_pb2

logger = logging.getLogger(__name__)


class SessionCalls(Connection):
    """Calls about browser sessions."""

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
        request = wire.to_create_session(options, request_id or new_request_id())
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
        session = await to_the_end(
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
            if problem := await to_the_end(self._close_quietly(session)):
                error.add_note(f"browser session {session.browser_session_id} could not be closed: {problem}")
            raise
        else:
            await to_the_end(self.close_browser_session(session.browser_session_id))

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
        page_size: int = PAGE_SIZE,
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

    async def _close_quietly(self, session: BrowserSession) -> TabkeepError | None:
        try:
            await self.close_browser_session(session.browser_session_id)
        except TabkeepError as error:
            fields = {"browser_session_id": session.browser_session_id, "code": error.code, "reason": error.reason}
            logger.warning("session not closed", extra=fields)
            return error
        return None
