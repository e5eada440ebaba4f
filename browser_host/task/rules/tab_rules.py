"""What clauses about the browser's own tabs and dialogs mean."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tabkeep.v1 import actions_pb2

from browser_host.task.clauses.plain_clauses import OneAction, one_action
from browser_host.task.performing.tabs import titled
from browser_host.task.prompt_text import V
from browser_host.task.rules.grammar import NotUnderstood, Reader, Rule, rule_adder
from browser_host.task.rules.vocabulary import ORDINAL, ORDINALS
from browser_host.task.wording import describe
from browser_host.task.workspace import Intent, Workspace

_TAB = r"(?:browser )?(?:tab|window|pop-?up(?: window)?|page)"
_SURE_TAB = r"(?:browser )?(?:tab|window|pop-?up(?: window)?)"
_TO = r"(?:switch(?: back)?|change|return|go(?: back)?)(?: over)? to"
_DIALOG = (
    r"(?:(?:browser|confirmation|confirm|alert|prompt|javascript|js)['\u2019]?s? )?"
    r"(?:dialog(?:ue)?(?: box)?|alert(?: box)?|confirm(?:ation)?(?: box)?|prompt(?: box)?|message box)"
)

TAB_RULES: list[Rule] = []
rule = rule_adder(TAB_RULES)


@dataclass(frozen=True, slots=True)
class SwitchTab:
    """Switch to a tab by its title: the browser's, or one that the page draws itself where the browser has none so."""

    words: str
    title: str

    async def carry_out(self, workspace: Workspace) -> None:
        """Look which of the two there is; what is not there yet is waited for as one of the browser's."""
        pages = await workspace.steps.pages()
        if not titled(pages, self.title):
            survey = await workspace.survey()
            if any(item.role == "tab" and item.name.casefold() == self.title.casefold() for item in survey.items):
                click = actions_pb2.Click(target=actions_pb2.Target(role="tab", name=self.title))
                await workspace.do(actions_pb2.Action(click=click))
                return
        await workspace.do(_switch(actions_pb2.WhichTab(title=self.title)))


def _switch(which: actions_pb2.WhichTab) -> actions_pb2.Action:
    return actions_pb2.Action(tab=actions_pb2.Tab(switch_to=which))


def _close(which: actions_pb2.WhichTab) -> Intent:
    return one_action(actions_pb2.Action(tab=actions_pb2.Tab(close=which)))


@rule(
    rf"{_TO} (?:the )?{_SURE_TAB} (?:(?:titled|named|called|with (?:the )?title) )?(?P<title>{V})",
    rf"{_TO} (?:the )?(?P<title>{V}) {_SURE_TAB}",
)
def _switch_by_title(reader: Reader, match: re.Match[str]) -> Intent:
    title = reader.value(match["title"])
    return SwitchTab(describe(_switch(actions_pb2.WhichTab(title=title))), title)


@rule(rf"{_TO} (?:the )?(?P<nth>{ORDINAL}|last|newest|latest|new|other|previous|original|main) {_SURE_TAB}")
def _switch_by_place(reader: Reader, match: re.Match[str]) -> Intent:
    return one_action(_switch(_place(match["nth"])))


@rule(rf"{_TO} {_SURE_TAB} (?P<n>\d{{1,2}})")
def _switch_by_number(reader: Reader, match: re.Match[str]) -> Intent:
    if not 0 < int(match["n"]) <= 100:
        raise NotUnderstood
    return one_action(_switch(actions_pb2.WhichTab(index=int(match["n"]))))


def _place(word: str) -> actions_pb2.WhichTab:
    word = word.lower()
    if word in ("other", "previous"):
        return actions_pb2.WhichTab(previous=True)
    if word in ("last", "newest", "latest", "new"):
        return actions_pb2.WhichTab(index=-1)
    return actions_pb2.WhichTab(index=1 if word in ("original", "main") else ORDINALS[word])


@rule(rf"open (?:a )?(?:new|another|blank|empty)(?: blank| empty)? {_SURE_TAB}(?: (?:with|at|on|for) (?P<url>{V}))?")
@rule(rf"(?:open|load|visit|go to) (?P<url>{V}) in (?:a )?(?:new|another) {_SURE_TAB}")
def _open(reader: Reader, match: re.Match[str]) -> Intent:
    url = reader.url(match["url"]) if match["url"] else ""
    return one_action(actions_pb2.Action(tab=actions_pb2.Tab(open=actions_pb2.NewTab(url=url))))


@rule(rf"close (?:this|the|the current|the active) {_SURE_TAB}", r"close (?:this|the current) page")
def _close_current(reader: Reader, match: re.Match[str]) -> Intent:
    return _close(actions_pb2.WhichTab())


@rule(
    rf"close (?:the )?{_SURE_TAB} (?:(?:titled|named|called|with (?:the )?title) )?(?P<title>{V})",
    rf"close (?:the )?(?P<title>{V}) {_SURE_TAB}",
)
def _close_by_title(reader: Reader, match: re.Match[str]) -> Intent:
    return _close(actions_pb2.WhichTab(title=reader.value(match["title"])))


@rule(rf"close (?:the )?(?P<nth>{ORDINAL}|last|newest|latest|new|other|previous|original|main) {_SURE_TAB}")
def _close_by_place(reader: Reader, match: re.Match[str]) -> Intent:
    return _close(_place(match["nth"]))


# Dialogs


@rule(
    rf"(?P<how>accept|confirm|dismiss|cancel|decline|reject|close) (?:the |this )?{_DIALOG}"
    rf"(?: (?:that says|which says|saying|with (?:the )?(?:text|message)|with) (?P<message>{V}))?",
)
def _answer(reader: Reader, match: re.Match[str]) -> Intent:
    accept = match["how"].lower() in ("accept", "confirm")
    message = reader.value(match["message"]) if match["message"] else ""
    return _dialog(accept, message=message)


@rule(
    rf"answer (?P<text>{V}) (?:to|in|into|on) (?:the |this )?{_DIALOG}",
    rf"(?:enter|type|put|write) (?P<text>{V}) (?:to|in|into|on) (?:the |this )?{_DIALOG}"
    r"(?: and (?:accept|confirm)(?: it)?)?",
    rf"answer (?:the |this )?{_DIALOG} with (?P<text>{V})",
)
def _answer_with(reader: Reader, match: re.Match[str]) -> Intent:
    return _dialog(True, actions_pb2.Value(literal=reader.value(match["text"])))


def _dialog(accept: bool, text: actions_pb2.Value | None = None, message: str = "") -> OneAction:
    answer = actions_pb2.DIALOG_ANSWER_ACCEPT if accept else actions_pb2.DIALOG_ANSWER_DISMISS
    return one_action(actions_pb2.Action(dialog=actions_pb2.Dialog(answer=answer, text=text, message=message)))
