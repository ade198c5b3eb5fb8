"""The command line `scaiflow`: check, compile, import, package and deploy flows that are files, without a server.

Doors: the console script, and `python -m scaiflow.cli`. Stands on top, beside the console: it imports the compiler, the
packaging and, for `deploy` alone, the upstreams. Nothing needs a database; only `deploy` loads Django, without settings.
"""

from __future__ import annotations
