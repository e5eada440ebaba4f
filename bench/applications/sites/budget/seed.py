# mypy: ignore-errors
"""Makes a shared budget with three people and three bills, through the application's own models."""

import datetime

from ihatemoney.models import Bill, BillType, Person, Project, db
from ihatemoney.run import create_app
from ihatemoney.utils import generate_password_hash

PEOPLE = ("Rosa", "Emil", "Jack")
BILLS = (
    ("Rosa", "Dinner at the harbour", 90, PEOPLE),
    ("Emil", "Museum tickets", 24, ("Rosa", "Emil")),
    ("Jack", "Train to Sintra", 60, PEOPLE),
)


def seed():
    project = Project(
        id="lisbon",
        name="Lisbon trip",
        password=generate_password_hash("Salt-Pier-6"),
        contact_email="rosa@trip.example",
        default_currency="XXX",
    )
    db.session.add(project)
    db.session.commit()
    people = {name: Person(name=name, project=project, weight=1) for name in PEOPLE}
    db.session.add_all(people.values())
    db.session.commit()
    for day, (payer, what, amount, owers) in enumerate(BILLS, start=1):
        bill = Bill(
            amount=amount,
            bill_type=BillType.EXPENSE,
            date=datetime.date(2026, 5, day),
            original_currency="XXX",
            owers=[people[name] for name in owers],
            payer_id=people[payer].id,
            project_default_currency="XXX",
            what=what,
        )
        db.session.add(bill)
    db.session.commit()


with create_app().app_context():
    seed()
