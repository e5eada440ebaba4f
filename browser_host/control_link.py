"""gRPC to the control plane: the stream of `attachment`, and a second channel for large things.

The only file of the host that knows gRPC. Errors become StreamLost or AttachRefused, UploadFailed or UploadRefused.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from tabkeep.host.v1 import host_pb2, host_pb2_grpc, tunnel_pb2, tunnel_pb2_grpc

from browser_host import run_files, wire
from browser_host.attachment import AttachRefused, StreamLost
from browser_host.browser import HeldFile
from browser_host.cdp_gate import LONGEST_MESSAGE
from browser_host.cdp_guest import TunnelLost
from browser_host.messages import FromHost, KeptFile, Picture, Placement, Received, TakenState
from browser_host.open_browser import ProfileUnusable
from browser_host.run_files import FileNotFetched
from browser_host.states import StateNotFetched
from browser_host.task.journal import Credential, CredentialMissing
from browser_host.uploads import Upload, UploadFailed, UploadRefused

logger = logging.getLogger(__name__)

CHUNK_BYTES = 256 * 1024
CREDENTIAL_SECONDS = 10.0
UPLOAD_SECONDS = 30.0
FILE_SECONDS = 120.0
MAX_STATE_BYTES = 32 * 2**20
FINISH_SECONDS = 2.0

CHANNEL_OPTIONS = (
    # ping_timeout bounds how long a dead connection stays unnoticed; keepalive_timeout alone leaves it at 60 s.
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.ping_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    # gRPC's own backoff grows to two minutes; ours decides when to try, its must not stand in the way.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 5_000),
    # Otherwise two channels to one address share one connection, and a picture could hold up a heartbeat.
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.max_receive_message_length", 4 * 2**20),
    ("grpc.max_send_message_length", 4 * 2**20),
)

_CALL_ENDED = (grpc.aio.UsageError, grpc.aio.InternalError, asyncio.InvalidStateError)
"""What a read or write raises, beside RpcError, when its call has ended a moment before."""

_FINAL_CODES = {
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.UNIMPLEMENTED,
}
_UPLOAD_REFUSED_CODES = {
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.UNIMPLEMENTED,
    grpc.StatusCode.NOT_FOUND,
}
_PROFILE_REASONS = {"PROFILE_NOT_FOUND", "PROFILE_DAMAGED", "PROFILE_KEY_MISSING"}
"""Why a state cannot be had from whichever host."""


class ControlLink:
    """The two channels to one control plane."""

    def __init__(self, address: str, token: str, host_id: str, incarnation: str) -> None:
        self._metadata = (("x-api-key", token),)
        self._host_id = host_id
        self._incarnation = incarnation
        self._control_channel = grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS)
        self._blob_channel = grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS)
        self._control = host_pb2_grpc.HostControlServiceStub(self._control_channel)
        self._blobs = host_pb2_grpc.HostBlobServiceStub(self._blob_channel)
        self._secrets = host_pb2_grpc.HostSecretServiceStub(self._blob_channel)
        self._tunnels = tunnel_pb2_grpc.HostTunnelServiceStub(self._blob_channel)

    async def dial(self) -> GrpcConnection:
        """Open a stream; that nobody answers shows at its first use."""
        return GrpcConnection(self._control.Attach(metadata=self._metadata))

    async def put(self, upload: Upload) -> None:
        """Store one picture, or one download or the record of one that was refused.

        Raises:
            UploadFailed, UploadRefused.
        """
        if isinstance(upload, Picture):
            parts, seconds = self._parts(upload), UPLOAD_SECONDS
        else:
            parts, seconds = self._file_parts(upload), FILE_SECONDS
        await self._upload(self._blobs.PutBlob(parts, metadata=self._metadata, timeout=seconds))

    async def put_state(self, taken: TakenState, age: timedelta) -> None:
        """Store one browser state, or hand over why there is none; `age` is how long ago it was taken.

        Raises:
            UploadFailed, UploadRefused.
        """
        header = wire.state_header(taken, self._host_id, self._incarnation, age)
        parts = self._state_parts(header, taken.content)
        await self._upload(self._blobs.PutBrowserState(parts, metadata=self._metadata, timeout=UPLOAD_SECONDS))

    async def get_state(self, placement: Placement) -> bytes:
        """The browser state that a placement starts from.

        Raises:
            ProfileUnusable: it cannot be had from any host.
            StateNotFetched: trying again may help.
        """
        request = host_pb2.GetBrowserStateRequest(
            host_id=self._host_id, browser_session_id=placement.browser_session_id, fence=placement.fence
        )
        call = self._blobs.GetBrowserState(request, metadata=self._metadata, timeout=UPLOAD_SECONDS)
        content, header = bytearray(), host_pb2.StoredBrowserState()
        try:
            async for part in call:
                if part.HasField("header"):
                    header = part.header
                content += part.chunk
                if len(content) > MAX_STATE_BYTES:
                    raise ProfileUnusable(f"the browser state has more than {MAX_STATE_BYTES} bytes")
        except grpc.RpcError as error:
            if _reason(error) in _PROFILE_REASONS:
                raise ProfileUnusable(error.details() or _reason(error)) from None
            final = error.code() in _UPLOAD_REFUSED_CODES
            raise StateNotFetched(f"{error.code().name}: {_reason(error)}", final=final) from None
        except asyncio.CancelledError:
            _raise_if_cancelled()
            raise StateNotFetched("CANCELLED") from None
        finally:
            call.cancel()
        if len(content) != header.size or hashlib.sha256(content).hexdigest() != header.sha256:
            raise StateNotFetched("size or checksum are not those of the header")
        return bytes(content)

    async def _upload(self, call: Any) -> None:
        try:
            await call
        except grpc.RpcError as error:
            reason = f"{error.code().name}: {_reason(error)}"
            if error.code() in _UPLOAD_REFUSED_CODES:
                raise UploadRefused(reason) from None
            raise UploadFailed(reason) from None
        except asyncio.CancelledError:
            _raise_if_cancelled()
            raise UploadFailed("CANCELLED") from None

    async def credential(self, placement: Placement, run_id: str, origin: str, username: str) -> Credential:
        """Ask for the login of an origin.

        Raises:
            CredentialMissing.
        """
        request = host_pb2.GetCredentialRequest(
            host_id=self._host_id,
            browser_session_id=placement.browser_session_id,
            fence=placement.fence,
            run_id=run_id,
            origin=origin,
            username=username,
        )
        try:
            found = await self._secrets.GetCredential(request, metadata=self._metadata, timeout=CREDENTIAL_SECONDS)
        except grpc.RpcError as error:
            raise CredentialMissing(error.details() or error.code().name) from None
        except asyncio.CancelledError:
            _raise_if_cancelled()
            raise CredentialMissing("the control plane cannot be reached") from None
        return Credential(found.username, found.password, found.one_time_code)

    async def get_file(self, placement: Placement, run_id: str, name: str, to: Path) -> HeldFile:
        """Write a file that a run gives to a page to `to`.

        Raises:
            FileNotFetched, FilesNotPlaced, OSError.
        """
        request = host_pb2.GetRunFileRequest(
            host_id=self._host_id,
            browser_session_id=placement.browser_session_id,
            fence=placement.fence,
            run_id=run_id,
            file=name,
        )
        call = self._blobs.GetRunFile(request, metadata=self._metadata, timeout=FILE_SECONDS)

        async def chunks() -> AsyncIterator[bytes]:
            while (part := await call.read()) is not grpc.aio.EOF:
                yield part.chunk

        try:
            first = await call.read()
            if first is grpc.aio.EOF:
                raise FileNotFetched("the control plane sent nothing")
            file = first.file
            return await run_files.take(to, file.file_name, file.size, file.sha256, chunks())
        except grpc.RpcError as error:
            final = error.code() in _UPLOAD_REFUSED_CODES or error.code() is grpc.StatusCode.DATA_LOSS
            raise FileNotFetched(error.details() or error.code().name, final=final) from None
        except asyncio.CancelledError:
            _raise_if_cancelled()
            raise FileNotFetched("the control plane cannot be reached") from None
        finally:
            call.cancel()

    def dial_tunnel(self, placement: Placement, tunnel_id: str) -> GrpcTunnel:
        """A tunnel for a CDP client; nothing is sent before it is opened."""
        header = tunnel_pb2.TunnelHeader(
            host_id=self._host_id,
            browser_session_id=placement.browser_session_id,
            fence=placement.fence,
            tunnel_id=tunnel_id,
        )
        return GrpcTunnel(self._tunnels.Tunnel(metadata=self._metadata), header)

    async def close(self) -> None:
        """Close both channels."""
        await self._control_channel.close()
        await self._blob_channel.close()

    async def _state_parts(
        self, header: host_pb2.BrowserStateHeader, content: bytes
    ) -> AsyncIterator[host_pb2.PutBrowserStateRequest]:
        yield host_pb2.PutBrowserStateRequest(header=header)
        for start in range(0, len(content), CHUNK_BYTES):
            yield host_pb2.PutBrowserStateRequest(chunk=content[start : start + CHUNK_BYTES])

    async def _file_parts(self, kept: KeptFile) -> AsyncIterator[host_pb2.PutBlobRequest]:
        yield host_pb2.PutBlobRequest(header=wire.file_header(kept, self._host_id, self._incarnation))
        if kept.path is None:
            return
        try:
            with await asyncio.to_thread(kept.path.open, "rb") as file:
                while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
                    yield host_pb2.PutBlobRequest(chunk=chunk)
        except OSError as error:
            # Fewer bytes than the header says: the control plane refuses it.
            logger.warning("download not read", extra={"artifact_id": kept.artifact_id, "reason": str(error)})

    async def _parts(self, picture: Picture) -> AsyncIterator[host_pb2.PutBlobRequest]:
        header = wire.blob_header(picture, self._host_id, self._incarnation)
        yield host_pb2.PutBlobRequest(header=header)
        for start in range(0, len(picture.jpeg), CHUNK_BYTES):
            yield host_pb2.PutBlobRequest(chunk=picture.jpeg[start : start + CHUNK_BYTES])


class GrpcConnection:
    """One Attach stream; implements `attachment.Connection`."""

    def __init__(self, call: Any) -> None:
        self._call = call

    async def send(self, message: FromHost, stream_no: int) -> None:
        try:
            await self._call.write(wire.to_proto(message, stream_no))
        except grpc.RpcError as error:
            raise _lost(error) from None
        except _CALL_ENDED:
            # The call's own status says why better than the failed write does.
            raise await self._ended() from None
        except asyncio.CancelledError:
            _raise_if_cancelled()
            raise StreamLost("CANCELLED") from None

    async def receive(self) -> Received:
        try:
            response = await self._call.read()
        except grpc.RpcError as error:
            raise _lost(error) from None
        except _CALL_ENDED:
            raise await self._ended() from None
        except asyncio.CancelledError:
            _raise_if_cancelled()
            raise StreamLost("CANCELLED") from None
        if response is grpc.aio.EOF:
            raise await self._ended()
        return wire.from_proto(response)

    async def finish(self) -> None:
        try:
            await self._call.done_writing()
        except (grpc.RpcError, *_CALL_ENDED):
            return

    async def close(self) -> None:
        self._call.cancel()

    async def _ended(self) -> StreamLost | AttachRefused:
        code = await self._call.code()
        if code is grpc.StatusCode.OK:
            return StreamLost("the control plane ended the stream")
        details = await self._call.details()
        trailers = await self._call.trailing_metadata()
        return _lost(grpc.aio.AioRpcError(code, grpc.aio.Metadata(), trailers or grpc.aio.Metadata(), details))


class GrpcTunnel:
    """One tunnel; implements `cdp_guest.Tunnel`."""

    def __init__(self, call: Any, header: tunnel_pb2.TunnelHeader) -> None:
        self._call = call
        self._header = header
        self._refused = False

    async def open(self, failure: str = "") -> None:
        self._header.failure = failure
        self._refused = bool(failure)
        await self._write(tunnel_pb2.TunnelRequest(header=self._header))

    async def send(self, text: str) -> None:
        content = text.encode(errors="replace")
        for start in range(0, max(1, len(content)), CHUNK_BYTES):
            chunk = content[start : start + CHUNK_BYTES]
            frame = tunnel_pb2.TunnelFrame(content=chunk, last=start + CHUNK_BYTES >= len(content))
            await self._write(tunnel_pb2.TunnelRequest(frame=frame))

    async def end(self, cause: str) -> None:
        await self._write(tunnel_pb2.TunnelRequest(end=tunnel_pb2.TunnelEnd(cause=cause)))

    async def receive(self) -> str:
        content = bytearray()
        while True:
            try:
                response = await self._call.read()
            except (grpc.RpcError, *_CALL_ENDED) as error:
                raise _tunnel_lost(error) from None
            except asyncio.CancelledError:
                _raise_if_cancelled()
                raise TunnelLost("CANCELLED") from None
            if response is grpc.aio.EOF:
                raise TunnelLost("the client has gone")
            content += response.frame.content
            if len(content) > LONGEST_MESSAGE:
                raise TunnelLost(f"the client sent a message of more than {LONGEST_MESSAGE} bytes")
            if response.frame.last:
                return content.decode(errors="replace")

    async def close(self) -> None:
        if self._refused:
            # What was said must come first; the control plane ends the call when it has heard it.
            try:
                async with asyncio.timeout(FINISH_SECONDS):
                    await self._call.done_writing()
                    await self._call.code()
            except (TimeoutError, grpc.RpcError, *_CALL_ENDED):
                pass
        self._call.cancel()

    async def _write(self, request: tunnel_pb2.TunnelRequest) -> None:
        try:
            await self._call.write(request)
        except (grpc.RpcError, *_CALL_ENDED) as error:
            raise _tunnel_lost(error) from None
        except asyncio.CancelledError:
            _raise_if_cancelled()
            raise TunnelLost("CANCELLED") from None


def _tunnel_lost(error: Exception) -> TunnelLost:
    return TunnelLost(f"{error.code().name}: {_reason(error)}" if isinstance(error, grpc.RpcError) else "ended")


def _raise_if_cancelled() -> None:
    """Go on cancelling if this task was cancelled; gRPC raises the same when the other side answers CANCELLED."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _lost(error: grpc.RpcError) -> StreamLost | AttachRefused:
    """What the end of a stream means; final ones are never tried again."""
    code, text = error.code(), error.details() or ""
    if code in _FINAL_CODES:
        return AttachRefused(_reason(error), text)
    return StreamLost(f"{code.name}: {text}", _retry_after(error))


def _reason(error: grpc.RpcError) -> str:
    for detail in _details(error):
        if isinstance(detail, error_details_pb2.ErrorInfo):
            return str(detail.reason)
    return error.code().name


def _retry_after(error: grpc.RpcError) -> float | None:
    for detail in _details(error):
        if isinstance(detail, error_details_pb2.RetryInfo):
            return max(0.0, float(detail.retry_delay.ToTimedelta().total_seconds()))
    return None


def _details(error: grpc.RpcError) -> list[Any]:
    """The ErrorInfo and RetryInfo that came with an error."""
    try:
        status = rpc_status.from_call(error)  # type: ignore[arg-type]
    except (ValueError, DecodeError):
        return []
    found: list[Any] = []
    for packed in status.details if status else ():
        for kind in (error_details_pb2.ErrorInfo, error_details_pb2.RetryInfo):
            if packed.Is(kind.DESCRIPTOR):
                detail = kind()
                packed.Unpack(detail)
                found.append(detail)
    return found
