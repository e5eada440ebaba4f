"""Calls about files that runs give to pages."""

from __future__ import annotations

import asyncio
import hashlib
import mimetypes
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from tabkeep import wire
from tabkeep.client.connection import PAGE_SIZE, Connection, new_request_id
from tabkeep.errors import DataLoss, TabkeepError
from tabkeep.records.files import File
from tabkeep.v1 import files_pb2

_CHUNK_BYTES = 256 * 1024


class FileCalls(Connection):
    """Calls about files that runs give to pages."""

    async def upload_file(
        self,
        source: Path | str | bytes,
        *,
        file_name: str | None = None,
        content_type: str | None = None,
        request_id: str | None = None,
    ) -> File:
        """Store a file, at most 64 MiB: one on this machine by its path, or these bytes, which need a `file_name`.

        Its checksum is compared with what arrives. `content_type` is guessed from the name when not given.

        Raises:
            OSError: it cannot be read.
            InvalidArgument: a field is wrong, or it is too large; nothing was stored.
            FileQuotaFull: the organization's files are too many, or take too much space.
        """
        upload = await asyncio.to_thread(_open_upload, source, file_name, content_type)
        upload.header.request_id = request_id or new_request_id()
        answer = await self._calls.upload("FileService/UploadFile", upload.requests, files_pb2.UploadFileResponse)
        return wire.file(answer.file)

    async def get_file(self, file_id: str) -> bytes:
        """Return a file's bytes, checked against its checksum.

        Raises:
            NotFound: no such file in the caller's organization.
            DataLoss: the bytes are not those that were stored.
        """
        return (await self.fetch_file(file_id))[1]

    async def fetch_file(self, file_id: str) -> tuple[File, bytes]:
        """Return a file's record and its bytes; raises like `get_file`."""
        failures = 0
        while True:
            try:
                return await self._get_file(file_id)
            except TabkeepError as error:
                failures += 1
                if not self._calls.broken(error) or failures >= self._calls.retry.max_attempts:
                    raise
                await self._calls.pause(failures, error)

    async def list_files(self, *, file_name: str | None = None, page_size: int = PAGE_SIZE) -> AsyncIterator[File]:
        """Yield the organization's files, or those of exactly this name, newest first."""
        request = files_pb2.ListFilesRequest(page_size=page_size, file_name=file_name or "")
        while True:
            page = await self._calls.unary("FileService/ListFiles", request, files_pb2.ListFilesResponse)
            for file in page.files:
                yield wire.file(file)
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def delete_file(self, file_id: str) -> None:
        """Delete a file; what runs have given to pages stays with them.

        Raises:
            NotFound: no such file, or it was deleted before, perhaps by a first try of this call.
        """
        request = files_pb2.DeleteFileRequest(file_id=file_id)
        await self._calls.unary("FileService/DeleteFile", request, files_pb2.DeleteFileResponse)

    async def _get_file(self, file_id: str) -> tuple[File, bytes]:
        request = files_pb2.GetFileRequest(file_id=file_id)
        record: files_pb2.File | None = None
        data = bytearray()
        answers = self._calls.stream("FileService/GetFile", request, files_pb2.GetFileResponse)
        async with aclosing(answers) as stream:
            async for part in stream:
                if part.HasField("file"):
                    record = part.file
                else:
                    data += part.chunk
        if record is None or len(data) != record.size or hashlib.sha256(data).hexdigest() != record.sha256:
            message = f"file {file_id} arrived damaged: {len(data)} bytes do not match its record"
            raise DataLoss(message, code="DATA_LOSS", reason="FILE_DAMAGED")
        return wire.file(record), bytes(data)


@dataclass(frozen=True, slots=True)
class _Upload:
    """What is to be sent of a file, as often as it takes."""

    source: Path | bytes
    header: files_pb2.FileHeader

    async def requests(self) -> AsyncIterator[files_pb2.UploadFileRequest]:
        yield files_pb2.UploadFileRequest(header=self.header)
        with await asyncio.to_thread(_opened, self.source) as file:
            while chunk := await asyncio.to_thread(file.read, _CHUNK_BYTES):
                yield files_pb2.UploadFileRequest(chunk=chunk)


def _opened(source: Path | bytes) -> BinaryIO:
    return BytesIO(source) if isinstance(source, bytes) else source.open("rb")


def _open_upload(source: Path | str | bytes, file_name: str | None, content_type: str | None) -> _Upload:
    if isinstance(source, bytes):
        if not file_name:
            raise ValueError("bytes have no name: give a file_name")
        where: Path | bytes = source
        sha256, size = hashlib.sha256(source).hexdigest(), len(source)
    else:
        where = Path(source)
        file_name = file_name or where.name
        with where.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            size = file.tell()
    guessed = content_type or mimetypes.guess_type(file_name)[0] or ""
    return _Upload(where, files_pb2.FileHeader(file_name=file_name, content_type=guessed, size=size, sha256=sha256))
