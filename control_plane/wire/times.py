"""Points in time of the protos, and the lengths that bounds are given in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp

NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands where the store will put the time."""
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(hours=24)


def set_time(target: Timestamp, time: datetime | None) -> None:
    """Write a time into a proto field; None leaves it absent."""
    if time is not None:
        # Timestamp.FromDatetime does the same four times slower, and most answers hold several times.
        since = time - NO_TIME
        target.seconds = since.days * 86_400 + since.seconds
        target.nanos = since.microseconds * 1_000
