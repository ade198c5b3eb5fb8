"""The catalog: flow packages of a tenant.

Nothing is served from here yet; the room is kept so that the staircase is whole. Stands below flows: publishing a flow is
an operation of flows that hands plain data down to here. Imports tenants, scaiflow.upstream and scaiflow.kit.
"""
