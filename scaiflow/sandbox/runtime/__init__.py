"""The manifest's interpreter: pure but for what it is handed (plugins, model, event sink). The rules: docs/manifest.md.

Doors: `verifier.load` (text to a checked Program), `interpreter.execute` (a Program, an input and the Services of a run
to an Outcome). Nothing here knows HTTP, Flask or the store, so that other tests can use it as the manifest's meaning.
"""

from __future__ import annotations
