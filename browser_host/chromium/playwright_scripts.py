"""Functions that are called in the isolated world of a document, and what comes of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from playwright.async_api import Error

from browser_host.browser import DocumentReplaced, ScriptFailed

WORLD = "tabkeep"
"""The name of the isolated worlds."""
HANDLES = "tabkeep"
"""The group of the objects in them that are held from here."""


def call(function: str, argument: Any, world: int) -> dict[str, Any]:
    """The arguments of Runtime.callFunctionOn; a promise is waited for."""
    return {
        "functionDeclaration": function,
        "executionContextId": world,
        "arguments": [{"value": argument}],
        "returnByValue": True,
        "awaitPromise": True,
    }


def result(answer: dict[str, Any]) -> Any:
    """The value of a call's answer.

    Raises:
        ScriptFailed: the function threw.
    """
    if "exceptionDetails" in answer:
        thrown = answer["exceptionDetails"].get("exception", {})
        raise ScriptFailed(str(thrown.get("description") or answer["exceptionDetails"].get("text")))
    return answer["result"].get("value")


def never_ran(error: Error) -> bool:
    """Whether the document was replaced before the call arrived."""
    return "Cannot find context" in error.message or "uniqueContextId not found" in error.message


def document_replaced(error: Error) -> DocumentReplaced:
    """What an error of a call means for who made it."""
    return DocumentReplaced(error.message.splitlines()[0])


async def nodes(send: Callable[[str, dict[str, Any]], Awaitable[Any]], function: str, world: int) -> list[str]:
    """Handles of the nodes that a function brings as an array; they are of the group HANDLES."""
    asked = {"functionDeclaration": function, "executionContextId": world, "objectGroup": HANDLES}
    array = (await send("Runtime.callFunctionOn", asked))["result"]["objectId"]
    listed = await send("Runtime.getProperties", {"objectId": array, "ownProperties": True})
    return [one["value"]["objectId"] for one in listed["result"] if one["name"].isdigit()]
