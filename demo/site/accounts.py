"""Who may sign in, and who is signed in; these are demo accounts, their passwords are no secret."""

import hmac
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from enum import StrEnum

from demo.site.orders import Delivery

MOST_SIGN_INS = 10_000


class Role(StrEnum):
    """What a user is to the site."""

    SHOPPER = "shopper"
    SUPPORT = "support"
    ADMIN = "admin"


@dataclass(frozen=True)
class User:
    """Someone with an account, a saved address and a saved card."""

    username: str
    email: str
    name: str
    role: Role
    password: str = field(repr=False)
    delivery: Delivery
    saved_card: str = "Visa ending 4242"

    @property
    def is_staff(self) -> bool:
        """Whether the customer desk is open to the user."""
        return self.role in (Role.SUPPORT, Role.ADMIN)


USERS = (
    User(
        username="support",
        email="support@company.com",
        name="Robin Support",
        role=Role.SUPPORT,
        password="headphones-4-all",
        delivery=Delivery("Robin Support", "support@company.com", "4 Quay Street", "Portland", "97204"),
    ),
    User(
        username="admin",
        email="admin@company.com",
        name="Alex Admin",
        role=Role.ADMIN,
        password="letmein-admin",
        delivery=Delivery("Alex Admin", "admin@company.com", "4 Quay Street", "Portland", "97204"),
    ),
    User(
        username="shopper",
        email="shopper@example.com",
        name="Sam Shopper",
        role=Role.SHOPPER,
        password="shop-till-drop",
        delivery=Delivery("Sam Shopper", "shopper@example.com", "18 Willow Lane", "Springfield", "62701"),
    ),
)


def user_named(name: str) -> User | None:
    """Find a user by username or email, whatever the case."""
    wanted = name.strip().lower()
    return next((user for user in USERS if wanted in (user.username, user.email)), None)


def authenticate(name: str, password: str) -> User | None:
    """Return the user if name and password belong together."""
    user = user_named(name)
    if user is None or not hmac.compare_digest(user.password.encode(), password.encode()):
        return None
    return user


class SignIns:
    """Who is signed in, by the token in the session cookie; past the bound the oldest sign-in ends."""

    def __init__(self) -> None:
        self._users: OrderedDict[str, User] = OrderedDict()

    def begin(self, user: User) -> str:
        """Sign the user in and return the token for the cookie."""
        token = secrets.token_urlsafe(24)
        self._users[token] = user
        if len(self._users) > MOST_SIGN_INS:
            self._users.popitem(last=False)
        return token

    def end(self, token: str) -> None:
        """Forget a token, known or not."""
        self._users.pop(token, None)

    def user(self, token: str) -> User | None:
        """Return who is signed in with the token."""
        return self._users.get(token)
