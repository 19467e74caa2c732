"""tcpdump: what passes an interface, a line a packet.

command     the program: arguments, the packet socket, the summary
expression  the filter language of pcap-filter(7), as far as it is about protocols, hosts, nets and ports
text        one packet as a line, in tcpdump's words
"""
