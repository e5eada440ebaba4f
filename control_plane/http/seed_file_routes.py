"""The seed's routes of files that callers bring for their runs, and the links that open them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from starlette.responses import Response
from tabkeep.v1 import files_pb2 as pb

from control_plane.coordinator import Coordinator
from control_plane.errors import PreconditionFailed
from control_plane.http import seed_schemas, seed_values, stored_bytes
from control_plane.http.answers import Refused
from control_plane.http.endpoint import Ask, Operation, Resource
from control_plane.http.file_form import MEDIA_TYPE, FileForm
from control_plane.http.seed_answers import key_of, operation
from control_plane.http.seed_links import Links
from control_plane.http.seed_offers import NOT_OFFERED
from control_plane.http.seed_queries import query_text
from control_plane.keeping.blobs import Blobs
from control_plane.moves import file_moves

_SERVICE = "tabkeep.v1.FileService/"
_FIELD = "file"


class FileRoutes:
    """Upload, delete, and open by a link."""

    def __init__(self, links: Links, coordinator: Coordinator, files: Blobs) -> None:
        self._links = links
        self._database = coordinator.database
        self._files = files

    def resources(self) -> list[Resource]:
        """The routes."""
        upload = operation(
            self._upload, "Store a file for runs to give to pages.", seed_schemas.STORED_FILE,
            refused=(400, 409, 429, 503), locate=_place,
        )  # fmt: skip
        form = {"required": True, "content": {MEDIA_TYPE: {"schema": seed_schemas.UPLOAD}}}
        return [
            Resource(
                "/v1/upload_file",
                POST=replace(upload, document={**upload.document, "requestBody": form}, reads_body=True),
            ),
            Resource(
                "/v1/files/{file_id}", DELETE=operation(_delete, "Delete a file.", None, refused=(404, 503))
            ),
            Resource("/files/{file_id}", GET=Operation(self._open, stored_bytes.documented(_OF_LINK), open=True)),
        ]  # fmt: skip

    async def _upload(self, ask: Ask) -> Any:
        form = FileForm(ask.request.stream(), ask.request.headers.get("content-type", ""), _FIELD)
        request_id = key_of(ask)
        head = await form.head()

        async def parts() -> AsyncIterator[pb.UploadFileRequest]:
            header = pb.FileHeader(file_name=head.file_name, content_type=head.content_type, request_id=request_id)
            yield pb.UploadFileRequest(header=header)
            async for piece in form.content():
                yield pb.UploadFileRequest(chunk=piece)
            if form.fields.get("retention_days", b"").strip():
                raise PreconditionFailed(f"retention_days: {NOT_OFFERED['retention_days']}", reason="NOT_OFFERED")

        file = (await ask.call(_SERVICE + "UploadFile", parts())).file
        return {
            # What runs know it by; here it is no address, and nothing else is kept by one.
            "s3_uri": file.file_id,
            "presigned_url": self._links.stored_file(ask.request, file.file_id),
            "file_id": file.file_id,
            "file_name": file.file_name,
            "content_type": file.content_type,
            "file_size": file.size,
            "checksum": file.sha256,
            "created_at": seed_values.time(file, "create_time"),
            "expires_at": None,
        }

    async def _open(self, ask: Ask) -> Response:
        file_id = ask.path["file_id"]
        if not self._links.opens(query_text(ask, "view"), file_id):
            raise Refused(403, "LINK_INVALID", "this link opens no file, or not any more: it works for an hour")
        file = await self._database.read(lambda tables: tables.files.by_id(file_id))
        if file is None:
            raise Refused(404, "FILE_NOT_FOUND", f"file {file_id} does not exist")
        pieces = self._files.read(file.file_id, file.sha256, file_moves.damaged(file))
        return await stored_bytes.saved(ask.request, pieces, file.file_name, size=file.size, sha256=file.sha256)


async def _delete(ask: Ask) -> Any:
    await ask.call(_SERVICE + "DeleteFile", pb.DeleteFileRequest(file_id=ask.path["file_id"]))
    return Response(status_code=204)


def _place(field: str) -> list[str | int]:
    """Where a field of our request stood in the form."""
    return ["header", "idempotency-key"] if field == "header.request_id" else ["body", _FIELD]


_OF_LINK = {
    "summary": "A file that a caller has brought, by the link that its upload gave.",
    "tags": ["compatibility"],
    "parameters": [{"name": "view", "in": "query", "schema": {"type": "string"}}],
    "responses": {
        "200": {"description": "The bytes.", "content": {"*/*": {}}},
        "403": {"description": "No good link.", "content": {"application/json": {}}},
    },
}
