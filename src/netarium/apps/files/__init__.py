"""File transfer that verifies what it moved: put, get, ls; resume at any byte, digests, constant memory.

The protocol (docs/files.md) is a 4-byte length and a JSON header, then the file's bytes, then its digest, framed.

`protocol` has the headers and every rule about them: names, sizes, algorithms; pure.
`folder` is the only door to the disk: it opens, writes and renames inside one directory, and nothing outside.
`digest` hashes in a thread beside the transfer. `pace` holds a transfer to a rate.
`channel` is one connection: headers with time-outs, and what a peer that breaks the rules gets.
`transfer` moves one file over a channel, out or in (a temporary name, then renamed), from the first header to the last.
`chunks` sends its bytes: sendfile, or read and send for TLS, and an end before the end with its reason.
`intake` brings them from the socket to the disk: splice, or recv_into a reused buffer.
`server` serves a directory, a thread a connection; `underway` ends a dead transfer when its client is back.
`client` does put, get and ls. `progress` draws the bar.
`command` is the command line.
"""
