"""tshark as judge: it is content with a right conversation, finds each thing put wrong, and a cause explains it."""

from pathlib import Path

import pytest

from netarium.capture.pcapng import Capture
from netarium.errors import UsageError
from netarium.journey import Drop, Stop
from netarium.testing import tshark as judge
from netarium.testing.explained import (
    CAUSES,
    CORRUPT,
    CUT_CAPTURE,
    DUPLICATE,
    DUPLICATE_ADDRESS,
    EXPLAINED,
    KEEPALIVE,
    LOSS,
    PAUSE,
    REORDER,
    RESET,
    SLOW_READER,
    UNANSWERED,
    causes_of_drops,
    explanation,
)
from netarium.testing.tshark import TsharkMissingError, all_findings, skip_without_tshark, tshark_findings
from netarium.wire.arp import REPLY, REQUEST, ArpPacket
from netarium.wire.ethernet import ETHERTYPE_ARP, ETHERTYPE_IPV4, MAC_BROADCAST, Frame
from netarium.wire.icmp import IcmpHeader
from netarium.wire.ipv4 import PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP, Ipv4Header
from netarium.wire.packet import TransportHeader
from netarium.wire.tcp import ACK, FIN, PSH, RST, SYN, TcpHeader
from netarium.wire.tcp_options import TcpOptions
from netarium.wire.udp import UdpHeader

CLIENT_MAC, SERVER_MAC, CLIENT, SERVER = 0x0200_0000_0001, 0x0200_0000_0002, 0x0A00_0001, 0x0A00_0002
OFFER = TcpOptions(1460, 7, True)


class Port:
    def __init__(self, name: str, number: int) -> None:
        self.name = name
        self.number = number


def packet(protocol: int, transport: TransportHeader, data: bytes = b"", to_server: bool = True) -> Frame:
    if to_server:
        return Frame(
            SERVER_MAC, CLIENT_MAC, ETHERTYPE_IPV4, Ipv4Header(CLIENT, SERVER, protocol, 64), transport, data
        )
    return Frame(
        CLIENT_MAC, SERVER_MAC, ETHERTYPE_IPV4, Ipv4Header(SERVER, CLIENT, protocol, 64), transport, data
    )


def out(sequence: int, acknowledgment: int, flags: int, data: bytes = b"", window: int = 502) -> Frame:
    options = OFFER if flags & SYN else None
    header = TcpHeader(
        4321, 8999, sequence, acknowledgment, flags, window, 10, 0 if flags & SYN else 20, options
    )
    return packet(PROTOCOL_TCP, header, data)


def back(sequence: int, acknowledgment: int, flags: int, data: bytes = b"", window: int = 502) -> Frame:
    options = OFFER if flags & SYN else None
    header = TcpHeader(8999, 4321, sequence, acknowledgment, flags, window, 20, 10, options)
    return packet(PROTOCOL_TCP, header, data, to_server=False)


BEFORE = [
    Frame(
        MAC_BROADCAST, CLIENT_MAC, ETHERTYPE_ARP, ArpPacket(REQUEST, CLIENT_MAC, CLIENT, 0, SERVER), None, b""
    ),
    Frame(
        CLIENT_MAC,
        SERVER_MAC,
        ETHERTYPE_ARP,
        ArpPacket(REPLY, SERVER_MAC, SERVER, CLIENT_MAC, CLIENT),
        None,
        b"",
    ),
    out(1000, 0, SYN),
    back(5000, 1001, SYN | ACK),
    out(1001, 5001, ACK),
    out(1001, 5001, PSH | ACK, b"hello"),
    back(5001, 1006, PSH | ACK, b"HELLO"),
    out(1006, 5006, ACK),
]
END = [
    out(1006, 5006, FIN | ACK),
    back(5006, 1007, FIN | ACK),
    out(1007, 5007, ACK),
    packet(PROTOCOL_UDP, UdpHeader(5000, 5001), b"odd"),
    packet(PROTOCOL_ICMP, IcmpHeader(8, 0, 0x0007_0001), b"ping"),
    packet(PROTOCOL_ICMP, IcmpHeader(0, 0, 0x0007_0001), b"ping", to_server=False),
]


