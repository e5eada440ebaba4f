"""Where the demo site is: the first argument, else TABKEEP_DEMO_URL."""

from __future__ import annotations

import os
import sys


def site_address() -> str:
    """Return the address without a slash at its end; end the program when none was given."""
    address = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("TABKEEP_DEMO_URL", "")
    if not address:
        sys.exit(f"usage: python {sys.argv[0]} ADDRESS_OF_THE_DEMO_SITE")
    return address.rstrip("/")
