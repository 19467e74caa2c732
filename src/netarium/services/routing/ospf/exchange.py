"""How two routers make their databases equal: descriptions, then requests for what is newer.

Read first: RFC 2328 7.2 (an example), 10.6 to 10.9. The router with the larger id leads (is the master) and numbers the
packets; both send headers until both have none left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netarium.services.routing.ospf.constants import (
    N_EXCHANGE,
    N_EXSTART,
    N_FULL,
    N_INIT,
    N_LOADING,
    PACKET_OVERHEAD_BYTES,
    RETRANSMIT_NS,
)
from netarium.wire.ospf import INIT, MASTER, MORE, OPTION_EXTERNAL, Description, Request
from netarium.wire.ospf_lsa import EXTERNAL, MAX_AGE_S, ROUTER, LsaHeader

if TYPE_CHECKING:
    from netarium.services.routing.ospf.neighbor import Neighbor

_DESCRIPTION_BYTES = 8
_HEADER_BYTES = 20
_KEY_BYTES = 12


def start(neighbor: Neighbor) -> None:
    """ExStart: say that we lead, until it is known who does."""
    instance = neighbor.interface.instance
    neighbor.is_master = True
    if neighbor.sequence:
        neighbor.sequence = neighbor.sequence + 1 & 0xFFFFFFFF
    else:
        neighbor.sequence = instance.random.getrandbits(31)
    neighbor.last_received = None
    _send(neighbor, INIT | MORE | MASTER, [])


def _send(neighbor: Neighbor, flags: int, headers: list[LsaHeader]) -> None:
    interface = neighbor.interface
    neighbor.last_sent = Description(interface.mtu, OPTION_EXTERNAL, flags, neighbor.sequence, headers)
    _transmit(neighbor)


def _transmit(neighbor: Neighbor) -> None:
    """Send the last description, and again until it is answered: the master's duty, and everybody's in ExStart."""
    assert neighbor.last_sent is not None
    interface = neighbor.interface
    interface.send(neighbor.last_sent, neighbor.address)
    if neighbor.description_alarm is not None:
        neighbor.description_alarm.cancel()
        neighbor.description_alarm = None
    if neighbor.is_master or neighbor.state == N_EXSTART:
        neighbor.description_alarm = interface.instance.alarms.after(RETRANSMIT_NS, lambda: _again(neighbor))


def _again(neighbor: Neighbor) -> None:
    if neighbor.state in (N_EXSTART, N_EXCHANGE) and neighbor.last_sent is not None:
        _transmit(neighbor)


def receive_description(neighbor: Neighbor, body: Description) -> None:
    """A description has come (10.6)."""
    interface = neighbor.interface
    if body.mtu > interface.mtu:
        interface.instance.refusals.add(
            interface, neighbor.router_id, neighbor.address, "MTU",
            f"has the MTU {body.mtu}, here it is {interface.mtu}: the adjacency stays in ExStart",
            "give both the same `mtu`",
        )  # fmt: skip
        return
    if neighbor.state == N_INIT:
        neighbor.two_way()
    if neighbor.state == N_EXSTART:
        _negotiate(neighbor, body)
    elif neighbor.state == N_EXCHANGE:
        _receive_in_exchange(neighbor, body)
    elif neighbor.state >= N_LOADING:
        if not _is_duplicate(neighbor, body):
            neighbor.mismatch()
        elif not neighbor.is_master and neighbor.last_sent is not None:
            interface.send(neighbor.last_sent, neighbor.address)


def _negotiate(neighbor: Neighbor, body: Description) -> None:
    own_id = neighbor.interface.instance.router_id
    if body.flags == INIT | MORE | MASTER and not body.headers and neighbor.router_id > own_id:
        neighbor.is_master = False
        neighbor.sequence = body.sequence
    elif (
        not body.flags & (INIT | MASTER)
        and body.sequence == neighbor.sequence
        and neighbor.router_id < own_id
    ):
        neighbor.is_master = True
    else:
        return
    _summarize(neighbor)
    neighbor.set_state(N_EXCHANGE)
    neighbor.last_sent = None
    _take(neighbor, body)


def _summarize(neighbor: Neighbor) -> None:
    """NegotiationDone (10.3): the headers of our database; what is at MaxAge is flooded instead."""
    instance = neighbor.interface.instance
    now = instance.alarms.now
    neighbor.summary = []
    for entry in instance.database.entries.values():
        lsa = entry.now(now)
        if lsa.header.age_s < MAX_AGE_S:
            neighbor.summary.append(lsa.header)
        else:
            instance.flooding.owe(neighbor, lsa)
    neighbor.summary.reverse()  # taken from the end


def _is_duplicate(neighbor: Neighbor, body: Description) -> bool:
    return neighbor.last_received == (body.flags, body.options, body.sequence)


def _receive_in_exchange(neighbor: Neighbor, body: Description) -> None:
    if _is_duplicate(neighbor, body):
        if not neighbor.is_master and neighbor.last_sent is not None:
            neighbor.interface.send(neighbor.last_sent, neighbor.address)
        return
    last = neighbor.last_received
    expected = neighbor.sequence if neighbor.is_master else neighbor.sequence + 1 & 0xFFFFFFFF
    if (
        bool(body.flags & MASTER) == neighbor.is_master
        or body.flags & INIT
        or (last is not None and last[1] != body.options)
        or body.sequence != expected
    ):
        neighbor.mismatch()
        return
    _take(neighbor, body)


def _take(neighbor: Neighbor, body: Description) -> None:
    """The next description in sequence: note what is newer there, send ours or end."""
    database, now = neighbor.interface.instance.database, neighbor.interface.instance.alarms.now
    neighbor.last_received = (body.flags, body.options, body.sequence)
    for header in body.headers:
        if not ROUTER <= header.type <= EXTERNAL:
            neighbor.mismatch()
            return
        entry = database.entries.get(header.key)
        if entry is None or header.is_newer_than(entry.lsa.header, header.age_s, entry.age_s(now)) > 0:
            neighbor.requests[header.key] = header
    more_there = bool(body.flags & MORE)
    if neighbor.is_master:
        sent = neighbor.last_sent
        neighbor.sequence = neighbor.sequence + 1 & 0xFFFFFFFF
        if sent is not None and not sent.flags & MORE and not more_there:
            _done(neighbor)
        else:
            _send_headers(neighbor, MASTER)
    else:
        neighbor.sequence = body.sequence
        _send_headers(neighbor, 0)
        assert neighbor.last_sent is not None
        if not more_there and not neighbor.last_sent.flags & MORE:
            _done(neighbor)
    if neighbor.requests and not neighbor.requested:
        request(neighbor)


def _send_headers(neighbor: Neighbor, flags: int) -> None:
    room = (neighbor.interface.mtu - PACKET_OVERHEAD_BYTES - _DESCRIPTION_BYTES) // _HEADER_BYTES
    headers = [neighbor.summary.pop() for _ in range(min(room, len(neighbor.summary)))]
    _send(neighbor, flags | (MORE if neighbor.summary else 0), headers)


def _done(neighbor: Neighbor) -> None:
    """ExchangeDone (10.3)."""
    if neighbor.description_alarm is not None:
        neighbor.description_alarm.cancel()
        neighbor.description_alarm = None
    neighbor.set_state(N_LOADING if neighbor.requests else N_FULL)


def request(neighbor: Neighbor) -> None:
    """Ask for the next of what is newer there, and again until it has come (10.9)."""
    if neighbor.request_alarm is not None:
        neighbor.request_alarm.cancel()
        neighbor.request_alarm = None
    if not neighbor.requests or neighbor.state < N_EXCHANGE:
        neighbor.requested = []
        return
    interface = neighbor.interface
    room = (interface.mtu - PACKET_OVERHEAD_BYTES) // _KEY_BYTES
    neighbor.requested = list(neighbor.requests)[:room]
    interface.send(Request(neighbor.requested), neighbor.address)
    neighbor.request_alarm = interface.instance.alarms.after(RETRANSMIT_NS, lambda: request(neighbor))


def received_some(neighbor: Neighbor) -> None:
    """LSAs that were asked for may have come: ask for more when all have, or end Loading."""
    if neighbor.state < N_EXCHANGE:
        return
    if neighbor.requested and not any(key in neighbor.requests for key in neighbor.requested):
        request(neighbor)
    if not neighbor.requests and neighbor.state == N_LOADING:
        neighbor.set_state(N_FULL)


def receive_request(neighbor: Neighbor, body: Request) -> None:
    """It asks for LSAs of ours (10.7)."""
    if neighbor.state < N_EXCHANGE:
        return
    instance = neighbor.interface.instance
    lsas = []
    for key in body.keys:
        entry = instance.database.entries.get(key)
        if entry is None:
            neighbor.mismatch()  # BadLSReq
            return
        lsas.append(entry.now(instance.alarms.now))
    neighbor.interface.send_lsas(lsas, neighbor.address)
