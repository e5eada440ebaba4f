""" "Log in with username … and password …": finds the form, fills it, sends it and proves that it worked."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import partial
from typing import ClassVar

from tabkeep.v1 import actions_pb2

from browser_host.task.failures import (
    AMBIGUOUS,
    CREDENTIAL_REQUIRED,
    EXPECTATION_FAILED,
    MISSING_INPUT,
    NOT_FOUND,
    REJECTED_BY_PAGE,
    Failed,
)
from browser_host.task.journal import CredentialMissing
from browser_host.task.survey import Item, Survey
from browser_host.task.values import origin_of
from browser_host.task.workspace import OUTCOME_PATIENCE, Workspace

_USERNAME = re.compile(r"user|e-?mail|login|account|phone|\bid\b|identifier", re.IGNORECASE)
_SIGN_IN = re.compile(r"^\s*(log|sign)[ -]?(in|on)\b", re.IGNORECASE)
_SIGN_IN_OR_UP = re.compile(
    r"^\s*(log|sign)[ -]?in\s*(or|/|&|and|\|)\s*(register|sign[ -]?up|create( an)? account|join)\s*$", re.IGNORECASE
)
SIGN_OUT = re.compile(r"\b(log|sign)[ -]?(out|off)\b", re.IGNORECASE)
"""The name of what ends a login."""
_SEND = re.compile(r"(log|sign)[ -]?(in|on)\b|^(submit|continue|next|enter|go|ok)\b|anmelden|connexion", re.IGNORECASE)
_OTHER_WAYS = re.compile(
    r"google|facebook|apple|github|microsoft|twitter|sso|forgot|reset|register|sign ?up|create|passkey|magic|show|code",
    re.IGNORECASE,
)
_ONE_TIME_CODE = re.compile(r"one.?time|verification|security code|\botp\b|2fa|two.?factor|passcode", re.IGNORECASE)
_REFUSED = re.compile(
    r"(incorrect|invalid|wrong|unknown|bad)\W+(\w+\W+){0,4}(password|credentials?|username|e-?mail|login)|"
    r"(password|credentials?|username|login|sign.?in)\W+(\w+\W+){0,4}(incorrect|invalid|wrong|failed|not match)|"
    r"(login|sign.?in|authentication) failed|access denied|account\W+(\w+\W+){0,3}(locked|suspended|disabled|blocked)|"
    r"too many attempts|(could not|couldn['\u2019]t|can['\u2019]t|cannot) (log|sign) you in",
    re.IGNORECASE,
)
_BUSY = re.compile(
    r"\W*(loading|please wait|signing (you )?in|logging (you )?in|authenticating|(one|just a) moment)\b.{0,20}$",
    re.IGNORECASE,
)
"""What a page says alone on a line while it has not decided."""
_FORM_PATIENCE = 5.0
_STAYS_GONE = 0.8
"""Seconds for which a login form must stay away where nothing else shows that the login worked."""


@dataclass(frozen=True, slots=True)
class _Login:
    """What to log in with, and where."""

    origin: str
    username: str
    password: str = field(repr=False)
    has_code: bool = False
    """One-time codes can be had, each at the moment when it is asked for."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """Log in with a username and a password, or with a stored credential where there is no password."""

    repeatable: ClassVar[bool] = True
    username: str
    password: str = field(repr=False)
    url: str = ""

    @property
    def words(self) -> str:
        """The clause, without the password."""
        where = f" at {self.url}" if self.url else ""
        who = f' as "{self.username}"' if self.username else ""
        return f"log in{who} with {'the password given' if self.password else 'a stored credential'}{where}"

    async def carry_out(self, workspace: Workspace) -> None:
        """Log in, or say in the page's words why not."""
        if self.url:
            await workspace.do(actions_pb2.Action(goto=actions_pb2.Goto(url=self.url)))
        survey = await self._find_form(workspace)
        if survey is None:
            return
        login = await self._login(workspace, survey.url)
        password = _password_field(survey)
        if password is None:
            survey, password = await self._first_page(workspace, survey, login)
        else:
            user = _user_field(survey, password)
            if user is None:
                raise Failed(NOT_FOUND, "there is no field for the username beside the password")
            await workspace.fill(user, login.username)
        if not self.password and origin_of(survey.url) != login.origin:
            raise Failed(
                CREDENTIAL_REQUIRED,
                f"the credential is for {login.origin}, and {origin_of(survey.url)} asks for the password: it was not "
                "filled in",
            )
        page = await workspace.steps.page()
        moves = page.effects_so_far()
        await self._send(workspace, survey, password, login.password)
        # On a page that was loaded anew whatever it says is an answer, also when it said so before.
        loaded_anew = page.effects_so_far() > moves
        await self._prove(workspace, None if loaded_anew else survey, login)

    async def _login(self, workspace: Workspace, url: str) -> _Login:
        """What to log in with on this page: what the prompt gives, else the credential stored for its origin.

        Raises:
            Failed: CREDENTIAL_REQUIRED.
        """
        origin = origin_of(url)
        if self.password:
            return _Login(origin, self.username, self.password)
        try:
            stored = await workspace.steps.journal.credential(origin, self.username)
        except CredentialMissing as missing:
            who = f' as "{self.username}"' if self.username else ""
            raise Failed(
                CREDENTIAL_REQUIRED,
                f"logging in{who} needs a password: the prompt gives none, and {missing}. Add \"and password '…'\" to "
                f"the prompt, or store one: tabkeep credential create {origin} USERNAME. Nothing was filled in",
            ) from None
        for secret in (stored.password, stored.one_time_code):
            workspace.steps.secrets.add(secret)
        if workspace.steps.recorder is not None:
            workspace.steps.recorder.use(stored)
        return _Login(origin, stored.username, stored.password, has_code=bool(stored.one_time_code))

    async def prove(self, workspace: Workspace) -> None:
        """See that a replayed login worked, as after one that was planned."""
        survey = await workspace.survey()
        try:
            login = await self._login(workspace, survey.url)
        except Failed:  # the login led to another site, for which nothing is stored
            login = _Login(origin_of(survey.url), self.username, self.password)
        await self._prove(workspace, None, login)

    async def _find_form(self, workspace: Workspace) -> Survey | None:
        """Find the page with the form; None if this very user is logged in already."""
        for _ in range(2):
            survey, found = await workspace.until(_can_begin, timeout=_FORM_PATIENCE)
            if _password_field(survey) is not None or _first_field(survey) is not None:
                return survey
            if survey.buttons(SIGN_OUT):
                if self.username.lower() in survey.text.lower():
                    return None
                raise Failed(NOT_FOUND, "there is no login form: somebody is logged in already; log out first")
            links = _ways_in(survey)
            if not found or not links:
                break
            await workspace.click(links[0])
        raise Failed(NOT_FOUND, "there is no login form on the page")

    async def _first_page(self, workspace: Workspace, survey: Survey, login: _Login) -> tuple[Survey, Item]:
        """Give the username where the password is asked for on a page of its own."""
        user = _first_field(survey)
        assert user is not None
        await workspace.fill(user, login.username)
        sending = _send_button(survey, user)
        if sending is None:
            raise Failed(NOT_FOUND, "there is no button to go on with after the username")
        await workspace.click(sending, judged=False)
        after, found = await workspace.until(
            lambda page: _password_field(page) is not None or bool(page.trouble(survey)), timeout=OUTCOME_PATIENCE
        )
        password = _password_field(after)
        if not found or password is None:
            trouble = after.trouble(survey)
            if trouble:
                raise Failed(REJECTED_BY_PAGE, f"the page refused the username: {trouble}")
            raise Failed(NOT_FOUND, "the page did not ask for the password")
        return after, password

    async def _send(self, workspace: Workspace, survey: Survey, field: Item, secret: str) -> None:
        sending = _send_button(survey, field)
        await workspace.fill(field, secret, sensitive=True, submit=sending is None, judged=False)
        if sending is not None:
            await workspace.click(sending, judged=False)

    async def _give_code(self, workspace: Workspace, survey: Survey, code: Item, login: _Login) -> None:
        if origin_of(survey.url) != login.origin:
            raise Failed(CREDENTIAL_REQUIRED, f"the credential is for {login.origin}; another site asks for its code")
        try:
            fresh = await workspace.steps.journal.credential(login.origin, login.username)
        except CredentialMissing as missing:
            raise Failed(CREDENTIAL_REQUIRED, f"the page asks for a one-time code, and {missing}") from None
        workspace.steps.secrets.add(fresh.one_time_code)
        if workspace.steps.recorder is not None:
            workspace.steps.recorder.use(fresh)
        await self._send(workspace, survey, code, fresh.one_time_code)

    async def _prove(self, workspace: Workspace, before: Survey | None, login: _Login) -> None:
        """See that the form is gone for good and nothing speaks against it.

        Raises:
            Failed: REJECTED_BY_PAGE, MISSING_INPUT for a code that is asked for, EXPECTATION_FAILED.
        """
        end = workspace.steps.clock.monotonic() + OUTCOME_PATIENCE
        while True:
            left = max(end - workspace.steps.clock.monotonic(), 0)
            after, decided = await workspace.until(partial(_decided, before=before), timeout=left)
            if not decided:
                trouble = after.trouble()
                if trouble:
                    raise Failed(REJECTED_BY_PAGE, f"the page refused the login: {trouble}")
                raise Failed(EXPECTATION_FAILED, "the login form is still there, and the page does not say why")
            if _password_field(after) is not None:
                words = after.trouble(before) or _refusal(after) or "it shows an error"
                raise Failed(REJECTED_BY_PAGE, f"the page refused the login: {words}")
            if after.buttons(SIGN_OUT):
                return
            if refusal := _refusal(after):
                raise Failed(REJECTED_BY_PAGE, f"the page refused the login: {refusal}")
            if codes := after.own().fields(lambda item: any(_ONE_TIME_CODE.search(name) for name in item.names)):
                if not login.has_code:
                    raise Failed(MISSING_INPUT, "the page asks for a one-time code, which the task does not give")
                await self._give_code(workspace, after, codes[0], login)
                login = replace(login, has_code=False)
                before = after
                end = workspace.steps.clock.monotonic() + OUTCOME_PATIENCE
                continue
            _, back = await workspace.until(lambda page: _password_field(page) is not None, timeout=_STAYS_GONE)
            if not back:
                return


