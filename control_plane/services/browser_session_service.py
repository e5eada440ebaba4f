"""BrowserSessionService: convert, move or read, convert back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import grpc
from tabkeep import telemetry
from tabkeep.v1 import browser_sessions_pb2 as pb
from tabkeep.v1 import browser_sessions_pb2_grpc as pb_grpc

from control_plane import networks, page_options
from control_plane.coordinator import Coordinator
from control_plane.entities.hosts import Host
from control_plane.entities.sessions import Session, SessionState
from control_plane.errors import PreconditionFailed, Unavailable
from control_plane.fields import Fields
from control_plane.http.cdp_socket import path_of
from control_plane.http.take_over_links import LONGEST, SHORTEST, USUAL, TakeOverLinks
from control_plane.interceptors import caller
from control_plane.moves import session_moves
from control_plane.moves.session_moves import Shown
from control_plane.networks import Networks
from control_plane.page_options import PageSettings
from control_plane.page_tokens import PageTokens
from control_plane.store import SessionFilter, Tables
from control_plane.wire import session_wire
from control_plane.wire.request_ids import request_id

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
_PAGE_FIELDS = ("current_url", "page_title", "tab_count")


class BrowserSessionService(pb_grpc.BrowserSessionServiceServicer):
    """See the proto for what each call does."""

    def __init__(
        self,
        coordinator: Coordinator,
        page_tokens: PageTokens,
        take_overs: TakeOverLinks,
        networks: Networks,
        page_settings: PageSettings,
    ) -> None:
        self._coordinator = coordinator
        self._take_overs = take_overs
        self._database = coordinator.database
        self._page_tokens = page_tokens
        self._networks = networks
        self._page_settings = page_settings

    def _proto(
        self, session: Session, host: Host | None = None, timeout_unconfirmed: datetime | None = None
    ) -> pb.BrowserSession:
        proto = session_wire.browser_session(session, host, timeout_unconfirmed)
        gateway = self._coordinator.gateway_url
        if gateway and session.state is SessionState.RUNNING:
            proto.cdp_url = f"ws{gateway.removeprefix('http').rstrip('/')}{path_of(session.browser_session_id)}"
        return proto

    async def CreateBrowserSession(
        self, request: pb.CreateBrowserSessionRequest, context: Context
    ) -> pb.CreateBrowserSessionResponse:
        fields, organization_id = Fields(), caller.get().organization_id
        spec = session_wire.session_spec(fields, request, organization_id, telemetry.inject())
        spec = self._networks.of_new(fields, spec, request)
        spec = self._page_settings.of_new(fields, spec, request)
        again = request_id(fields, organization_id, "CreateBrowserSession", request)
        fields.raise_if_wrong()
        shown = await self._coordinator.admit(lambda tx: session_moves.shown(tx, session_moves.create(tx, spec, again)))
        return pb.CreateBrowserSessionResponse(browser_session=self._proto(*shown))

    async def GetBrowserSession(
        self, request: pb.GetBrowserSessionRequest, context: Context
    ) -> pb.GetBrowserSessionResponse:
        return pb.GetBrowserSessionResponse(browser_session=self._proto(*await self._read(request.browser_session_id)))

    async def ListBrowserSessions(
        self, request: pb.ListBrowserSessionsRequest, context: Context
    ) -> pb.ListBrowserSessionsResponse:
        fields, organization_id = Fields(), caller.get().organization_id
        size = fields.page_size(request.page_size)
        states = session_wire.session_states(fields, request.states)
        matching = SessionFilter(states, fields.labels("labels", request.labels))
        before = self._page_tokens.read(fields, request, organization_id)
        fields.raise_if_wrong()

        def query(tables: Tables) -> list[Shown]:
            sessions = tables.sessions.page(organization_id, matching, before, size + 1)
            return [session_moves.shown(tables, session) for session in sessions]

        found = await self._database.read(query)
        last = found[size - 1].session.browser_session_id if len(found) > size else ""
        return pb.ListBrowserSessionsResponse(
            browser_sessions=[self._proto(*one) for one in found[:size]],
            next_page_token=self._page_tokens.make(request, organization_id, last),
        )

    async def WatchBrowserSession(
        self, request: pb.WatchBrowserSessionRequest, context: Context
    ) -> AsyncIterator[pb.WatchBrowserSessionResponse]:
        fields = Fields()
        warn_before = fields.duration(request, "expiry_warning", timedelta(), timedelta(hours=1), timedelta(minutes=1))
        fields.raise_if_wrong()
        feed, clock = self._coordinator.feed, self._coordinator.clock
        organization_id = caller.get().organization_id
        sent: pb.BrowserSession | None = None
        warned_of = None
        with feed.watch(request.browser_session_id) as changed:
            while True:
                changed.clear()
                shown = await self._read(request.browser_session_id, organization_id)
                session, now = shown.session, self._proto(*shown)
                if (change := _change(sent, now)) is not None:
                    yield pb.WatchBrowserSessionResponse(change=change, browser_session=now)
                sent = now
                if not session.open:
                    return
                if feed.closing:
                    raise Unavailable("the control plane is being stopped: watch again soon", reason="DRAINING")
                warn_at = session.expire_time - warn_before if session.expire_time else None
                if warn_at is not None and warn_at <= clock.now() and warned_of != session.expire_time:
                    warned_of = session.expire_time
                    yield pb.WatchBrowserSessionResponse(
                        change=pb.BROWSER_SESSION_CHANGE_EXPIRY_WARNING, browser_session=now
                    )
                pause = None
                if warn_at is not None and warned_of != session.expire_time:
                    pause = max((warn_at - clock.now()).total_seconds(), 0)
                try:
                    async with asyncio.timeout(pause):
                        await changed.wait()
                except TimeoutError:
                    continue

    async def ExtendBrowserSession(
        self, request: pb.ExtendBrowserSessionRequest, context: Context
    ) -> pb.ExtendBrowserSessionResponse:
        fields = Fields()
        timeout = session_wire.session_timeout(fields, request)
        fields.raise_if_wrong()
        whose = (caller.get().organization_id, request.browser_session_id)
        shown = await self._coordinator.move(
            lambda tx: session_moves.shown(tx, session_moves.extend(tx, *whose, timeout))
        )
        return pb.ExtendBrowserSessionResponse(browser_session=self._proto(*shown))

    async def UpdateBrowserSession(
        self, request: pb.UpdateBrowserSessionRequest, context: Context
    ) -> pb.UpdateBrowserSessionResponse:
        def change(session: Session) -> Session:
            fields = Fields()
            paths = fields.update_mask(request.update_mask, (*networks.CHANGEABLE, *page_options.CHANGEABLE))
            changed = self._networks.changed(fields, session, request, paths)
            changed = self._page_settings.changed(fields, changed, request, paths)
            fields.raise_if_wrong()
            return changed

        whose = (caller.get().organization_id, request.browser_session_id)
        shown = await self._coordinator.move(
            lambda tx: session_moves.shown(tx, session_moves.change_settings(tx, *whose, change))
        )
        return pb.UpdateBrowserSessionResponse(browser_session=self._proto(*shown))

    async def ListPages(self, request: pb.ListPagesRequest, context: Context) -> pb.ListPagesResponse:
        session = (await self._read(request.browser_session_id)).session
        return pb.ListPagesResponse.FromString(session.pages)

    async def CreateTakeOverLink(
        self, request: pb.CreateTakeOverLinkRequest, context: Context
    ) -> pb.CreateTakeOverLinkResponse:
        fields = Fields()
        lifetime = fields.duration(request, "lifetime", SHORTEST, LONGEST, USUAL)
        fields.raise_if_wrong()
        link, expire_time = self._take_overs.make(request.browser_session_id, caller.get(), lifetime)
        session_moves.refuse_closed((await self._read(request.browser_session_id)).session)
        gateway = self._coordinator.gateway_url
        if not gateway:
            raise PreconditionFailed(
                "the control plane serves no HTTP, and so no page to take over on: set TABKEEP_HTTP_ADDRESS",
                reason="HTTP_NOT_SERVED",
            )
        answer = pb.CreateTakeOverLinkResponse(url=f"{gateway.rstrip('/')}{link}")
        answer.expire_time.FromDatetime(expire_time)
        return answer

    async def CloseBrowserSession(
        self, request: pb.CloseBrowserSessionRequest, context: Context
    ) -> pb.CloseBrowserSessionResponse:
        session = await self._coordinator.move(
            session_moves.close_requested, caller.get().organization_id, request.browser_session_id
        )
        return pb.CloseBrowserSessionResponse(browser_session=self._proto(session))

    async def _read(self, browser_session_id: str, organization_id: str = "") -> Shown:
        organization_id = organization_id or caller.get().organization_id
        return await self._database.read(
            lambda tables: session_moves.shown(tables, session_moves.find(tables, organization_id, browser_session_id))
        )


def _change(sent: pb.BrowserSession | None, now: pb.BrowserSession) -> pb.BrowserSessionChange | None:
    """What is new since the last message; None when nothing is."""
    if sent is None:
        return pb.BROWSER_SESSION_CHANGE_SNAPSHOT
    if sent == now:
        return None
    without_page = pb.BrowserSession()
    without_page.CopyFrom(sent)
    for name in _PAGE_FIELDS:
        setattr(without_page, name, getattr(now, name))
    return pb.BROWSER_SESSION_CHANGE_PAGE if without_page == now else pb.BROWSER_SESSION_CHANGE_UPDATED
