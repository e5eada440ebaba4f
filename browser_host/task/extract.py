"""Turns what the script read off a page into data: as it is, or in the shape of a JSON Schema.

Every value comes from the page; what is not there is named, never made up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from jsonschema import Draft202012Validator

from browser_host.task.failures import EXTRACT, Failed
from browser_host.task.likeness import likeness, words_of
from browser_host.task.provenance import joined, leaves

Facts = list[tuple[str, str]]
"""Labels and values, in page order."""
Source = tuple[Facts, list[list[dict[str, str]]], dict[str, Any]]
"""What one document shows, or says of itself: its facts, its records, and all that was read."""

ORDER_NUMBER = re.compile(
    r"\border(?:[^\S\n]*(?:number|no\b\.?|nr\b\.?|#|id|reference|ref\b\.?)\s*(?:is|was)?\s*[:#]?\s*"
    r"|[^\S\n]*(?:is|was)?[^\S\n]*[:#]?[^\S\n]*)"
    r"(?P<number>(?=[A-Z-]*\d)[A-Z0-9][A-Z0-9-]{2,24})\b",
    re.IGNORECASE,
)
"""An order number behind its label, or on the same line behind the word "order" alone."""
AMOUNT = re.compile(r"(?P<currency>[$€£])?\s?(?P<number>-?\d[\d.,\u00a0' ]*\d|\d)\s?(?P<after>€|EUR|USD|GBP)?")
_PRICED_LINE = re.compile(
    r"^(?P<label>[A-Za-z][A-Za-z ()-]{1,30}?)\s*:?\s+(?P<amount>[$€£]\s?\d[\d.,]*|\d[\d.,]*\s?(?:€|EUR|USD|GBP))$"
)
_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")

_ECHO = re.compile(r"\bresults?\b|\bsearch|\bno \w+ (?:match|found)|\bnothing\b|\bmatch(?:es|ing)\b", re.IGNORECASE)
"""Lines that only repeat what was searched for."""
_CHARGE = r"\b(?:shipping|delivery|postage|tax(?:es)?|vat|gst|dut(?:y|ies)|fees?|surcharge|discount|handling|tip)\b"
_CHARGED = re.compile(rf"{_CHARGE}[^\n$€£]{{0,40}}\s?(?:-\s?)?(?:[$€£]|\d[\d.,]*\s?(?:€|EUR|USD|GBP))", re.IGNORECASE)
_CHARGED_LATER = re.compile(
    rf"{_CHARGE}[^\n]{{0,60}}(?:calculated|checkout|excluded|not included|added|later|next step)|"
    rf"(?:excl\w*|plus|without|before)[^\n]{{0,20}}{_CHARGE}",
    re.IGNORECASE,
)
_NOTHING_ADDED = re.compile(
    rf"(?:free {_CHARGE}|{_CHARGE} (?:is )?(?:free|included))[^\S\n]*[.!]?[^\S\n]*$", re.IGNORECASE | re.MULTILINE
)


@dataclass(slots=True)
class Search:
    """What was looked for in vain, and why."""

    missing: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    texts: list[tuple[str, str]] = field(default_factory=list)
    """Of what was found: paths in the output, and the texts as the page shows them."""


def from_page(found: dict[str, Any], schema: dict[str, Any] | None) -> Any:
    """The page's data as it is, or as `schema` wants it.

    Raises:
        Failed: EXTRACT, required data is not there; the message names it and what was found.
    """
    return from_page_with_texts(found, schema)[0]


def from_page_with_texts(found: dict[str, Any], schema: dict[str, Any] | None) -> tuple[Any, list[tuple[str, str]]]:
    """Like `from_page`, with the texts that the values were read as, by their paths.

    Raises:
        Failed: EXTRACT.
    """
    if schema is None:
        data = as_it_is(found)
        return data, list(leaves(data))
    search = Search()
    beyond = [one for one in (found.get("linked"), *found.get("frames", ())) if one]
    sources = [_source(one) for one in (found, *beyond)]
    output = shaped(schema, *sources[0], search, sources[1:])
    return output, search.texts


def _source(found: dict[str, Any]) -> Source:
    return facts_of(found), [*tables_of(found), cards_of(found)], found


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
    """All labels with their values: pairs, two-column tables, priced lines, order numbers, single-row tables.

    A page that is of one product has its name and price among them, a cart its total.
    """
    facts: Facts = [(label, value) for label, value in [*found["pairs"], *found["fields"]]]
    facts += [(row[0], row[1]) for table in found["tables"] if table["labelled"] for row in table["rows"]]
    for line in found["text"].splitlines():
        if priced := _PRICED_LINE.match(line.strip()):
            facts.append((priced["label"], priced["amount"]))
    facts += [("order number", number) for number in _order_numbers(found)]
    if product := found.get("product"):
        facts += [("product", product["title"]), *(("price", price) for price in product["prices"])]
    sums = [label for label, value in facts if _is_sum(label) and amount(value) is not None]
    for row in _only_rows(found):
        # The total of a line is not the total of the page that says its own.
        facts += [(label, value) for label, value in row if not (sums and _is_sum(label))]
    if total := _cart_total(facts, found):
        facts.append(("total", total))
    return facts


def _only_rows(found: dict[str, Any]) -> list[Facts]:
    return [
        list(zip(table["headers"], table["rows"][0], strict=False))
        for table in found["tables"]
        if table["headers"] and len(table["rows"]) == 1
    ]


def _is_sum(label: str) -> bool:
    return words_of(label)[-1:] in (["total"], ["subtotal"])


def _cart_total(facts: Facts, found: dict[str, Any]) -> str | None:
    """The subtotal of a cart that shows no total, where the page shows that nothing comes on top of it.

    It says so of its delivery, or the lines have totals which add up to it; and it names no other charge.
    """
    if any(likeness("total", label) >= 50 for label, _ in facts):
        return None
    shown = {value for label, value in facts if words_of(label) in (["subtotal"], ["sub", "total"])}
    value = shown.pop() if len(shown) == 1 else ""
    wanted = amount(value)
    if wanted is None or _CHARGED.search(found["text"]) or _CHARGED_LATER.search(found["text"]):
        return None
    columns = [
        [amount(row.get(label, "")) for row in table]
        for table in tables_of(found)
        for label in (table[0] if table else ())
        if words_of(label) == ["total"]
    ]
    adds_up = any(None not in column and abs(sum(one or 0 for one in column) - wanted) < 0.005 for column in columns)
    return value if adds_up or _NOTHING_ADDED.search(found["text"]) else None


def order_number(text: str) -> str | None:
    """The one order number that the text names; None if it names none, or several."""
    numbers = _distinct(match["number"] for match in ORDER_NUMBER.finditer(text))
    return numbers[0] if len(numbers) == 1 else None


def _order_numbers(found: dict[str, Any]) -> list[str]:
    """All that the text and the tables' columns name."""
    cells = [
        cell
        for table in tables_of(found)
        for row in table
        for label, cell in row.items()
        if likeness("order number", label) >= 70 and re.fullmatch(r"#?(?=[A-Z-]*\d)[A-Z0-9][A-Z0-9-]{2,24}", cell, re.I)
    ]
    return _distinct([*(match["number"] for match in ORDER_NUMBER.finditer(found["text"])), *cells])


