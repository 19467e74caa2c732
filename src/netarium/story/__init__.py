"""What happened in a run, as facts, and the facts in plain English.

    facts      what a fact is: time, kind, place, values; the flight of a packet with its frame numbers
    flights    which of the captured frames are one packet on its way over switches, routers and NAT
    reading    what a packet says: ARP, DHCP, DNS, TCP, HTTP -> a kind and values
    watcher    the observer that collects the facts while the net runs
    sentences  one fact in one sentence
    chapters   the facts in chapters, background talk folded, as lines of text

Start with `facts`, then `watcher`. Nothing here knows a lab by name: every number told comes from the run.
"""
