"""What a run of a workflow is given: declared parameters, their holes in the text, and the values of one run."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from tabkeep.v1 import actions_pb2

from control_plane.errors import FieldInvalid, FieldViolation
from control_plane.workflows.workflow_text import MAX_EXACT_INTEGER, Place, listing, shorten, suggestion

MAX_PARAMETERS: Final = 100
MAX_PARAMETERS_BYTES: Final = 65_536
MAX_LITERAL: Final = 65_536

IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}", re.ASCII)
# No brace inside: what never closes would otherwise cost quadratic time.
_HOLE: Final = re.compile(r"\{\{([^{}]*)\}\}")
_FIELDS: Final = ("type", "required", "default", "description", "secret")
_SOURCES: Final = ("literal", "parameter", "from_step", "credential")
_CREDENTIAL_PARTS: Final = {
    "username": actions_pb2.CREDENTIAL_PART_USERNAME,
    "password": actions_pb2.CREDENTIAL_PART_PASSWORD,
    "one_time_code": actions_pb2.CREDENTIAL_PART_ONE_TIME_CODE,
}
_TYPES: Final = {"string": "text", "number": "a number", "integer": "a whole number", "boolean": "true or false"}

ParameterValue: TypeAlias = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value that a run takes. It is required exactly when it has no default, so every hole has a value."""

    name: str
    type: str
    default: ParameterValue | None = None
    description: str = ""
    secret: bool = False

    @property
    def required(self) -> bool:
        return self.default is None


class ParametersInvalid(FieldInvalid):
    """A run's parameters do not fit the workflow; each violation's field is `parameters.<name>`."""


