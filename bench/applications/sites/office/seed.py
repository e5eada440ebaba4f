# mypy: ignore-errors
# ruff: noqa: E402
"""Makes the tables, people, groups, a page and a redirect."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")

import django

django.setup()

from django.contrib.auth.models import Group, Permission, User
from django.contrib.flatpages.models import FlatPage
from django.contrib.redirects.models import Redirect
from django.contrib.sites.models import Site
from django.core.management import call_command

OTHERS = ("dana", "fred", "gina", "igor", "jana", "kurt", "lena", "milo", "nora", "otto")


def seed():
    call_command("migrate", verbosity=0)
    site = Site.objects.get()
    for name in ("Editors", "Support"):
        Group.objects.create(name=name).permissions.add(Permission.objects.get(codename="change_flatpage"))
    User.objects.create_superuser("admin", "admin@office.example", "Harbour-Lights-5")
    person = User.objects.create_user
    alice = person("alice", "alice.moore@office.example", "Blue-Kettle-8", first_name="Alice", last_name="Moore")
    alice.is_staff = True
    alice.save()
    person("bob", "bob.stone@office.example", "Blue-Kettle-9", first_name="Bob", last_name="Stone")
    person(
        "carol", "carol.dean@office.example", "Blue-Kettle-10", first_name="Carol", last_name="Dean", is_active=False
    )
    for name in OTHERS:
        person(name, f"{name}@office.example", f"Blue-Kettle-{name}", first_name=name.title(), last_name="Smith")
    about = FlatPage.objects.create(url="/about/", title="About us", content="Since 1987.")
    about.sites.add(site)
    Redirect.objects.create(site=site, old_path="/old/", new_path="/about/")


seed()