def _distinct(values: Iterable[str]) -> list[str]:
    """The values that differ in more than upper and lower case, "#" and spaces, in order."""
    first: dict[str, str] = {}
    for value in values:
        first.setdefault(" ".join(value.lower().lstrip("#").split()), value)
    return list(first.values())


def shaped(
    schema: dict[str, Any],
    facts: Facts,
    tables: list[list[dict[str, str]]],
    found: dict[str, Any] | None = None,
    search: Search | None = None,
    beyond: Sequence[Source] = (),
) -> Any:
    """Data in the shape of `schema` out of facts and records; what they do not have is looked for `beyond` them.

    Raises:
        Failed: EXTRACT.
    """
    search = search or Search()
    output = value_of(schema, "", [(facts, tables, found or {}), *beyond], search)
    if output is None or search.missing:
        missing = ", ".join(search.missing) or "the data asked for"
        reasons = f" ({'; '.join(search.reasons)})" if search.reasons else ""
        raise Failed(EXTRACT, f"not on the page: {missing}{reasons}; found: {_listed(facts, tables, output)}")
    return checked(schema, output)


def checked(schema: dict[str, Any], output: Any) -> Any:
    """The data, which has the shape of `schema`.

    Raises:
        Failed: EXTRACT, it has not.
    """
    problem = next(iter(Draft202012Validator(schema).iter_errors(output)), None)
    if problem is not None:
        where = ".".join(str(part) for part in problem.absolute_path) or "the data"
        raise Failed(EXTRACT, f"what the page shows does not fit the schema: {where}: {problem.message[:200]}")
    return output


def fits(schema: dict[str, Any], output: Any) -> bool:
    """Whether data already has the shape of `schema`."""
    return Draft202012Validator(schema).is_valid(output)


