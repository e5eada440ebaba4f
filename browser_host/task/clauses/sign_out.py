""" "Log out": presses what does it, and sees that nobody is signed in any more."""

from __future__ import annotations

from dataclasses import dataclass

from browser_host.task.clauses.sign_in import SIGN_OUT
from browser_host.task.failures import EXPECTATION_FAILED, NOT_FOUND, Failed
from browser_host.task.survey import Item, Survey
from browser_host.task.workspace import Workspace

_PATIENCE = 5.0


@dataclass(frozen=True, slots=True)
class SignOut:
    """Log out."""

    words: str = "log out"

    async def carry_out(self, workspace: Workspace) -> None:
        """Press it; where the page asks once more, press that too."""
        survey, found = await workspace.until(lambda page: bool(_ways(page)), timeout=_PATIENCE)
        if not found:
            raise Failed(NOT_FOUND, "there is nothing to log out with on the page")
        await workspace.click(_ways(survey)[0])
        after, gone = await workspace.until(lambda page: not _ways(page), timeout=_PATIENCE)
        if not gone and after.url != survey.url:
            await workspace.click(_ways(after)[0])
            after, gone = await workspace.until(lambda page: not _ways(page), timeout=_PATIENCE)
        if not gone:
            raise Failed(EXPECTATION_FAILED, f'the page still offers "{_ways(after)[0].name}"')


def _ways(survey: Survey) -> list[Item]:
    return survey.buttons(SIGN_OUT)
