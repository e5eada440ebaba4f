"""What clauses mean that compare, order or move things by what they say."""

from __future__ import annotations

import re

from browser_host.task.clauses.orderings import (
    BookTrip,
    ClickInOrder,
    DragEntry,
    GuessNumber,
    MarkOddOrEven,
    PickByOrder,
    PickGreatest,
    PressUntil,
    PressWhen,
    SearchBy,
    SortByDragging,
)
from browser_host.task.prompt_text import CUT, V
from browser_host.task.rules.choosing_rules import parsed_date
from browser_host.task.rules.grammar import NotUnderstood, Reader, Rule, rule_adder
from browser_host.task.rules.vocabulary import NTH, THE, nth_of
from browser_host.task.workspace import Intent

ORDERING_RULES: list[Rule] = []
rule = rule_adder(ORDERING_RULES)

_AND = rf"(?:{CUT}|,? and |, )"
_LEAST = r"cheapest|least expensive|lowest|shortest|quickest|fastest|smallest|least|earliest"
_GREATEST = r"most expensive|dearest|highest|longest|slowest|greatest|largest|biggest|latest"
_RANK = rf"(?P<rank>{_LEAST}|{_GREATEST})"
_MEASURE = {"cheapest": "price", "least expensive": "price", "most expensive": "price", "dearest": "price",
            "shortest": "duration", "longest": "duration", "quickest": "duration", "fastest": "duration",
            "slowest": "duration"}  # fmt: skip
"""What is compared where only the rank says it."""


def _descending(rank: str) -> bool:
    return re.fullmatch(_GREATEST, rank.lower()) is not None


@rule(
    r"(?:click|press|tap)(?: on)? (?:the|all) numbers(?: below)? in (?P<way>ascending|increasing|descending"
    r"|decreasing) order"
)
def _in_order(reader: Reader, match: re.Match[str]) -> Intent:
    way = match["way"].lower()
    return ClickInOrder(f"click the numbers in {way} order", way.startswith("de"))


@rule(
    rf"(?:find{_AND})?(?:pick|choose|select|click)(?: on)? the card with the (?P<rank>greatest|highest|largest"
    rf"|biggest|smallest|lowest|least) (?:number|value)"
)
def _card(reader: Reader, match: re.Match[str]) -> Intent:
    least = match["rank"].lower() in ("smallest", "lowest", "least")
    return PickGreatest(f"pick the card with the {match['rank'].lower()} number", least)


@rule(
    r"(?P<verb>generate) (?:an? |the )?(?:(?P<parity>odd|even) number|(?:random )?number (?:that is )?"
    r"(?P<how>greater|more|larger|higher|less|smaller|lower) than (?P<n>-?\d+))"
)
def _generate(reader: Reader, match: re.Match[str]) -> Intent:
    if match["parity"]:
        rest = 1 if match["parity"].lower() == "odd" else 0
        return PressUntil(
            f'press "Generate" until the number is {match["parity"].lower()}', "generate", lambda n: n % 2 == rest
        )
    bound, more = float(match["n"]), match["how"].lower() in ("greater", "more", "larger", "higher")
    words = f'press "Generate" until the number is {"greater" if more else "less"} than {bound:g}'
    return PressUntil(words, "generate", lambda n: n > bound if more else n < bound)


@rule(
    rf"guess (?:the|a) number (?:between|from) (?P<least>\d{{1,6}}) ?(?:-|to|and) ?(?P<most>\d{{1,6}})"
    rf"(?:{_AND}(?:press|click|hit) submit)?(?:{CUT}use the feedback(?: below| above)? to find the (?:right|correct)"
    rf" number)?"
)
def _guess(reader: Reader, match: re.Match[str]) -> Intent:
    least, most = int(match["least"]), int(match["most"])
    return GuessNumber(f"guess the number between {least} and {most}", least, most)


@rule(r"mark (?:all |each of )?the numbers?(?: below)? as (?:odd or even|even or odd)")
def _parity(reader: Reader, match: re.Match[str]) -> Intent:
    return MarkOddOrEven()


@rule(
    rf"(?P<verb>buy|book|order|reserve) the {THE}?(?:\w+ )?(?:ticket|flight|trip|room|seat|item|offer) with the"
    rf" {_RANK} (?P<label>[a-z]+(?: [a-z]+)?)"
)
@rule(rf"(?P<verb>buy|book|order|reserve) the {_RANK} (?:ticket|flight|trip|room|seat|offer)")
def _pick(reader: Reader, match: re.Match[str]) -> Intent:
    rank = match["rank"].lower()
    label = (match.groupdict().get("label") or _MEASURE.get(rank, "")).lower()
    if not label:
        raise NotUnderstood
    label = "price" if label in ("cost", "price") else label
    button = "Book" if match["verb"].lower() in ("buy", "book", "reserve") else "Order"
    return PickByOrder(f"{match['verb'].lower()} the one with the {rank} {label}", label, _descending(rank), button)


