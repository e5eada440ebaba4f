"""Carries out single actions and checks that they landed.

An action that returns has had its effect and its expectations hold; everything else raises `Failed`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from tabkeep.v1 import actions_pb2, runs_pb2

from browser_host.browser import (
    Document,
    DocumentReplaced,
    FilesNotPlaced,
    HeldFile,
    Navigation,
    NavigationFailed,
    Page,
    PageClosed,
    PageCrashed,
    PageUnresponsive,
    ScriptFailed,
)
from browser_host.clock import Clock
from browser_host.task import reading
from browser_host.task.documents import Where, holds
from browser_host.task.failures import (
    AMBIGUOUS,
    BLOCKED_BY_POLICY,
    CREDENTIAL_REQUIRED,
    EXPECTATION_FAILED,
    FILE_NOT_ACCEPTED,
    FILE_UNAVAILABLE,
    NAVIGATION,
    NO_EFFECT,
    NOT_FOUND,
    PAGE_CRASHED,
    REJECTED_BY_PAGE,
    STEP_TIMEOUT,
    Failed,
    navigation,
)
from browser_host.task.gate import Gate
from browser_host.task.gestures import Gestures
from browser_host.task.journal import ActionLeaseOver, CredentialMissing, FileMissing, Journal
from browser_host.task.page_script import PRESS_PATH, call, look
from browser_host.task.tabs import Tabs
from browser_host.task.values import Parameters, Secrets, origin_of
from browser_host.task.wording import condition_words, names_a_secret, script_condition, script_target

DEFAULT_TIMEOUT = 15.0
GOTO_TIMEOUT = 30.0
EFFECT_PATIENCE = 3.0
"""Seconds in which a press must show an effect when nothing more is expected of it."""
_KEY_PATIENCE = 1.0
"""Seconds in which a key that submits a form begins to do so."""
_LEAVING_PATIENCE = 1.0
"""Seconds in which a link or form that leaves the page begins to load the next one."""
_SENDS_SOON = 0.15
"""Seconds after a press in which what the page sends over a web socket is the press's doing."""
_LISTENERS_SECONDS = 2.0
_LEASE_POLL = 0.1
UPLOAD_TIMEOUT = 60.0
_CHOOSER_PATIENCE = 3.0
"""Seconds in which a press opens a file chooser, and in which a page shows what it was given."""
_FIELD = "() => globalThis.__tabkeepField()"
_CHOSEN = "(el, count) => globalThis.__tabkeepChosen(el, count)"
_REASONS = {
    "NOT_FOUND": NOT_FOUND,
    "AMBIGUOUS": AMBIGUOUS,
    "STEP_TIMEOUT": STEP_TIMEOUT,
    "FILE_NOT_ACCEPTED": FILE_NOT_ACCEPTED,
    "REJECTED_BY_PAGE": REJECTED_BY_PAGE,
    "EXPECTATION_FAILED": EXPECTATION_FAILED,
}
"""What the page's script answers when it cannot do what it was asked."""


@dataclass(slots=True)
class Done:
    """What a successful action did."""

    target: str = ""
    message: str = ""
    title: str | None = None
    """The page's title afterwards, where it was seen in passing."""
    output: Any = None
    has_output: bool = False
    provenance: list[runs_pb2.Provenance] = field(default_factory=list)
    """Where the output's values came from."""
    element: dict[str, Any] | None = None
    """What the page's script says of its element, where the task is recorded."""


def timeout_of(action: actions_pb2.Action) -> float:
    """How long an action may take, in seconds."""
    if action.HasField("timeout"):
        return action.timeout.ToTimedelta().total_seconds()
    if action.WhichOneof("kind") in ("goto", "back", "reload") or action.tab.open.url:
        return GOTO_TIMEOUT
    if action.WhichOneof("kind") == "upload":
        return UPLOAD_TIMEOUT
    if action.WhichOneof("kind") == "wait" and action.wait.WhichOneof("until") == "duration":
        return max(DEFAULT_TIMEOUT, action.wait.duration.ToTimedelta().total_seconds() + 1)
    return DEFAULT_TIMEOUT


