"""Takes a postal address that is written in one line apart, for forms that ask for its parts."""

from __future__ import annotations

import re

_POSTCODE = re.compile(r"(?=[A-Z0-9 -]*\d)[A-Z0-9]{2,5}[ -]?[A-Z0-9]{2,4}|\d{4,6}", re.IGNORECASE)


def postal_address(line: str) -> dict[str, str]:
    """ "Name, street and number, town, postcode, country" by the usual names of the fields; only what is sure.

    A part that is none of these is left out: a form that needs it says so.
    """
    parts = [part.strip() for part in line.strip(" .").split(",") if part.strip()]
    given: dict[str, str] = {}
    if parts and not re.search(r"\d", parts[0]):
        name = parts.pop(0).split()
        given["first name"] = " ".join(name[:-1]) or name[0]
        given["last name"] = name[-1]
    if parts and re.search(r"\d", parts[0]):
        given["address line 1"] = parts.pop(0)
    codes = [part for part in parts if _POSTCODE.fullmatch(part)]
    if len(codes) == 1:
        given["postcode"] = codes[0]
        parts.remove(codes[0])
    if len(parts) >= 2:
        given["country"] = parts.pop()
    if parts:
        given["city"] = parts.pop(0)
    return given