@rule(
    rf"book the {_RANK} (?:one-way |direct )?(?:flight|trip|train|ticket) from:? (?P<start>{V}|[^\uf8ff:]+?) to:? "
    rf"(?P<end>{V}|[^\uf8ff:]+?) on (?P<date>\d{{1,2}}/\d{{1,2}}/\d{{4}}|\d{{4}}-\d\d-\d\d)"
)
def _trip(reader: Reader, match: re.Match[str]) -> Intent:
    rank = match["rank"].lower()
    if rank not in _MEASURE:
        raise NotUnderstood
    start, end = (reader.text.plain(match[name]).strip() for name in ("start", "end"))
    day = parsed_date(match["date"])
    words = f"book the {rank} trip from {start} to {end} on {day}"
    return BookTrip(words, start, end, day, _MEASURE[rank], _descending(rank))


@rule(
    rf"(?:search for|find|look for) (?P<genre>[a-z-]+) (?:movies|films|books|shows|series) (?:directed|written|made)"
    rf" by (?P<who>{V}|[\w-]+)(?: (?:from|in|of)(?: the)? (?:year )?(?P<year>\d{{4}}))?"
)
def _search_by(reader: Reader, match: re.Match[str]) -> Intent:
    facets = [
        ("genre|category|type|kind", match["genre"]),
        ("director|director name|author|directed by", reader.value(match["who"], most_words=1)),
    ]
    if match["year"]:
        facets.append(("year|release date|released date|date|release year", match["year"]))
    return SearchBy(f"search for {', '.join(value for _, value in facets)}", tuple(facets))


@rule(
    rf"(?P<verb>buy|sell|click|press) (?P<what>{V}|[\w-]+)?(?: stocks?| shares?| button)? (?:when|once|as soon as"
    rf"|if) the (?P<label>[a-z]+(?: [a-z]+)?) is (?P<how>less|lower|under|below|greater|more|higher|over|above)(?:"
    rf" than)? (?P<n>{V}|\$?\d+)"
)
def _when(reader: Reader, match: re.Match[str]) -> Intent:
    verb, what = match["verb"].lower(), reader.value(match["what"], most_words=1) if match["what"] else ""
    less = match["how"].lower() in ("less", "lower", "under", "below")
    trade = verb in ("buy", "sell")
    button, shown = (verb, what) if trade else (what, "")
    if not button:
        raise NotUnderstood
    than = reader.amount(match["n"])
    words = f'press "{button}" when the {match["label"]} is {"less" if less else "greater"} than {than:g}'
    return PressWhen(words, button, shown, match["label"], less, than)


_GRID = r"(?:top|center|centre|middle|bottom)(?: (?:left|center|centre|middle|right))?"


@rule(
    rf"drag (?P<name>{V}|[\w-]+) (?P<way>up|down|left|right)(?: by one)?(?: (?:position|place|step))?",
    rf"drag (?P<name>{V}|[\w-]+) to the (?P<grid>{_GRID})(?: of the (?:list|grid))?",
    rf"drag (?P<name>{V}|[\w-]+) to the (?P<nth>{NTH}) (?:position|place)",
)
def _drag(reader: Reader, match: re.Match[str]) -> Intent:
    groups = match.groupdict()
    name = reader.value(match["name"], most_words=1)
    if name.lower() in ("the", "all", "it", "item", "circle", "box", "shape", "everything"):
        raise NotUnderstood
    place = (groups.get("way") or groups.get("grid") or "").lower() or str(nth_of(groups["nth"]))
    if place.startswith("-"):
        place = "bottom"
    return DragEntry(f'drag "{name}" {place}', name, place)


@rule(
    r"sort the numbers(?: below)? in (?P<way>increasing|ascending|decreasing|descending) order(?:,? starting with"
    r" the (?:lowest|smallest|highest|largest|greatest) number at the top(?: of the list)?)?"
)
def _sort(reader: Reader, match: re.Match[str]) -> Intent:
    way = match["way"].lower()
    return SortByDragging(f"sort the numbers in {way} order", way.startswith("de"))
