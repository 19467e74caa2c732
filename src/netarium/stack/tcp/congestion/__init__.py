"""How much may be in flight: one file an algorithm, chosen per socket by name (TCP_CONGESTION).

    algorithm  what every algorithm answers; the table of names
    cubic      a cubic of the time since the last loss (RFC 9438), the default as on Linux
    hystart    when CUBIC leaves slow start: before the queue overflows
    reno       slow start and congestion avoidance (RFC 5681), halving (RFC 6582 says when)

An algorithm is handed bytes and times and changes `cwnd_bytes` and `ssthresh_bytes` alone; what was lost is
`recovery`'s business.
"""
