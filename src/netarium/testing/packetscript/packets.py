"""The notation of one packet: `S. 0:0(0) ack 1 win 65535 <mss 1460,nop,wscale 7>`, and of an ICMP error."""

from __future__ import annotations

from netarium.testing.packetscript.scanner import Scanner
from netarium.testing.packetscript.script import IcmpError, NotRun, Option, Packet
from netarium.wire import icmp, icmpv6
from netarium.wire.tcp import ACK, CWR, ECE, FIN, PSH, RST, SYN, URG

FLAGS = {"F": FIN, "S": SYN, "R": RST, "P": PSH, ".": ACK, "U": URG, "E": ECE, "W": CWR}
ECN = {"noecn": 0, "ect1": 1, "ect0": 2, "ce": 3}
UNREACHABLE = {
    "net_unreachable": icmp.NETWORK_UNREACHABLE,
    "host_unreachable": icmp.HOST_UNREACHABLE,
    "protocol_unreachable": icmp.PROTOCOL_UNREACHABLE,
    "port_unreachable": icmp.PORT_UNREACHABLE,
    "frag_needed": icmp.FRAGMENTATION_NEEDED,
    "source_route_failed": icmp.SOURCE_ROUTE_FAILED,
    "net_prohibited": icmp.NETWORK_PROHIBITED,
    "host_prohibited": icmp.HOST_PROHIBITED,
    "packet_filtered": icmp.COMMUNICATION_PROHIBITED,
}
UNREACHABLE6 = {
    "no_route": icmpv6.NO_ROUTE,
    "admin_prohibited": icmpv6.PROHIBITED,
    "addr_unreachable": icmpv6.ADDRESS_UNREACHABLE,
    "port_unreachable": icmpv6.PORT_UNREACHABLE,
}
_RANGE = r"(\d+):(\d+)\((\d+)\)"
_OPTIONS = (
    (r"mss (\d+)", "mss"),
    (r"wscale (\d+)", "wscale"),
    (r"sackOK", "sackOK"),
    (r"TS val (\d+) ecr (\d+)", "TS"),
    (r"nop", "nop"),
    (r"eol", "eol"),
)


def parse_packet(scanner: Scanner) -> Packet | IcmpError:
    """The packet that begins here with `<` or `>`."""
    outbound = scanner.want(r"[<>]", "< or >").group() == ">"
    line = scanner.line
    ecn = scanner.take(r"[(\[](noecn|ect0|ect1|ect01|ce)[)\]]")
    if ecn and ecn[1] == "ect01":
        raise NotRun(line, "ect01: either of two ECN marks")
    if scanner.take(r"(ipv4|ipv6|gre|mpls|udp|\[ttl|\[tos|\[flowlabel)\b"):
        raise NotRun(line, "packets other than plain TCP and ICMP errors")
    icmp_word = scanner.take(r"icmp(v6)?\b")
    if icmp_word:
        if outbound:
            raise NotRun(line, "outbound ICMP")
        return _parse_icmpv6(scanner) if icmp_word[1] else _parse_icmp(scanner)
    ports = scanner.take(r"(\d+) *> *(\d+)\s")
    flags = scanner.want(r"([FSRP.UEW]+|-)(?=\s)", "flags such as S, S., P. or -")[1]
    start, end, size = map(int, scanner.want(_RANGE, "a range such as 1:1001(1000)").groups())
    if (end - start) & 0xFFFFFFFF != size:
        raise scanner.error(f"{start}:{end} is not {size} bytes long")
    acknowledgment = scanner.take(r"ack (\d+)")
    window = scanner.take(r"win (\d+)")
    urgent = scanner.take(r"urg (\d+)")
    bits = sum(FLAGS[letter] for letter in flags if letter != "-")
    if not outbound and not window and not bits & RST:
        raise scanner.error("an inbound packet without `win`")
    if bool(acknowledgment) != bool(bits & ACK) and not (not outbound and acknowledgment):
        raise scanner.error("`ack` goes with the flag `.`")
    return Packet(
        outbound,
        bits,
        start,
        size,
        int(acknowledgment[1]) if acknowledgment else -1,
        int(window[1]) if window else -1 if outbound else 0,
        int(urgent[1]) if urgent else 0,
        _parse_options(scanner, outbound),
        (int(ports[1]), int(ports[2])) if ports else None,
        ECN[ecn[1]] if ecn else -1,
    )


def _parse_options(scanner: Scanner, outbound: bool) -> tuple[Option, ...] | None:
    """`<mss 1460,nop>`; `<...>` is None: any; nothing means that there are none."""
    if scanner.take(r"<\s*\.\.\.\s*>"):
        if not outbound:
            raise scanner.error("<...> is for outbound packets")
        return None
    # A `<` after a packet may also be the next line's: an option list begins with a word we know.
    if not scanner.take(r"<(?=\s*(mss|wscale|sackOK|TS|nop|eol|sack|FO|FOEXP|md5|exp|mptcp|acc?ecn)\b)"):
        return ()
    found = []
    while True:
        found.append(_parse_option(scanner))
        if scanner.want(r"[,>]", ", or >").group() == ">":
            return tuple(found)


def _parse_option(scanner: Scanner) -> Option:
    for pattern, name in _OPTIONS:
        match = scanner.take(pattern + r"\b")
        if match:
            return Option(name, tuple(int(number) for number in match.groups()))
    if scanner.take(r"sack\b"):
        numbers: list[int] = []
        while pair := scanner.take(r"(\d+):(\d+)"):
            numbers += [int(pair[1]), int(pair[2])]
        return Option("sack", tuple(numbers))
    other = scanner.want(r"\w+", "a TCP option").group()
    raise NotRun(scanner.line, f"TCP option {other}")


def _parse_icmp(scanner: Scanner) -> IcmpError:
    line = scanner.line
    kind = scanner.want(r"\w+", "unreachable").group()
    if kind != "unreachable":
        raise NotRun(line, f"ICMP {kind}")
    code = scanner.want(r"\w+", "a code such as frag_needed").group()
    if code not in UNREACHABLE:
        raise NotRun(line, f"ICMP unreachable {code}")
    return _quoting(scanner, icmp.DESTINATION_UNREACHABLE, UNREACHABLE[code])


def _parse_icmpv6(scanner: Scanner) -> IcmpError:
    line = scanner.line
    kind = scanner.want(r"\w+", "unreachable or packet_too_big").group()
    if kind == "packet_too_big":
        return _quoting(scanner, icmpv6.PACKET_TOO_BIG, 0)
    if kind != "unreachable":
        raise NotRun(line, f"ICMPv6 {kind}")
    code = scanner.want(r"\w+", "a code such as port_unreachable").group()
    if code not in UNREACHABLE6:
        raise NotRun(line, f"ICMPv6 unreachable {code}")
    return _quoting(scanner, icmpv6.DESTINATION_UNREACHABLE, UNREACHABLE6[code])


def _quoting(scanner: Scanner, kind: int, code: int) -> IcmpError:
    mtu = scanner.take(r"mtu (\d+)")
    quoted = scanner.want(r"\[" + _RANGE + r"\]", "the quoted segment, such as [1:1461(1460)]")
    return IcmpError(kind, code, int(mtu[1]) if mtu else 0, int(quoted[1]), int(quoted[3]))
