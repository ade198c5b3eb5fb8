"""`python -m scaiflow.cli`."""

from __future__ import annotations

import sys

from scaiflow.cli.commands import main

sys.exit(main())
