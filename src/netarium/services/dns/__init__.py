"""A name server: authoritative for zones, recursive, or forwarding, in one program, as BIND's named.

    configuration  the `dns` mapping of a lab, read and checked
    zone        zone text to records by name; errors name zone and line
    authority   what zones say to a question: answer, referral, wildcard, CNAME chain, NXDOMAIN, NODATA
    cache       records and negative answers by TTL in virtual time, with the ranks of RFC 2181
    transport   one query to another server: UDP, TCP when truncated, plain when EDNS is not understood
    recursion   iterative queries from the roots down: referrals, glue, bailiwick, lame and dead servers
    forwarding  the same question to the servers above
    server      the program: sockets, one answer for each query

Start with `server`. Messages and zone text are dnspython's.
"""
