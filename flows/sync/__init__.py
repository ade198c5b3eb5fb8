"""The engine of real-time editing, pure: bytes in, bytes out. No Django, no network, no clock, nothing of ours.

`protocol` reads and writes frames, `awareness` knows who is there and which client id is whose, `document` merges.
What happens with them is decided in `flows.realtime`.
"""
