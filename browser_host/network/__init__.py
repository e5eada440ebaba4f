"""The only way out of a session's browser, and what it may reach."""
