"""`python -m scaiflow.sandbox`: the sandbox without Django."""

from __future__ import annotations

import sys

from scaiflow.sandbox.cli import main

if __name__ == "__main__":
    sys.exit(main())
