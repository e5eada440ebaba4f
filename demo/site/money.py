"""Money is whole cents everywhere; here it becomes text."""


def dollars(cents: int) -> str:
    """Write an amount of cents the way the shop shows it, like $1,249.00."""
    return f"${cents / 100:,.2f}"
