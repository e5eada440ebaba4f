"""Turns what the script read off a page into data: as it is, or in the shape of a JSON Schema.

Every value comes from the page; what is not there is named, never made up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from jsonschema import Draft202012Validator

from browser_host.task.failures import EXTRACT, Failed

Facts = list[tuple[str, str]]
"""Labels and values, in page order."""

ORDER_NUMBER = re.compile(
    r"\border\s*(?:number|no\b\.?|nr\b\.?|#|id|reference|ref\b\.?)?\s*(?:is|was)?\s*[:#]?\s*(?P<number>(?=[A-Z-]*\d)[A-Z0-9][A-Z0-9-]{2,24})\b",
    re.IGNORECASE,
)
AMOUNT = re.compile(r"(?P<currency>[$€£])?\s?(?P<number>-?\d[\d.,\u00a0' ]*\d|\d)\s?(?P<after>€|EUR|USD|GBP)?")
_PRICED_LINE = re.compile(
    r"^(?P<label>[A-Za-z][A-Za-z ()-]{1,30}?)\s*:?\s+(?P<amount>[$€£]\s?\d[\d.,]*|\d[\d.,]*\s?(?:€|EUR|USD|GBP))$"
)
_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")

_SYNONYMS: tuple[frozenset[str], ...] = tuple(
    frozenset(group.split("|"))
    for group in (
        "email|e mail|mail|email address|e mail address",
        "phone|telephone|tel|mobile|phone number",
        "name|full name|customer|customer name|product|product name|item|title",
        "price|cost|unit price|amount",
        "total|grand total|order total|total amount|amount due|total price|sum",
        "quantity|qty|units|count",
        "order number|order no|order id|order|order reference|confirmation number|number",
        "id|customer id|number|no|identifier",
        "date|day|order date|created",
        "url|link|href",
        "status|state",
        "since|customer since|member since",
    )
)


@dataclass(slots=True)
class _Search:
    """What was looked for in vain, and why."""

    missing: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)


def from_page(found: dict[str, Any], schema: dict[str, Any] | None) -> Any:
    """The page's data as it is, or as `schema` wants it.

    Raises:
        Failed: EXTRACT, required data is not there; the message names it and what was found.
    """
    if schema is None:
        return as_it_is(found)
    return shaped(schema, facts_of(found), [*tables_of(found), cards_of(found)], found)


def as_it_is(found: dict[str, Any]) -> dict[str, Any]:
    """Tables as rows by header, label-value pairs, lists and cards; only what there is."""
    tables = [
        {"caption": table["caption"], "rows": rows} if table["caption"] else {"rows": rows}
        for table, rows in ((table, records(table)) for table in found["tables"])
    ]
    pairs: dict[str, Any] = {}
    for label, value in [*found["pairs"], *found["fields"]]:
        pairs.setdefault(label, value)
    cards = [{name: card[name] for name in ("title", "price", "url", "text") if card[name]} for card in found["cards"]]
    parts = {"tables": tables, "pairs": pairs, "lists": found["lists"], "cards": cards, "headings": found["headings"]}
    return {name: part for name, part in parts.items() if part}


def records(table: dict[str, Any]) -> list[dict[str, str]]:
    """A table's rows by header; columns without one are "column 1", "column 2", and so on."""
    names: list[str] = []
    width = max((len(row) for row in table["rows"]), default=0)
    for index in range(width):
        header = table["headers"][index] if index < len(table["headers"]) else ""
        name = header or f"column {index + 1}"
        names.append(f"{name} ({index + 1})" if name in names else name)
    return [dict(zip(names, row, strict=False)) for row in table["rows"]]


def tables_of(found: dict[str, Any]) -> list[list[dict[str, str]]]:
    """Every table with headers, as records."""
    return [records(table) for table in found["tables"] if table["headers"]]


def cards_of(found: dict[str, Any]) -> list[dict[str, str]]:
    """The page's cards, as records."""
    return [
        {"name": card["title"], "price": card["price"], "url": card["url"], "rating": card["rating"]}
        for card in found["cards"]
    ]


def facts_of(found: dict[str, Any]) -> Facts:
    """All labels with their values: pairs, two-column tables, single-row tables, priced lines, order numbers."""
    facts: Facts = [(label, value) for label, value in [*found["pairs"], *found["fields"]]]
    for table in found["tables"]:
        if table["labelled"]:
            facts += [(row[0], row[1]) for row in table["rows"]]
        elif table["headers"] and len(table["rows"]) == 1:
            facts += list(zip(table["headers"], table["rows"][0], strict=False))
    for line in found["text"].splitlines():
        if priced := _PRICED_LINE.match(line.strip()):
            facts.append((priced["label"], priced["amount"]))
    if number := order_number(found["text"]):
        facts.append(("order number", number))
    return facts