class Actor(Gestures):
    """Carries out one action on one page."""

    def __init__(
        self,
        page: Page,
        journal: Journal,
        clock: Clock,
        parameters: Parameters,
        secrets: Secrets,
        timeout: float,
        gate: Gate,
        tabs: Tabs,
        *,
        recording: bool = False,
    ) -> None:
        """The action's time begins now; `gate` is asked at the last moment before each press."""
        self._recording = recording
        self._element: dict[str, Any] | None = None
        self._page = page
        self._where = Where(page)
        self._journal = journal
        self._clock = clock
        self._parameters = parameters
        self._secrets = secrets
        self._gate = gate
        self._tabs = tabs
        self._timeout = timeout
        self._deadline = clock.monotonic() + timeout

    async def carry_out(self, action: actions_pb2.Action) -> Done:
        """Do it, check its effect, check what else it expects.

        Raises:
            Failed: it did not do what it says.
            BrowserGone.
        """
        try:
            done = await self._act(action)
            done.element = self._element
            if action.expect:
                done.title = await self._expect(list(action.expect))
            return done
        except PageUnresponsive:
            raise Failed(
                STEP_TIMEOUT, f"the page did not answer within {self._timeout:g} s; what was begun may still happen"
            ) from None
        except PageCrashed:
            raise Failed(PAGE_CRASHED, "the page's process crashed") from None
        except PageClosed:
            raise Failed(EXPECTATION_FAILED, "the tab was closed during the step") from None
        except NavigationFailed as error:
            raise navigation(error) from None
        except DocumentReplaced:
            raise Failed(EXPECTATION_FAILED, "the page moved to other documents again and again") from None

    async def _act(self, action: actions_pb2.Action) -> Done:
        match action.WhichOneof("kind"):
            case "goto":
                return await self._goto(action.goto)
            case "click" if action.click.every or action.click.times > 1:
                return Done(await self._click_often(action.click))
            case "drag":
                return Done(await self._drag(action.drag))
            case "set_range":
                return Done(await self._set_range(action.set_range))
            case "set_date":
                return Done(await self._set_date(action.set_date))
            case "select_text":
                return Done(await self._select_text(action.select_text))
            case "pick_row":
                return Done(await self._pick_row(action.pick_row))
            case "click":
                return await self._click(action.click, bool(action.expect))
            case "fill":
                return await self._fill(action.fill)
            case "select":
                return await self._select(action.select)
            case "set_checked":
                return await self._set_checked(action.set_checked)
            case "press_key":
                return await self._press_key(action.press_key)
            case "hover":
                return await self._hover(action.hover)
            case "scroll":
                return await self._scroll(action.scroll)
            case "wait":
                return await self._wait(action.wait)
            case "extract":
                return await self._extract(action.extract)
            case "find_record":
                return await self._find_record(action.find_record)
            case "back":
                return self._arrived(await self._load(self._page.back))
            case "reload":
                return self._arrived(await self._load(self._page.reload))
            case "tab":
                return await self._tab(action.tab)
            case "dialog":
                return await self._dialog(action)
            case "upload":
                return await self._upload(action.upload)
        raise ValueError("an action without a kind")

    # Time and permission

    def _left(self) -> float:
        return max(self._deadline - self._clock.monotonic(), 0.0)

    async def _allowed(self) -> float:
        """Wait until the host may act; how many seconds the next call may take."""
        while True:
            try:
                return min(self._journal.allow_action(), self._left())
            except ActionLeaseOver as over:
                if self._left() <= 0:
                    raise Failed(STEP_TIMEOUT, f"this host may not act now: {over}") from None
                await asyncio.sleep(_LEASE_POLL)

    async def _look(self, name: str, argument: dict[str, Any] | None = None) -> Any:
        """Ask the document that is acted on something, waiting for it as long as the action may take."""
        return self._noted(await look(self._where.document, name, argument, timeout=self._left()))

    def _target(self, target: actions_pb2.Target) -> dict[str, Any]:
        """A target for the page's script, which also tells what it found where the task is recorded."""
        return {**script_target(target), "record": self._recording}

    def _noted(self, answer: Any) -> Any:
        """Keep what the script says of the action's element, which is the first one that was found."""
        if self._element is None and isinstance(answer, dict):
            self._element = answer.get("element")
        return answer

    async def _write(self, name: str, target: actions_pb2.Target, purpose: str, **argument: Any) -> Any:
        """Call a function of the script that acts once it has found its element; never past the lease.

        All of them set a state, so that a page which moves on meanwhile may be asked again.
        """
        wanted = {"target": self._target(target), **argument}

        async def attempt(document: Document, wait: float) -> dict[str, Any]:
            await self._may_type(document, argument.get("value", ""))
            allowed = await self._allowed()
            answer: dict[str, Any] = await call(document, name, wanted, wait=min(allowed, wait))
            return answer

        while True:
            try:
                answer = await self._where.seek(target, wanted["target"], purpose, attempt, self._left())
            except DocumentReplaced:
                await self._page.loaded(timeout=self._left())
                continue
            if answer.get("ok") or answer.get("final") or answer.get("reason") == "AMBIGUOUS" or self._left() <= 0.05:
                return self._noted(self._placed(answer))

    async def _may_type(self, document: Document, text: str) -> None:
        """Ask the gate before text goes into a frame of another origin."""
        if text and document is not self._page:
            self._gate.type_into(await call(document, "address"), text)

    def _placed(self, answer: dict[str, Any]) -> dict[str, Any]:
        """The answer, with the frame that it is from."""
        if self._where.label and answer.get("label"):
            answer["label"] += f' in the frame "{self._where.label}"'
        return answer

    # Loading

    async def _goto(self, goto: actions_pb2.Goto) -> Done:
        url = goto.url
        _refuse_other_than_http(url)
        self._gate.go(url)
        allowed = await self._allowed()
        return self._arrived(await self._page.goto(url, timeout=allowed), goto.allow_error_status)

    async def _load(self, load: Callable[..., Awaitable[Navigation | None]]) -> Navigation:
        allowed = await self._allowed()
        navigation = await load(timeout=allowed)
        if navigation is None:
            raise Failed(NAVIGATION, "there is no earlier page")
        return navigation

    def _arrived(self, navigation: Navigation, error_status_is_fine: bool = False) -> Done:
        status = navigation.status
        if status is not None and status >= 400 and not error_status_is_fine:
            raise Failed(NAVIGATION, f"the server answered {status}")
        return Done(message=f"status {status}" if status is not None else "")

    # Tabs and dialogs

    async def _tab(self, tab: actions_pb2.Tab) -> Done:
        what = tab.WhichOneof("what")
        if what == "open":
            return await self._open_tab(tab.open.url)
        which = tab.switch_to if what == "switch_to" else tab.close
        found = await self._tabs.find(which, self._clock, self._deadline)
        await self._allowed()
        await (self._tabs.show(found) if what == "switch_to" else self._tabs.close(found))
        self._page = await self._tabs.current()
        await self._page.loaded(timeout=self._left())
        return Done(f'{found.page_id} "{found.title}"')

    async def _open_tab(self, url: str) -> Done:
        if url:
            _refuse_other_than_http(url)
            self._gate.go(url)
        await self._allowed()
        await self._tabs.open()
        self._page = await self._tabs.current()
        return self._arrived(await self._page.goto(url, timeout=await self._allowed())) if url else Done()

    async def _dialog(self, action: actions_pb2.Action) -> Done:
        """Wait for the dialog, which is answered the moment it is shown."""
        wanted = self._tabs.wanted(action)
        await asyncio.wait({wanted.shown}, timeout=self._left())
        if not wanted.shown.done():
            raise Failed(EXPECTATION_FAILED, f"no dialog was shown within {self._timeout:g} s")
        shown = wanted.shown.result()
        label = f'{shown.kind} "{shown.message}"'
        if not wanted.means(shown.kind, shown.message):
            raise Failed(EXPECTATION_FAILED, f"another dialog was shown, and dismissed: {label}", target=label)
        try:
            await self._page.loaded(timeout=self._left())
        except PageClosed:
            pass  # it asked whether it may go
        return Done(label, "accepted" if shown.accepted else "dismissed")

    # Pressing

    async def _prepare(
        self, target: actions_pb2.Target, purpose: str, avoid: list[list[float]] | None = None
    ) -> dict[str, Any]:
        wanted: dict[str, Any] = {"target": self._target(target), "purpose": purpose, "avoid": avoid or []}

        async def attempt(document: Document, wait: float) -> dict[str, Any]:
            answer: dict[str, Any] = await look(document, "prepare", wanted, timeout=wait)
            return answer

        found = _checked(await self._where.seek(target, wanted["target"], purpose, attempt, self._left()))
        place = _checked(await self._where.point(found["x"], found["y"]))
        placed = {**found, "inner": [found["x"], found["y"]], "x": place["x"], "y": place["y"]}
        return self._placed(self._noted(placed))

    async def _click(self, click: actions_pb2.Click, more_expected: bool) -> Done:
        patience = self._left() if more_expected else EFFECT_PATIENCE
        done, _ = await self._press(
            click.target, "click", click.click_count or 1, patience, any_change_counts=more_expected
        )
        return done

    async def _press(
        self,
        target: actions_pb2.Target,
        purpose: str,
        click_count: int,
        patience: float,
        ready: dict[str, Any] | None = None,
        *,
        any_change_counts: bool = False,
    ) -> tuple[Done, dict[str, Any]]:
        """Press an element, made `ready` already or not, until the press has reached it, and see its effect.

        What changes later and by itself, as far as can be seen, is none; unless `any_change_counts`, because the
        caller says what must be true afterwards.
        """
        avoid: list[list[float]] = []
        while True:
            point = ready or await self._prepare(target, purpose, avoid)
            ready = None
            self._gate.press(point["name"], point["leads"])
            seen = await self._strike(point, click_count, min(patience, self._left()), any_change_counts)
            label = point["label"]
            if seen["invalid"]:
                raise Failed(REJECTED_BY_PAGE, "; ".join(seen["invalid"]), target=label)
            if seen["landed"] and seen["effect"]:
                return Done(label, seen["effect"], seen["title"]), {**point, **seen}
            if not seen["landed"] and not avoid:
                avoid = [point["inner"]]
                continue
            if not seen["landed"]:
                raise Failed(NO_EFFECT, f"the press did not reach {label}{_instead(seen['hit'])}", target=label)
            raise Failed(NO_EFFECT, f"{label} was pressed and nothing changed{_by_itself(seen['late'])}", target=label)

    async def _pressed(self, target: actions_pb2.Target, click_count: int = 1) -> str:
        """Press an element and see its effect; what it is called."""
        return (await self._press(target, "click", click_count, EFFECT_PATIENCE))[0].target

    def _answered(self, answer: dict[str, Any]) -> dict[str, Any]:
        return _checked(answer)

    async def _strike(
        self, point: dict[str, Any], click_count: int, patience: float, any_change_counts: bool
    ) -> dict[str, Any]:
        """Press at a point and watch for the first effect, in the document or beyond it."""
        page = self._page
        before = page.effects_so_far()
        allowed = await self._allowed()

        async def press() -> None:
            await page.mouse_click(point["x"], point["y"], click_count=click_count, timeout=allowed)

        return await self._watch_effect(press, before, patience, any_change_counts)

    async def _watch_effect(
        self, press: Callable[[], Awaitable[None]], before: int, patience: float, any_change_counts: bool = True
    ) -> dict[str, Any]:
        page = self._page
        sent = page.sends_so_far()
        watching = asyncio.ensure_future(self._outcome(patience, any_change_counts))
        beyond = asyncio.ensure_future(page.effect_after(before))
        sending: asyncio.Future[bool] | None = None
        try:
            try:
                await press()
            except PageClosed:
                return _effect_beyond("the tab closed")
            sending = asyncio.ensure_future(self._sends_after(sent))
            await asyncio.wait({watching, beyond}, return_when=asyncio.FIRST_COMPLETED)
            seen: dict[str, Any] = _effect_beyond("another page or tab, a dialog or a download")
            if watching.done():
                try:
                    seen = watching.result()
                except (DocumentReplaced, PageClosed):
                    pass
                if seen["leaves"] and not beyond.done():
                    await asyncio.wait({beyond}, timeout=min(_LEAVING_PATIENCE, self._left()))
            await self._arrive_if_leaving(seen)
            seen = _unless_by_itself(seen, watching, moved=page.effects_so_far() > before)
            if sending and seen["late"] and not seen["effect"] and await sending:
                seen["effect"] = seen["late"]["words"]
            return seen
        finally:
            tasks: list[asyncio.Future[Any]] = [watching, beyond, *([sending] if sending else [])]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _sends_after(self, sent: int) -> bool:
        """Whether the page says something to its server over a web socket right after the press."""
        await asyncio.sleep(_SENDS_SOON)
        return self._page.sends_so_far() > sent

    async def _outcome(self, patience: float, any_change_counts: bool) -> dict[str, Any]:
        """What the armed press brings in the document within `patience` seconds.

        What changes right after it and cannot be traced to it counts only where something listens to such presses.
        """
        end = self._clock.monotonic() + patience
        near = True
        while True:
            seen: dict[str, Any] = await call(
                self._where.document,
                "outcome",
                {"near": near, "any": any_change_counts},
                wait=max(end - self._clock.monotonic(), 0.0),
            )
            if seen["effect"] or not seen["near"] or not near:
                return seen
            near = False
            if await self._where.document.listens(PRESS_PATH, timeout=_LISTENERS_SECONDS):
                return {**seen, "effect": seen["near"]}

    async def _arrive_if_leaving(self, seen: dict[str, Any]) -> None:
        try:
            if await self._page.loaded(timeout=self._left()):
                seen["title"] = None
        except PageClosed:
            seen["title"] = None

    async def _hover(self, hover: actions_pb2.Hover) -> Done:
        point = await self._prepare(hover.target, "any")
        await self._page.mouse_move(point["x"], point["y"], timeout=await self._allowed())
        await self._look("disarm")
        return Done(point["label"])

    # Fields and controls

    async def _fill(self, fill: actions_pb2.Fill) -> Done:
        text = await self._text(fill.value, fill.target)
        secret = fill.value.sensitive or names_a_secret(fill.target)
        if secret:
            self._secrets.add(text)
        filled = _checked(await self._write("fill", fill.target, "fill", value=text))
        if filled["secret"]:
            self._secrets.add(text)
        label = filled["label"]
        if not filled["equal"]:
            hidden = secret or filled["secret"] or fill.value.WhichOneof("source") != "literal"
            shown = "" if hidden else f': it shows "{filled["shown"][:100]}"'
            raise Failed(EXPECTATION_FAILED, f"{label} did not take the text{shown}", target=label)
        done = Done(label, title=filled["title"])
        if fill.submit:
            done.title = await self._key("Enter", await self._look("armFocused"))
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
        control = _checked(await self._write("choose", select.target, "select", option=option, more=more))
        label = control["label"]
        if control["native"]:
            if not control["equal"]:
                raise Failed(EXPECTATION_FAILED, f'{label} shows "{control["shown"]}"', target=label)
            await self._page.loaded(timeout=self._left())
            return Done(label, f'chose "{control["chosen"]}"', control["title"])
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

    async def _press_key(self, press: actions_pb2.PressKey) -> Done:
        if press.HasField("target"):
            focused = _checked(await self._write("focusOn", press.target, "any"))
            if not focused["focused"]:
                raise Failed(EXPECTATION_FAILED, f"{focused['label']} does not take the focus", target=focused["label"])
        else:
            await self._where.follow_focus()
        typed = press.key.rsplit("+", 1)[-1]
        await self._may_type(self._where.document, typed if len(typed) == 1 else "")
        armed = await self._look("armFocused")
        return Done(armed["label"], title=await self._key(press.key, armed))

    async def _key(self, key: str, armed: dict[str, Any]) -> str | None:
        """Press a key on what has the focus and follow where it leads; a key needs no effect."""
        if key.rsplit("+", 1)[-1] in ("Enter", "Space", " "):
            self._gate.press(armed["name"], armed["leads"])
        before = self._page.effects_so_far()
        allowed = await self._allowed()

        async def press() -> None:
            await self._page.press_key(key, timeout=allowed)

        patience = min(_KEY_PATIENCE if key == "Enter" else 0.0, self._left())
        try:
            seen = await self._watch_effect(press, before, patience)
        except ValueError as error:
            raise Failed(NOT_FOUND, str(error)) from None
        if seen["invalid"]:
            raise Failed(REJECTED_BY_PAGE, "; ".join(seen["invalid"]), target=armed["label"])
        title: str | None = seen["title"]
        return title

    # Files

    async def _upload(self, upload: actions_pb2.Upload) -> Done:
        """Bring the files here, find their field, give them, and see that the page got them."""
        names = [self._parameters.fill(name) for name in upload.files]
        try:
            async with asyncio.timeout(self._left()) as limit, self._journal.files(names) as files:
                limit.reschedule(None)
                return await self._give(upload.target, files)
        except FileMissing as missing:
            raise Failed(FILE_UNAVAILABLE, str(missing)) from None
        except FilesNotPlaced as error:
            raise Failed(FILE_UNAVAILABLE, f"the files could not be given to the page: {error}") from None
        except TimeoutError:
            raise Failed(STEP_TIMEOUT, f"the files were not on the host within {self._timeout:g} s") from None

    async def _give(self, target: actions_pb2.Target, files: list[HeldFile]) -> Done:
        wanted = {"target": script_target(target), "count": len(files)}
        found = _checked(await self._look("fileField", wanted))
        label = found["label"]
        if not found["field"]:
            label = await self._open_chooser(target, label, len(files))
        allowed = await self._allowed()
        before = self._page.effects_so_far()
        await self._page.set_files(_FIELD, files, timeout=allowed)
        names = ", ".join(f'"{one.file_name}"' for one in files)
        look_for = {"files": [{"name": one.file_name, "size": one.size} for one in files]}
        try:
            taken = await call(self._page, "filesTaken", look_for, wait=min(_CHOOSER_PATIENCE, self._left()))
        except (DocumentReplaced, ScriptFailed):
            if self._page.effects_so_far() == before:
                raise
            await self._page.loaded(timeout=self._left())
            return Done(label, f"gave {names}, and the page went on to another one")
        if not taken.get("ok"):
            raise Failed(_REASONS[taken["reason"]], taken["message"], target=label)
        shown = "the field shows" if taken["shown"] == "field" else "the page took and shows"
        return Done(label, f"{shown} {names}", taken["title"])

    async def _open_chooser(self, target: actions_pb2.Target, label: str, count: int) -> str:
        """Press what opens a file chooser; its field is kept for what follows. Returns how it is called."""
        self._page.forget_file_chooser()
        await self._press(target, "click", 1, EFFECT_PATIENCE)
        kept = await self._page.file_chooser(_CHOSEN, count, timeout=min(_CHOOSER_PATIENCE, self._left()))
        if kept is None:
            raise Failed(NO_EFFECT, f"{label} was pressed and opened no file chooser", target=label)
        _checked(json.loads(kept))
        return label

    # Looking

    async def _scroll(self, scroll: actions_pb2.Scroll) -> Done:
        if scroll.HasField("target"):
            found = _checked(await self._write("bringIn", scroll.target, "any"))
            return Done(found["label"])
        await self._allowed()
        moved = await self._look("scrollBy", {"delta": scroll.delta_y})
        if not moved["moved"]:
            raise Failed(NO_EFFECT, "the page does not scroll any further that way")
        return Done(message=f"scrolled by {moved['moved']} px", title=moved["title"])

    async def _wait(self, wait: actions_pb2.Wait) -> Done:
        if wait.WhichOneof("until") == "duration":
            seconds = wait.duration.ToTimedelta().total_seconds()
            if seconds > self._timeout:
                raise Failed(STEP_TIMEOUT, f"waiting {seconds:g} s takes longer than the step's {self._timeout:g} s")
            await asyncio.sleep(seconds)
            return Done()
        words = condition_words(wait.condition)
        answer = await holds(self._page, [script_condition(wait.condition)], timeout=self._left())
        if not answer["ok"]:
            raise Failed(STEP_TIMEOUT, f"waited {self._timeout:g} s in vain until {words}")
        return Done(title=answer["title"])

    async def _expect(self, expected: list[actions_pb2.Expect]) -> str:
        answer = await holds(self._page, [script_condition(one) for one in expected], timeout=self._left())
        if not answer["ok"]:
            failed = "; ".join(condition_words(expected[index]) for index in answer["failed"])
            raise Failed(EXPECTATION_FAILED, f"this does not hold: {failed}")
        return str(answer["title"])

    async def _extract(self, wanted: actions_pb2.Extract) -> Done:
        return self._brought(await reading.extracted(self._page, wanted, timeout=self._left()))

    async def _find_record(self, wanted: actions_pb2.FindRecord) -> Done:
        value = self._parameters.value(wanted.value)
        data = await reading.the_record(self._page, wanted.label, value, wanted.noun, timeout=self._left())
        return self._brought(data)

    def _brought(self, data: reading.Data) -> Done:
        return Done(output=data.output, has_output=True, title=data.title, provenance=data.provenance)


