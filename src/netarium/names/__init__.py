"""From a name to an address on a host.

    hosts      a hosts file: names and addresses, in order, read and written as text
    ports      services by name and number: what /etc/services says
    literal    addresses written as text, old notations of inet_aton included
    configuration   what resolv.conf says: servers and search list, from the lab and from DHCP
    cache      the host's own cache, by TTL in virtual time
    stub       asks name servers: each in order, again when they are silent, by TCP when an answer is truncated
    messages   DNS queries and answers by dnspython (imported where DNS is used, never before)
    resolver   the order: literal, the host's own hosts file, the net's node names, the cache, the name servers

Start with `resolver`. Nothing here asks the real machine; who carries a query (and blocks) is given to `stub`.
"""
