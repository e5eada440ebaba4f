"""Django's admin. Its database says who is there, what they may, and who signed in."""

from __future__ import annotations

import re

from tabkeep.v1 import actions_pb2

from bench.applications.application import Judges, Look, Place, click, differs, fill, goto
from bench.applications.django_sites import DjangoSite, has_password, signed_in

_PASSWORDS = {"admin": "Harbour-Lights-5"}

judge = Judges()


class DjangoAdmin(DjangoSite):
    """The admin of `sites/office`."""

    judges = judge.table

    def __init__(self) -> None:
        super().__init__("office")

    def sign_in(self, url: str, who: str) -> list[actions_pb2.Action]:
        return [
            goto(f"{url}/admin/"),
            fill("#id_username", who),
            fill("#id_password", _PASSWORDS[who]),
            click("[type=submit]"),
        ]


def groups(place: Place) -> list[str]:
    return place.rows("SELECT name FROM auth_group ORDER BY name")


def user(place: Place, name: str) -> tuple[str, str, str, int, int]:
    """First and last name, address, staff, active."""
    found: list[tuple[str, str, str, int, int]] = place.rows(
        "SELECT first_name, last_name, email, is_staff, is_active FROM auth_user WHERE username = ?", name
    )
    return found[0]


@judge
def admin_log_in(look: Look) -> str:
    return differs("signed in", signed_in(look.place), ["admin"])


@judge
def admin_log_in_not_staff(look: Look) -> str:
    return differs("signed in", signed_in(look.place), [])


@judge
def admin_log_in_without_password(look: Look) -> str:
    return differs("signed in", signed_in(look.place), [])


@judge
def admin_new_group(look: Look) -> str:
    return differs("groups", groups(look.place), ["Editors", "Reviewers", "Support"])


@judge
def admin_new_user(look: Look) -> str:
    right = has_password(look.place, "username", "erin", "Copper-Field-31")
    return "" if right else "there is no user erin with that password"


@judge
def admin_new_user_numbered(look: Look) -> str:
    right = has_password(look.place, "username", "hugo", "Velvet-Tram-62")
    return "" if right else "there is no user hugo with that password"


@judge
def admin_activate(look: Look) -> str:
    return differs("carol", user(look.place, "carol"), ("Carol", "Dean", "carol.dean@office.example", 0, 1))


@judge
def admin_last_name(look: Look) -> str:
    return differs("alice", user(look.place, "alice"), ("Alice", "Moore-Hill", "alice.moore@office.example", 1, 1))


@judge
def admin_delete_group(look: Look) -> str:
    return differs("groups", groups(look.place), ["Editors"])


@judge
def admin_flat_page(look: Look) -> str:
    rows = look.place.rows(
        "SELECT p.title, p.content, s.domain FROM django_flatpage p"
        " JOIN django_flatpage_sites x ON x.flatpage_id = p.id JOIN django_site s ON s.id = x.site_id"
        " WHERE p.url = '/shipping/'"
    )
    rows = [(row[0], row[1].rstrip("."), row[2]) for row in rows]
    return differs("pages", rows, [("Shipping", "We ship on weekdays", "example.com")])


@judge
def admin_email_of_bob(look: Look) -> str:
    found = set(re.findall(r"[\w.]+@office\.example", look.answer))
    return differs("addresses in the answer", found, {"bob.stone@office.example"})


@judge
def admin_how_many_users(look: Look) -> str:
    count = look.place.rows("SELECT count(*) FROM auth_user")[0]
    return differs("the answer's numbers", set(map(float, re.findall(r"\d+(?:\.\d+)?", look.answer))), {float(count)})


@judge
def admin_no_such_user(look: Look) -> str:
    return ""


@judge
def admin_add_to_group(look: Look) -> str:
    # Choosing under "available groups" alone does not put anybody into one: the admin wants the arrow pressed too.
    # People mean the whole by these words, so the whole is what is looked for.
    return differs(
        "bob's staff status and membership",
        (user(look.place, "bob")[3], groups_of(look.place, "bob")),
        (1, ["Editors"]),
    )


