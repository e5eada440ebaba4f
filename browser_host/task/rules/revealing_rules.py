"""What clauses mean that look for something which does not show yet, and those that go through menus."""

from __future__ import annotations

import re

from browser_host.task.clauses.revealing import ClickIconItem, ExpandAll, FindAndClick, OpenMenu
from browser_host.task.prompt_text import CUT, V
from browser_host.task.rules.grammar import NotUnderstood, Reader, Rule, rule_adder
from browser_host.task.rules.vocabulary import THE
from browser_host.task.workspace import Intent

REVEALING_RULES: list[Rule] = []
rule = rule_adder(REVEALING_RULES)

_AND = rf"(?:{CUT}| and | & |, | to )"
_WHAT = (
    r"(?P<kind>link|button|item|menu item|entry|option|folder or file|file or folder|file|folder|tab|element|text)"
    rf"(?: (?:labell?ed|named|called|with (?:the )?(?:text|name|label)))? (?P<name>{V})"
)
_CLICK = rf"(?:find{_AND})?(?:click|open|press|select)(?: on)? {THE}"


@rule(
    rf"(?:expand|open|unfold) (?:all )?(?:of )?the sections?(?: below)?,?{_AND}{_CLICK}{_WHAT}",
    rf"(?:expand|open|unfold) (?:all )?(?:of )?the sections?(?: below)?,? to find{_AND}(?:click|open|press)(?: on)?"
    rf" {THE}{_WHAT}",
    rf"(?:switch|go|look|click) (?:between|through) the tabs,?{_AND}{_CLICK}{_WHAT}",
    rf"(?:switch|go|look|click) (?:between|through) the tabs,? to find{_AND}(?:click|open|press)(?: on)? {THE}{_WHAT}",
    rf"(?:navigate|go|look|browse) through the (?:file )?(?:tree|folders?|menu){_AND}{_CLICK}{_WHAT}",
    rf"(?:expand|open) the (?:\w+ )?menu(?: below)?{_AND}{_CLICK}{_WHAT}",
    rf"find{_AND}(?:click|open|press)(?: on)? {THE}{_WHAT}",
)
def _find_and_click(reader: Reader, match: re.Match[str]) -> Intent:
    name = reader.value(match["name"])
    kind = match["kind"].lower()
    return FindAndClick(f'find the {kind} "{name}" and click it', name, kind if kind in ("link", "button") else "")


@rule(rf"(?:find{_AND})?(?:click|choose|select|press)(?: on)? the (?:menu )?(?:item|entry|option) with (?:the|an) icon")
def _icon_item(reader: Reader, match: re.Match[str]) -> Intent:
    return ClickIconItem()


@rule(
    r"(?:expand|open|unfold) (?P<all>all )?(?:of )?the (?:collapsed )?(?:section|panel|part)(?P<several>s)?(?: below)?"
)
def _expand(reader: Reader, match: re.Match[str]) -> Intent:
    every = bool(match["several"])
    return ExpandAll("open all collapsed parts" if every else "open the collapsed part", every)


@rule(
    rf"(?:select|choose|click|open|go to|go through)(?: on)? {THE}(?:menu )?(?P<path>(?:{V}|[^\s>,;\uf8ff]+(?:"
    rf" [^\s>,;\uf8ff]+)*?)(?: ?(?:>|\u2192|->) ?(?:{V}|[^\s>,;\uf8ff]+(?: [^\s>,;\uf8ff]+)*?))+)"
)
def _menu(reader: Reader, match: re.Match[str]) -> Intent:
    path = tuple(reader.name(part.strip()) for part in re.split(r"\s*(?:>|\u2192|->)\s*", match["path"]))
    if len(path) < 2:
        raise NotUnderstood
    return OpenMenu(f"choose {' > '.join(path)} in the menu", path)
