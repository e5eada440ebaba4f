"""What is asked before each press: may this be done at all, and must a person agree first.

Acts that cannot be undone are told by the name of the button or link that does them, in English. A page that calls
its button something else is not caught; the list errs on the side of asking.
"""

from __future__ import annotations

import re
from typing import Protocol
from urllib.parse import urlsplit

from tabkeep.v1 import runs_pb2

from browser_host.task.failures import BLOCKED_BY_POLICY, Failed

_ACTS = {
    "pay": (
        r"\bpay\b(?!\s*pal\b)|\bdonate\b|\bmake (a |the )?(payment|donation)\b|\bconfirm (the )?payment\b",
        r"\b(pay|payment|donate|donation|buy|purchase|order|check ?out)",
    ),
    "order": (
        r"\b(place|confirm|complete|submit|send|finish)\b[\w ]{0,20}\border\b|\border now\b|\bbuy\b|\bpurchase\b|"
        r"\bcomplete (the )?checkout\b|\bbook (now|it)\b|\bconfirm (the )?(booking|reservation)\b",
        r"\b(order|buy|purchase|check ?out|book|reserve)",
    ),
    "delete": (
        r"\b(delete|erase|destroy|wipe|deactivate)\b|\b(close|remove|cancel) (my |your |the |this )?"
        r"(account|profile|user|member|subscription|order)\b|\bempty (the )?trash\b",
        r"\b(delete|remove|erase|destroy|wipe|deactivate|cancel|close|empty)",
    ),
    "send": (
        r"^\W*(send|reply|forward)\b|\bsend (the |a |this )?(message|e-?mail|reply|invitation|money|it)\b|"
        r"^\W*submit (the |a |your )?(message|application|report|form)\b",
        r"\b(send|reply|forward|e-?mail|message|write|contact|invite|submit|answer|apply)",
    ),
    "publish": (
        r"^\W*(publish|post|tweet|go live|share)\b|\b(post|publish|submit) (the |a |your )?(comment|review|reply)\b",
        r"\b(publish|post|tweet|share|comment|review)",
    ),
    "transfer": (r"\b(transfer|withdraw|wire)\b", r"\b(transfer|withdraw|wire|send money|pay)"),
}
"""The acts: how buttons call them, and how a prompt names them."""
_FOR_EVER = re.compile(
    r"\b(can(no|['\u2019])?t be (undone|reversed)|irreversibl[ey]|permanent(ly)?|for ?ever)\b", re.IGNORECASE
)
"""How dialogs of the browser say that there is no way back, whatever they are about."""
_BUTTONS = {act: re.compile(button, re.IGNORECASE) for act, (button, _) in _ACTS.items()}
_PROMPTS = {act: re.compile(prompt, re.IGNORECASE) for act, (_, prompt) in _ACTS.items()}
_NEGATED = re.compile(
    r"(\b(not|never|without|dont|except|avoid|instead of|rather than|before)|n['\u2019]t)\b[^.;!?\n]*",
    re.IGNORECASE,
)
_QUOTED = re.compile(
    r"(?P<press>\b(?:click|press|push|tap|hit)\b[\w \t]{0,30})?"
    r"(?:\"[^\"\n]*\"|\u201c[^\u201d\n]*\u201d|\u2018[^\u2019\n]*\u2019|`[^`\n]*`|(?<!\w)'[^'\n]*'(?!\w))",
    re.IGNORECASE,
)
"""A value in quotes, and the verb before it that makes it the name of a button."""
_SHORTEST_WORD = 2
"""Characters of a text that a prompt can be said to name."""


class NeedsApproval(Exception):
    """A person has to agree before this is pressed; nothing was pressed yet."""

    def __init__(self, act: str, name: str, doing: str) -> None:
        """`act` is a word of this module, `name` what the page calls the thing that does it, `doing` how it is done."""
        super().__init__(f'"{name}" would {act} something, which cannot be undone')
        self.doing = doing
        self.act = act
        self.name = name


class Gate(Protocol):
    """Lets a press or a move to a URL pass, or raises."""

    def press(self, name: str, leads: str) -> None:
        """Before a press: `name` is what the page calls it, `leads` the URL it leads to, if any.

        Raises:
            Failed: BLOCKED_BY_POLICY.
            NeedsApproval.
        """

    def accept(self, message: str) -> None:
        """Before a dialog of the browser with this text is accepted; raises like `press`."""

    def type_into(self, url: str, text: str) -> None:
        """Before a text goes into a frame of another origin than the page, whose URL this is; raises like `go`."""

    def go(self, url: str) -> None:
        """Before a URL is opened.

        Raises:
            Failed: BLOCKED_BY_POLICY.
        """


