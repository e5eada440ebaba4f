"""The store: one SQLite database, one connection that writes, one that reads. The only place with SQL.

`database` opens it and groups commits, `tables` and a file for each noun ask the questions (one method, one question),
`rows` turns dataclasses into rows, and `schema.sql` keeps the invariants a second time.
"""

from control_plane.store.database import Database, Effects, Move, Transaction
from control_plane.store.run_tables import Progress, RunFilter
from control_plane.store.session_tables import SessionFilter
from control_plane.store.tables import Tables
from control_plane.store.webhook_tables import DeliveryFilter

__all__ = [
    "Database",
    "DeliveryFilter",
    "Effects",
    "Move",
    "Progress",
    "RunFilter",
    "SessionFilter",
    "Tables",
    "Transaction",
]
