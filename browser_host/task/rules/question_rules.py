"""What questions about a page mean."""

from __future__ import annotations

import re

from browser_host.task.clauses.named_records import KIND
from browser_host.task.clauses.plain_clauses import extract_action, one_action
from browser_host.task.clauses.questions import Ask, CountOf
from browser_host.task.clauses.table_questions import AskTable, ReadColumns
from browser_host.task.clauses.table_views import OfFirstRow
from browser_host.task.prompt_text import CUT, V
from browser_host.task.rules.grammar import NotUnderstood, Reader, Rule, rule_adder
from browser_host.task.rules.vocabulary import COMPARISONS, NAME, RANKS
from browser_host.task.workspace import Intent

QUESTION_RULES: list[Rule] = []
rule = rule_adder(QUESTION_RULES)


@rule(
    r"tell me (?:what )?(?:the |its )?(?P<column>[a-z]+(?: [a-z]+)?)(?: is)?",
    r"what(?: is|['\u2019]s) (?:its|the) (?P<column>price|total|name|title|status)\??",
)
def _tell(reader: Reader, match: re.Match[str]) -> Intent:
    column = reader.value(match["column"])
    if RANKS.search(column) or re.search(r"(?<![su])s$|\b(?:all|more|story|truth)\b", column):
        raise NotUnderstood
    return one_action(extract_action([column], ""))


@rule(r"what does (?:it|this|that|the query) (?:return|show|give|say)\??")
def _what_came(reader: Reader, match: re.Match[str]) -> Intent:
    return one_action(extract_action([], ""))


@rule(
    rf"what(?: is|['\u2019]s) (?:the |his |her )?(?P<column>[a-z][a-z -]*?) of (?:the )?(?:(?P<kind>{KIND})"
    rf" )?(?P<subject>{NAME})\??",
    rf"tell me the (?P<column>[a-z][a-z -]*?) of (?:the )?(?:(?P<kind>{KIND}) )?(?P<subject>{NAME})",
    rf"(?:tell me|what(?: is|['\u2019]s)) (?P<subject>{V}|[\w-]+(?: [\w-]+)?)['\u2019]s (?P<column>[a-z][a-z -]*?)\??",
    rf"(?:in|on|at|to) which (?P<column>[a-z]+) (?:does|do|is|are) (?P<subject>{NAME})(?: (?:live|lives|work|"
    rf"belong|located|based|in|to))?\??",
)
def _ask(reader: Reader, match: re.Match[str]) -> Intent:
    column = reader.value(match["column"], most_words=4)
    subject = reader.name(match["subject"])
    if RANKS.search(f"{column} {subject}") or re.search(r"\b(?:one|ones|all|each|every)\b", subject):
        raise NotUnderstood
    return Ask(column, subject)


@rule(
    rf"tell me the (?P<column>[a-z]+(?: [a-z]+)?) of the one (?:with|whose) (?P<under>[a-z]+) (?:is |"
    rf"of )?(?P<subject>{NAME})"
)
def _ask_where(reader: Reader, match: re.Match[str]) -> Intent:
    return Ask(reader.value(match["column"]), reader.name(match["subject"]), reader.value(match["under"]))


@rule(
    rf"(?:tell me|get|read|what(?: is|['\u2019]s)) the (?P<column>[a-z]+(?: [a-z]+)?) (?:of|in) the (?:first|top) "
    rf"(?:row|one|result|line|{KIND}|[a-z]+)\??"
)
def _of_first(reader: Reader, match: re.Match[str]) -> Intent:
    return OfFirstRow(reader.value(match["column"]))


@rule(
    r"(?:tell me )?how (?:much|many) (?P<subject>[a-z]+) (?:(?:is|are) (?:needed|required|used|in it)|"
    r"(?:it|this) (?:takes|needs|requires)|do(?:es)? (?:it|this|i|you|one) (?:take|need|require))"
    r"(?: according to the table| in the table)?\??"
)
def _ask_amount(reader: Reader, match: re.Match[str]) -> Intent:
    return Ask("amount", reader.value(match["subject"]))


@rule(r"how many (?P<noun>[a-z]+) are (?:there|listed|shown|left)(?: now| then)?\??")
def _count(reader: Reader, match: re.Match[str]) -> Intent:
    return CountOf(reader.value(match["noun"]))


_TELL = r"(?:(?:tell me|find out|let me know|i want to know|say) )?"
_VERB = (
    r"(?=(?:is|are|was|were|has|have|had|did|does|do|lives?|costs?|belongs?|comes?|in|from|with|got|paid|sent|wrote"
    r"|of)\b)"
)
_ONLY = (
    rf"(?:{CUT}(?:i )?(?:only|just)?(?: ?(?:want|need|give me|tell me|list))? (?:the |their |its |his |her )"
    r"(?P<column>[a-z]+(?: [a-z]+)?))?"
)


@rule(
    rf"{_TELL}(?P<asks>who|when|where|how much) (?P<question>[^\uf8ff?]+){_ONLY}",
    rf"{_TELL}(?:in |to |for |on )?(?P<asks>which|what|how many) (?P<noun>(?!is\b|are\b|does\b)[a-z]+(?: [a-z]+)??) "
    rf"{_VERB}(?P<question>[^\uf8ff?]+){_ONLY}",
)
def _of_a_table(reader: Reader, match: re.Match[str]) -> Intent:
    """Only what can be looked up: no opinions, no bounds; the words of the question are the table's to know."""
    question = reader.text.plain(match["question"]).strip()
    groups = match.groupdict()
    noun, column = groups.get("noun") or "", groups.get("column") or ""
    bounded = re.sub(r"\b(?:the|has|have|with|is|are) (?:the )?(?:most|least)\b", " ", question, flags=re.IGNORECASE)
    if COMPARISONS.search(bounded) or re.search(
        r"\b(?:not|no|or|and|except|only|you|your|i|best|should|would|could|each|every|first|last|if)\b", question, re.I
    ):
        raise NotUnderstood
    if match["asks"].lower() == "how many" and " " in noun:
        raise NotUnderstood  # "red items": what they look like is no heading
    column = {"names": "name", "prices": "price", "titles": "title"}.get(column.lower(), column.lower())
    asks = match["asks"].lower()
    return AskTable(question, "which" if asks == "what" else asks, noun.lower(), column)


@rule(
    r"(?:get|list|read|give me|tell me|extract) (?:the )?(?P<columns>[a-z]+(?: [a-z]+)?(?:(?:, | and )(?:the )?[a-z]+"
    r"(?: [a-z]+)?)*) (?:of|for) (?:each|every|all)(?: of them| one| ?[a-z]+)?"
)
def _of_each(reader: Reader, match: re.Match[str]) -> Intent:
    columns = re.split(r"\s*,\s*(?:and\s+)?|\s+and\s+", match["columns"])
    return ReadColumns(tuple(reader.name(one, most_words=2).lower() for one in columns))
