"""What `make demo` shows: a small site of our own, and the sessions that work in it."""
