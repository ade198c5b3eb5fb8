"""Real time: one room for each flow and process, and the connections in it.

    consumers.SyncConsumer   a socket: let in at the door, then bytes in, bytes out
    hub.Hub                  all rooms of this process; writes what they hold in groups, then lets them tell it
    rooms.Room               one document, who is in it, and who is told what
    peers.Peer, outlets      one connection, and how bytes leave it without anybody waiting for a slow reader
    journals                 where groups are written before they are told: rows, or a Redis stream in front of them
    follower.Follower        what other processes wrote and who is there, over Redis
    watch, places            access that changes, and how many sockets there may be

Everything here runs on the event loop and never blocks it; the database is reached through `threads`. Imports
`operations`, `access`, `presence` and the engine `sync`; only `consumers` imports this package.
"""