def order_number(text: str) -> str | None:
    """The first order number that the text names."""
    match = ORDER_NUMBER.search(text)
    return match["number"] if match else None


def shaped(
    schema: dict[str, Any], facts: Facts, tables: list[list[dict[str, str]]], found: dict[str, Any] | None = None
) -> Any:
    """Data in the shape of `schema` out of facts and records.

    Raises:
        Failed: EXTRACT.
    """
    search = _Search()
    output = _value(schema, "", facts, tables, found or {}, search)
    if output is None or search.missing:
        missing = ", ".join(search.missing) or "the data asked for"
        reasons = f" ({'; '.join(search.reasons)})" if search.reasons else ""
        raise Failed(EXTRACT, f"not on the page: {missing}{reasons}; found: {_listed(facts, tables, output)}")
    problem = next(iter(Draft202012Validator(schema).iter_errors(output)), None)
    if problem is not None:
        where = ".".join(str(part) for part in problem.absolute_path) or "the data"
        raise Failed(EXTRACT, f"what the page shows does not fit the schema: {where}: {problem.message[:200]}")
    return output


def fits(schema: dict[str, Any], output: Any) -> bool:
    """Whether data already has the shape of `schema`."""
    return Draft202012Validator(schema).is_valid(output)


def _value(
    schema: dict[str, Any],
    name: str,
    facts: Facts,
    tables: list[list[dict[str, str]]],
    found: dict[str, Any],
    search: _Search,
) -> Any:
    kind = _type(schema)
    if kind == "object":
        return _object(schema, name, facts, tables, found, search)
    if kind == "array":
        return _array(schema, name, facts, tables, found, search)
    value = _fact(schema, name, facts, found)
    return None if value is None else _coerced(value, schema, name, search)


def _object(
    schema: dict[str, Any],
    path: str,
    facts: Facts,
    tables: list[list[dict[str, str]]],
    found: dict[str, Any],
    search: _Search,
) -> dict[str, Any] | None:
    output: dict[str, Any] = {}
    required = schema.get("required", [])
    for name, wanted in schema.get("properties", {}).items():
        inner = _Search()
        value = _value(wanted, name, facts, tables, found, inner)
        if value is not None and not inner.missing:
            output[name] = value
        elif name in required:
            full = f"{path}.{name}" if path else name
            search.missing += [f"{full}.{one}" for one in inner.missing] or [full]
            search.reasons += inner.reasons
    return output if output or not required else None


def _array(
    schema: dict[str, Any],
    name: str,
    facts: Facts,
    tables: list[list[dict[str, str]]],
    found: dict[str, Any],
    search: _Search,
) -> list[Any] | None:
    items = schema.get("items", {})
    if _type(items) == "object":
        return _rows(items, tables, search)
    columns = [
        [row[label] for row in table if row.get(label)]
        for table in tables
        if table
        for label in [_best_label(name, items, list(table[0]))]
        if label
    ]
    choices = columns or found.get("lists", [])
    if len(choices) != 1:
        return None
    values = [_coerced(value, items, name, search) for value in choices[0]]
    return values if all(value is not None for value in values) else None


def _rows(items: dict[str, Any], tables: list[list[dict[str, str]]], search: _Search) -> list[Any] | None:
    """The rows of the one table that has columns for most properties, all required ones among them."""
    properties: dict[str, Any] = items.get("properties", {})
    required = set(items.get("required", []))
    rated: list[tuple[int, list[dict[str, str]], dict[str, str]]] = []
    for table in tables:
        labels = list(table[0]) if table else []
        columns = {
            name: label
            for name, wanted in properties.items()
            if (label := _best_label(name, wanted, labels)) is not None
        }
        if columns and required <= set(columns):
            rated.append((len(columns), table, columns))
    rated.sort(key=lambda one: -one[0])
    if not rated or (len(rated) > 1 and rated[1][0] == rated[0][0]):
        if len(rated) > 1:
            search.reasons.append("several tables fit equally well")
        return None
    _, table, columns = rated[0]
    rows = []
    for row in table:
        one = {}
        for name, label in columns.items():
            value = _coerced(row[label], properties[name], name, search) if row.get(label) else None
            if value is not None:
                one[name] = value
            elif name in required:
                search.missing.append(name)
        rows.append(one)
    return rows