def act_of(name: str) -> str:
    """Which act that cannot be undone a button of this name does; empty for none."""
    return next((act for act, pattern in _BUTTONS.items() if pattern.search(name)), "")


def acts_named(prompt: str) -> frozenset[str]:
    """Which acts a prompt asks for; what it says not to do does not count, nor do values in quotes."""
    wanted = _NEGATED.sub(" ", _QUOTED.sub(lambda found: found[0] if found["press"] else " ", prompt))
    return frozenset(act for act, pattern in _PROMPTS.items() if pattern.search(wanted))


class Irreversible:
    """The run's policy for acts that cannot be undone."""

    def __init__(self, policy: runs_pb2.IrreversiblePolicy, named: frozenset[str] | None = None) -> None:
        """`named` are the acts that were asked for; None where every act was, as in typed actions."""
        self._policy = policy
        self._named = named
        self._approved: set[tuple[str, str]] = set()

    def approved(self, asked: NeedsApproval) -> None:
        """A person agreed to this one, for as long as this step takes."""
        self._approved.add((asked.act, asked.name))

    def step_over(self) -> None:
        """What a person agreed to was for one step."""
        self._approved.clear()

    def press(self, name: str, leads: str) -> None:
        """Refuse, ask, or let pass."""
        act = act_of(name)
        if act and (act, name) not in self._approved:
            self._check(act, name, "press a button", "it was not pressed")

    def accept(self, message: str) -> None:
        """Refuse, ask, or let pass; who agreed to an act agreed to the page's question whether it is meant."""
        act = act_of(message) or ("do" if _FOR_EVER.search(message) else "")
        if act and not any(act in (approved, "do") for approved, _ in self._approved):
            self._check(act, message, "accept a dialog", "the dialog was dismissed")

    def _check(self, act: str, name: str, doing: str, instead: str) -> None:
        if self._policy == runs_pb2.IRREVERSIBLE_POLICY_ALLOW:
            return
        if self._policy == runs_pb2.IRREVERSIBLE_POLICY_DENY:
            raise Failed(
                BLOCKED_BY_POLICY,
                f'"{name}" would {act} something, which cannot be undone, and the run denies such acts; {instead}. '
                "Run it with irreversible_policy approve or allow",
            )
        named = self._named is None or act in self._named
        if not named or self._policy != runs_pb2.IRREVERSIBLE_POLICY_UNSPECIFIED:
            raise NeedsApproval(act, name, doing)

    def go(self, url: str) -> None:
        """Opening a URL is none of these acts."""

    def type_into(self, url: str, text: str) -> None:
        """Nor is filling in a field."""


class OnSite:
    """Keeps what a model decides on the sites that the caller chose, besides the run's policy."""

    def __init__(self, policy: Irreversible, sites: frozenset[str], prompt: str = "") -> None:
        """`sites` are host names; what lies under one of them belongs to it. `prompt` is what the caller said."""
        self._prompt = " ".join(prompt.split()).casefold()
        self._policy = policy
        self._sites = sites

    def allows(self, url: str) -> bool:
        """Whether a URL is on one of the sites, or nowhere (about:blank)."""
        parts = urlsplit(url)
        if parts.scheme in ("about", ""):
            return True
        host = (parts.hostname or "").lower()
        return parts.scheme in ("http", "https") and any(host == s or host.endswith(f".{s}") for s in self._sites)

    def approved(self, asked: NeedsApproval) -> None:
        """A person agreed."""
        self._policy.approved(asked)

    def step_over(self) -> None:
        """What a person agreed to was for one step."""
        self._policy.step_over()

    def press(self, name: str, leads: str) -> None:
        """Refuse what leads away from the sites, then ask the policy."""
        if leads and not leads.lower().startswith("javascript:"):
            self.go(leads)
        self._policy.press(name, leads)

    def accept(self, message: str) -> None:
        """Ask the policy."""
        self._policy.accept(message)

    def type_into(self, url: str, text: str) -> None:
        """Refuse a frame of another site, but for words of the prompt: all else may have been read on the page."""
        words = " ".join(text.split()).casefold()
        if len(words) < _SHORTEST_WORD or not re.search(rf"(?<!\w){re.escape(words)}(?!\w)", self._prompt):
            self.go(url)

    def go(self, url: str) -> None:
        """Refuse a URL of another site."""
        if not self.allows(url):
            raise Failed(
                BLOCKED_BY_POLICY,
                f"{urlsplit(url).hostname or url[:60]} is none of the sites of this task "
                f"({', '.join(sorted(self._sites)) or 'none'}): a model stays on the page's own site and on those that "
                "the prompt names",
            )