@dataclass(frozen=True, slots=True)
class Holes:
    """The parameters that `{{ name }}` may name in a definition, and what steps may be referred to where it is read."""

    names: tuple[str, ...]
    secrets: frozenset[str]
    blocks: dict[str, bool] = field(default_factory=dict)
    """The blocks read so far, and whether each brings an output."""
    actions: list[bool] = field(default_factory=list)
    """Those of the list that is read, likewise."""

    def filled(self, place: Place, most: int, *, shown: bool = False, may_be_empty: bool = False) -> str | None:
        """Return text whose holes the host fills, each written `{{name}}`; secrets are refused in what is `shown`."""
        text = place.text(most, may_be_empty=may_be_empty)
        if text is None or "{{" not in text:
            return text
        names = _HOLE.findall(text)
        if len(names) != text.count("{{"):
            place.mistake("has {{ that begins no hole: a hole is {{ name }}")
            return None
        # A list, so that every name is looked at.
        if False in [self._declared(place, name.strip(), shown=shown) for name in names]:
            return None
        return _HOLE.sub(lambda match: "{{" + match[1].strip() + "}}", text)

    def unfilled(self, place: Place, most: int, *, may_be_empty: bool = False) -> str | None:
        """Return text that is used as it stands. A hole would reach the page as braces, so it is a mistake."""
        text = place.text(most, may_be_empty=may_be_empty)
        if text is None or "{{" not in text:
            return text
        where = (
            "goto url, task prompt, tab open, approve message, fill value, select option, upload files, dialog text, "
            "the name and within of a target, and the texts of expectations"
        )
        place.mistake(f"holes are not filled here: they work in {where}")
        return None

    def value(self, place: Place) -> actions_pb2.Value | None:
        """Return a value: text, exactly one hole, or a mapping {literal | parameter, sensitive}."""
        if not place.is_short:
            return self._explicit_value(place)
        text = place.text(MAX_LITERAL, may_be_empty=True)
        if text is None:
            return None
        if "{{" not in text:
            return actions_pb2.Value(literal=text)
        hole = _HOLE.fullmatch(text.strip())
        if hole is None:
            place.mistake("is either text or exactly one {{ name }}; for braces as such write {literal: ...}")
            return None
        return self._parameter(place, hole[1].strip())

    def _explicit_value(self, place: Place) -> actions_pb2.Value | None:
        fields = place.fields((*_SOURCES, "sensitive", "username"))
        if fields is None:
            return None
        sensitive = fields["sensitive"].boolean() if "sensitive" in fields else False
        given = [name for name in _SOURCES if name in fields]
        if len(given) != 1:
            place.mistake(f"must have one of {listing(_SOURCES)}")
            return None
        if "username" in fields and "credential" not in fields:
            fields["username"].mistake("belongs to credential")
        if "from_step" in fields:
            step = self._step(fields["from_step"])
            return None if step is None else actions_pb2.Value(from_step=step, sensitive=bool(sensitive))
        if "credential" in fields:
            return self._credential(fields)
        if "literal" in fields:
            literal = fields["literal"].text(MAX_LITERAL, may_be_empty=True)
            return None if literal is None else actions_pb2.Value(literal=literal, sensitive=bool(sensitive))
        name = fields["parameter"].text(64)
        value = None if name is None else self._parameter(fields["parameter"], name)
        if value is not None:
            value.sensitive |= bool(sensitive)
        return value

    def _step(self, place: Place) -> actions_pb2.StepOutput | None:
        """Return what an earlier step brings; one that does not come earlier, or brings nothing, is a mistake."""
        fields = place.fields(("action", "block", "path"))
        if fields is None:
            return None
        step = actions_pb2.StepOutput()
        if ("action" in fields) == ("block" in fields):
            place.mistake("must have either action, a number in this list, or block, an id")
            return None
        if "path" in fields:
            step.path = fields["path"].text(500) or ""
        if "action" in fields:
            number = fields["action"].integer(1, 500)
            if number is None:
                return None
            if number > len(self.actions):
                fields["action"].mistake(f"{number} does not come before this action, which is {len(self.actions) + 1}")
            elif not self.actions[number - 1]:
                fields["action"].mistake(f"{number} brings nothing: only extract and find_record do")
            step.action = number
            return step
        block_id = fields["block"].text(64)
        if block_id is None:
            return None
        if block_id not in self.blocks:
            fields["block"].mistake(f'no block before this one is called "{shorten(block_id)}"')
        elif not self.blocks[block_id]:
            fields["block"].mistake(
                f'"{shorten(block_id)}" brings nothing: only task, extract and actions that read do'
            )
        step.block_id = block_id
        return step

    def _credential(self, fields: Mapping[str, Place]) -> actions_pb2.Value | None:
        name = fields["credential"].text(20)
        if name is None:
            return None
        if name not in _CREDENTIAL_PARTS:
            fields["credential"].mistake(f"must be {listing(tuple(_CREDENTIAL_PARTS))}")
            return None
        username = self.filled(fields["username"], 500, shown=True) if "username" in fields else ""
        credential = actions_pb2.CredentialField(part=_CREDENTIAL_PARTS[name], username=username or "")
        return actions_pb2.Value(credential=credential, sensitive=name != "username")

    def _parameter(self, place: Place, name: str) -> actions_pb2.Value | None:
        if not self._declared(place, name, shown=False):
            return None
        return actions_pb2.Value(parameter=name, sensitive=name in self.secrets)

    def _declared(self, place: Place, name: str, *, shown: bool) -> bool:
        if not IDENTIFIER.fullmatch(name):
            place.mistake(f'"{{{{{shorten(name)}}}}}" is not a hole: between the braces stands the name of a parameter')
        elif not self.names:
            place.mistake(f'no parameter is called "{name}": declare it under parameters')
        elif name not in self.names:
            place.mistake(f'no parameter is called "{name}"; {suggestion(name, self.names)}')
        elif shown and name in self.secrets:
            place.mistake(f'"{name}" is secret and this text is shown: use another parameter')
        else:
            return True
        return False


def read_parameters(place: Place | None) -> tuple[tuple[Parameter, ...], Holes]:
    """Return the declared parameters, and all names that holes may use (also of parameters with mistakes)."""
    parameters: list[Parameter] = []
    names: list[str] = []
    if place is not None and not place.is_mapping:
        place.mistake(f"must be a mapping of names, such as email: {{type: string}}, {place.found()}")
    elif place is not None:
        for name, _, declaration in place.entries():
            names.append(name)
            parameter = _read_parameter(name, declaration)
            if parameter is not None:
                parameters.append(parameter)
        if len(names) > MAX_PARAMETERS:
            place.mistake(f"has {len(names)} parameters: at most {MAX_PARAMETERS} are possible")
    secrets = frozenset(parameter.name for parameter in parameters if parameter.secret)
    return tuple(parameters), Holes(tuple(names), secrets)


def _read_parameter(name: str, place: Place) -> Parameter | None:
    if not IDENTIFIER.fullmatch(name):
        place.mistake("a parameter's name has at most 64 letters, digits and _, and does not begin with a digit")
        return None
    fields = {"type": place} if not (place.is_mapping or place.is_list) else place.fields(_FIELDS, required=["type"])
    if fields is None or "type" not in fields:
        return None
    declared = fields["type"].text(20)
    if declared is not None and declared not in _TYPES:
        fields["type"].mistake(f"must be a type; {suggestion(declared, _TYPES)}")
        declared = None
    description = fields["description"].text(1_000, may_be_empty=True) if "description" in fields else ""
    secret = fields["secret"].boolean() if "secret" in fields else False
    default = _read_default(fields, declared, secret=bool(secret)) if "default" in fields else None
    _check_required(fields)
    if declared is None:
        return None
    return Parameter(name, declared, default, description or "", bool(secret))


