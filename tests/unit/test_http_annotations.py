"""What protos/ says of HTTP: every public RPC has a route, and none takes the place of another or of the seed's."""

import re
from importlib import import_module
from pathlib import Path

import pytest
from google.api import annotations_pb2
from google.protobuf.descriptor import MethodDescriptor

PROTOS = Path(__file__).resolve().parents[2] / "protos/tabkeep/v1"
MODULES = [import_module(f"tabkeep.v1.{path.stem}_pb2") for path in sorted(PROTOS.glob("*.proto"))]
METHODS: list[MethodDescriptor] = [
    method
    for module in MODULES
    for service in module.DESCRIPTOR.services_by_name.values()
    for method in service.methods
]


def route_of(method: MethodDescriptor) -> tuple[str, str]:
    rule = method.GetOptions().Extensions[annotations_pb2.http]
    verb = rule.WhichOneof("pattern")
    return verb, getattr(rule, verb) if verb else ""


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.full_name)
def test_a_public_rpc_has_a_route_of_its_own_space(method):
    verb, path = route_of(method)
    assert verb, f"{method.full_name} has no google.api.http annotation"
    assert path.startswith("/v1/tabkeep/"), "everything else under /v1 belongs to the seed's routes"
    assert method.GetOptions().Extensions[annotations_pb2.http].body in ("", "*")


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.full_name)
def test_a_route_names_fields_that_exist(method):
    rule = method.GetOptions().Extensions[annotations_pb2.http]
    _, path = route_of(method)
    fields = method.input_type.fields_by_name
    for name in re.findall(r"{([^}=]+)", path):
        assert name in fields
        assert fields[name].type == fields[name].TYPE_STRING
    if rule.response_body:
        assert rule.response_body in method.output_type.fields_by_name


def test_no_two_rpcs_share_a_route():
    routes = [(verb, re.sub(r"{[^}]*}", "{}", path)) for verb, path in map(route_of, METHODS)]
    assert len(set(routes)) == len(routes)


def test_reading_never_has_a_body_and_writing_always_does():
    for method in METHODS:
        verb, _ = route_of(method)
        body = method.GetOptions().Extensions[annotations_pb2.http].body
        assert (body == "*") == (verb in ("post", "patch")), method.full_name
