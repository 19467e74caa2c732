"""From a name to an address on a host.

    hosts      a hosts file: names and addresses, in order, read and written as text
    ports      services by name and number: what /etc/services says
    literal    addresses written as text, old notations of inet_aton included
    resolver   the order: literal, the host's own hosts file, the net's node names, then further sources (cache, DNS)

Start with `resolver`. Nothing here blocks and nothing here asks the real machine.
"""
