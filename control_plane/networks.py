"""What a session's browser may reach, and how: asked for, kept, shown, and told to its host.

Two things are kept of each session: what everybody may see of it, and all of it, credentials included, sealed for its
organization: neither a copy of the database nor a row moved to another organization gives a password away. Closing
the session forgets it.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from tabkeep.host.v1 import host_pb2
from tabkeep.v1 import browser_sessions_pb2 as pb

from control_plane.destinations import destination, proxy_url
from control_plane.entities.sessions import Session
from control_plane.errors import FieldViolation, PreconditionFailed
from control_plane.fields import Fields
from control_plane.moves.session_moves import SessionSpec
from control_plane.proxy_locations import NAME, NONE, ProxyLocation
from control_plane.sealing.seals import Seals

MOST_DOMAINS, MOST_BYPASSES = 1000, 100
LONGEST_CREDENTIAL = 255
CHANGEABLE = ("proxy", "proxy_location", "allowed_domains", "blocked_domains")

Asking: TypeAlias = pb.CreateBrowserSessionRequest | pb.UpdateBrowserSessionRequest


@dataclass(slots=True)
class _Network:
    """Both halves while they are made."""

    shown: pb.BrowserSession = field(default_factory=pb.BrowserSession)
    """Only the fields of a session that show its network are set."""
    told: host_pb2.Network = field(default_factory=host_pb2.Network)


class Networks:
    """The networks of all sessions."""

    def __init__(self, locations: Mapping[str, ProxyLocation], secret: bytes) -> None:
        """`secret` is the installation's pepper."""
        self._locations = locations
        self._seals = Seals(secret, "networks of sessions")
        self._rng = random.SystemRandom()

    def of_new(
        self, fields: Fields, spec: SessionSpec, request: pb.CreateBrowserSessionRequest, prefix: str = ""
    ) -> SessionSpec:
        """`spec` with the network that a request asks for.

        Raises:
            PreconditionFailed: PROXY_LOCATION_NOT_CONFIGURED.
        """
        made = _Network()
        self._set_proxy(fields, made, request, prefix)
        _set_domains(fields, made, request, CHANGEABLE, prefix)
        shown, sealed = self._kept(made, spec.organization_id)
        return replace(spec, network=shown, network_sealed=sealed)

    def changed(
        self, fields: Fields, session: Session, request: pb.UpdateBrowserSessionRequest, paths: Sequence[str]
    ) -> Session:
        """An open session once a request has changed these fields of its network, if any of them belong to it.

        Raises:
            PreconditionFailed: PROXY_LOCATION_NOT_CONFIGURED.
            DataLoss: what was kept cannot be read.
        """
        if not set(paths) & set(CHANGEABLE):
            return session
        made = _Network(pb.BrowserSession.FromString(session.network), self.of(session) or host_pb2.Network())
        if "proxy" in paths or "proxy_location" in paths:
            launched = session.start_time is not None
            before = _Network(pb.BrowserSession(), host_pb2.Network())
            before.shown.CopyFrom(made.shown)
            before.told.CopyFrom(made.told)
            for message in (made.shown, made.told):
                for name in ("proxy", "proxy_location", "time_zone", "locale", "geolocation"):
                    if name in message.DESCRIPTOR.fields_by_name:
                        message.ClearField(name)
            self._set_proxy(fields, made, request, "", paths)
            if launched:
                # These are given to a browser when it starts; what is shown stays what is true.
                for now, was in ((made.shown, before.shown), (made.told, before.told)):
                    now.time_zone, now.locale = was.time_zone, was.locale
                    now.ClearField("geolocation")
                    if was.HasField("geolocation"):
                        now.geolocation.CopyFrom(was.geolocation)
        _set_domains(fields, made, request, paths, "")
        shown, sealed = self._kept(made, session.organization_id)
        return replace(session, network=shown, network_sealed=sealed)

    def of(self, session: Session) -> host_pb2.Network | None:
        """What a session's host is told; None when it is nothing but the default.

        Raises:
            DataLoss: it cannot be read: the database or the pepper is not what it was.
        """
        if not session.network_sealed:
            return None
        return host_pb2.Network.FromString(self._seals.open(session.organization_id, session.network_sealed))

    def _kept(self, made: _Network, organization_id: str) -> tuple[bytes, bytes]:
        text = made.told.SerializeToString()
        if not text:
            return b"", b""
        return made.shown.SerializeToString(deterministic=True), self._seals.seal(organization_id, text)

    def _set_proxy(
        self, fields: Fields, made: _Network, request: Asking, prefix: str, paths: Iterable[str] = CHANGEABLE
    ) -> None:
        own = "proxy" in paths and request.HasField("proxy")
        name = request.proxy_location if "proxy_location" in paths else ""
        if own and name:
            fields.wrong(prefix + "proxy_location", "cannot be used together with proxy: choose one")
        elif own:
            _set_own_proxy(fields, made, request.proxy, prefix + "proxy.")
        elif name and name != NONE:
            self._set_location(fields, made, name, prefix + "proxy_location")

    def _set_location(self, fields: Fields, made: _Network, name: str, field: str) -> None:
        configured = ", ".join(sorted(self._locations)) or "none"
        if not NAME.fullmatch(name):
            fields.wrong(field, f"{name[:100]!r} is no location; configured are: {configured}")
            return
        location = self._locations.get(name)
        if location is None:
            raise PreconditionFailed(
                f"proxy location {name} is not configured; configured are: {configured}; "
                "the operator sets them up in proxy-locations.yaml, a session without one goes out as its host does",
                reason="PROXY_LOCATION_NOT_CONFIGURED",
                proxy_location=name,
                configured=configured,
            )
        server = self._rng.choice(location.servers)
        made.told.proxy.CopyFrom(
            host_pb2.Proxy(
                url=server.url,
                username=server.username,
                password=server.password,
                bypass=location.bypass,
                trusted=True,
            )
        )
        made.shown.proxy_location = name
        for message in (made.shown, made.told):
            message.time_zone, message.locale = location.time_zone, location.locale
            if location.geolocation is not None:
                latitude, longitude, accuracy = location.geolocation
                place = pb.Geolocation(latitude=latitude, longitude=longitude, accuracy=accuracy)
                message.geolocation.CopyFrom(place)


