"""All routes of the seed's API."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib import metadata
from typing import Any

from control_plane.coordinator import Coordinator
from control_plane.http import seed_profile_routes, seed_schemas, seed_timeline_routes, seed_workflow_routes
from control_plane.http.endpoint import Ask, Resource
from control_plane.http.seed_answers import operation
from control_plane.http.seed_credential_routes import CredentialRoutes
from control_plane.http.seed_file_routes import FileRoutes
from control_plane.http.seed_links import Links
from control_plane.http.seed_retry_routes import RetryRoutes
from control_plane.http.seed_run_routes import RunRoutes
from control_plane.http.seed_session_routes import SessionRoutes
from control_plane.http.session_page import SessionPage
from control_plane.keeping.blobs import Blobs


def resources(coordinator: Coordinator, artifacts: Blobs, files: Blobs, links: Links) -> list[Resource]:
    """The routes."""
    # Where a fixed word and an id may stand, the fixed word comes first.
    found = [
        *SessionRoutes(links).resources(),
        *RunRoutes(links).resources(),
        *RetryRoutes(links).resources(),
        *CredentialRoutes(links).resources(),
        *FileRoutes(links, coordinator, files).resources(),
        *seed_timeline_routes.resources(),
        *seed_workflow_routes.resources(),
        *seed_profile_routes.resources(),
        *SessionPage(links, coordinator, artifacts).resources(),
        Resource("/v1/version", GET=operation(_version, "Say which version this server has.", seed_schemas.VERSION)),
    ]
    for resource in found:
        resource.operations = {
            method: replace(operation, document={**operation.document, "operationId": _id(method, resource.path)})
            for method, operation in resource.operations.items()
        }
    return found


async def _version(ask: Ask) -> Any:
    return {"version": metadata.version("tabkeep")}


def _id(method: str, path: str) -> str:
    """A name for the document: "post_v1_run_tasks"."""
    return "_".join([method.lower(), *re.findall(r"\w+", path.replace("-", "_"))])
