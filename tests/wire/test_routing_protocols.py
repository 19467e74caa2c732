"""RIP and OSPF messages: parse(emit(x)) == x, no bytes raise anything but WireError, checksums as printed in RFCs."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.wire.strategies import u8, u16, u32

from netarium.errors import UsageError, WireError
from netarium.wire import ospf
from netarium.wire.ospf import Acknowledgment, Description, Hello, OspfPacket, Request, Update, parse_packet
from netarium.wire.ospf_lsa import ExternalBody, Lsa, LsaHeader, NetworkBody, RouterBody, RouterLink, fletcher
from netarium.wire.rip import RipEntry, RipMessage

entries = st.builds(RipEntry, u32, u32, u32, u32, u16, u16)
rip_messages = st.builds(RipMessage, u8, st.lists(entries, max_size=25), st.just(2))

router_bodies = st.builds(RouterBody, u8, st.lists(st.builds(RouterLink, u8, u32, u32, u16), max_size=9))
network_bodies = st.builds(NetworkBody, u32, st.lists(u32, max_size=9))
external_bodies = st.builds(ExternalBody, u32, st.integers(0, 0xFFFFFF), st.booleans(), u32, u32)
bodies = st.one_of(router_bodies, network_bodies, external_bodies).map(lambda body: body.emit()) | st.binary(
    max_size=64
)
sequences = st.integers(-(1 << 31) + 1, (1 << 31) - 1)
ages = st.integers(0, 3600)
lsas = st.builds(Lsa.build, u8, u32, u32, sequences, bodies, u8, ages)
headers = lsas.map(lambda lsa: lsa.header)
packet_bodies = st.one_of(
    st.builds(Hello, u32, u16, u8, u8, u32, u32, u32, st.lists(u32, max_size=9)),
    st.builds(Description, u16, u8, u8, u32, st.lists(headers, max_size=5)),
    st.builds(Request, st.lists(st.tuples(u32, u32, u32), max_size=9)),
    st.builds(Update, st.lists(lsas, max_size=4)),
    st.builds(Acknowledgment, st.lists(headers, max_size=9)),
)
packets = st.builds(OspfPacket, u32, u32, packet_bodies)


@given(rip_messages)
def test_rip(message: RipMessage) -> None:
    assert RipMessage.parse(message.emit()) == message
    assert len(message.emit()) == 4 + 20 * len(message.entries)


@given(packets)
def test_ospf(packet: OspfPacket) -> None:
    assert parse_packet(packet.emit()) == packet


@given(lsas)
def test_lsas(lsa: Lsa) -> None:
    assert Lsa.parse(lsa.emit()) == lsa
    assert lsa.checksum_is_right()
    assert lsa.aged(17).checksum_is_right(), "the checksum leaves the age out"


@given(lsas, st.data())
def test_a_changed_byte_of_an_lsa_is_found(lsa: Lsa, data: st.DataObject) -> None:
    raw = bytearray(lsa.emit())
    at = data.draw(st.integers(2, len(raw) - 1).filter(lambda at: at not in (18, 19)))
    change = data.draw(st.integers(1, 254))
    if (raw[at] + change) % 255 == raw[at] % 255:
        return  # 0 and 255 are the same number to Fletcher's sums
    raw[at] = (raw[at] + change) % 256
    if raw[at] % 255 != lsa.emit()[at] % 255:
        assert not Lsa.parse(bytes(raw)).checksum_is_right()


@given(router_bodies, network_bodies, external_bodies)
def test_bodies(router: RouterBody, network: NetworkBody, external: ExternalBody) -> None:
    assert RouterBody.parse(router.emit()) == router
    assert NetworkBody.parse(network.emit()) == network
    assert ExternalBody.parse(external.emit()) == external


@given(packets, st.data())
def test_a_packet_cut_short_is_one_error(packet: OspfPacket, data: st.DataObject) -> None:
    raw = packet.emit()
    with pytest.raises(WireError):
        parse_packet(raw[: data.draw(st.integers(0, len(raw) - 1))])


@pytest.mark.parametrize(
    "parse",
    [
        parse_packet, RipMessage.parse, Lsa.parse, LsaHeader.parse, RouterBody.parse, NetworkBody.parse,
        ExternalBody.parse,
    ],
)  # fmt: skip
@given(data=st.binary(max_size=80))
def test_garbage_is_a_wire_error_or_parses(parse: Callable[[bytes], object], data: bytes) -> None:
    try:
        parse(data)
    except WireError:
        pass


@given(u8, st.integers(1, 5), st.binary(max_size=120))
def test_garbage_behind_a_right_header_too(options: int, type: int, body: bytes) -> None:
    from netarium.wire.checksum import checksum, word_sum

    head = bytes((2, type)) + (24 + len(body)).to_bytes(2, "big") + bytes(20)
    field = checksum(word_sum(head + body))
    try:
        parse_packet(head[:12] + field.to_bytes(2, "big") + head[14:] + body)
    except WireError as error:
        assert "checksum" not in str(error)


def test_the_fletcher_sums_are_those_of_the_definition() -> None:
    data = bytes(range(256)) * 6
    first = second = 0
    for byte in data:
        first = (first + byte) % 255
        second = (second + first) % 255
    assert fletcher(data) == (first, second)


@pytest.mark.parametrize("change", ["sequence", "checksum", "max age", "younger"])
def test_which_instance_is_newer(change: str) -> None:
    def header(sequence: int = 5, checksum: int = 7) -> LsaHeader:
        return LsaHeader(0, 2, 1, 1, 1, sequence, checksum, 20)

    same = header()
    newer, ages_s = {
        "sequence": (header(sequence=6), (900, 1)),
        "checksum": (header(checksum=8), (900, 1)),
        "max age": (header(), (3600, 1)),
        "younger": (header(), (1, 902)),
    }[change]
    assert newer.is_newer_than(same, *ages_s) == 1
    assert same.is_newer_than(newer, *reversed(ages_s)) == -1
    assert same.is_newer_than(header(), 1, 901) == 0


def test_more_entries_than_a_message_holds() -> None:
    with pytest.raises(UsageError, match="at most 25"):
        RipMessage(2, [RipEntry(0, 0, 1)] * 26)


def test_constants() -> None:
    assert ospf.ALL_ROUTERS.to_bytes(4, "big") == bytes((224, 0, 0, 5))
