"""What clauses in everyday words mean about the page and its records: open, make, change, save, delete."""

from __future__ import annotations

import re

from tabkeep.v1 import actions_pb2

from browser_host.task.clauses.deleting import DeleteRecord
from browser_host.task.clauses.form_fields import ChooseFrom, SetName, SetParts
from browser_host.task.clauses.named_records import KIND, EditNamed, OpenNamed, PressWords
from browser_host.task.clauses.new_records import AddEntries, NewRecord
from browser_host.task.clauses.page_body import EditBody, RunQuery
from browser_host.task.clauses.plain_clauses import InTurn, one_action
from browser_host.task.clauses.saving import Save
from browser_host.task.clauses.table_views import FilterBy, NarrowTo, SortTable
from browser_host.task.prompt_text import CUT, VERBS, V
from browser_host.task.rules.field_words import literal, parts_of, plain_value, verbatim
from browser_host.task.rules.grammar import NotUnderstood, Reader, Rule, rule_adder
from browser_host.task.rules.references import DeleteAdded, DeleteIt, EditIt, OpenIt
from browser_host.task.rules.vocabulary import COMPARISONS, NAME, RANKS, THAT, VALUE
from browser_host.task.workspace import Intent

RECORD_RULES: list[Rule] = []
rule = rule_adder(RECORD_RULES)


# The page's own text


@rule(
    rf"(?:(?:edit|open) (?:this|the) page(?:{CUT}| and ))?(?:replace|change) (?:the|its) (?:whole )?(?:text|"
    rf"content|body) (?:with|by|to) "
    r"(?P<text>[^\uf8ff]+)",
    rf"(?:edit|change) (?:this|the) page so (?:that )?it (?:just |only )?(?:reads|says) (?P<text>{V})",
    rf"(?:(?:edit|create) (?:this|the) page(?:{CUT}| and ))?write (?P<text>{V}) (?:in|into|on) (?:it|the page|"
    rf"this page)",
)
def _body(reader: Reader, match: re.Match[str]) -> Intent:
    first = match[0].split(" ", 1)[0].lower()
    return EditBody(verbatim(reader, match["text"]), first if first in ("edit", "create") else "")


@rule(
    rf"run (?:the |this )?(?:sql )?query:? (?P<text>{V})",
    rf"(?:enter|type|write|run) (?:the |this )?(?:sql )?query: (?P<text>select\b[^\uf8ff]+)(?:{CUT}(?:run|"
    rf"execute|submit) (?:it|the query))?",
)
def _query(reader: Reader, match: re.Match[str]) -> Intent:
    return RunQuery(literal(reader, match["text"]))


@rule(
    r"(?:edit|create|print|rename) (?:this|the) (?:page|article|wiki page|document)",
    r"update my profile|edit my profile|open my profile",
)
def _press_phrase(reader: Reader, match: re.Match[str]) -> Intent:
    return PressWords(match[0].lower().replace(" my ", " ").replace("open ", ""))


@rule(r"show (?:me )?(?:the )?(?P<what>(?:recent|latest|all|old) [a-z]+)")
def _show(reader: Reader, match: re.Match[str]) -> Intent:
    if match["what"].lower().startswith(("latest", "recent")) and not match["what"].lower().endswith("changes"):
        raise NotUnderstood
    return PressWords(match["what"].lower())


@rule(r"send (?:him|her|them|it|the (?:user|customer)) (?:an? |the )?(?P<what>[a-z-]+(?: [a-z-]+){1,4})")
def _send(reader: Reader, match: re.Match[str]) -> Intent:
    return PressWords(f"send {reader.value(match['what'])}")


# Opening, making, saving, deleting

_PART = r"(?:row|entry|line|record)"
_YES = rf"yes(?:, i['\u2019]?m sure|(?:{CUT}|, )(?:delete|remove) it)?"
_IF_ASKED = (
    rf"if [^\uf8ff]*\b(?:asks?|asked|prompts?|prompted)\b[^\uf8ff]*(?:{CUT}| )(?:just )?(?:confirm|say yes|accept)"
)
_SURE = rf"(?:{CUT}(?:{_YES}|(?:{_IF_ASKED}|confirm)(?: (?:it|this|that|the deletion))?))?"


@rule(
    rf"(?:edit|change|modify) (?:the )?(?P<kind>{_PART}) (?:of|for|with|named|called) (?P<name>{NAME})",
    rf"(?:edit|modify) {THAT} (?P<kind>{KIND}) (?:called |named |titled )?(?P<name>{NAME})",
)
def _edit(reader: Reader, match: re.Match[str]) -> Intent:
    if match["kind"].lower() == "page" or re.match(r"(?:of|in|on|for|from|with)\b", match["name"], re.IGNORECASE):
        raise NotUnderstood
    return EditNamed(reader.name(match["name"]), match["kind"].lower())


