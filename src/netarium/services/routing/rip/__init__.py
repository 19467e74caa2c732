"""RIP version 2 (RFC 2453): every router tells its neighbours its whole table, and believes the nearest.

    table     the routes of one router, and which news changes them
    instance  one router's RIP, put together: messages in, messages and routes out
    daemon    the program: UDP sockets on port 520, the clock, the host's table

Left out: version 1, authentication.
"""
