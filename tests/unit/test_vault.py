"""What is sealed opens only whole, for what it was sealed for, and under a key that is there."""

from __future__ import annotations

import pytest

from control_plane.entities.profiles import sealing_context
from control_plane.errors import StoreUnusable
from control_plane.sealing import vault
from control_plane.sealing.vault import Damaged, KeyMissing, Sealed, Vault

CONTEXT = sealing_context("o_a", "bp_1", 3)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "new" / "master-key"


def test_the_first_start_makes_a_key_that_only_its_owner_reads(path):
    sealed = vault.load(path, make=True).seal(b"secret", CONTEXT)
    assert path.stat().st_mode & 0o777 == 0o600
    assert b"secret" not in sealed.ciphertext + sealed.wrapped_key
    assert vault.load(path, make=False).open(sealed, CONTEXT) == b"secret"


def test_nothing_is_sealed_twice_under_one_data_key(path):
    keys = vault.load(path, make=True)
    first, second = keys.seal(b"secret", CONTEXT), keys.seal(b"secret", CONTEXT)
    assert first.ciphertext[12:] != second.ciphertext[12:]
    with pytest.raises(Damaged):
        keys.open(Sealed(first.ciphertext, first.key_id, second.wrapped_key), CONTEXT)


def test_every_flipped_byte_is_noticed(path):
    keys = vault.load(path, make=True)
    sealed = keys.seal(b"secret", CONTEXT)
    for place in range(len(sealed.ciphertext)):
        flipped = bytearray(sealed.ciphertext)
        flipped[place] ^= 1
        with pytest.raises(Damaged):
            keys.open(Sealed(bytes(flipped), sealed.key_id, sealed.wrapped_key), CONTEXT)
    for place in range(len(sealed.wrapped_key)):
        flipped = bytearray(sealed.wrapped_key)
        flipped[place] ^= 1
        with pytest.raises(Damaged):
            keys.open(Sealed(sealed.ciphertext, sealed.key_id, bytes(flipped)), CONTEXT)


@pytest.mark.parametrize("length", [0, 1, 11, 12, 27, 33])
def test_what_was_cut_off_is_noticed(path, length):
    keys = vault.load(path, make=True)
    sealed = keys.seal(b"secret", CONTEXT)
    with pytest.raises(Damaged):
        keys.open(Sealed(sealed.ciphertext[:length], sealed.key_id, sealed.wrapped_key), CONTEXT)


@pytest.mark.parametrize("other", [("o_b", "bp_1", 3), ("o_a", "bp_2", 3), ("o_a", "bp_1", 4)])
def test_it_does_not_open_in_another_place(path, other):
    keys = vault.load(path, make=True)
    with pytest.raises(Damaged):
        keys.open(keys.seal(b"secret", CONTEXT), sealing_context(*other))


def test_an_old_key_opens_and_can_be_left_out_after_rewrapping():
    old, new = Vault([b"a" * 32]), Vault([b"b" * 32, b"a" * 32])
    sealed = old.seal(b"secret", CONTEXT)
    assert new.open(sealed, CONTEXT) == b"secret"
    wrapped = new.rewrap(sealed.key_id, sealed.wrapped_key, CONTEXT)
    only = Vault([b"b" * 32])
    assert only.open(Sealed(sealed.ciphertext, new.current, wrapped), CONTEXT) == b"secret"
    with pytest.raises(KeyMissing, match=old.current):
        only.open(sealed, CONTEXT)


@pytest.mark.parametrize(
    ("text", "mode", "message"),
    [
        ("", 0o600, "is damaged"),
        ("abcd\n", 0o600, "is damaged"),
        ("x" * 64, 0o600, "cannot be read"),
        ("a" * 64, 0o640, "chmod 600"),
    ],
)
def test_a_file_that_is_no_good_stops_the_start(path, text, mode, message):
    path.parent.mkdir()
    path.write_text(text)
    path.chmod(mode)
    with pytest.raises(StoreUnusable, match=message):
        vault.load(path, make=True)


def test_a_file_that_is_gone_is_not_made_anew_where_it_may_be_needed(path):
    with pytest.raises(StoreUnusable, match="is not there"):
        vault.load(path, make=False)
    assert not path.exists()
