"""Every way in which a task says that it did not do it, through the whole stack: typed, in words, nothing claimed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from tabkeep import Client, RunStatus, actions

from tests.end_to_end.conftest import Stack
from tests.integration.task_fixtures import PageServer, page_server

__all__ = ["page_server"]

TWO_FORMS = "<section><h2>New</h2><button>Save</button></section><section><h2>Old</h2><button>Save</button></section>"
LOGIN = """<form onsubmit="event.preventDefault(); out.textContent = 'This account is locked'">
 <label>Username <input name=u></label><label>Password <input type=password></label><button>Log in</button></form>
 <p id=out role=alert></p>"""
ADDRESS = """<h1>Checkout</h1><form action=/paid><label>Street <input required name=street></label>
 <label>City <input required name=city></label><button>Place order</button></form>"""
CIRCLE = "<h1>Checkout</h1><p>Your order</p><a href=''>Continue to payment</a>"
CAPTCHA = "<h1>Are you human?</h1><div class=g-recaptcha style='width: 300px; height: 80px'>I am not a robot</div>"
DELETE = "<button onclick=\"document.title = 'gone'\">Delete the account</button>"
ASKS = "<button onclick=\"if (confirm('Delete it for ever?')) document.title = 'gone'\">Tidy up</button>"
SOON: dict[str, Any] = {"timeout": timedelta(seconds=0.5)}
NUMBER = {"type": "object", "properties": {"total": {"type": "number"}}, "required": ["total"]}


@dataclass(frozen=True)
class Refusal:
    """A task that cannot be done, and what is said of it."""

    reason: str
    words: str
    body: str
    prompt: str = ""
    actions: tuple[Any, ...] = ()
    more: dict[str, Any] = field(default_factory=dict)
    status: RunStatus = RunStatus.FAILED


CASES = [
    Refusal("NEEDS_MODEL", "ponder the reviews", TWO_FORMS, "Click 'Save', then ponder the reviews"),
    Refusal(
        "NOT_FOUND", 'no button "Publish"', TWO_FORMS, actions=(actions.click(role="button", name="Publish", **SOON),)
    ),
    Refusal("AMBIGUOUS", "2 elements match", TWO_FORMS, "Click 'Save'"),
    Refusal("REJECTED_BY_PAGE", "This account is locked", LOGIN, "Login with username 'ada' and password 'x1'"),
    Refusal("MISSING_INPUT", '"Street", "City"', ADDRESS, "Complete checkout and confirm order"),
    Refusal("CREDENTIAL_REQUIRED", "Nothing was filled in", LOGIN, "Login with username 'ada'"),
    Refusal(
        "BLOCKED_BY_POLICY", "it was not pressed", DELETE, "Click 'Delete the account'",
        more={"irreversible_policy": "deny"},
    ),
    Refusal(
        "BLOCKED_BY_POLICY", "the dialog was dismissed", ASKS, "Click 'Tidy up' and accept the dialog",
        more={"irreversible_policy": "deny"},
    ),
    Refusal("STALLED", "the page is as it was", CIRCLE, "Complete checkout and confirm order"),
    Refusal("NO_EFFECT", "nothing changed", "<button>Dead</button>", "Click 'Dead'"),
    Refusal(
        "EXPECTATION_FAILED", 'the page shows "Thank you"', DELETE.replace("Delete", "Show"),
        actions=(actions.click(name="Show the account", expect=[actions.expect_text("Thank you")], **SOON),),
    ),
    Refusal("EXTRACT", "total", "<p>Nothing of the kind</p>", actions=(actions.extract(NUMBER),)),
    Refusal("STEP_TIMEOUT", "in vain", "", actions=(actions.wait_for(actions.expect_text("Ready"), **SOON),)),
    Refusal("NO_RECORDING", "", TWO_FORMS, "Click 'Old'", more={"replay_mode": "only"}),
    Refusal("CAPTCHA", "captcha", CAPTCHA, "Click 'Go on'", more={"timeout": timedelta(seconds=3)}),
    Refusal(
        "MAX_STEPS", "max_steps", TWO_FORMS, actions=(actions.reload(), actions.reload()),
        more={"max_steps": 1}, status=RunStatus.TERMINATED,
    ),
]  # fmt: skip


@pytest.fixture(scope="module")
async def session_id(client: Client, stack: Stack) -> AsyncIterator[str]:
    """One session for all: a run that fails leaves it usable."""
    async with client.browser_session(timeout=10) as session:
        yield session.browser_session_id


@pytest.mark.parametrize("case", CASES, ids=[f"{one.reason}-{number}" for number, one in enumerate(CASES)])
async def test_what_cannot_be_done_is_refused_with_its_reason_and_in_words(
    case: Refusal, client: Client, session_id: str, page_server: PageServer
):
    page = f"{page_server.url}/text?{urlencode({'body': f'<title>Page</title>{case.body}'})}"
    ids: dict[str, Any] = {"browser_session_id": session_id, "wait_for_completion": True, "screenshots": "none"}

    run = await client.run_task(case.prompt or None, actions=case.actions, url=page, **ids, **case.more)

    assert (run.status, run.failure_reason) == (case.status, case.reason), run.failure_message
    assert case.words in run.failure_message
    if case.reason == "NEEDS_MODEL":
        assert (run.step_count, run.safe_to_retry) == (0, True)
    if case.reason == "BLOCKED_BY_POLICY":
        gone = actions.wait_for(actions.expect_title("gone"), **SOON)
        assert (await client.run_task(actions=[gone], **ids)).status is RunStatus.FAILED
