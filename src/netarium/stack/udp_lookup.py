"""Which endpoints a datagram, or an ICMP error about one, is for. Read first: Linux __udp4_lib_lookup, udp_err."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from netarium.stack.error_queue import ErrorQueue, ErrorReport
from netarium.stack.failures import NetworkError
from netarium.stack.udp_endpoint import DONT
from netarium.wire.ipv4 import Ipv4Header
from netarium.wire.udp import UdpHeader

if TYPE_CHECKING:
    from netarium.stack.interface import Interface
    from netarium.stack.udp_endpoint import UdpEndpoint
    from netarium.wire.ipv6 import Ipv6Header
    from netarium.wire.udplite import UdpLiteHeader


def tell_endpoints(endpoints: Sequence[UdpEndpoint], report: ErrorReport) -> bool:
    """Hand an ICMP error to those whose datagram it quotes; whether there were any.

    As in Linux' udp_err only connected endpoints are told, and only of hard errors, unless they asked for all
    (IP_RECVERR); a packet that was too large is a hard error while the path's MTU is discovered.
    """
    found = False
    kind = report.kind
    for endpoint in endpoints:
        connected = (
            endpoint.remote_address == report.destination and endpoint.remote_port == report.destination_port
        )
        if not connected and endpoint.remote_port:
            continue
        if endpoint.local_address not in (0, report.source):
            continue
        found = True
        if endpoint.all_errors:
            if endpoint.errors is None:
                endpoint.errors = ErrorQueue()
            endpoint.errors.add(report)
        elif not connected or not (kind.hard or _matters(kind, endpoint)):
            continue
        endpoint.error = kind.failure
        if endpoint.on_change is not None:
            endpoint.on_change()
    return found


def _matters(kind: NetworkError, endpoint: UdpEndpoint) -> bool:
    return kind is NetworkError.MESSAGE_TOO_LONG and endpoint.path_mtu_discovery != DONT


def score(
    endpoint: UdpEndpoint,
    header: Ipv4Header | Ipv6Header,
    datagram: UdpHeader | UdpLiteHeader,
    interface: Interface,
) -> int:
    """How well an endpoint fits, -1 for not at all (Linux compute_score): a connected one best, then a bound one."""
    score = 0
    if endpoint.local_address:
        if endpoint.local_address != header.destination:
            return -1
        score = 4
    if endpoint.remote_port:
        if endpoint.remote_port != datagram.source_port or endpoint.remote_address != header.source:
            return -1
        score += 8
    if endpoint.interface is not None:
        if endpoint.interface is not interface:
            return -1
        score += 2
    return score


def best(
    endpoints: list[UdpEndpoint],
    header: Ipv4Header | Ipv6Header,
    datagram: UdpHeader | UdpLiteHeader,
    interface: Interface,
) -> UdpEndpoint | None:
    """The endpoint with the highest score: among equals the newest, or (SO_REUSEPORT) one by a hash of the flow."""
    found: UdpEndpoint | None = None
    best_score = -1
    for each in endpoints:
        fits = score(each, header, datagram, interface)
        if fits >= best_score and fits >= 0:
            found, best_score = each, fits
    if found is not None and found.reuse_port and len(endpoints) > 1:
        group = [
            each
            for each in endpoints
            if each.reuse_port and score(each, header, datagram, interface) == best_score
        ]
        return group[(header.source ^ (header.source >> 16) ^ datagram.source_port) % len(group)]
    return found
