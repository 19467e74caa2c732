"""tcpdump: what passes an interface, a line a packet.

command     the program: arguments, the packet socket, the summary
expression  the filter language of pcap-filter(7), as far as it is about protocols, hosts, nets and ports
applications  DNS, DHCP and HTTP in its words
text        one packet as a line, in tcpdump's words
"""
