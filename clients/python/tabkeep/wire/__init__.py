"""Between the records of `tabkeep.records` and the messages of `tabkeep.v1`, both ways; nothing else converts."""

from __future__ import annotations

from tabkeep.wire.administration import created_key, credential, host, key, usage, webhook_delivery
from tabkeep.wire.enums import ENUMERATIONS, enum_to_proto
from tabkeep.wire.files import artifact, file
from tabkeep.wire.profiles import browser_profile
from tabkeep.wire.recordings import exported_recording, recording
from tabkeep.wire.run_events import run_event
from tabkeep.wire.runs import run, to_screen_recording
from tabkeep.wire.sessions import (
    browser_page,
    browser_session,
    browser_session_update,
    take_over_link,
    to_create_session,
    to_update_session,
)
from tabkeep.wire.values import from_value, minutes_to_duration, to_duration, to_struct, to_value
from tabkeep.wire.workflows import workflow

__all__ = [
    "ENUMERATIONS",
    "artifact",
    "browser_page",
    "browser_profile",
    "browser_session",
    "browser_session_update",
    "created_key",
    "credential",
    "enum_to_proto",
    "exported_recording",
    "file",
    "from_value",
    "host",
    "key",
    "minutes_to_duration",
    "recording",
    "run",
    "run_event",
    "take_over_link",
    "to_create_session",
    "to_duration",
    "to_screen_recording",
    "to_struct",
    "to_update_session",
    "to_value",
    "usage",
    "webhook_delivery",
    "workflow",
]