def _can_begin(survey: Survey) -> bool:
    return (
        _password_field(survey) is not None
        or _first_field(survey) is not None
        or bool(_ways_in(survey))
        or bool(survey.buttons(SIGN_OUT))
    )


def _ways_in(survey: Survey) -> list[Item]:
    """What leads to the form: also one link for those who log in and those who register."""
    return survey.buttons(_SIGN_IN, _OTHER_WAYS) or survey.buttons(_SIGN_IN_OR_UP)


def _password_field(survey: Survey) -> Item | None:
    """The password field of the login form; a form with several is for registering.

    Raises:
        Failed: AMBIGUOUS, there are several login forms.
    """
    fields = [item for item in survey.own().items if item.type == "password" and not item.disabled]
    single = [one for one in fields if sum(other.form == one.form for other in fields) == 1]
    if len(single) > 1:
        named = [one for one in single if _send_button(survey, one) is not None]
        if len(named) != 1:
            raise Failed(AMBIGUOUS, f"there are {len(single)} forms with a password on the page")
        return named[0]
    return single[0] if single else None


def _user_field(survey: Survey, password: Item) -> Item | None:
    before = survey.own().fields(
        lambda item: not item.secret and item.form == password.form and item.ref < password.ref
    )
    named = [item for item in before if any(_USERNAME.search(name) for name in item.names)]
    choice = named or before
    return choice[-1] if choice else None


