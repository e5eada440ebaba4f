"""`python -m tabkeep` is the `tabkeep` command."""

from tabkeep.cli import main

if __name__ == "__main__":
    main()
