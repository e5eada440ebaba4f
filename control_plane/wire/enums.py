"""The values of the protos' enums and ours, by their names; what several converters ask for."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, TypeVar

from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from tabkeep.v1 import artifacts_pb2, browser_sessions_pb2, runs_pb2

from control_plane.fields import Fields

E = TypeVar("E", bound=StrEnum)


class EnumPair:
    """The values of a proto enum and of ours, by their names: RUN_STATUS_TIMED_OUT and "timed_out"."""

    def __init__(self, proto: EnumTypeWrapper, prefix: str) -> None:
        self._values = {name.removeprefix(prefix).lower(): value for name, value in proto.items()}
        self._names = {value: name for name, value in self._values.items()}

    def value(self, ours: str | None) -> Any:
        """The proto's value; 0 for None or ""."""
        return self._values[ours] if ours else 0

    def name(self, value: int) -> str:
        """Our value; "" for 0 and for values this program does not know."""
        return "" if value == 0 else self._names.get(value, "")

    def possible(self) -> str:
        """All values, as a caller writes them without the prefix."""
        return ", ".join(name.upper() for name, value in self._values.items() if value)


BROWSER_TYPES = {
    browser_sessions_pb2.BROWSER_TYPE_UNSPECIFIED: "chrome",
    browser_sessions_pb2.BROWSER_TYPE_CHROME: "chrome",
    browser_sessions_pb2.BROWSER_TYPE_MSEDGE: "msedge",
}
BROWSER_TYPE_VALUES = {
    "chrome": browser_sessions_pb2.BROWSER_TYPE_CHROME,
    "msedge": browser_sessions_pb2.BROWSER_TYPE_MSEDGE,
}
RUN_STATUS = EnumPair(runs_pb2.RunStatus, "RUN_STATUS_")
FAILURE_REASON = EnumPair(runs_pb2.FailureReason, "FAILURE_REASON_")
CLOSE_REASON = EnumPair(browser_sessions_pb2.CloseReason, "CLOSE_REASON_")
ARTIFACT_TYPE = EnumPair(artifacts_pb2.ArtifactType, "ARTIFACT_TYPE_")


def statuses(fields: Fields, field: str, pair: EnumPair, ours: type[E], values: Iterable[int]) -> tuple[E, ...]:
    """The enum values of a filter."""
    names = [pair.name(value) for value in values]
    if "" in names:
        fields.wrong(field, f"holds a value that is unspecified or unknown: use {pair.possible()}")
    return tuple(ours(name) for name in names if name)


def known(fields: Fields, field: str, value: int, kind: EnumTypeWrapper) -> Any:
    """A value of an enum that this server knows; a caller of a later release may send another."""
    if value not in kind.values():
        fields.wrong(field, f"{value} is no value of {kind.DESCRIPTOR.name}: use {', '.join(kind.keys())}")
        return 0
    return value
