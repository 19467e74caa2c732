"""Golden bytes of each codec, field by field: what Wireshark shows, byte for byte."""

from netarium.addresses import parse_ipv4, parse_mac
from netarium.wire import arp, icmp, tcp
from netarium.wire.arp import ArpPacket
from netarium.wire.checksum import pseudo_sum
from netarium.wire.ethernet import ETHERTYPE_ARP, ETHERTYPE_IPV4, MAC_BROADCAST, Frame, frame_check_sequence
from netarium.wire.icmp import IcmpHeader
from netarium.wire.ipv4 import PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP, Ipv4Header
from netarium.wire.tcp import TcpHeader
from netarium.wire.tcp_options import TcpOptions
from netarium.wire.udp import UdpHeader

CLIENT_MAC, SERVER_MAC = parse_mac("02:00:00:00:00:01"), parse_mac("02:00:00:00:00:02")
CLIENT, SERVER = parse_ipv4("10.0.0.1"), parse_ipv4("10.0.0.2")


def golden(*fields: str) -> bytes:
    """The bytes of lines `hex  # comment`-style: hex only, blanks ignored."""
    return bytes.fromhex("".join(fields))


def test_arp_request_in_its_frame() -> None:
    packet = ArpPacket(arp.REQUEST, CLIENT_MAC, CLIENT, 0, SERVER)
    frame = Frame(MAC_BROADCAST, CLIENT_MAC, ETHERTYPE_ARP, packet, None, b"")
    expected = golden(
        "ffffffffffff",  # destination: everybody
        "020000000001",  # source
        "0806",  # EtherType ARP
        "0001",  # hardware: Ethernet
        "0800",  # protocol: IPv4
        "06 04",  # lengths of their addresses
        "0001",  # operation: request
        "020000000001 0a000001",  # sender
        "000000000000 0a000002",  # target: unknown MAC
        "00" * 18,  # padding to 60
    )
    assert bytes(frame) == expected
    assert Frame.parse(expected) == frame
    assert repr(frame) == (
        "<Frame 02:00:00:00:00:01>ff:ff:ff:ff:ff:ff ARP who has 10.0.0.2? tell 10.0.0.1 (02:00:00:00:00:01)>"
    )


def test_ipv4_header_of_the_well_known_example() -> None:
    header = Ipv4Header(parse_ipv4("192.168.0.1"), parse_ipv4("192.168.0.199"), PROTOCOL_UDP, 64)
    assert header.emit(95) == golden(
        "45 00",  # version 4, 5 words, TOS 0
        "0073",  # total length 115
        "0000",  # identification
        "4000",  # don't fragment
        "40 11",  # TTL 64, UDP
        "b861",  # checksum
        "c0a80001",  # source
        "c0a800c7",  # destination
    )


def test_tcp_syn_as_linux_sends_it() -> None:
    options = TcpOptions(mss=1460, window_scale=7, sack_permitted=True)
    header = TcpHeader(4321, 80, 1, 0, tcp.SYN, 64240, 0x01020304, 0, options)
    network = Ipv4Header(CLIENT, SERVER, PROTOCOL_TCP, 64, 0x1234)
    frame = Frame(SERVER_MAC, CLIENT_MAC, ETHERTYPE_IPV4, network, header, b"")
    expected = golden(
        "020000000002 020000000001 0800",
        "45 00 003c 1234 4000 40 06 1486 0a000001 0a000002",
        "10e1 0050",  # ports
        "00000001",  # sequence
        "00000000",  # acknowledgment
        "a002",  # 10 words, SYN
        "faf0",  # window
        "23d5",  # checksum
        "0000",  # urgent pointer
        "02 04 05b4",  # MSS 1460
        "04 02",  # SACK permitted
        "08 0a 01020304 00000000",  # timestamps
        "01 03 03 07",  # NOP, window scale 7
    )
    assert bytes(frame).hex() == expected.hex()
    assert Frame.parse(expected) == frame
    assert frame.size_bytes == 74
    assert repr(frame) == (
        "<Frame 02:00:00:00:00:01>02:00:00:00:00:02 IPv4 10.0.0.1>10.0.0.2 ttl=64 "
        "TCP 4321>80 [SYN] seq=1 win=64240 mss=1460 ws=7 sackOK ts=16909060/0>"
    )


