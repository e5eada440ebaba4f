"""Errors of the server arrive as typed exceptions, over a real connection and from the synchronous stubs alike."""

from __future__ import annotations

import pickle
from datetime import timedelta

import grpc
import grpc_testing
import pytest
import tabkeep
from tabkeep import Client, errors
from tabkeep.v1 import runs_pb2, runs_pb2_grpc

from tests.client_fixtures import client, plane
from tests.scripted_control_plane import Failure, ScriptedControlPlane, status

__all__ = ["client", "plane"]


@pytest.mark.parametrize(
    ("code", "reason", "kind"),
    [
        ("UNAUTHENTICATED", "KEY_INVALID", tabkeep.AuthenticationError),
        ("PERMISSION_DENIED", "SCOPE_MISSING", tabkeep.PermissionDenied),
        ("NOT_FOUND", "RUN_NOT_FOUND", tabkeep.NotFound),
        ("INVALID_ARGUMENT", "FIELD_INVALID", tabkeep.InvalidArgument),
        ("OUT_OF_RANGE", "SEQ_BEYOND_LOG", tabkeep.OutOfRange),
        ("FAILED_PRECONDITION", "SESSION_CLOSED", tabkeep.SessionClosed),
        ("FAILED_PRECONDITION", "SESSION_BUSY", tabkeep.SessionBusy),
        ("FAILED_PRECONDITION", "BROWSER_NOT_OFFERED", tabkeep.BrowserNotOffered),
        ("FAILED_PRECONDITION", "NO_APPROVAL_PENDING", tabkeep.NoApprovalPending),
        ("FAILED_PRECONDITION", "HOST_NOT_ATTACHED", tabkeep.HostNotAttached),
        ("FAILED_PRECONDITION", "LAST_OPERATOR_KEY", tabkeep.LastOperatorKey),
        ("FAILED_PRECONDITION", "SOMETHING_NEW", tabkeep.FailedPrecondition),
        ("ALREADY_EXISTS", "REQUEST_ID_REUSED", tabkeep.RequestIdReused),
        ("ALREADY_EXISTS", "WORKFLOW_EXISTS", tabkeep.WorkflowExists),
        ("ABORTED", "VERSION_CONFLICT", tabkeep.VersionConflict),
        ("RESOURCE_EXHAUSTED", "QUEUE_FULL", tabkeep.QueueFull),
        ("DATA_LOSS", "ARTIFACT_DAMAGED", tabkeep.DataLoss),
        ("INTERNAL", "INTERNAL", tabkeep.Internal),
        ("UNIMPLEMENTED", "", tabkeep.Unimplemented),
        ("NOT_FOUND", "SESSION_CLOSED", tabkeep.NotFound),
    ],
)
async def test_code_and_reason_choose_the_exception(
    plane: ScriptedControlPlane, client: Client, code: str, reason: str, kind: type[tabkeep.TabkeepError]
) -> None:
    plane.answers("RunService/GetRun", Failure(grpc.StatusCode[code], reason))
    with pytest.raises(tabkeep.TabkeepError) as raised:
        await client.get_run("tsk_1")
    assert type(raised.value) is kind
    assert (raised.value.code, raised.value.reason) == (code, reason)


async def test_an_exception_carries_all_that_the_server_said(plane: ScriptedControlPlane, client: Client) -> None:
    failure = Failure(
        grpc.StatusCode.INVALID_ARGUMENT,
        "FIELD_INVALID",
        "2 fields are wrong",
        metadata={"minimum": "300s"},
        fields=(("timeout", "4m is below the minimum of 5m"), ("url", "not an absolute URL")),
        retry_delay=timedelta(seconds=3),
    )
    plane.answers("BrowserSessionService/CreateBrowserSession", failure)

    with pytest.raises(tabkeep.InvalidArgument) as raised:
        await client.create_browser_session(timeout=4)

    error = raised.value
    assert error.message == "2 fields are wrong"
    assert error.metadata == {"minimum": "300s"}
    assert error.field_violations[1] == tabkeep.FieldViolation("url", "not an absolute URL")
    assert error.retry_delay == timedelta(seconds=3)
    assert str(error) == (
        "2 fields are wrong: timeout: 4m is below the minimum of 5m; url: not an absolute URL"
        " [INVALID_ARGUMENT/FIELD_INVALID]"
    )


def test_a_field_that_the_message_names_is_not_repeated() -> None:
    violation = tabkeep.FieldViolation("timeout", "4m is too short")
    error = tabkeep.InvalidArgument("timeout: 4m is too short", code="INVALID_ARGUMENT", field_violations=[violation])
    assert str(error) == "timeout: 4m is too short [INVALID_ARGUMENT]"


def test_errors_survive_pickling() -> None:
    error = tabkeep.SessionClosed(
        "closed", code="FAILED_PRECONDITION", reason="SESSION_CLOSED", retry_delay=timedelta(seconds=1)
    )
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is tabkeep.SessionClosed
    assert vars(copy) == vars(error)


def _error_of_a_synchronous_stub(
    code: grpc.StatusCode, text: str, trailing: tuple[tuple[str, bytes], ...]
) -> grpc.RpcError:
    """Return what the generated synchronous stub raises for such an answer; the channel is grpcio-testing's."""
    descriptor = runs_pb2.DESCRIPTOR.services_by_name["RunService"]
    channel = grpc_testing.channel([descriptor], grpc_testing.strict_fake_time(0))
    future = runs_pb2_grpc.RunServiceStub(channel).GetRun.future(runs_pb2.GetRunRequest(run_id="tsk_1"))
    _, request, call = channel.take_unary_unary(descriptor.methods_by_name["GetRun"])
    assert request.run_id == "tsk_1"
    call.send_initial_metadata(())
    call.terminate(None, trailing, code, text)
    with pytest.raises(grpc.RpcError) as raised:
        future.result()
    return raised.value


def test_errors_of_the_synchronous_stubs_are_read_the_same_way() -> None:
    failure = Failure(grpc.StatusCode.FAILED_PRECONDITION, "SESSION_CLOSED", "session pbs_1 is closed", {"since": "x"})
    trailing = (("grpc-status-details-bin", status(failure).SerializeToString()),)
    error = errors.from_rpc_error(_error_of_a_synchronous_stub(failure.code, failure.message, trailing))
    assert type(error) is tabkeep.SessionClosed
    assert error.metadata == {"since": "x"}
    assert str(error) == "session pbs_1 is closed [FAILED_PRECONDITION/SESSION_CLOSED]"


@pytest.mark.parametrize("details", [b"\xff\xff", b""], ids=["not a status", "another status"])
def test_details_that_make_no_sense_do_not_hide_the_error(details: bytes) -> None:
    trailing = (("grpc-status-details-bin", details),)
    raised = _error_of_a_synchronous_stub(grpc.StatusCode.NOT_FOUND, "no such run", trailing)
    error = errors.from_rpc_error(raised)
    assert type(error) is tabkeep.NotFound
    assert (error.message, error.reason) == ("no such run", "")


def test_every_exported_name_exists() -> None:
    for name in tabkeep.__all__:
        assert getattr(tabkeep, name) is not None
    assert {*errors.__all__} <= {*tabkeep.__all__}