@judge
def admin_site_domain(look: Look) -> str:
    return differs("sites", look.place.rows("SELECT domain FROM django_site"), ["shop.example"])


@judge
def admin_group_without_name(look: Look) -> str:
    return differs("groups", groups(look.place), ["Editors", "Support"])


@judge
def admin_log_out(look: Look) -> str:
    return differs("sessions", look.place.rows("SELECT count(*) FROM django_session")[0], 0)


@judge
def admin_redirect(look: Look) -> str:
    rows = look.place.rows("SELECT old_path, new_path FROM django_redirect WHERE old_path != '/old/'")
    return differs("redirects", rows, [("/spring/", "/summer/")])


@judge
def admin_rename_group(look: Look) -> str:
    return differs("groups", groups(look.place), ["Support", "Writers"])


@judge
def admin_delete_user(look: Look) -> str:
    left = look.place.rows("SELECT count(*), sum(username = 'igor') FROM auth_user")
    return differs("users, and igors among them", left, [(13, 0)])


@judge
def admin_first_name_of_gina(look: Look) -> str:
    return "" if "Smith" in look.answer and "Moore" not in look.answer else f"the answer is {look.answer}"


def groups_of(place: Place, name: str) -> list[str]:
    return place.rows(
        "SELECT g.name FROM auth_user_groups m JOIN auth_user u ON u.id = m.user_id"
        " JOIN auth_group g ON g.id = m.group_id WHERE u.username = ? ORDER BY g.name",
        name,
    )


@judge
def admin_two_groups(look: Look) -> str:
    return differs("bob's groups", groups_of(look.place, "bob"), ["Editors", "Support"])


@judge
def admin_search_and_delete(look: Look) -> str:
    left = look.place.rows("SELECT count(*), sum(username = 'fred') FROM auth_user")
    return differs("users, and freds among them", left, [(13, 0)])


@judge
def admin_both_names(look: Look) -> str:
    return differs("gina", user(look.place, "gina"), ("Regina", "Schmidt", "gina@office.example", 0, 1))


@judge
def admin_how_many_staff(look: Look) -> str:
    return differs("the answer's numbers", set(map(float, re.findall(r"\d+(?:\.\d+)?", look.answer))), {2.0})


@judge
def admin_passwords_differ(look: Look) -> str:
    return differs("rosas", look.place.rows("SELECT count(*) FROM auth_user WHERE username = 'rosa'")[0], 0)


@judge
def admin_deactivate(look: Look) -> str:
    return differs("kurt", user(look.place, "kurt"), ("Kurt", "Smith", "kurt@office.example", 0, 0))


@judge
def admin_two_group_names(look: Look) -> str:
    return differs("groups", groups(look.place), ["Editors", "Helpdesk", "Translators"])


@judge
def admin_delete_nobody(look: Look) -> str:
    return differs("users", look.place.rows("SELECT count(*) FROM auth_user"), [14])


@judge
def admin_change_email(look: Look) -> str:
    return differs("carol", user(look.place, "carol"), ("Carol", "Dean", "carol@dean.example", 0, 0))


@judge
def admin_make_staff(look: Look) -> str:
    staff = look.place.rows("SELECT username FROM auth_user WHERE is_staff ORDER BY username")
    return differs("staff", staff, ["admin", "alice", "jana"])


@judge
def admin_about_page(look: Look) -> str:
    rows = look.place.rows("SELECT url, title, content FROM django_flatpage")
    rows = [(url, title, content.rstrip(".")) for url, title, content in rows]
    return differs("pages", rows, [("/about/", "About us", "Since 1987, in Hull")])


@judge
def admin_move_to_support(look: Look) -> str:
    return differs("nora's groups", groups_of(look.place, "nora"), ["Support"])


@judge
def admin_first_name(look: Look) -> str:
    return differs("otto", user(look.place, "otto"), ("Ottokar", "Smith", "otto@office.example", 0, 1))
