"""What the two Django sites have in common: how they are made, served and asked."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.applications.application import ApplicationWithLogin, Place
from bench.applications.installing import Installation, NotInstalled

_SITES = Path(__file__).parent / "sites"


class DjangoSite(ApplicationWithLogin):
    """A folder of `sites`: settings, urls and what fills its database."""

    def __init__(self, name: str) -> None:
        self._folder = _SITES / name

    def prepare(self, installation: Installation, data: Path) -> None:
        done = subprocess.run(
            [str(installation.python), "-B", str(self._folder / "seed.py")],
            env={**os.environ, **self.environ(installation, data, 0)}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise NotInstalled(f"{self._folder.name} could not be filled:\n{done.stderr[-2000:]}")

    def command(self, installation: Installation, data: Path, port: int) -> Sequence[str]:
        return (
            str(installation.python), "-B", "-m", "django", "runserver", f"127.0.0.1:{port}", "--noreload", "--insecure"
        )  # fmt: skip

    def environ(self, installation: Installation, data: Path, port: int) -> Mapping[str, str]:
        return {
            "BENCH_DATA": str(data),
            "DJANGO_SETTINGS_MODULE": "settings",
            "PYTHONPATH": str(self._folder),
            "PYTHONUNBUFFERED": "1",
        }


def has_password(place: Place, user_where: str, value: str, password: str) -> bool:
    """Whether a user's stored hash is that of a password; `user_where` is a column of auth_user."""
    for stored in map(str, place.rows(f"SELECT password FROM auth_user WHERE {user_where} = ?", value)):
        algorithm, rounds, salt, hashed = stored.split("$")
        assert algorithm == "pbkdf2_sha256", algorithm
        made = hashlib.pbkdf2_hmac("sha256", password.encode(), salt.encode(), int(rounds))
        return base64.b64encode(made) == hashed.encode()
    return False


def signed_in(place: Place) -> list[str]:
    """Names of those who signed in since the copy was made and whose session is stored."""
    if not place.rows("SELECT count(*) FROM django_session WHERE length(session_data) > 100")[0]:
        return []
    return place.rows("SELECT username FROM auth_user WHERE last_login IS NOT NULL ORDER BY username")
