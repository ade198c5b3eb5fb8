"""Exit status 0 when this container's web process says that it is ready."""

from __future__ import annotations

import sys
from http.client import HTTPConnection

connection = HTTPConnection("127.0.0.1", 8001, timeout=4)
connection.request("GET", "/readyz", headers={"Host": "localhost"})
sys.exit(connection.getresponse().status != 200)
