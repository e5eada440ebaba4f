"""The secrets of an installation: the pepper, the first keys, the master key; made once, beside the database."""

from __future__ import annotations

import secrets
from pathlib import Path

from control_plane.config import Config
from control_plane.entities import keys
from control_plane.entities.keys import KeyBook, Scope
from control_plane.errors import StoreUnusable
from control_plane.moves import key_moves
from control_plane.sealing import private_files, vault
from control_plane.sealing.vault import Vault
from control_plane.store import Database, Transaction

ORGANIZATION_ID = "o_default"
_PEPPER_BYTES = 32


def api_key_file(data_dir: Path) -> Path:
    """Where the first API key is written."""
    return data_dir / "api-key"


def host_token_file(data_dir: Path) -> Path:
    """Where the first host token is written."""
    return data_dir / "host-token"


async def open_vault(database: Database, config: Config) -> Vault:
    """The keys under which profiles and credentials are sealed; made here when there is nothing they could have sealed.

    Raises:
        StoreUnusable: the file is damaged or open to others, or it is gone and there is something sealed.
    """
    path = config.master_key_file or config.data_dir / "master-key"
    sealed = await database.read(lambda tables: tables.profiles.any_state() or tables.credentials.any())
    make = config.master_key_file is None and not sealed
    return vault.load(path, make=make)


async def pepper(database: Database, data_dir: Path) -> bytes:
    """The secret under which keys are stored; made with the first key, readable by its owner only.

    Raises:
        StoreUnusable: the file is damaged, or it is gone and there are keys, which would all stop working.
    """
    path = data_dir / "pepper"
    if not path.exists():
        if await database.read(lambda tables: tables.keys.all()):
            raise StoreUnusable(f"{path} is gone and the database has keys: restore it from a backup")
        private_files.write(path, secrets.token_hex(_PEPPER_BYTES))
    try:
        value = bytes.fromhex(path.read_text().strip())
    except (ValueError, OSError) as error:
        raise StoreUnusable(
            f"{path} cannot be read ({error}): restore it from a backup of the data directory"
        ) from error
    if len(value) != _PEPPER_BYTES:
        raise StoreUnusable(f"{path} is damaged: restore it from a backup")
    return value


async def open_keys(database: Database, data_dir: Path, secret: bytes, first_host: str = "") -> KeyBook:
    """All keys; a database without any gets an operator key for o_default and a host token, in files of mode 0600.

    The token is for `first_host`; "" for the first host that shows it.
    """
    found = await database.read(lambda tables: tables.keys.all())
    if found:
        return KeyBook(secret, found)
    now = database.clock.now()
    api_key, api_text = keys.make(secret, ORGANIZATION_ID, Scope.OPERATOR, "first key", now)
    token, token_text = keys.make(secret, "", Scope.HOST, "first host token", now, first_host)
    private_files.write(api_key_file(data_dir), api_text)
    private_files.write(host_token_file(data_dir), token_text)

    def add_both(tx: Transaction) -> None:
        key_moves.add(tx, api_key)
        key_moves.add(tx, token)

    await database.write(add_both)
    return KeyBook(secret, [api_key, token])
