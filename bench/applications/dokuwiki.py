"""DokuWiki, from Debian's package. Its pages, its list of users, its sessions and its server's log are files."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tabkeep.v1 import actions_pb2

from bench.applications.application import ApplicationWithLogin, Judges, Look, Place, click, differs, fill, goto
from bench.applications.installing import Installation, NotInstalled

_PASSWORDS = {"walter": "Green-Lantern-4", "librarian": "Old-Clock-21"}
_PAGES = {
    "start": "====== Village wiki ======\nWelcome. See [[recipes:bread]] and [[projects:alpha]].\n",
    "recipes:bread": (
        "====== Bread ======\nA sourdough loaf, baked at 230 degrees.\n\n"
        "^ Ingredient ^ Amount ^\n| Flour | 500 g |\n| Water | 350 g |\n| Salt | 10 g |\n"
    ),
    "recipes:soup": "====== Soup ======\nLeeks and potatoes.\n",
    "projects:alpha": "====== Project Alpha ======\nA greenhouse behind the school.\n",
}
_EXTENSIONS = (
    "tokenizer", "ctype", "fileinfo", "iconv", "mbstring", "intl", "dom", "xml", "simplexml", "posix", "sockets", "exif"
)  # fmt: skip

judge = Judges()


class DokuWiki(ApplicationWithLogin):
    """A wiki that everybody may read and those who have signed in may edit."""

    judges = judge.table

    def prepare(self, installation: Installation, data: Path) -> None:
        root = installation.debian
        wiki = data / "wiki"
        shutil.copytree(root / "usr/share/dokuwiki", wiki, symlinks=True)
        for name in ("lib/plugins", "lib/tpl"):
            (wiki / name).unlink()
            shutil.copytree(root / "var/lib/dokuwiki" / name, wiki / name, symlinks=True)
        (wiki / ".htaccess").unlink(missing_ok=True)
        shutil.copytree(root / "var/lib/dokuwiki/data", data / "data", symlinks=True)
        shutil.copytree(root / "etc/dokuwiki", wiki / "conf", symlinks=True)
        (wiki / "inc/preload.php").unlink()
        for name in ("acl.auth.php", "users.auth.php"):
            (wiki / "conf" / name).unlink(missing_ok=True)
        # Debian's package has its libraries beside it, by their absolute paths.
        for file in [*wiki.rglob("*.php")]:
            source = file.read_bytes()
            if b"/usr/share/" in source:
                file.write_bytes(source.replace(b"/usr/share/", f"{root}/usr/share/".encode()))
        (wiki / "conf/acl.auth.php").write_text("*\t@ALL\t1\n*\t@user\t8\n")
        people = [("walter", "Walter Reed", "user"), ("librarian", "Libby Rarian", "admin,user")]
        (wiki / "conf/users.auth.php").write_text(
            "".join(
                f"{name}:{_hash(_PASSWORDS[name])}:{real}:{name}@wiki.example:{groups}\n"
                for name, real, groups in people
            )
        )
        (data / "sessions").mkdir()
        (wiki / "conf/local.php").write_text(
            "<?php\n$conf['title'] = 'Village wiki';\n$conf['useacl'] = 1;\n$conf['superuser'] = '@admin';\n"
            "$conf['passcrypt'] = 'ssha';\n$conf['autopasswd'] = 0;\n"
            "$conf['savedir'] = getenv('BENCH_DATA') . '/data';\n"
            "$conf['updatecheck'] = 0;\n$conf['disableactions'] = 'register,resendpwd';\n"
        )
        for name, text in _PAGES.items():
            file = data / "data/pages" / (name.replace(":", "/") + ".txt")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        # Visits would fill the index of its search one by one.
        indexing = subprocess.run(
            [*self._php(installation), str(wiki / "bin/indexer.php"), "-q"],
            env={**os.environ, "BENCH_DATA": str(data)}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if indexing.returncode != 0:
            raise NotInstalled(f"the wiki's index could not be made:\n{(indexing.stdout + indexing.stderr)[-2000:]}")

    def _php(self, installation: Installation) -> list[str]:
        root = installation.debian
        extensions = [part for name in _EXTENSIONS for part in ("-d", f"extension={name}")]
        return [
            str(root / "usr/bin/php8.2"), "-n", "-d", f"extension_dir={root}/usr/lib/php/20220829", *extensions
        ]  # fmt: skip

    def command(self, installation: Installation, data: Path, port: int) -> Sequence[str]:
        return (
            *self._php(installation), "-d", f"session.save_path={data}/sessions", "-d", "display_errors=stderr",
            "-S", f"127.0.0.1:{port}", "-t", str(data / "wiki"),
        )  # fmt: skip

    def environ(self, installation: Installation, data: Path, port: int) -> Mapping[str, str]:
        return {"BENCH_DATA": str(data), "PHP_CLI_SERVER_WORKERS": "4"}

    def sign_in(self, url: str, who: str) -> list[actions_pb2.Action]:
        return [
            goto(f"{url}/doku.php?id=start&do=login"),
            fill("input[name=u]", who),
            fill("input[name=p]", _PASSWORDS[who]),
            click("#dw__login button[type=submit]"),
        ]


def _hash(password: str, salt: bytes = b"work") -> str:
    return "{SSHA}" + base64.b64encode(hashlib.sha1(password.encode() + salt).digest() + salt).decode()


def page(place: Place, name: str) -> str:
    """A page's text, spaces at its ends left out; empty when there is none."""
    file = place.data / "data/pages" / (name.replace(":", "/") + ".txt")
    return file.read_text().strip() if file.exists() else ""


