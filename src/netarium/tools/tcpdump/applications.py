"""DNS, DHCP and HTTP messages in tcpdump's words. Called by `text`; what cannot be read is told as plain UDP."""

from __future__ import annotations

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype

from netarium.addresses import mac_text
from netarium.names.messages import decode

_DNS_PORT = 53
_DHCP_PORTS = (67, 68)
_HTTP_PORTS = {80, 591, 3128, 8080}
_ETHERNET = b"\x01\x06"


def application_text(source_port: int, destination_port: int, data: bytes) -> str:
    """What a datagram between these ports says; "" where it is no DNS and no DHCP."""
    if _DNS_PORT in (source_port, destination_port):
        message = decode(data)
        return "" if message is None else f"{_dns(message)} ({len(data)})"
    if source_port in _DHCP_PORTS and destination_port in _DHCP_PORTS and len(data) >= 240:
        kind = {1: "Request", 2: "Reply"}.get(data[0])
        if kind is None or data[1:3] != _ETHERNET:
            return ""
        whose = f" from {mac_text(int.from_bytes(data[28:34], 'big'))}" if kind == "Request" else ""
        return f"BOOTP/DHCP, {kind}{whose}, length {len(data)}"
    return ""


def http_text(source_port: int, destination_port: int, data: bytes) -> str:
    """`: HTTP: GET / HTTP/1.1` after a segment to or from a port of HTTP; "" for all others and without data."""
    if not data or not {source_port, destination_port} & _HTTP_PORTS:
        return ""
    line = data.split(b"\r\n", 1)[0]
    is_first = line.startswith(b"HTTP/") or line.endswith((b" HTTP/1.0", b" HTTP/1.1"))
    return f": HTTP: {line.decode('ascii', 'replace')}" if is_first else ": HTTP"


def _dns(message: dns.message.Message) -> str:
    if not message.flags & dns.flags.Flag.QR:
        return _query(message)
    text = str(message.id)
    if message.flags & dns.flags.Flag.AA:
        text += "*"
    if not message.flags & dns.flags.Flag.RA:
        text += "-"
    if message.flags & dns.flags.Flag.TC:
        text += "|"
    if message.rcode() != dns.rcode.NOERROR:
        text += f" {_RCODES.get(message.rcode(), f'Resp{int(message.rcode())}')}"
    counts = [sum(map(len, section)) for section in message.sections[1:]]
    counts[2] += message.edns >= 0
    answers = [f"{dns.rdatatype.to_text(rrset.rdtype)} {each}" for rrset in message.answer for each in rrset]
    text += f" {counts[0]}/{counts[1]}/{counts[2]}"
    return f"{text} {', '.join(answers)}" if answers else text


_RCODES = {
    dns.rcode.FORMERR: "FormErr",
    dns.rcode.SERVFAIL: "ServFail",
    dns.rcode.NXDOMAIN: "NXDomain",
    dns.rcode.NOTIMP: "NotImp",
    dns.rcode.REFUSED: "Refused",
}


def _query(message: dns.message.Message) -> str:
    recursion = "+" if message.flags & dns.flags.Flag.RD else ""
    extra = "[1au] " if message.edns >= 0 else ""
    questions = " ".join(f"{dns.rdatatype.to_text(each.rdtype)}? {each.name}" for each in message.question)
    return f"{message.id}{recursion} {extra}{questions}"
