"""Fields that are filled with what the page itself says: copied, counted out, looked up by label, or computed."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from browser_host.task.clauses.choosing import fill, is_kind
from browser_host.task.failures import AMBIGUOUS, EXTRACT, NOT_FOUND, Failed
from browser_host.task.likeness import likeness
from browser_host.task.scene import Scene, Thing, only, the_nth
from browser_host.task.workspace import Workspace

_SURE = 68
"""How alike a label must be to the one asked for, of 100."""


@dataclass(frozen=True, slots=True)
class FillFromPage:
    """Fill the text field with a text of the page."""

    words: str
    source: Callable[[Scene, dict[str, object]], str]
    """Finds the text; may raise Failed."""

    async def carry_out(self, workspace: Workspace) -> None:
        """Look the text up, then fill it in where it did not come from."""
        scene = await workspace.scene()
        text = self.source(scene, await workspace.read())
        # Reading has numbered the page's elements anew.
        fields = [one for one in (await workspace.scene()).text_fields(large=False) if not one.value]
        await fill(workspace, only(fields, "empty text field"), text)


def copied(nth: int) -> Callable[[Scene, dict[str, object]], str]:
    """What stands in the only text area, or in the n-th."""

    def source(scene: Scene, data: dict[str, object]) -> str:
        areas = scene.all(lambda one: is_kind(one, "textarea"))
        area = the_nth(areas, nth, "text area")
        return area.value

    return source


def word(nth: int) -> Callable[[Scene, dict[str, object]], str]:
    """The n-th word of the only paragraph or text area, -1 for the last, without punctuation."""

    def source(scene: Scene, data: dict[str, object]) -> str:
        text = _passage(scene)
        words = [bare for bare in (re.sub(r"^\W+|\W+$", "", part) for part in text.split()) if bare]
        if abs(nth) > len(words) or not words:
            raise Failed(NOT_FOUND, f"the text has only {len(words)} words")
        return words[nth - 1 if nth > 0 else nth]

    return source


def _passage(scene: Scene) -> str:
    areas = scene.all(lambda one: one.tag == "textarea" and bool(one.value))
    paragraphs = areas or scene.all(lambda one: one.tag == "p" and bool(one.text))
    one = only(paragraphs, "paragraph or text area")
    return one.value or one.text


def shown_text() -> Callable[[Scene, dict[str, object]], str]:
    """The only text of the page that belongs to no control."""

    def source(scene: Scene, data: dict[str, object]) -> str:
        controls = [one.text for one in scene.things if one.acts]
        left = [line for line in (line.strip() for line in scene.text.splitlines()) if line and line not in controls]
        if len(left) > 1 and all(len(line) == 1 for line in left):
            left = ["".join(left)]
        if len(left) != 1:
            raise Failed(AMBIGUOUS if left else NOT_FOUND, f"the page shows {len(left)} texts, not one")
        return left[0]

    return source


def value_of(label: str) -> Callable[[Scene, dict[str, object]], str]:
    """The value with this label."""

    def source(scene: Scene, data: dict[str, object]) -> str:
        return looked_up(labelled(data), label)

    return source


def looked_up(pairs: list[tuple[str, str]], label: str) -> str:
    """The value whose label is the one asked for, or clearly the nearest to it.

    Raises:
        Failed: EXTRACT, AMBIGUOUS.
    """
    rated = sorted(((likeness(label, name), value) for name, value in pairs), key=lambda one: one[0], reverse=True)
    best = [value for rate, value in rated if rate == rated[0][0]] if rated else []
    if not rated or rated[0][0] < _SURE:
        raise Failed(EXTRACT, f'the page shows no "{label}"; it has {", ".join(name for name, _ in pairs[:12])}')
    if len(set(best)) > 1:
        raise Failed(AMBIGUOUS, f'the page shows "{label}" with several values: {", ".join(best[:6])}')
    return best[0]


def labelled(data: dict[str, object]) -> list[tuple[str, str]]:
    """What the page says by label: pairs, and rows of tables of two columns."""
    pairs = [(str(name), str(value)) for name, value in data["pairs"]]  # type: ignore[attr-defined]
    for table in data["tables"]:  # type: ignore[attr-defined]
        if table["labelled"]:
            pairs += [(row[0], row[1]) for row in table["rows"]]
    return list(dict.fromkeys(pairs))


@dataclass(frozen=True, slots=True)
class FillByLabels:
    """Fill every empty field with the value that the page shows under the field's own label."""

    words: str = "fill each field with the value that the page shows for its label"

    async def carry_out(self, workspace: Workspace) -> None:
        """Look all of them up before the first is filled."""
        pairs = labelled(await workspace.read())
        fields = [one for one in (await workspace.scene()).text_fields() if not one.value and not one.secret]
        if not fields:
            raise Failed(NOT_FOUND, "there is no empty field on the page")
        values = [looked_up(pairs, re.sub(r"\s*:\s*$", "", one.name)) for one in fields]
        for place, value in enumerate(values):
            await fill(workspace, await _again(workspace, fields[place]), value)