def _fact(schema: dict[str, Any], name: str, facts: Facts, found: dict[str, Any]) -> str | None:
    label = _best_label(name, schema, [label for label, _ in facts])
    if label is not None:
        values = {value for known, value in facts if known == label}
        return values.pop() if len(values) == 1 else None
    if _words(name) in (["title"], ["heading"], ["headline"]) and found.get("headings"):
        return str(found["headings"][0])
    if "email" in _words(name):
        addresses = set(_ADDRESS.findall(found.get("text", "")))
        return addresses.pop() if len(addresses) == 1 else None
    return None


def _best_label(name: str, schema: dict[str, Any], labels: Iterable[str]) -> str | None:
    """The label that means the property; None if none does, or two do equally well."""
    asked = [name, schema.get("title", ""), schema.get("description", "")]
    rated = sorted(
        ((max(_likeness(words, label) for words in asked if words), label) for label in dict.fromkeys(labels)),
        key=lambda one: -one[0],
    )
    if not rated or rated[0][0] < 50:
        return None
    if len(rated) > 1 and rated[1][0] == rated[0][0]:
        return None
    return rated[0][1]


def _likeness(asked: str, label: str) -> int:
    """How sure it is that both mean the same: 100 equal, 70 synonyms, less where one says more than the other, 0 no."""
    ours, theirs = _words(asked), _words(label)
    if not ours or not theirs:
        return 0
    if ours == theirs:
        return 100
    if set(ours) == set(theirs):
        return 95
    if _synonyms(ours, theirs):
        return 70
    # What a phrase is about is its last word: "customer email" may be an "Email", never a "Customer".
    if ours[-1] == theirs[-1] and (set(ours) < set(theirs) or set(theirs) < set(ours)):
        return 68 - 3 * abs(len(ours) - len(theirs))
    if any(_synonyms(ours[start:], theirs) for start in range(1, len(ours))):
        return 55
    if any(_synonyms(ours, theirs[start:]) for start in range(1, len(theirs))):
        return 54
    return 0


def _synonyms(ours: list[str], theirs: list[str]) -> bool:
    return any(" ".join(ours) in group and " ".join(theirs) in group for group in _SYNONYMS)


def _words(text: str) -> list[str]:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text)
    return [_stem(word) for word in re.findall(r"[^\W_]+", spaced.lower())]


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _type(schema: dict[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), None)
    if kind is None:
        kind = "object" if "properties" in schema else "array" if "items" in schema else "string"
    return str(kind)


def _coerced(text: str, schema: dict[str, Any], name: str, search: _Search) -> Any:
    """The text as the schema's type; None, with a reason, if it is none."""
    value = _of_type(text.strip(), _type(schema))
    if "enum" in schema and value is not None:
        value = next((one for one in schema["enum"] if str(one).lower() == str(value).lower()), None)
    if value is None:
        search.reasons.append(f'"{name}" shows as "{text[:40]}", which is no {_type(schema)} that the schema allows')
    return value


def _of_type(text: str, kind: str) -> Any:
    if kind == "string":
        return text or None
    if kind == "boolean":
        return {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}.get(text.lower())
    if kind in ("number", "integer"):
        number = amount(text)
        if number is None or (kind == "integer" and not number.is_integer()):
            return None
        return int(number) if number.is_integer() and kind == "integer" else number
    return None


def amount(text: str) -> float | None:
    """The one number in a text such as "$1,249.00", "79,99 €" or "12 pieces"; None if there is none or several."""
    found = [match["number"] for match in AMOUNT.finditer(text)]
    if len(found) != 1:
        return None
    digits = re.sub(r"[\u00a0' ]", "", found[0])
    if re.fullmatch(r"-?\d{1,3}(\.\d{3})+(,\d+)?|-?\d+,\d{1,2}", digits) and not re.fullmatch(r"-?\d+\.\d{3}", digits):
        digits = digits.replace(".", "").replace(",", ".")
    else:
        digits = digits.replace(",", "")
    try:
        return float(digits)
    except ValueError:
        return None


def _listed(facts: Facts, tables: list[list[dict[str, str]]], partial: Any) -> str:
    """What was found instead, in short."""
    parts = [f"{label}: {value}"[:80] for label, value in facts[:10]]
    parts += [f"a table with {', '.join(table[0])}"[:120] for table in tables[:3] if table]
    if isinstance(partial, dict) and partial:
        parts.insert(0, ", ".join(f"{name} = {value!r}"[:80] for name, value in partial.items()))
    return "; ".join(parts) or "nothing of the kind"
