"""The ground: what every app stands on and what knows no app.

Errors and their one mapping, JSON, views' rights, requests' gate, storage, crypto, jobs, paging, ids and logs.
Imports Django, DRF and libraries; nothing else of ours.
"""
