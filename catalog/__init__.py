"""The catalog: flows as packages, each version one file, shared inside a tenant with everybody or with groups.

Doors: `urls` (HTTP). `packaging` is pure: it writes and reads the file. Stands below flows: publishing and installing are
operations of flows, which hand plain data down to here. Imports tenants, scaiflow.upstream and scaiflow.kit.
"""