def _first_field(survey: Survey) -> Item | None:
    """The username's field of a login that asks for the password on the next page."""
    survey = survey.own()
    if any(item.type == "password" for item in survey.items):
        return None
    fields = survey.fields(lambda item: any(_USERNAME.search(name) for name in item.names) and item.role != "searchbox")
    fields = [item for item in fields if (button := _send_button(survey, item)) and button.form == item.form]
    says_so = re.search(r"\b(log|sign)[ -]?(in|on)\b", f"{survey.title} {survey.text[:2000]}", re.IGNORECASE)
    return fields[0] if len(fields) == 1 and says_so else None


def _send_button(survey: Survey, field: Item) -> Item | None:
    buttons = [
        item
        for item in survey.buttons(_SEND, _OTHER_WAYS)
        if item.form == field.form and item.role == "button" and (field.form >= 0 or item.ref > field.ref)
    ]
    named = [item for item in buttons if _SIGN_IN.search(item.name)]
    return next(iter(named or buttons), None)


def _decided(page: Survey, before: Survey | None) -> bool:
    gone = (
        _password_field(page) is None and page.text.strip() != "" and not any(_BUSY.match(one) for one in page.lines())
    )
    return gone or bool(page.trouble(before))


def _refusal(survey: Survey) -> str:
    return next((line for line in survey.lines() if len(line) <= 200 and _REFUSED.search(line)), "")