def captured(folder: Path, frames: list[Frame], ports: int = 2) -> Path:
    """The frames as the ports of one cable see them, 2 ms apart: with two ports each is twice in the file."""
    path = folder / "x.pcapng"
    client, server = Port("client:eth0", 0), Port("server:eth0", 1)
    capture = Capture(path, ports=[client, server])
    for number, frame in enumerate(frames):
        capture.frame(number * 2_000_000, client, Stop.LINK_SENT, frame)
        if ports == 2:
            capture.frame(number * 2_000_000 + 1_000_000, server, Stop.LINK_RECEIVED, frame)
    capture.close()
    return path


@pytest.fixture(autouse=True)
def _with_tshark() -> None:
    skip_without_tshark()


def test_a_right_conversation_has_no_findings_though_every_frame_is_there_twice(tmp_path: Path) -> None:
    path = captured(tmp_path, BEFORE + END)
    assert all_findings(path) == []
    assert judge.main([str(path)]) == 0


def wrong_byte(frame: Frame, at: int) -> Frame:
    """The frame as it comes when a byte changed after the FCS."""
    data = bytearray(bytes(frame))
    data[at] ^= 0xFF
    return Frame.parse(bytes(data))


def reported(sequence: int, acknowledgment: int, sack: tuple[tuple[int, int], ...]) -> Frame:
    header = TcpHeader(8999, 4321, sequence, acknowledgment, ACK, 502, 20, 10, TcpOptions(sack=sack))
    return packet(PROTOCOL_TCP, header, to_server=False)


CORRUPTED_UDP = wrong_byte(packet(PROTOCOL_UDP, UdpHeader(1, 2), b"x" * 40), -1)
CORRUPTED_ICMP = wrong_byte(packet(PROTOCOL_ICMP, IcmpHeader(0, 0, 1), b"x" * 40), -1)
IMPOSSIBLE_UDP = wrong_byte(packet(PROTOCOL_UDP, UdpHeader(1, 2), b"x" * 40), 39)
OTHER_OWNER = Frame(
    MAC_BROADCAST, 9, ETHERTYPE_ARP, ArpPacket(REPLY, 9, SERVER, CLIENT_MAC, CLIENT), None, b""
)


@pytest.mark.parametrize(
    ("frames", "severity", "message", "cause"),
    [
        ([wrong_byte(out(1006, 5006, PSH | ACK, b"data"), -1)], "error", "Bad checksum", CORRUPT),
        ([CORRUPTED_UDP], "error", "Bad checksum", CORRUPT),
        ([CORRUPTED_ICMP], "warning", "Bad checksum", CORRUPT),
        ([wrong_byte(out(1006, 5006, ACK), 24)], "error", "Bad checksum", CORRUPT),
        ([IMPOSSIBLE_UDP], "error", "", None),
        ([out(1406, 5006, PSH | ACK, b"data")], "warning", "Previous segment", REORDER),
        (
            [out(1010, 5006, PSH | ACK, b"late"), out(1006, 5006, PSH | ACK, b"data")],
            "warning",
            "This frame is a",
            REORDER,
        ),
        ([reported(5006, 1006, ((1001, 1006),))], "warning", "D-SACK", DUPLICATE),
        ([out(1006, 9006, ACK)], "warning", "ACKed segment", CUT_CAPTURE),
        ([out(1006, 5006, ACK, b"", 0)], "warning", "TCP Zero Window", SLOW_READER),
        (
            [out(1006, 5006, ACK, b"", 1), back(5006, 1006, PSH | ACK, b"x" * 128)],
            "warning",
            "TCP window spec",
            SLOW_READER,
        ),
        ([out(1006, 5006, RST | ACK)], "warning", "Connection reset", RESET),
        ([packet(PROTOCOL_ICMP, IcmpHeader(8, 0, 9), b"ping")], "warning", "No response seen", UNANSWERED),
        ([OTHER_OWNER], "warning", "Duplicate IP address", DUPLICATE_ADDRESS),
    ],
)
def test_what_is_wrong_is_found_and_its_cause_explains_it(
    tmp_path: Path, frames: list[Frame], severity: str, message: str, cause: str | None
) -> None:
    path = captured(tmp_path, [*BEFORE, *frames], ports=1)
    last = len(BEFORE) + len(frames)
    found = [
        each
        for each in tshark_findings(path)
        if each.severity == severity and each.message.startswith(message)
    ]
    assert [each.frame_number for each in found] == [last], all_findings(path)
    if cause is not None:
        assert explanation(found[0].message, [cause]) is not None