@rule(r"open (?:it|that one|this one)")
def _open_it(reader: Reader, match: re.Match[str]) -> Intent:
    return OpenIt()


@rule(
    rf"(?:rename|change) (?:it|{THAT} (?P<it>{KIND})) (?:to|as|into) (?P<to>{VALUE})",
    rf"rename (?:the )?(?P<kind>{KIND}) (?P<name>{NAME}) (?:to|as) (?P<to>{VALUE})",
)
def _rename(reader: Reader, match: re.Match[str]) -> Intent:
    to = SetName(plain_value(reader, match["to"]))
    groups = match.groupdict()
    if not groups.get("name"):
        return to
    return InTurn((EditNamed(reader.name(groups["name"]), groups["kind"].lower()), to))


@rule(r"(?:edit|modify) (?:it|that one|this one)")
def _edit_it(reader: Reader, match: re.Match[str]) -> Intent:
    return EditIt()


@rule(rf"(?:delete|remove) (?:it|that one|this one)(?: again)?{_SURE}")
def _delete_it(reader: Reader, match: re.Match[str]) -> Intent:
    return DeleteIt()


@rule(rf"(?:delete|remove|drop) (?P<name>{V}|(?!(?:the|an?|all|it)\b)[\w-]+(?: [\w-]+)?)(?: again)?{_SURE}")
def _delete_added(reader: Reader, match: re.Match[str]) -> Intent:
    """Without a kind it is an entry that a clause before it has to do with."""
    if re.match(r"(?:first|second|third|last|other|one|this|that)\b", match["name"], re.IGNORECASE):
        raise NotUnderstood
    return DeleteAdded(reader.name(match["name"], most_words=3), "entry")


@rule(rf"(?:delete|remove|drop) (?:the )?(?P<kind>{_PART}) (?:of|for|with|named|called) (?P<name>{NAME}){_SURE}")
def _delete_row(reader: Reader, match: re.Match[str]) -> Intent:
    return DeleteRecord(reader.name(match["name"]), match["kind"].lower())


@rule(rf"(?:open|go to|view) (?:the |an? )?(?:page|article|post|topic|entry) (?:about|on) (?:the )?(?P<name>{NAME})")
def _open_about(reader: Reader, match: re.Match[str]) -> Intent:
    return OpenNamed(reader.name(match["name"]))


@rule(rf"(?:open|go to|view) (?P<kind>{KIND}) (?:number |no\.? )?(?P<name>{V}|#?[a-z-]*\d[\w-]*)")
def _open_number(reader: Reader, match: re.Match[str]) -> Intent:
    if match["kind"].lower() in ("page", "site", "file"):
        raise NotUnderstood
    marked = reader.text.value(match["name"])
    if marked is not None and marked.kind in ("url", "site", "hole"):
        raise NotUnderstood
    return OpenNamed(literal(reader, match["name"]).lstrip("#"), match["kind"].lower())


@rule(
    rf"(?:open|go to|select|edit|view) {THAT} (?P<kind>{KIND}) (?:called |named |about (?:the )?|"
    rf"titled )?(?P<name>{NAME})",
    rf"(?:open|go to|select|edit|view) {THAT} (?P<kind>[a-z]+) (?:called |named |titled )?(?P<name>{V})",
    rf"under {THAT}? ?(?P<kind>[A-Za-z]+(?: [a-z]+)?){CUT}(?:open|select|click) (?:the )?(?P<name>{NAME})",
)
def _open(reader: Reader, match: re.Match[str]) -> Intent:
    name = match["name"].strip()
    marked = reader.text.value(name)
    under = match[0].lower().startswith("under")
    if match["kind"].lower() in ("link", "button", "tab", "url", "page", "site", "website", "icon") and not under:
        raise NotUnderstood
    if marked is not None and marked.kind in ("url", "hole") + (() if under else ("site",)):
        raise NotUnderstood
    if re.match(r"(?:that|which|with|of|in|on|for|from|whose)\b", name, re.IGNORECASE):
        raise NotUnderstood
    return OpenNamed(literal(reader, name) if marked is not None else reader.value(name), match["kind"].lower())


