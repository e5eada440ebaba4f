"""FileService: takes in what callers bring, and hands it out again."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import grpc
from tabkeep.v1 import files_pb2 as pb
from tabkeep.v1 import files_pb2_grpc as pb_grpc

from control_plane.coordinator import Coordinator
from control_plane.entities.records import File
from control_plane.errors import FieldInvalid, FieldViolation, QuotaFull
from control_plane.fields import Fields
from control_plane.interceptors import caller
from control_plane.keeping.blobs import MAX_DOWNLOAD_BYTES, Blobs
from control_plane.moves import file_moves
from control_plane.moves.requests import Request
from control_plane.page_tokens import PageTokens
from control_plane.wire import file_wire
from control_plane.wire.times import NO_TIME

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"

_MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(; ?[\w-]+=[\w.-]+)*", re.ASCII)
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")


class FileService(pb_grpc.FileServiceServicer):
    """See the proto for what each call does."""

    def __init__(self, coordinator: Coordinator, blobs: Blobs, page_tokens: PageTokens) -> None:
        self._coordinator = coordinator
        self._blobs = blobs
        self._page_tokens = page_tokens
        self._arriving: Counter[str] = Counter()
        """Bytes of each organization's files that are being written."""

    async def UploadFile(
        self, request_iterator: AsyncIterator[pb.UploadFileRequest], context: Context
    ) -> pb.UploadFileResponse:
        organization_id = caller.get().organization_id
        first = await anext(request_iterator, None)
        if first is None or first.WhichOneof("part") != "header":
            raise _invalid("header", "must be the first message")
        header = first.header
        _check(header)
        arriving = self._arriving[organization_id]
        file_id = await self._coordinator.admit(file_moves.begin, organization_id, header.size, arriving)
        chunks = self._counted(organization_id, request_iterator)
        most = header.size or MAX_DOWNLOAD_BYTES
        async with self._blobs.writing(file_id, chunks, most) as written:
            if written.size > MAX_DOWNLOAD_BYTES:
                raise _invalid("chunk", f"more bytes came than the {MAX_DOWNLOAD_BYTES} that are taken")
            if header.size and written.size != header.size:
                came = "more" if written.size > header.size else f"only {written.size}"
                raise _invalid("header.size", f"it says {header.size} bytes, and {came} came")
            if header.sha256 and header.sha256.lower() != written.sha256:
                raise _invalid("header.sha256", f"is not that of the bytes that came, which is {written.sha256}")
            await self._blobs.name(file_id, written)
        kept: File | None = None
        file = File(
            file_id=file_id,
            organization_id=organization_id,
            file_name=header.file_name,
            content_type=header.content_type or "application/octet-stream",
            size=written.size,
            sha256=written.sha256,
            create_time=NO_TIME,
        )
        try:
            kept = await self._coordinator.admit(file_moves.keep, file, _again(file, header.request_id))
        finally:
            if kept is None or kept.file_id != file_id:
                await self._blobs.drop(file_id)
        return pb.UploadFileResponse(file=file_wire.file(kept))

    async def _counted(
        self, organization_id: str, requests: AsyncIterator[pb.UploadFileRequest]
    ) -> AsyncIterator[bytes]:
        """The bytes, as long as they fit into the organization's quota beside what else is arriving."""
        _, used = await self._coordinator.database.read(lambda tables: tables.files.usage(organization_id))
        quota, came = self._coordinator.config.file_quota_bytes, 0
        try:
            async for request in requests:
                came += len(request.chunk)
                self._arriving[organization_id] += len(request.chunk)
                if used + self._arriving[organization_id] > quota:
                    raise QuotaFull(
                        f"the organization's files would take more than {quota} bytes: delete some",
                        reason="FILE_QUOTA_FULL",
                        used_bytes=str(used),
                        quota_bytes=str(quota),
                    )
                yield request.chunk
        finally:
            self._arriving[organization_id] -= came
            if not self._arriving[organization_id]:
                del self._arriving[organization_id]

    async def GetFile(self, request: pb.GetFileRequest, context: Context) -> AsyncIterator[pb.GetFileResponse]:
        organization_id = caller.get().organization_id
        file = await self._coordinator.database.read(
            lambda tables: file_moves.find(tables, organization_id, request.file_id)
        )
        yield pb.GetFileResponse(file=file_wire.file(file))
        async for chunk in self._blobs.read(file.file_id, file.sha256, file_moves.damaged(file)):
            yield pb.GetFileResponse(chunk=chunk)

    async def ListFiles(self, request: pb.ListFilesRequest, context: Context) -> pb.ListFilesResponse:
        fields, organization_id = Fields(), caller.get().organization_id
        size = fields.page_size(request.page_size)
        name = fields.text("file_name", request.file_name, 255)
        before = self._page_tokens.read(fields, request, organization_id)
        fields.raise_if_wrong()
        found = await self._coordinator.database.read(
            lambda tables: tables.files.page(organization_id, name, before, size + 1)
        )
        last = found[size - 1].file_id if len(found) > size else ""
        return pb.ListFilesResponse(
            files=[file_wire.file(one) for one in found[:size]],
            next_page_token=self._page_tokens.make(request, organization_id, last),
        )

    async def DeleteFile(self, request: pb.DeleteFileRequest, context: Context) -> pb.DeleteFileResponse:
        await self._coordinator.move(file_moves.delete, caller.get().organization_id, request.file_id)
        await self._blobs.drop(request.file_id)  # if this does not come to pass, the next start sweeps it
        return pb.DeleteFileResponse()


def _check(header: pb.FileHeader) -> None:
    """Raise FieldInvalid for all that is wrong with the header."""
    fields, name = Fields(), header.file_name
    if not name or len(name.encode()) > 255 or name in (".", "..") or not name.isprintable() or set(name) & set("/\\"):
        fields.wrong("header.file_name", "must be 1 to 255 bytes without '/', '\\' and control characters")
    elif name != name.strip():
        fields.wrong("header.file_name", "must not begin or end with a space")
    if header.content_type and not (_MEDIA_TYPE.fullmatch(header.content_type) and len(header.content_type) <= 100):
        fields.wrong("header.content_type", "is no media type of at most 100 characters, such as application/pdf")
    if not 0 <= header.size <= MAX_DOWNLOAD_BYTES:
        fields.wrong("header.size", f"{header.size} bytes are not within 0 to {MAX_DOWNLOAD_BYTES}")
    if header.sha256 and not _SHA256.fullmatch(header.sha256):
        fields.wrong("header.sha256", "must be 64 hexadecimal digits")
    fields.text("header.request_id", header.request_id, 128)
    fields.raise_if_wrong()


def _invalid(field: str, description: str) -> FieldInvalid:
    return FieldInvalid([FieldViolation(field, description)])


def _again(file: File, request_id: str) -> Request | None:
    """What makes a retry of this call safe, if the caller asked for it."""
    if not request_id:
        return None
    what = "\0".join((file.file_name, file.content_type, file.sha256)).encode()
    return Request(file.organization_id, "UploadFile", request_id, hashlib.sha256(what).digest())
