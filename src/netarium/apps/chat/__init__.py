"""A chat that loses nothing: rooms, private messages, history, resume; for terminals and browsers.

The protocol (docs/chat.md) is a 4-byte length and JSON, or the same JSON over a WebSocket.

`rules` are the limits: names, texts, rates.
`packet` is one message for clients, encoded once however many get it.
`store` keeps messages and sessions in SQLite.
`hub` is the server's logic without sockets: sessions, rooms, who gets what, resume; `verbs` are the requests
it answers.
`server` puts the hub on asyncio: connections, heartbeats, bounded queues; `web` is the browser's door.
`conversation` is the client's logic without sockets: what is unsent, what was seen; `client` puts it on
asyncio.
`lines` turns typed lines into requests and events into text; `terminal` reads and shows them.
`command` is the command line: serve, join.
"""
