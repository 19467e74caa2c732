"""Bytes to headers and back, pure: no clock, no state, no randomness. One protocol, one file.

    checksum     the Internet checksum (RFC 1071) as arithmetic on integers
    ethernet     `Frame`: what travels on a cable, as a value; EtherTypes, padding, FCS
    vlan         the fields of an 802.1Q tag
    stp          `Bpdu`: what bridges tell each other (802.1D)
    packet       an IP packet from its parts and back: the table of transport protocols
    arp          `ArpPacket` (RFC 826)
    ipv4         `Ipv4Header` (RFC 791)
    icmp         `IcmpHeader` (RFC 792); `icmp_header`: what it shares with ICMPv6
    igmp         `IgmpMessage` (RFC 2236)
    ipv6         `Ipv6Header` with its extension headers (RFC 8200)
    icmpv6       `Icmpv6Header` (RFC 4443)
    ndp          what neighbour discovery messages carry (RFC 4861)
    udp          `UdpHeader` (RFC 768)
    udplite      `UdpLiteHeader` (RFC 3828)
    tcp          `TcpHeader` (RFC 9293)
    dhcp         `DhcpMessage` (RFC 2131, 2132)
    rip          `RipMessage` (RFC 2453)
    ospf         `OspfPacket` and its five bodies (RFC 2328)
    ospf_lsa     `Lsa`: what routers tell of their links, its checksum, which of two is newer
    tcp_options  `TcpOptions`: MSS, window scale, SACK, timestamps as Linux lays them out (RFC 7323, 2018)

Start with `ethernet.Frame`. Every codec has two levels: named offsets, then a value that is never changed
after it was built. A header's `parse` raises `WireError` on malformed bytes and nothing else; `Frame.parse`
catches it and names the reason in `fault`. Addresses are plain integers; text stands in `netarium.addresses`.
"""
