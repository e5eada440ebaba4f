"""A picture or print of a live session's page, whenever somebody asks."""

from __future__ import annotations

import pytest
from tabkeep import Client, FailedPrecondition, InvalidArgument, NotFound, actions

from demo.site import DemoSite


async def test_a_live_page_is_pictured_and_printed(client: Client, site: DemoSite):
    session = await client.create_browser_session(url=site.url)
    await client.run_task(
        actions=[actions.goto(site.url)], browser_session_id=session.browser_session_id, wait_for_completion=True
    )
    picture = await client.capture_page(session.browser_session_id)
    pdf = await client.capture_page(session.browser_session_id, "pdf")
    assert (picture.artifact_type, picture.content_type, picture.run_id) == ("screenshot", "image/jpeg", None)
    assert (await client.get_artifact(picture.artifact_id)).startswith(b"\xff\xd8\xff")
    assert (pdf.artifact_type, pdf.content_type) == ("pdf", "application/pdf")
    assert (await client.get_artifact(pdf.artifact_id)).startswith(b"%PDF-")
    listed = await client.list_artifacts(browser_session_id=session.browser_session_id, artifact_types=["pdf"])
    assert listed == [pdf]
    with pytest.raises(InvalidArgument):
        await client.capture_page(session.browser_session_id, "download")
    await client.close_browser_session(session.browser_session_id)
    with pytest.raises(FailedPrecondition) as refused:
        await client.capture_page(session.browser_session_id)
    assert refused.value.reason == "SESSION_CLOSED"
    with pytest.raises(NotFound):
        await client.capture_page("pbs_unknown")
