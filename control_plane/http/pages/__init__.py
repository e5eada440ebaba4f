"""What a person opens in a web browser: a session's page, and the one behind a take-over link."""