def value_of(schema: dict[str, Any], name: str, sources: Sequence[Source], search: Search) -> Any:
    """What the first source that has it gives of `schema`, of an object property by property.

    None where none has it, and `search` says what and why; a source with several answers ends the search.
    """
    if type_of(schema) == "object":
        return _object(schema, name, sources, search)
    for source in sources:
        tried = Search()
        value = _of_one(schema, name, *source, tried)
        if (value is not None and not tried.missing) or tried.reasons or source is sources[-1]:
            search.missing += tried.missing
            search.reasons += tried.reasons
            search.texts += tried.texts
            return value
    return None


def _of_one(
    schema: dict[str, Any],
    name: str,
    facts: Facts,
    tables: list[list[dict[str, str]]],
    found: dict[str, Any],
    search: Search,
) -> Any:
    """What facts and records give of `schema`; None where they do not, and `search` says what and why."""
    if type_of(schema) == "array":
        return _array(schema, name, facts, tables, found, search)
    value = _fact(schema, name, facts, found, search)
    if value is None:
        return None
    search.texts.append(("", value))
    return _coerced(value, schema, name, search)


def _object(schema: dict[str, Any], path: str, sources: Sequence[Source], search: Search) -> dict[str, Any] | None:
    output: dict[str, Any] = {}
    required = schema.get("required", [])
    for name, wanted in schema.get("properties", {}).items():
        inner = Search()
        value = value_of(wanted, name, sources, inner)
        if value is not None and not inner.missing:
            output[name] = value
            search.texts += [(joined(name, inside), text) for inside, text in inner.texts]
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
    search: Search,
) -> list[Any] | None:
    items = schema.get("items", {})
    if type_of(items) == "object":
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
    search.texts += [(str(number), value) for number, value in enumerate(choices[0])]
    return values if all(value is not None for value in values) else None


def _rows(items: dict[str, Any], tables: list[list[dict[str, str]]], search: Search) -> list[Any] | None:
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
    rows: list[Any] = []
    for row in table:
        one = {}
        for name, label in columns.items():
            value = _coerced(row[label], properties[name], name, search) if row.get(label) else None
            if value is not None:
                one[name] = value
                search.texts.append((f"{len(rows)}.{name}", row[label]))
            elif name in required:
                search.missing.append(name)
        rows.append(one)
    return rows


def _fact(schema: dict[str, Any], name: str, facts: Facts, found: dict[str, Any], search: Search) -> str | None:
    """The one value under the labels that mean the property best; None, with a reason, where several differ."""
    rated = [(_rating(name, schema, label), value) for label, value in facts]
    best = max((rating for rating, _ in rated), default=0)
    if best >= 50:
        return _one(name, (value for rating, value in rated if rating == best), search)
    if words_of(name) in (["title"], ["heading"], ["headline"]) and found.get("headings"):
        return str(found["headings"][0])
    if "email" in words_of(name):
        lines = [line for line in found.get("text", "").splitlines() if not _ECHO.search(line)]
        return _one(name, _ADDRESS.findall("\n".join(lines)), search)
    return None


def _one(name: str, values: Iterable[str], search: Search) -> str | None:
    different = _distinct(values)
    if len(different) > 1:
        listed = ", ".join(f'"{value[:40]}"' for value in different[:6])
        search.reasons.append(f'"{name}" may be any of {listed}{" and more" if len(different) > 6 else ""}')
    return different[0] if len(different) == 1 else None


def _best_label(name: str, schema: dict[str, Any], labels: Iterable[str]) -> str | None:
    """The label that means the property; None if none does, or two do equally well."""
    rated = sorted(((_rating(name, schema, label), label) for label in dict.fromkeys(labels)), key=lambda one: -one[0])
    if not rated or rated[0][0] < 50:
        return None
    if len(rated) > 1 and rated[1][0] == rated[0][0]:
        return None
    return rated[0][1]


def _rating(name: str, schema: dict[str, Any], label: str) -> int:
    """How well a label means a property, by the property's name, title or description."""
    asked = [name, schema.get("title", ""), schema.get("description", "")]
    return max(likeness(words, label) for words in asked if words)


def type_of(schema: dict[str, Any]) -> str:
    """The type that a schema asks for: its first that is not null, else what its keywords are for."""
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), None)
    if kind is None:
        kind = "object" if "properties" in schema else "array" if "items" in schema else "string"
    return str(kind)


def _coerced(text: str, schema: dict[str, Any], name: str, search: Search) -> Any:
    """The text as the schema's type; None, with a reason, if it is none."""
    value = _oftype_of(text.strip(), type_of(schema))
    if "enum" in schema and value is not None:
        value = next((one for one in schema["enum"] if str(one).lower() == str(value).lower()), None)
    if value is None:
        search.reasons.append(f'"{name}" shows as "{text[:40]}", which is no {type_of(schema)} that the schema allows')
    return value


def _oftype_of(text: str, kind: str) -> Any:
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