@rule(rf"(?:open|go to) {THAT}? ?(?P<name>[A-Za-z][\w'-]*(?: [\w'-]+){{0,3}}?) (?P<kind>{KIND}|admin page)")
def _open_before(reader: Reader, match: re.Match[str]) -> Intent:
    name = match["name"].lower()
    if re.match(r"(?:first|second|third|last|new|next|previous|top|this|that|previous|login|home)\b", name):
        raise NotUnderstood
    return OpenNamed(reader.value(match["name"]), "menu" if match["kind"].lower() == "menu" else "")


_SENT = (
    rf"(?:(?:{CUT}| and |, )(?:(?:save|submit|send|create|add) (?:it|them|the \w+)|save|submit|(?:press|"
    rf"click|hit) (?P<press>{NAME})))?"
)


@rule(
    r"add (?:these |the )?(?:(?:two|three|four|five|six|\d+) )?(?P<noun>todos|tasks|items|notes|entries)"
    r": (?P<list>[^\uf8ff]+)"
)
def _entries(reader: Reader, match: re.Match[str]) -> Intent:
    entries = [plain_value(reader, one) for one in re.split(r"\s*,\s*(?:and\s+)?|\s+and\s+", match["list"]) if one]
    said = re.search(r"\b(two|three|four|five|six|\d+)\b", match[0].split(":")[0])
    counts = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6}
    if said and counts.get(said[1], 0) != len(entries) and said[1] != str(len(entries)):
        raise NotUnderstood
    return AddEntries({"entries": "entry"}.get(match["noun"], match["noun"][:-1]), tuple(entries))


_NEXT_SENTENCE = rf"{CUT}(?=[^\uf8ff]*,)(?!(?:{VERBS})\b)"
"""Behind it is no other thing to do but a list: the fields of what is to be made."""


@rule(
    rf"(?:please )?(?:create|add|insert|register) (?:me )?(?:an? |another |"
    rf"one )?(?:new )?(?P<noun>[a-z]+(?: [a-z]+)?)(?: there)?"
    rf" (?:called|named|titled|entitled) (?P<name>{V}|[^\uf8ff,:;]+?)"
    rf"(?:,? (?:with|of) (?P<parts>[^\uf8ff]+?))?(?: to (?:this|the) [a-z]+)?{_SENT}",
    rf"(?:please )?(?:create|add|insert|register) (?:me )?(?:an? |another |"
    rf"one )?(?:new )?(?P<noun>[a-z]+(?: [a-z]+)?)(?: there)?"
    rf"(?P<listed>:| with:?|, with|{_NEXT_SENTENCE}) ?(?P<parts>[^\uf8ff]+?)(?: to (?:this|the) [a-z]+)?{_SENT}",
)
def _new(reader: Reader, match: re.Match[str]) -> Intent:
    noun = match["noun"].lower()
    if re.search(
        r"\b(?:two|three|four|five|six|several|many|result|one|cart|basket|bag|top|it|them|all|some|any|first)\b", noun
    ):
        raise NotUnderstood
    if re.search(r"\bto (?:the|my|this) (?:shopping )?(?:cart|basket|bag|trolley)\b", match[0], re.IGNORECASE):
        raise NotUnderstood
    groups = match.groupdict()
    name = plain_value(reader, groups["name"]) if groups.get("name") else ""
    listed = re.search(rf"[:{CUT}]", groups.get("listed") or "") is not None
    parts = parts_of(reader, groups["parts"], listed=listed) if groups.get("parts") else ()
    press = reader.name(groups["press"]) if groups.get("press") else ""
    return NewRecord(noun, name, parts, press)


@rule(
    rf"(?:select|choose|pick) (?P<option>{VALUE}) (?:from|in) the (?:drop-?down |list|menu)(?: ?list)? ?(?:of|"
    rf"for) (?P<of>[a-z]+)"
)
def _choose_from(reader: Reader, match: re.Match[str]) -> Intent:
    return ChooseFrom(reader.name(match["option"]), reader.value(match["of"]))


@rule(
    rf"mark (?:the )?(?:{KIND} )?(?P<name>{NAME}) as (?:done|completed?|finished)",
    rf"tick off (?:the )?(?P<name>{NAME})",
)
def _mark(reader: Reader, match: re.Match[str]) -> Intent:
    if re.match(r"(?:other|another|rest|remaining|others)\b", match["name"], re.IGNORECASE):
        raise NotUnderstood
    target = actions_pb2.Target(role="checkbox", within=reader.name(match["name"]))
    return one_action(actions_pb2.Action(set_checked=actions_pb2.SetChecked(target=target, checked=True)))