def summary(place: Place, name: str) -> str:
    """What was said of a page's last change; empty when it was never changed."""
    changes = place.data / "data/meta" / (name.replace(":", "/") + ".changes")
    return changes.read_text().strip().splitlines()[-1].split("\t")[5] if changes.exists() else ""


def users(place: Place) -> dict[str, list[str]]:
    """Hash, real name, address, groups, by login name."""
    lines = (place.data / "wiki/conf/users.auth.php").read_text().splitlines()
    return {line.split(":")[0]: line.split(":")[1:] for line in lines if line and not line.startswith(("#", "<"))}


def is_password(stored: str, password: str) -> bool:
    raw = base64.b64decode(stored.removeprefix("{SSHA}"))
    return hashlib.sha1(password.encode() + raw[20:]).digest() == raw[:20]


def signed_in(place: Place) -> set[str]:
    """Who has a session."""
    stored = [file.read_text(errors="replace") for file in (place.data / "sessions").glob("sess_*")]
    return {name for text in stored for name in re.findall(r'"user";s:\d+:"([^"]+)"', text)}


def last_page(place: Place) -> str:
    """The last request for a page of the wiki that was answered with one; empty when there was none."""
    asked = re.findall(r"\[200\]: (?:GET|POST) (/(?:doku\.php)?(?:\?\S*)?)$", place.log.read_text(), re.MULTILINE)
    return str(asked[-1]) if asked else ""


@judge
def wiki_log_in(look: Look) -> str:
    return differs("signed in", signed_in(look.place), {"walter"})


@judge
def wiki_wrong_password(look: Look) -> str:
    return differs("signed in", signed_in(look.place), set())


@judge
def wiki_new_page(look: Look) -> str:
    return differs("the page", page(look.place, "gardening:tomatoes"), "Water them every second day.")


@judge
def wiki_replace_text(look: Look) -> str:
    found = (page(look.place, "recipes:bread").rstrip("."), summary(look.place, "recipes:bread"))
    return differs("the page and its summary", found, ("Mix, rest, bake", "shorter"))


@judge
def wiki_open_by_search(look: Look) -> str:
    last = last_page(look.place)
    return "" if "recipes:bread" in last or "recipes%3Abread" in last else f"the last page is {last}"


@judge
def wiki_anonymous_edit(look: Look) -> str:
    return differs("the page", page(look.place, "start"), _PAGES["start"].strip())


@judge
def wiki_ingredients(look: Look) -> str:
    right = "500 g" in look.answer and "350" not in look.answer
    return "" if right else f"the answer is {look.answer}"


@judge
def wiki_recent_changes(look: Look) -> str:
    last = last_page(look.place)
    return "" if "do=recent" in last else f"the last page is {last}"


@judge
def wiki_new_user(look: Look) -> str:
    found = users(look.place).get("petra")
    if found is None:
        return "there is no user petra"
    right = found[1:3] == ["Petra Blum", "petra@wiki.example"] and is_password(found[0], "Silver-Birch-12")
    return "" if right else f"petra is {found[1:]}, or has another password"


@judge
def wiki_update_profile(look: Look) -> str:
    return differs("walter's name and address", users(look.place)["walter"][1:3], ["Walter Reed", "walter@new.example"])


@judge
def wiki_no_such_topic(look: Look) -> str:
    return ""


@judge
def wiki_old_revision(look: Look) -> str:
    last = last_page(look.place)
    return "" if "do=revisions" in last and "alpha" in last else f"the last page is {last}"


@judge
def wiki_edit_soup(look: Look) -> str:
    return differs("the page", page(look.place, "recipes:soup"), "Leeks, potatoes and cream.")


@judge
def wiki_salt(look: Look) -> str:
    right = "10 g" in look.answer and "500" not in look.answer and "350" not in look.answer
    return "" if right else f"the answer is {look.answer}"


@judge
def wiki_change_password(look: Look) -> str:
    right = is_password(users(look.place)["walter"][0], "Blue-Lantern-5")
    return "" if right else "walter has another password"


@judge
def wiki_search_and_edit(look: Look) -> str:
    return differs("the page", page(look.place, "projects:alpha"), "Moved to the roof.")


@judge
def wiki_append_line(look: Look) -> str:
    lines = [line for line in page(look.place, "projects:alpha").splitlines() if line.strip()]
    wanted = [*_PAGES["projects:alpha"].splitlines(), "Opening in June."]
    return differs("the page", lines, wanted) or differs(
        "the summary", summary(look.place, "projects:alpha"), "opening date"
    )


@judge
def wiki_sitemap(look: Look) -> str:
    last = last_page(look.place)
    return "" if "recipes:soup" in last or "recipes%3Asoup" in last else f"the last page is {last}"


@judge
def wiki_rewrite_as_librarian(look: Look) -> str:
    return differs("the page", page(look.place, "recipes:soup"), "Leeks only.")
