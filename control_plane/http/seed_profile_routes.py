"""The seed's routes of browser profiles: what this server says as long as it stores none."""

from __future__ import annotations

from typing import Any

from control_plane.http import seed_schemas
from control_plane.http.endpoint import Ask, Resource
from control_plane.http.seed_answers import operation
from control_plane.http.seed_offers import NotOffered


def resources() -> list[Resource]:
    """The routes."""

    def refuses(summary: str, *, body: bool = False) -> Any:
        return operation(
            _refuse, summary, seed_schemas.ANYTHING, body=seed_schemas.ANYTHING if body else None, refused=(400,)
        )

    return [
        Resource(
            "/v1/browser_profiles",
            GET=refuses("List browser profiles: not offered."),
            POST=refuses("Make a browser profile: not offered.", body=True),
        ),
        Resource(
            "/v1/browser_profiles/{browser_profile_id}",
            GET=refuses("Get a browser profile: not offered."),
            PATCH=refuses("Change a browser profile: not offered.", body=True),
            DELETE=refuses("Delete a browser profile: not offered."),
        ),
    ]


async def _refuse(ask: Ask) -> Any:
    raise NotOffered("browser_profile_id")
