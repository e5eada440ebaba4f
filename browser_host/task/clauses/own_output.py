"""Puts what a prompt found itself into the shape that was asked for, and says what is still to be read."""

from __future__ import annotations

from typing import Any

from browser_host.task import extract
from browser_host.task.failures import EXTRACT, Failed


def brought(schema: dict[str, Any], output: Any) -> tuple[Any, dict[str, Any] | None]:
    """What a task's own output gives of `schema`, and the schema of what is to be read off the page beside it.

    Raises:
        Failed: EXTRACT, what the task brought says otherwise than the schema allows.
    """
    if not _is_flat(output):
        return (output, None) if _has_some_of(schema, output) and extract.fits(schema, output) else (None, schema)
    facts: extract.Facts = []
    tables: list[list[dict[str, str]]] = []
    if isinstance(output, dict):
        facts = [(name, _plain(value)) for name, value in output.items()]
        if extract.type_of(schema) == "array":
            tables = [[dict(facts)]]
    else:
        tables = [[{name: _plain(value) for name, value in row.items()} for row in output]]
    if extract.type_of(schema) != "object":
        try:
            return extract.shaped(schema, facts, tables), None
        except Failed:
            return None, schema
    known: dict[str, Any] = {}
    for name, wanted in schema.get("properties", {}).items():
        search = extract.Search()
        value = extract.value_of(wanted, name, [(facts, tables, {})], search)
        if value is not None and not search.missing:
            known[name] = value
        elif search.reasons and name in schema.get("required", []):
            raise Failed(EXTRACT, f"not in what the task found: {name} ({'; '.join(search.reasons)})")
    required = [name for name in schema.get("required", []) if name not in known]
    if known and not required:
        return extract.checked(schema, known), None
    properties = {name: wanted for name, wanted in schema.get("properties", {}).items() if name not in known}
    return known, {"type": "object", "properties": properties, "required": required}


def _is_flat(output: Any) -> bool:
    """Whether it is one record or a list of records whose values are plain."""
    rows = output if isinstance(output, list) and output else [output]
    return all(
        isinstance(row, dict) and all(isinstance(value, str | int | float) for value in row.values()) for row in rows
    )


def _has_some_of(schema: dict[str, Any], output: Any) -> bool:
    return not isinstance(output, dict) or bool(set(schema.get("properties", {})) & set(output))


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.10g}"
    return str(value)