NO_NETWORKS = Networks({}, b"")
"""For a control plane without locations whose sessions ask for nothing of the kind."""


def _set_own_proxy(fields: Fields, made: _Network, asked: pb.ProxyServer, prefix: str) -> None:
    url = ""
    try:
        url = proxy_url(asked.url)
    except ValueError as error:
        fields.wrong(prefix + "url", str(error))
    for name, value in (("username", asked.username), ("password", asked.password)):
        if len(value.encode()) > LONGEST_CREDENTIAL:
            fields.wrong(prefix + name, f"more than the maximum of {LONGEST_CREDENTIAL} bytes")
        if any(ord(letter) < 32 or ord(letter) == 127 for letter in value):
            fields.wrong(prefix + name, "must not contain control characters")
    if ":" in asked.username and not asked.url.startswith("socks5:"):
        fields.wrong(prefix + "username", "must not contain ':', which ends it in HTTP's own form")
    if asked.password and not asked.username:
        fields.wrong(prefix + "username", "must be given with a password")
    bypass = _destinations(fields, prefix + "bypass", asked.bypass, MOST_BYPASSES)
    made.told.proxy.CopyFrom(host_pb2.Proxy(url=url, username=asked.username, password=asked.password, bypass=bypass))
    made.shown.proxy.CopyFrom(pb.ProxyServer(url=url, bypass=bypass))


def _set_domains(fields: Fields, made: _Network, request: Asking, paths: Iterable[str], prefix: str) -> None:
    for name in ("allowed_domains", "blocked_domains"):
        if name not in paths:
            continue
        domains = _destinations(fields, prefix + name, getattr(request, name), MOST_DOMAINS)
        for message in (made.shown, made.told):
            message.ClearField(name)
            getattr(message, name).extend(domains)


def _destinations(fields: Fields, field: str, texts: Iterable[str], most: int) -> list[str]:
    given = list(texts)
    if len(given) > most:
        fields.wrong(field, f"{len(given)} are more than the maximum of {most}")
    found = []
    for number, text in enumerate(given[:most]):
        try:
            found.append(destination(text))
        except ValueError as error:
            fields.violations.append(FieldViolation(f"{field}[{number}]", str(error)))
    return found