def _refuse_other_than_http(url: str) -> None:
    if not url.lower().startswith(("http://", "https://")):
        raise Failed(NAVIGATION, f"not an absolute http or https URL: {url}")


def _checked(answer: dict[str, Any]) -> dict[str, Any]:
    """The script's answer, if it did what it was asked.

    Raises:
        Failed.
    """
    if not answer.get("ok"):
        raise Failed(_REASONS[answer["reason"]], answer["message"])
    return answer


def _effect_beyond(effect: str) -> dict[str, Any]:
    return {
        "effect": effect,
        "late": None,
        "landed": True,
        "hit": "",
        "invalid": [],
        "leaves": False,
        "title": None,
        "checked": None,
    }


def _unless_by_itself(seen: dict[str, Any], watching: asyncio.Future[dict[str, Any]], moved: bool) -> dict[str, Any]:
    """What was seen, unless the page moved on without the press: then what its document said as it went."""
    if not watching.done() or watching.cancelled():
        return seen
    gone = watching.exception()
    if gone is None:
        last = watching.result()
        return {**last, "title": None} if last["late"] and not last["effect"] else seen
    if isinstance(gone, DocumentReplaced) and not moved:
        return {**_effect_beyond(""), "late": {"words": "the page moved on", "after": 0}}
    return seen


def _by_itself(late: dict[str, Any] | None) -> str:
    """What changed later, and why it does not count."""
    if not late:
        return ""
    when = f", but {late['after'] / 1000:.1f} s later and" if late["after"] else ","
    return f" by it: {late['words']}{when} not through anything that the press began"


def _instead(hit: str) -> str:
    return f", it reached {hit} instead" if hit else ""