def test_tcp_acknowledgment_with_timestamps_and_with_sack() -> None:
    timed = TcpHeader(80, 4321, 5, 6, tcp.ACK, 502, 7, 8)
    assert timed.emit(b"", 0)[20:] == golden("01 01 08 0a 00000007 00000008")  # NOP NOP timestamps
    sacked = TcpHeader(80, 4321, 5, 6, tcp.ACK, 502, 7, 8, TcpOptions(sack=((10, 20), (30, 40))))
    assert sacked.emit(b"", 0)[20:] == golden(
        "01 01 08 0a 00000007 00000008",
        "01 01 05 12",  # NOP NOP SACK, two blocks
        "0000000a 00000014",
        "0000001e 00000028",
    )
    plain = TcpHeader(80, 4321, 5, 6, tcp.SYN | tcp.ACK, 502, -1, 0, TcpOptions(mss=536, sack_permitted=True))
    assert plain.emit(b"", 0)[20:] == golden("02 04 0218", "01 01 04 02")
    assert plain.size_bytes == 28


def test_udp_datagram_of_odd_length() -> None:
    header = UdpHeader(5000, 53)
    assert header.emit(b"abc", pseudo_sum(CLIENT, SERVER, PROTOCOL_UDP, 11)) == golden(
        "1388",  # source port
        "0035",  # destination port
        "000b",  # length 11
        "13b6",  # checksum: the odd byte counts as 6300
    )


def test_udp_checksum_zero_goes_as_ones_and_unchecked_as_zero() -> None:
    # Ports chosen so that the sum folds to 0xFFFF: the field would be 0, which means "not computed".
    header = UdpHeader(0xFFFF - 17 - 8 - 8, 0)
    assert header.emit(b"", pseudo_sum(0, 0, PROTOCOL_UDP, 8))[6:] == b"\xff\xff"
    assert UdpHeader(1, 2, unchecked=True).emit(b"x", 99)[6:] == b"\0\0"


def test_icmp_echo_request() -> None:
    header = IcmpHeader(icmp.ECHO_REQUEST, 0, 0x0007_0001)
    frame = Frame(
        SERVER_MAC, CLIENT_MAC, ETHERTYPE_IPV4, Ipv4Header(CLIENT, SERVER, PROTOCOL_ICMP, 64), header, b"ping"
    )
    assert header.emit(b"ping") == golden(
        "08 00",  # echo request
        "1927",  # checksum
        "0007 0001",  # identifier, sequence
    )
    assert repr(frame).endswith("ICMP echo request id=7 seq=1 len=4>")


def test_icmp_of_all_zeros_has_a_checksum_of_ones() -> None:
    assert IcmpHeader(icmp.ECHO_REPLY, 0, 0).emit(b"\0\0")[2:4] == b"\xff\xff"


def test_frame_check_sequence_is_crc_32_low_byte_first() -> None:
    assert frame_check_sequence(b"123456789") == 0xCBF4_3926  # the check value of CRC-32
    frame = Frame(SERVER_MAC, CLIENT_MAC, 0x88B5, None, None, b"123456789")
    assert frame.bytes_with_fcs()[-4:] == frame_check_sequence(bytes(frame)).to_bytes(4, "little")


def test_a_tag_goes_between_source_and_ethertype() -> None:
    frame = Frame(SERVER_MAC, CLIENT_MAC, 0x88B5, None, None, bytes(46), None, 0x600A)
    assert bytes(frame)[12:18] == golden("8100", "600a", "88b5")
    assert frame.size_bytes == 64
    assert Frame.parse(bytes(frame)) == frame