@rule(
    r"mark (?:all|everything)(?: (?:todos|items|tasks|entries|of them))? as "
    r"(?P<state>complete|completed|done|read|finished)"
)
def _mark_all(reader: Reader, match: re.Match[str]) -> Intent:
    target = actions_pb2.Target(role="checkbox", name=f"mark all as {match['state'].lower()}")
    return one_action(actions_pb2.Action(set_checked=actions_pb2.SetChecked(target=target, checked=True)))


@rule(r"(?:add|put|write) (?P<list>[^\uf8ff]+) (?:to|on|onto) (?:the|my|this) (?:to-?do )?(?:list|to-?dos?|tasks)")
def _entries_to_list(reader: Reader, match: re.Match[str]) -> Intent:
    texts = [reader.name(one) for one in re.split(r"\s*,\s*(?:and\s+)?|\s+and\s+", match["list"]) if one]
    return AddEntries("item", tuple(texts))


@rule(
    r"(?:add|save|put) (?:it|this|this (?:product|item|page)) (?:to|on|in) (?:my |the )?"
    r"(?P<where>wish ?list|favou?rites|watch ?list|reading list|bookmarks)"
)
def _onto_list(reader: Reader, match: re.Match[str]) -> Intent:
    return PressWords(f"add to {match['where'].lower()}")


# How lists are shown


@rule(r"(?:filter|narrow)(?: (?:the|this) [a-z]+| them| down)? by (?P<filter>[^\uf8ff]+)")
def _filter(reader: Reader, match: re.Match[str]) -> Intent:
    words = re.sub(r"\s*[:=]\s*|\s+(?:is|equals)\s+", " ", match["filter"].strip())
    named = literal(reader, words)
    if len(named.split()) < 2 or RANKS.search(named) or COMPARISONS.search(named):
        raise NotUnderstood
    return FilterBy(named)


@rule(
    r"(?:show|list|display|keep)(?: me)? only (?:the )?[a-z]+ (?:in|from|of|that are|which are|with) (?:the )?"
    rf"(?P<value>{NAME})"
)
def _only(reader: Reader, match: re.Match[str]) -> Intent:
    value = reader.name(match["value"], most_words=3)
    if RANKS.search(value) or COMPARISONS.search(value):
        raise NotUnderstood
    return NarrowTo(value)


@rule(
    rf"(?:sort|order)(?: (?:the|this|these) [a-z]+| them)? by (?:the )?(?P<column>{NAME})"
    r"(?:,? (?:in )?(?P<way>descending|ascending|decreasing|increasing|reverse)(?: order)?|"
    r",? (?:the )?(?P<end>largest|greatest|highest|biggest|newest|latest|smallest|lowest|least|oldest|"
    r"earliest)(?: one)? first)?"
)
def _sort(reader: Reader, match: re.Match[str]) -> Intent:
    column = reader.name(match["column"], most_words=4)
    down = (match["way"] or "").lower() in ("descending", "decreasing", "reverse") or (match["end"] or "").lower() in (
        "largest", "greatest", "highest", "biggest", "newest", "latest",
    )  # fmt: skip
    return SortTable(column, down)


@rule(r"clear (?:the |all )?(?:completed|done)(?: ones| todos| tasks| items)?")
def _clear_done(reader: Reader, match: re.Match[str]) -> Intent:
    return PressWords("clear completed")


@rule(r"(?:save|submit)(?: (?:it|this|them|the (?:page|form|changes?)|your changes?))? with (?P<parts>[^\uf8ff]+)")
def _save_with(reader: Reader, match: re.Match[str]) -> Intent:
    return InTurn((SetParts(parts_of(reader, match["parts"])), Save()))


@rule(rf"(?:save|submit)(?: (?:it|this|them|changes|(?:the|your|my) (?:changes?|form|page|edits?|{KIND})))?")
def _save(reader: Reader, match: re.Match[str]) -> Intent:
    return Save()


@rule(
    rf"(?:delete|drop|remove) (?:the )?(?P<kind>{KIND}) (?:called |named )?(?P<name>{NAME})"
    rf"{_SURE}",
    rf"(?:delete|drop|remove) (?:the |my )?(?P<kind>[a-z]+) (?:called|named|titled|about|for)(?: the)? (?P<name>{NAME})"
    rf"{_SURE}",
)
def _delete(reader: Reader, match: re.Match[str]) -> Intent:
    if re.search(r"\bfrom\b|\bin\b|^(?:of|for|with)\b", match["name"]):
        raise NotUnderstood
    return DeleteRecord(reader.name(match["name"]), match["kind"].lower())