def _read_default(fields: Mapping[str, Place], declared: str | None, *, secret: bool) -> ParameterValue | None:
    place = fields["default"]
    if secret:
        place.mistake("a secret parameter has no default: definitions are stored and shown")
        return None
    if declared is None:
        return None
    if declared == "string":
        text = place.text(MAX_LITERAL, may_be_empty=True)
        if text is not None and "{{" in text:
            place.mistake("holes are not filled here: a default is a plain value")
        return text
    found = place.plain()
    value = _fitting(declared, found)
    if value is None and (found is not None or place.is_nothing):
        place.mistake(f"must be {_TYPES[declared]}, {place.found()}")
    return value


def _check_required(fields: Mapping[str, Place]) -> None:
    if "required" not in fields:
        return
    required = fields["required"].boolean()
    if required is True and "default" in fields:
        fields["required"].mistake("a required parameter never uses its default: leave one of both out")
    if required is False and "default" not in fields:
        fields["required"].mistake("a parameter that may be left out needs a default")


def bind(parameters: Sequence[Parameter], given: Mapping[str, object]) -> dict[str, ParameterValue]:
    """Return the value of every parameter for one run: what was given, else the default.

    Nothing is converted, but a number without a fraction is a whole number: JSON has only one kind of number.

    Raises:
        ParametersInvalid: something is missing, unknown, of another type, or all together exceed 65,536 bytes.
    """
    violations: list[FieldViolation] = []
    declared = {parameter.name: parameter for parameter in parameters}
    values: dict[str, ParameterValue] = {}
    for name in given:
        if name not in declared:
            hint = suggestion(name, tuple(declared)) if declared else "the workflow has no parameters"
            violations.append(FieldViolation(_field(name), f"no such parameter; {hint}"))
    for name, parameter in declared.items():
        if name in given:
            value = _fitting(parameter.type, given[name])
            if value is None:
                violations.append(FieldViolation(_field(name), _misfit(parameter, given[name])))
            else:
                values[name] = value
        elif parameter.default is None:
            violations.append(FieldViolation(_field(name), f"is missing: it must be {_TYPES[parameter.type]}"))
        else:
            values[name] = parameter.default
    if not violations and (size := len(json.dumps(values, ensure_ascii=False).encode())) > MAX_PARAMETERS_BYTES:
        message = f"have {size} bytes as JSON: at most {MAX_PARAMETERS_BYTES} are possible"
        violations.append(FieldViolation("parameters", message))
    if violations:
        raise ParametersInvalid(violations[:MAX_PARAMETERS])
    return values


def _field(name: str) -> str:
    return f"parameters.{shorten(name)}"


def _fitting(declared: str, value: object) -> ParameterValue | None:
    """Return the value when it is of the declared type, else None."""
    if declared == "string":
        return value if isinstance(value, str) and not re.search("[\x00\ud800-\udfff]", value) else None
    if declared == "boolean":
        return value if isinstance(value, bool) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, int):
        return value if abs(value) <= MAX_EXACT_INTEGER else None
    if not math.isfinite(value):
        return None
    whole = value.is_integer() and abs(value) <= MAX_EXACT_INTEGER
    return int(value) if whole else (value if declared == "number" else None)


def _misfit(parameter: Parameter, value: Any) -> str:
    must = f"must be {_TYPES[parameter.type]}"
    if isinstance(value, str):
        if parameter.type == "string":
            return f"{must} without NUL and half characters"
        return f"{must}, got text" if parameter.secret else f'{must}, got the text "{shorten(value, 40)}"'
    if value is None:
        return f"{must}, got null"
    if isinstance(value, bool | int | float):
        words = "true" if value is True else "false" if value is False else shorten(_digits(value), 40)
        return f"{must}, got a number or truth value" if parameter.secret else f"{must}, got {words}"
    return f"{must}, got {'an object' if isinstance(value, Mapping) else 'a list'}"


def _digits(value: int | float) -> str:
    # str() refuses integers of more than 4,300 digits.
    return "a number beyond 2^53" if isinstance(value, int) and abs(value) > MAX_EXACT_INTEGER else str(value)