async def _again(workspace: Workspace, thing: Thing) -> Thing:
    return only([one for one in (await workspace.scene()).things if one.id == thing.id], f'field "{thing.name}"')


# Arithmetic

_SUM = re.compile(r"^[\s\d.()+\-*/\u00d7\u00f7\u2212xX=?]+$")


def computed(unknown: str = "") -> Callable[[Scene, dict[str, object]], str]:
    """The result of the only sum of the page, or the unknown of its only equation."""

    def source(scene: Scene, data: dict[str, object]) -> str:
        lines = [" ".join(line.split()) for line in scene.text.splitlines()]
        if unknown:
            equations = [
                line for line in lines if "=" in line and re.search(r"\d.*=|=.*\d", line) and _is_sum(line, unknown)
            ]
            equations = [line for line in equations if unknown in line and re.search(r"[-+*/\u00d7\u00f7\u2212]", line)]
            return solved(_single(equations, "equation"), unknown)
        sums = [line for line in lines if _is_sum(line, "") and re.search(r"\d\s*[-+*/\u00d7\u00f7\u2212x]\s*\d", line)]
        return _shown(evaluated(re.sub(r"=.*$", "", _single(sums, "sum"))))

    return source


def _is_sum(line: str, unknown: str) -> bool:
    return _SUM.fullmatch(line.replace(unknown, "0") if unknown else line) is not None


def _single(lines: list[str], what: str) -> str:
    if len(set(lines)) != 1:
        raise Failed(AMBIGUOUS if lines else NOT_FOUND, f"the page shows {len(set(lines))} {what}s, not one")
    return lines[0]


def _shown(number: Fraction) -> str:
    return str(number.numerator) if number.denominator == 1 else f"{float(number):g}"


def solved(equation: str, unknown: str) -> str:
    """The unknown of a linear equation of one unknown.

    Raises:
        Failed: EXTRACT, it has none or more than one solution.
    """
    left, right = equation.split("=", 1)

    def difference(value: int) -> Fraction:
        put = (
            re.sub(rf"(?<=\d)\s*{unknown}", f"*({value})", left),
            re.sub(rf"(?<=\d)\s*{unknown}", f"*({value})", right),
        )
        return evaluated(put[0].replace(unknown, f"({value})")) - evaluated(put[1].replace(unknown, f"({value})"))

    at_0, at_1, at_2 = difference(0), difference(1), difference(2)
    slope = at_1 - at_0
    if not slope or at_2 - at_1 != slope:
        raise Failed(EXTRACT, f"{equation} has no single solution that the rules can find")
    return _shown(-at_0 / slope)


def evaluated(text: str) -> Fraction:
    """A sum of numbers with + - * / and brackets.

    Raises:
        Failed: EXTRACT, it is none.
    """
    signs = {"\u00d7": "*", "x": "*", "X": "*", "\u00f7": "/", "\u2212": "-"}
    plain = "".join(signs.get(sign, sign) for sign in text)
    tokens = re.findall(r"\d+(?:\.\d+)?|[-+*/()]", plain)
    if "".join(tokens) != re.sub(r"\s+", "", plain):
        raise Failed(EXTRACT, f'"{text}" is no sum')
    tokens.append("")
    place = 0

    def take() -> str:
        nonlocal place
        place += 1
        token: str = tokens[place - 1]
        return token

    def factor() -> Fraction:
        token = take()
        if token == "-":
            return -factor()
        if token == "+":
            return factor()
        if token == "(":
            inside = total()
            if take() != ")":
                raise Failed(EXTRACT, f'"{text}" is no sum')
            return inside
        if not token or not token[0].isdigit():
            raise Failed(EXTRACT, f'"{text}" is no sum')
        return Fraction(token)

    def product() -> Fraction:
        result = factor()
        while tokens[place] in ("*", "/"):
            if take() == "*":
                result *= factor()
            else:
                divisor = factor()
                if not divisor:
                    raise Failed(EXTRACT, f'"{text}" divides by nothing')
                result /= divisor
        return result

    def total() -> Fraction:
        result = product()
        while tokens[place] in ("+", "-"):
            result = result + product() if take() == "+" else result - product()
        return result

    result = total()
    if tokens[place]:
        raise Failed(EXTRACT, f'"{text}" is no sum')
    return result
