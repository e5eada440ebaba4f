# mypy: ignore-errors
"""I Hate Money as its documentation configures it, its data in the folder BENCH_DATA, over plain HTTP."""

import os

SQLALCHEMY_DATABASE_URI = f"sqlite:///{os.environ['BENCH_DATA']}/db.sqlite3"
SECRET_KEY = "of a bench"
SESSION_COOKIE_SECURE = False
ACTIVATE_DEMO_PROJECT = False
MAIL_SUPPRESS_SEND = True
