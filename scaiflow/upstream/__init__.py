"""The outside world: one module per service, and http.py, the only one that opens a connection.

Service modules are functions that take `base_url` and `token` and give plain data; they know no tenant and no app.
Imports scaiflow.kit only.
"""