def test_findings_name_the_port_and_the_number_in_the_whole_file(tmp_path: Path) -> None:
    findings = tshark_findings(captured(tmp_path, [*BEFORE, out(1006, 5006, ACK, b"", 0)]))
    number = 2 * len(BEFORE) + 1
    assert [(each.interface, each.frame_number) for each in findings] == [
        ("client:eth0", number),
        ("server:eth0", number + 1),
    ]


def test_a_capture_without_a_frame_is_not_called_right(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no frame"):
        tshark_findings(captured(tmp_path, []))


def test_a_cause_explains_what_it_explains_and_nothing_else(tmp_path: Path) -> None:
    path = captured(tmp_path, [*BEFORE, out(1006, 5006, RST | ACK)], ports=1)
    assert len(tshark_findings(path, [SLOW_READER])) == 1
    assert tshark_findings(path, [RESET]) == []
    explained = all_findings(path, [RESET])
    assert len(explained) == 1
    assert "own act" in str(explained[0])
    assert judge.main([str(path)]) == 1
    assert judge.main([str(path), "--cause", RESET]) == 0


def test_what_a_program_sends_is_not_dissected_but_what_the_net_speaks_is(tmp_path: Path) -> None:
    # By their ports both are malformed: BGP is the program's own affair, DNS is spoken by the net's own servers.
    def conversation(port: int, data: bytes) -> list[Frame]:
        return [
            packet(PROTOCOL_TCP, TcpHeader(4321, port, 1, 0, SYN, 64240, -1, 0, OFFER)),
            packet(PROTOCOL_TCP, TcpHeader(port, 4321, 0, 2, SYN | ACK, 502, -1, 0, OFFER), to_server=False),
            packet(PROTOCOL_TCP, TcpHeader(4321, port, 2, 1, PSH | ACK, 502), data),
        ]

    assert all_findings(captured(tmp_path, conversation(179, b"\xff" * 16 + b"\0\x13\x01"))) == []
    wrong_dns = all_findings(captured(tmp_path, conversation(53, b"\0\x05hello")))
    assert [finding.severity for finding in wrong_dns] == ["error", "error"]


def test_no_tshark_is_a_clear_error_or_a_skip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = captured(tmp_path, BEFORE)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(TsharkMissingError, match="apt-get install tshark"):
        tshark_findings(path)
    assert judge.main([str(path)]) == 2
    monkeypatch.delenv(judge.REQUIRE_VARIABLE, raising=False)
    with pytest.raises(pytest.skip.Exception, match="not installed"):
        skip_without_tshark()
    monkeypatch.setenv(judge.REQUIRE_VARIABLE, "1")
    with pytest.raises(TsharkMissingError):
        skip_without_tshark()


def test_no_capture_and_no_such_cause(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "x"
    other.write_bytes(b"no capture")
    with pytest.raises(UsageError):
        tshark_findings(other)
    assert judge.main([str(tmp_path / "missing")]) == 2
    assert "missing" in capsys.readouterr().err
    with pytest.raises(UsageError, match="no cause 'bad luck'; the causes are loss"):
        tshark_findings(captured(tmp_path, BEFORE), ["bad luck"])


def test_notes_count_when_asked_for_but_what_is_said_of_every_fin(tmp_path: Path) -> None:
    again = [*BEFORE, out(1001, 5006, PSH | ACK, b"hello"), out(1005, 5006, ACK), *END]
    path = captured(tmp_path, again, ports=1)
    assert all_findings(path) == []
    found = all_findings(path, notes=True)
    assert {each.severity for each in found} == {"note"}
    assert {each.frame_number for each in found} == {len(BEFORE) + 1, len(BEFORE) + 2}, found
    assert all_findings(captured(tmp_path, BEFORE + END), notes=True) == []
    assert all(each.reason for each in all_findings(path, [PAUSE, KEEPALIVE], notes=True))


def test_the_list_of_the_explained() -> None:
    for entry in EXPLAINED:
        assert entry.causes, "nothing is explained in every run"
        assert set(entry.causes) <= set(CAUSES)
        assert entry.reason
    assert explanation("Connection reset (RST)", ()) is None
    assert explanation("Something else", CAUSES) is None
    assert causes_of_drops([Drop.RULE_LOSS, Drop.TCP_NO_SOCKET, Drop.NOT_FOR_THIS_MAC]) == {LOSS, RESET}
