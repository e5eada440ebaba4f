"""Downloads leave the browser's hands only as what they are: a file of its own user."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from browser_host import downloads
from browser_host.open_browser import Downloaded, DownloadFailed


def _link(path: Path, secret: Path) -> None:
    path.symlink_to(secret)


def _hard_link(path: Path, secret: Path) -> None:
    path.hardlink_to(secret)


def _pipe(path: Path, secret: Path) -> None:
    os.mkfifo(path)


def _directory(path: Path, secret: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize("put", [_link, _hard_link, _pipe, _directory])
def test_what_is_no_file_of_its_own_is_not_taken(tmp_path: Path, put: Callable[[Path, Path], None]):
    secret, path, target = tmp_path / "secret", tmp_path / "guid", tmp_path / "host" / "art_1"
    secret.write_text("of the host")
    put(path, secret)
    with pytest.raises((DownloadFailed, OSError)):
        downloads._copy(Downloaded(path, 0), target)
    assert not target.exists()
    assert secret.read_text() == "of the host"


def test_a_file_of_another_user_is_not_taken(tmp_path: Path):
    path = tmp_path / "guid"
    path.write_text("x")
    with pytest.raises(DownloadFailed):
        downloads._copy(Downloaded(path, os.geteuid() + 1), tmp_path / "art_1")
    assert not (tmp_path / "art_1").exists()


def test_one_that_grows_beyond_the_bound_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(downloads, "MAX_FILE_BYTES", 10)
    path = tmp_path / "guid"
    path.write_bytes(bytes(11))
    with pytest.raises(DownloadFailed):
        downloads._copy(Downloaded(path, 0), tmp_path / "art_1")
    assert not (tmp_path / "art_1").exists()


def test_a_file_of_its_own_is_moved(tmp_path: Path):
    path = tmp_path / "guid"
    path.write_bytes(b"abc")
    copied = downloads._copy(Downloaded(path, 0), tmp_path / "host" / "art_1")
    assert (copied.path.read_bytes(), copied.size) == (b"abc", 3)
    assert not path.exists()
