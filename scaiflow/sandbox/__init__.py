"""The five upstream services on one loopback port, for a machine without accounts.

Doors: `python -m scaiflow.sandbox` and `manage.py sandbox`; everything else is HTTP. The sandbox imports nothing of
ours, so that what it says about our code is said over the same wire as a real upstream would say it.

Floors, imports go down only: `cli > server > web > scaikey | scaigrid | scaiqueue | scaibunker | scaivault | pages >
plugins > access > state > store, clock, people, corpus`. `runtime` stands beside them and knows none of them: it is
handed its plugins, its model and its event sink. docs/sandbox.md is the user's page.
"""

from __future__ import annotations
