"""The customers that the desk knows.

Some addresses nearly match on purpose: a search for customer@example.com finds Carol Morganson at
customer@example.com.au first and Casey Morgan, the right one, second; customer@example.org is Cassie Morgan.
"""

from dataclasses import dataclass
from datetime import date, timedelta

from demo.site.catalogue import PRODUCTS

FIRST_ID = 1001


@dataclass(frozen=True)
class PastOrder:
    """An order from before the site was started, or one placed on it, as the desk shows it."""

    number: str
    day: date
    items: str
    status: str
    total_cents: int


@dataclass(frozen=True)
class Customer:
    """One customer of the shop."""

    customer_id: str
    name: str
    email: str
    phone: str
    plan: str
    since: date
    city: str
    past_orders: tuple[PastOrder, ...]


# fmt: off
_ROWS: tuple[tuple[str, str, str, str, str, int], ...] = (  # name, email, plan, since, city, past orders
    ("Abigail Stone", "abigail.stone@example.com", "Plus", "2021-03-14", "Bristol", 4),
    ("Ahmed Rahman", "ahmed.rahman@example.net", "Basic", "2023-08-02", "Leeds", 1),
    ("Beatriz Lopes", "beatriz@example.org", "Business", "2020-11-23", "Lisbon", 7),
    ("Benjamin Carter", "ben.carter@example.com", "Basic", "2025-01-09", "Denver", 0),
    ("Carol Morganson", "customer@example.com.au", "Plus", "2022-06-30", "Hobart", 2),
    ("Casey Morgan", "customer@example.com", "Plus", "2022-04-18", "Portland", 3),
    ("Cassie Morgan", "customer@example.org", "Basic", "2024-02-11", "Salem", 1),
    ("Chiara Ricci", "chiara.ricci@example.net", "Business", "2019-09-05", "Turin", 9),
    ("Daniel Osei", "daniel.osei@example.com", "Plus", "2023-05-27", "Accra", 2),
    ("Diana Petrova", "diana.petrova@example.org", "Basic", "2024-10-01", "Varna", 1),
    ("Elena Fischer", "elena.fischer@example.com", "Business", "2020-02-20", "Graz", 5),
    ("Emeka Obi", "emeka@example.net", "Basic", "2025-07-16", "Enugu", 0),
    ("Fatima Noor", "fatima.noor@example.com", "Plus", "2021-12-03", "Derby", 3),
    ("Felix Andersson", "felix.andersson@example.org", "Plus", "2022-08-19", "Malmö", 2),
    ("Grace O'Neill", "grace.oneill@example.com", "Basic", "2023-03-08", "Galway", 1),
    ("Hana Suzuki", "hana.suzuki@example.net", "Business", "2019-05-31", "Kobe", 8),
    ("Ibrahim Kaya", "ibrahim.kaya@example.com", "Basic", "2024-06-12", "Izmir", 1),
    ("Ingrid Dahl", "ingrid@example.org", "Plus", "2021-10-25", "Bergen", 4),
    ("Jamal Wright", "jamal.wright@example.com", "Plus", "2022-01-17", "Atlanta", 2),
    ("Katarzyna Nowak", "k.nowak@example.net", "Basic", "2025-03-22", "Gdansk", 0),
    ("Liam Murphy", "liam.murphy@example.com", "Business", "2020-07-07", "Cork", 6),
    ("Lucía Fernández", "lucia.fernandez@example.org", "Plus", "2023-11-14", "Sevilla", 2),
    ("Mei Chen", "mei.chen@example.com", "Business", "2019-12-29", "Vancouver", 7),
    ("Morgan Casey", "morgan.casey@example.com", "Basic", "2024-04-04", "Boise", 1),
    ("Noah Williams", "noah.williams@example.net", "Plus", "2022-09-09", "Austin", 3),
    ("Priya Raman", "priya.raman@example.com", "Plus", "2021-06-21", "Chennai", 4),
    ("Sam Shopper", "shopper@example.com", "Basic", "2024-08-15", "Springfield", 1),
    ("Sofia Marin", "sofia.marin@example.org", "Basic", "2025-05-05", "Cluj", 0),
    ("Tomás Silva", "tomas.silva@example.com", "Business", "2020-04-13", "Porto", 5),
    ("Yara Haddad", "yara.haddad@example.net", "Plus", "2023-01-30", "Amman", 2),
)
# fmt: on


def _past_orders(index: int, count: int) -> tuple[PastOrder, ...]:
    """Make up a customer's past orders, the newest first and always the same."""
    orders = []
    for nth in range(count):
        product = PRODUCTS[(index * 5 + nth * 3) % (len(PRODUCTS) - 1)]
        day = date(2026, 10, 28) - timedelta(days=nth * 41 + index % 20)
        status = "Shipped" if nth == 0 and index % 3 == 0 else "Delivered"
        orders.append(PastOrder(f"TK-{90000 + index * 100 + nth}", day, product.name, status, product.price_cents))
    return tuple(orders)


def _customer(index: int, row: tuple[str, str, str, str, str, int]) -> Customer:
    """Make a customer of one row."""
    name, email, plan, since, city, count = row
    phone = f"(503) 555-01{index + 10}"
    past_orders = _past_orders(index, count)
    return Customer(f"C-{FIRST_ID + index}", name, email, phone, plan, date.fromisoformat(since), city, past_orders)


CUSTOMERS: tuple[Customer, ...] = tuple(_customer(index, row) for index, row in enumerate(_ROWS))
BY_ID: dict[str, Customer] = {customer.customer_id: customer for customer in CUSTOMERS}


def search(query: str) -> list[Customer]:
    """Return the customers whose name or email contains the query, whatever the case."""
    wanted = " ".join(query.lower().split())
    return [customer for customer in CUSTOMERS if wanted in customer.name.lower() or wanted in customer.email]
