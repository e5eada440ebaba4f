"""Puts values into fields and controls, and reads them back."""

from __future__ import annotations

from typing import Any

from tabkeep.v1 import actions_pb2

from browser_host.task.failures import BLOCKED_BY_POLICY, CREDENTIAL_REQUIRED, EXPECTATION_FAILED, NO_EFFECT, Failed
from browser_host.task.journal import CredentialMissing
from browser_host.task.page_script import look
from browser_host.task.performing.acting import Done, checked
from browser_host.task.performing.pressing import EFFECT_PATIENCE, Pressing
from browser_host.task.values import origin_of
from browser_host.task.wording import names_a_secret, script_target


class Fields(Pressing):
    """Texts, choices and boxes."""

    async def _fill(self, fill: actions_pb2.Fill) -> Done:
        text = await self._text(fill.value, fill.target)
        secret = fill.value.sensitive or names_a_secret(fill.target)
        if secret:
            self._secrets.add(text)
        filled = checked(await self._write("fill", fill.target, "fill", value=text))
        if filled["secret"]:
            self._secrets.add(text)
        label = filled["label"]
        if not filled["equal"]:
            hidden = secret or filled["secret"] or fill.value.WhichOneof("source") != "literal"
            shown = "" if hidden else f': it shows "{filled["shown"][:100]}"'
            raise Failed(EXPECTATION_FAILED, f"{label} did not take the text{shown}", target=label)
        done = Done(label, title=filled["title"])
        if fill.submit:
            done.title = await self._key("Enter", await self._arm_focused())
        return done

    async def _text(self, value: actions_pb2.Value, target: actions_pb2.Target) -> str:
        """The text that goes into a field.

        Raises:
            Failed: MISSING_INPUT, CREDENTIAL_REQUIRED, BLOCKED_BY_POLICY.
        """
        if value.WhichOneof("source") != "credential":
            return self._parameters.value(value)
        self._where.page_only = True  # the login is for the page's origin
        origin = origin_of(self._page.url)
        try:
            login = await self._journal.credential(origin, value.credential.username)
        except CredentialMissing as missing:
            raise Failed(CREDENTIAL_REQUIRED, f"a stored login is to be filled in, and {missing}") from None
        part = value.credential.part
        if part == actions_pb2.CREDENTIAL_PART_USERNAME:
            return login.username
        text = login.password if part == actions_pb2.CREDENTIAL_PART_PASSWORD else login.one_time_code
        if not text:
            raise Failed(CREDENTIAL_REQUIRED, f"the login stored for {origin} has no one-time codes")
        self._secrets.add(text)
        answer = await self._look("secrecy", {"target": script_target(target)})
        if part == actions_pb2.CREDENTIAL_PART_PASSWORD and answer["secret"] is not True:
            raise Failed(
                BLOCKED_BY_POLICY,
                "a stored password goes only into a field that hides what is typed; this one does not, or is not there",
            )
        return text

    async def _select(self, select: actions_pb2.Select) -> Done:
        option = await self._text(select.option, select.target)
        more = [await self._text(one, select.target) for one in select.more_options]
        for value, text in zip((select.option, *select.more_options), (option, *more), strict=True):
            if value.sensitive:
                self._secrets.add(text)
        wanted = {"target": self._target(select.target), "option": option, "more": more}
        control = checked(await self._write("choose", select.target, "select", option=option, more=more))
        label = control["label"]
        if control["native"]:
            if not control["equal"]:
                raise Failed(EXPECTATION_FAILED, f'{label} shows "{control["shown"]}"', target=label)
            title = None if await self._followed() else control["title"]
            return Done(label, f'chose "{control["chosen"]}"', title)
        return await self._select_drawn(select.target, option, control, wanted)

    async def _select_drawn(
        self, target: actions_pb2.Target, option: str, control: dict[str, Any], wanted: dict[str, Any]
    ) -> Done:
        """Choose in a control that is drawn by the page: open it, press the option, read it back."""
        label, role = control["label"], control["role"]
        if role in ("radiogroup", "group", "radio"):
            within = target.name if role != "radio" else target.within
            choice = actions_pb2.Target(role="radio", name=option, within=within, frame=target.frame)
            done, seen = await self._press(choice, "check", 1, EFFECT_PATIENCE)
            if not seen["checked"]:
                await self._await_checked(choice, True, label)
            return done
        if role != "listbox" and control["expanded"] != "true":
            await self._press(target, "click", 1, EFFECT_PATIENCE)
        choice = actions_pb2.Target(role="option", name=option, frame=target.frame)
        await self._press(choice, "click", 1, EFFECT_PATIENCE)
        shown = await look(self._where.document, "chosen", wanted, timeout=0)
        if not shown["ok"]:
            raise Failed(EXPECTATION_FAILED, f'{label} does not show "{option}" as chosen', target=label)
        return Done(label, f'chose "{option}"')

    async def _set_checked(self, wanted: actions_pb2.SetChecked) -> Done:
        point = await self._prepare(wanted.target, "check")
        label = point["label"]
        if point["checked"] == wanted.checked:
            await self._look("disarm")
            return Done(label, "it was so already")
        if point["role"] == "radio" and not wanted.checked:
            raise Failed(NO_EFFECT, f"{label} cannot be unchecked; check another one of its group", target=label)
        done, seen = await self._press(wanted.target, "check", 1, EFFECT_PATIENCE, ready=point)
        if seen["checked"] != wanted.checked:
            await self._await_checked(wanted.target, wanted.checked, label)
        return done

    async def _await_checked(self, target: actions_pb2.Target, checked: bool, label: str) -> None:
        state = {"target": script_target(target), "checked": checked}
        patience = min(EFFECT_PATIENCE, self._left())
        answer = await look(self._where.document, "checkedIs", state, timeout=patience)
        if not answer["ok"]:
            word = "checked" if checked else "unchecked"
            raise Failed(EXPECTATION_FAILED, f"{label} was pressed and is not {word}", target=label)
