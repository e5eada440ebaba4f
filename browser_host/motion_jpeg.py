"""Motion JPEG in an AVI file: pictures as they come, each with its time, playable without what made it.

Why this container: every picture is a JPEG that the browser made already, so nothing has to be encoded, and no encoder
has to be installed; the common players and editors read it, and a file that is whole can be sought in. WebM would be
smaller and play in browsers, but needs an encoder; a ZIP of pictures needs no player and is none.

The file has a fixed number of slots a second. A picture lasts until the next one: the slots between are empty chunks,
which say "as before" and take 24 bytes each.
"""

from __future__ import annotations

import struct
from array import array
from pathlib import Path
from typing import BinaryIO

_HEADER_BYTES = 224
"""Up to the first chunk; the sizes in it are known at the end only."""
_KEY_FRAME = 0x10
_HAS_INDEX = 0x10


class MotionJpeg:
    """One file under way. Its methods raise OSError."""

    def __init__(self, path: Path, frames_per_second: int, usual: tuple[int, int] = (0, 0)) -> None:
        """Begin the file, which must not be there; `usual` is the size that pictures have sooner or later.

        All pictures of a file have one size: that of the first one, unless one of the usual size comes later; then
        those before it go.
        """
        self._usual = usual
        self._file: BinaryIO = path.open("xb")
        self._rate = frames_per_second
        self._sizes = array("I")
        self._pending = b""
        self._slot = 0
        self.width = self.height = 0
        self.left_out = 0
        """Pictures of another size."""
        self._file.write(bytes(_HEADER_BYTES))
        self.size = _HEADER_BYTES
        """What it has in bytes by now, without its index."""

    @property
    def empty(self) -> bool:
        """Whether there is no picture in it."""
        return not self._pending and not self._sizes

    def add(self, jpeg: bytes, at: float) -> None:
        """Show a picture from `at` on, in seconds from the beginning; of several in one slot the last one stays."""
        size = jpeg_size(jpeg)
        if size is not None and size == self._usual != (self.width, self.height):
            self._begin_anew()
        if size is None or (self.width and size != (self.width, self.height)):
            self.left_out += 1
            return
        self.width, self.height = size
        slot = max(int(at * self._rate), self._slot)
        if self._pending and slot > self._slot:
            self._write_until(slot)
        self._pending, self._slot = jpeg, slot

    def _begin_anew(self) -> None:
        self._file.seek(_HEADER_BYTES)
        self._file.truncate()
        self._sizes = array("I")
        self._pending, self._slot, self.size, self.width = b"", 0, _HEADER_BYTES, 0

    def _write_until(self, slot: int) -> None:
        """Put the picture that waits into its slot, and nothing into those up to `slot`."""
        if not self._sizes and self._slot:
            self._slot = 0  # what was shown first was there from the beginning
        self._chunk(self._pending)
        for _ in range(self._slot + 1, slot):
            self._chunk(b"")

    def _chunk(self, content: bytes) -> None:
        padding = b"\0" * (len(content) % 2)
        self._file.write(struct.pack("<4sI", b"00dc", len(content)) + content + padding)
        self._sizes.append(len(content))
        self.size += 8 + len(content) + len(padding)

    def finish(self, at: float) -> None:
        """End the file: the last picture lasts until `at`."""
        with self._file:
            if self._pending:
                self._write_until(max(int(at * self._rate), self._slot + 1))
            self._write_index()
            self._file.seek(0)
            self._file.write(self._header())

    def close(self) -> None:
        """End it as it is; what is there is not playable."""
        self._file.close()

    def _write_index(self) -> None:
        self._file.write(struct.pack("<4sI", b"idx1", 16 * len(self._sizes)))
        offset = 4
        for size in self._sizes:
            self._file.write(struct.pack("<4sIII", b"00dc", _KEY_FRAME if size else 0, offset, size))
            offset += 8 + size + size % 2

    def _header(self) -> bytes:
        count, rate = len(self._sizes), self._rate
        largest = max(self._sizes, default=0)
        movie = self.size - _HEADER_BYTES + 4
        main = struct.pack(
            "<14I", 1_000_000 // rate, largest * rate, 0, _HAS_INDEX, count, 0, 1, largest, self.width, self.height,
            0, 0, 0, 0,
        )  # fmt: skip
        stream = struct.pack(
            "<4s4sIHHIIIIIIIIHHHH", b"vids", b"MJPG", 0, 0, 0, 0, 1, rate, 0, count, largest, 0xFFFFFFFF, 0,
            0, 0, self.width, self.height,
        )  # fmt: skip
        picture = struct.pack(
            "<IiiHH4sIiiII", 40, self.width, self.height, 1, 24, b"MJPG", self.width * self.height * 3, 0, 0, 0, 0
        )
        streams = b"strl" + _block(b"strh", stream) + _block(b"strf", picture)
        headers = b"hdrl" + _block(b"avih", main) + _block(b"LIST", streams)
        head = b"AVI " + _block(b"LIST", headers)
        whole = len(head) + 8 + movie + 8 + 16 * count
        found = struct.pack("<4sI", b"RIFF", whole) + head + struct.pack("<4sI4s", b"LIST", movie, b"movi")
        assert len(found) == _HEADER_BYTES
        return found


def _block(name: bytes, content: bytes) -> bytes:
    return struct.pack("<4sI", name, len(content)) + content


def jpeg_size(jpeg: bytes) -> tuple[int, int] | None:
    """Width and height of a JPEG; None when it is none."""
    if not jpeg.startswith(b"\xff\xd8"):
        return None
    at = 2
    while at + 9 < len(jpeg) and jpeg[at] == 0xFF:
        kind = jpeg[at + 1]
        if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", jpeg[at + 5 : at + 9])
            return width, height
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
    return None
