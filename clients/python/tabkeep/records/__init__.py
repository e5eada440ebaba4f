"""What the client hands out: frozen records with Python's own types.

Times are aware datetimes in UTC, lengths are timedeltas, states are string enums that compare equal to their words
(`run.status == "completed"`). What is absent on the wire is None here. `tabkeep.wire` makes these records; nothing
else does.
"""
