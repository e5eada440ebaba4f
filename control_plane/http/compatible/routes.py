"""All routes of the compatible API."""

from __future__ import annotations

from importlib import metadata
from typing import Any

from control_plane.coordinator import Coordinator
from control_plane.http.compatible import profile_routes, schemas, timeline_routes, workflow_routes
from control_plane.http.compatible.credential_routes import CredentialRoutes
from control_plane.http.compatible.file_routes import FileRoutes
from control_plane.http.compatible.links import Links
from control_plane.http.compatible.operations import operation
from control_plane.http.compatible.retry_routes import RetryRoutes
from control_plane.http.compatible.run_routes import RunRoutes
from control_plane.http.compatible.session_routes import SessionRoutes
from control_plane.http.endpoint import Ask, Resource
from control_plane.keeping.blobs import Blobs


def resources(coordinator: Coordinator, files: Blobs, links: Links) -> list[Resource]:
    """The routes."""
    # Where a fixed word and an id may stand, the fixed word comes first.
    return [
        *SessionRoutes(links).resources(),
        *RunRoutes(links).resources(),
        *RetryRoutes(links).resources(),
        *CredentialRoutes(links).resources(),
        *FileRoutes(links, coordinator, files).resources(),
        *timeline_routes.resources(),
        *workflow_routes.resources(),
        *profile_routes.resources(),
        Resource("/v1/version", GET=operation(_version, "Say which version this server has.", schemas.VERSION)),
    ]


async def _version(ask: Ask) -> Any:
    return {"version": metadata.version("tabkeep")}
