"""Text of an editor that is given a style or a colour with the editor's own buttons."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from tabkeep.v1 import actions_pb2

from browser_host.task.clauses.choosing import click, coloured
from browser_host.task.clauses.colours import COLOUR, is_shade_of, parsed
from browser_host.task.failures import AMBIGUOUS, EXPECTATION_FAILED, NOT_FOUND, Failed
from browser_host.task.prompt_text import CUT, V
from browser_host.task.rules.grammar import Reader, Rule, rule_adder
from browser_host.task.scene import Scene, Thing, only
from browser_host.task.workspace import Intent, Workspace

STYLING_RULES: list[Rule] = []
rule = rule_adder(STYLING_RULES)

_STYLES = {"bold": "bold", "italic": "italic", "italics": "italic", "underline": "underline", "underlined": "underline"}


@dataclass(frozen=True, slots=True)
class StyleText:
    """Select a text of the only editor of the page, or all of it, and press what gives it the style or the colour."""

    words: str
    text: str
    """Empty for all of it."""
    style: str = ""
    colour: str = ""

    async def carry_out(self, workspace: Workspace) -> None:
        """Select, press, and where it is a colour choose the one that is a shade of it."""
        editors = (await workspace.scene()).all(lambda one: one.editable and one.tag not in ("input", "textarea"))
        editor = only(editors, "text editor")
        target = await workspace.target_of(editor.ref, "the editor")
        text = self._as_in(editor.text)
        select = actions_pb2.SelectText(target=target, text=text)
        await workspace.do(actions_pb2.Action(select_text=select))
        await workspace.pause()  # editors learn of a selection a moment later
        before = await workspace.scene()
        await click(workspace, only(_buttons(before, self.style or "color"), f'button for "{self.style or "colour"}"'))
        if self.colour:
            known = {one.id for one in before.things}
            offered = [pair for pair in coloured(await workspace.scene()) if pair[0].id not in known]
            fitting = [box for box, colour in offered if is_shade_of(colour, self.colour)]
            if not fitting:
                raise Failed(NOT_FOUND, f"the editor offers no {self.colour}")
            await click(workspace, fitting[0])
        if not self._done(await workspace.selection_style(), text):
            raise Failed(
                EXPECTATION_FAILED, f"the text is not {self.style or self.colour} after its button was pressed"
            )

    def _as_in(self, whole: str) -> str:
        """The text with the mark that the editor has behind it, if the prompt has one there, too: it may be its own."""
        bare = self.text.rstrip(",.")
        if bare == self.text or self.text in whole.split():
            return self.text
        return next((word for word in whole.split() if self.text.endswith(".") and word == bare + word[-1:]), bare)

    def _done(self, selected: dict[str, Any] | None, text: str) -> bool:
        if selected is None or not selected["looks"] or (text and selected["text"] != text):
            return False
        if self.style:
            return all(look[self.style] for look in selected["looks"])
        colours = [parsed(look["color"]) for look in selected["looks"]]
        return all(colour is not None and is_shade_of(colour, self.colour) for colour in colours)


def _buttons(scene: Scene, word: str) -> list[Thing]:
    """What the editor has for a style: its innermost part that acts, called so or marked so."""
    fitting = scene.all(
        lambda one: (one.acts or one.icon) and not one.editable and not one.disabled
        and re.search(rf"\b{word}\b", f"{one.called} {one.words} {one.home}", re.IGNORECASE) is not None
    )  # fmt: skip
    if len({(round(one.x), round(one.y)) for one in fitting}) > 1:
        raise Failed(AMBIGUOUS, f'several parts of the editor are called "{word}"')
    return fitting[:1]


_EDITOR = r"(?:(?:using|use|with|in) the (?:text )?editor,? (?:to )?)"
_GIVE = (
    rf"{_EDITOR}(?:{CUT})?(?:give|make) (?:(?P<all>everything|all (?:of )?the text|the (?:whole|entire) text)"
    rf"|the (?:text|word) (?P<text>{V}|[^\uf8ff\s]+?)(?P<mark>,|{CUT})?)"
)


@rule(
    rf"{_GIVE} ?(?<=[\s{CUT}])(?:the style )?(?P<style>{'|'.join(_STYLES)})",
    rf"{_GIVE} ?(?<=[\s{CUT}])(?:the colou?r )?(?P<colour>{COLOUR})",
)
def _style(reader: Reader, match: re.Match[str]) -> Intent:
    groups = match.groupdict()
    marked = reader.text.value(groups["text"]) if groups.get("text") else None
    text = marked.text if marked else (groups.get("text") or "") + (groups.get("mark") or "").replace(CUT, ".")
    style = _STYLES.get((groups.get("style") or "").lower(), "")
    colour = (groups.get("colour") or "").lower()
    what = f'"{text}"' if text else "all text"
    return StyleText(f"make {what} {style or colour}", text, style, colour)
