"""Forms that bring a file: however they are cut, the same file; and what is wrong with them is said."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

import pytest

from control_plane.errors import FieldInvalid
from control_plane.http.answers import Refused
from control_plane.http.file_form import FileForm, FileHead

TYPE = "multipart/form-data; boundary=cut"
CONTENT = b"\r\n--cu\r\n-\r\n--cut is no boundary\x00\xff\r\n"


def part(head: str, content: bytes) -> bytes:
    return f"--cut\r\ncontent-disposition: form-data; {head}\r\n\r\n".encode() + content + b"\r\n"


FILE = part('name="file"; filename="ä b.pdf"\r\ncontent-type: application/pdf', CONTENT.replace(b"--cut", b"--cu"))
END = b"--cut--\r\n"
WHOLE = part('name="retention_days"', b"") + FILE + part('name="later"', b"x") + END + b"epilogue"


async def pieces(parts: Iterable[bytes]) -> AsyncIterator[bytes]:
    for one in parts:
        yield one


async def read(parts: Iterable[bytes], content_type: str = TYPE) -> tuple[FileHead, bytes, FileForm]:
    form = FileForm(pieces(parts), content_type, "file")
    head = await form.head()
    return head, b"".join([piece async for piece in form.content()]), form


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 64, 10_000])
async def test_however_a_form_is_cut_its_file_is_the_same(size: int) -> None:
    cut = [WHOLE[start : start + size] for start in range(0, len(WHOLE), size)]
    head, content, form = await read(cut)
    assert head == FileHead("ä b.pdf", "application/pdf")
    assert content == CONTENT.replace(b"--cut", b"--cu")
    assert form.fields == {"later": b"x"}


async def test_a_large_file_is_handed_on_as_it_comes() -> None:
    body = part('name="file"; filename="a"', b"").removesuffix(b"\r\n")
    form = FileForm(pieces([body, *[b"x" * 65_536] * 40, b"\r\n" + END]), TYPE, "file")
    await form.head()
    sizes = [len(piece) async for piece in form.content()]
    assert sum(sizes) == 40 * 65_536
    assert max(sizes) <= 65_536


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "breaks off"),
        (END, "no such file"),
        (part('name="other"; filename="a"', b"x") + END, "no such file"),
        (part('name="file"', b"/tmp/cv.pdf") + END, "came as a text"),
        (FILE + FILE + END, "more than one"),
        (FILE, "breaks off"),
        (FILE[:60], "breaks off"),
        (FILE + b"--cu", "breaks off"),
        (b"nonsense", "cannot be read"),
        (b"--cut\r\nno header\r\n\r\n", "cannot be read"),
        (b"--cut\r\na: " + b"b" * 10_000, "cannot be read"),
        (part('name="notes"', b"x" * 70_000) + FILE + END, "beside the file"),
        (FILE + END + b"x" * 70_000, "beside the file"),
        (part('name="a"', b"") * 2_000 + FILE + END, "beside the file"),
        (FILE.replace("ä".encode(), b"\xe4") + END, "not UTF-8"),
    ],
)
@pytest.mark.parametrize("size", [1, 50_000])
async def test_a_form_that_is_not_as_it_must_be_says_why(body: bytes, why: str, size: int) -> None:
    with pytest.raises(FieldInvalid) as refused:
        await read([body[start : start + size] for start in range(0, len(body), size)])
    (violation,) = refused.value.violations
    assert violation.field == "file"
    assert why in violation.description


@pytest.mark.parametrize(
    "content_type", ["", "application/json", "multipart/form-data", "multipart/mixed; boundary=cut", "\xff"]
)
async def test_what_is_no_form_is_refused(content_type: str) -> None:
    with pytest.raises(Refused) as refused:
        await read([WHOLE], content_type)
    assert (refused.value.status, refused.value.code) == (415, "UNSUPPORTED_MEDIA_TYPE")


async def test_a_boundary_that_is_too_long_is_refused() -> None:
    with pytest.raises(FieldInvalid):
        await read([WHOLE], f"multipart/form-data; boundary={'b' * 300}")


async def test_what_cannot_be_read_leaves_no_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(FieldInvalid):
        await read([b"nonsense"])
    assert not caplog.records
