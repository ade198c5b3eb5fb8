"""The console: the roof. It sees every app and nobody imports it.

Doors: `urls.py` (the pages for everybody who runs flows), `/` (home), `/login`, `/logout` and `/admin/` (for browsers,
through ScaiKey), `/healthz` (the process lives) and `/readyz` (what it stands on answers). A page makes the same calls as
the API, with the same rights: `session.py` says who asks, `page.py` opens the doors, the views call the operations of the
apps. Pure and without Django: `drawing.py`, `placing.py`, `differences.py`, `runs.py`, `plots.py`, `reviews.py`.
"""
