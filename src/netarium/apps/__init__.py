"""Programs people use on real networks, and unchanged inside a lab: they import nothing of netarium.

`framing` puts messages on a byte stream: a 4-byte length, then JSON; pure, no sockets.
`security` holds what both servers need against strangers: tokens, certificates, pinned fingerprints.
`strangers` counts who has not said hello yet, by address: none may hold all places by saying nothing.
`text` makes what a stranger wrote safe to show on a terminal.
`arguments` are the options both command lines share.
`chat` is a chat server with rooms, history and resume, a terminal client and a page for browsers.
`files` serves a directory: put, get, ls, with resume and digests.
"""
