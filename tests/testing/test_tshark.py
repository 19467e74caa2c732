"""tshark as judge: it is content with a right conversation, finds each thing put wrong, and a cause explains it."""

from pathlib import Path

import pytest

from netarium.capture.pcapng import Capture
from netarium.errors import UsageError
from netarium.journey import Drop, Stop
from netarium.testing import tshark as judge
from netarium.testing.explained import (
    CAUSES,
    EXPLAINED,
    LOSS,
    RESET,
    SLOW_READER,
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


def captured(folder: Path, frames: list[Frame | bytes]) -> Path:
    """The frames as two ports of one cable see them, each frame twice in the file."""
    path = folder / "x.pcapng"
    ports = [Port("client:eth0", 0), Port("server:eth0", 1)]
    capture = Capture(path, ports=ports)
    for number, frame in enumerate(frames):
        capture.frame(number * 2_000_000, ports[0], Stop.LINK_SENT, frame)
        capture.frame(number * 2_000_000 + 1_000_000, ports[1], Stop.LINK_RECEIVED, frame)
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


@pytest.mark.parametrize(
    ("frame", "message", "severity"),
    [
        (wrong_byte(out(1006, 5006, PSH | ACK, b"data"), -1), "Bad checksum", "error"),
        (wrong_byte(packet(PROTOCOL_UDP, UdpHeader(1, 2), b"x" * 40), -1), "Bad checksum", "error"),
        (wrong_byte(packet(PROTOCOL_ICMP, IcmpHeader(8, 0, 1), b"x" * 40), -1), "Bad checksum", "warning"),
        (wrong_byte(out(1006, 5006, ACK), 22), "Bad checksum", "error"),
        (out(1406, 5006, PSH | ACK, b"data"), "Previous segment", "warning"),
        (out(1006, 9006, ACK), "ACKed segment", "warning"),
        (out(1006, 5006, ACK, b"", 0), "Zero Window", "warning"),
        (out(1006, 5006, RST | ACK), "Connection reset", "warning"),
        (
            wrong_byte(
                Frame(1, 2, ETHERTYPE_IPV4, Ipv4Header(CLIENT, SERVER, 17, 64), UdpHeader(1, 2), b""), 39
            ),
            "",
            "error",
        ),
    ],
)
def test_what_is_wrong_is_found_at_its_port_and_frame(
    tmp_path: Path, frame: Frame, message: str, severity: str
) -> None:
    findings = tshark_findings(captured(tmp_path, [*BEFORE, frame]))
    number = 2 * len(BEFORE) + 1
    told = [
        (each.interface, each.frame_number, each.severity)
        for each in findings
        if each.message.startswith((message, "TCP " + message))
    ]
    assert ("client:eth0", number, severity) in told, findings
    assert ("server:eth0", number + 1, severity) in told, findings


def test_a_cause_explains_what_it_explains_and_nothing_else(tmp_path: Path) -> None:
    path = captured(tmp_path, [*BEFORE, out(1006, 5006, RST | ACK)])
    assert len(tshark_findings(path)) == 2
    assert len(tshark_findings(path, [SLOW_READER])) == 2
    assert tshark_findings(path, [RESET]) == []
    explained = all_findings(path, [RESET])
    assert len(explained) == 2
    assert "own act" in str(explained[0])
    assert judge.main([str(path)]) == 1
    assert judge.main([str(path), "--cause", RESET]) == 0


def test_what_a_program_sends_is_not_dissected_but_what_the_net_speaks_is(tmp_path: Path) -> None:
    # By their ports both are malformed: BGP is the program's own affair, DNS is spoken by the net's own servers.
    def conversation(port: int, data: bytes) -> list[Frame | bytes]:
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


def test_the_list_of_the_explained() -> None:
    for entry in EXPLAINED:
        assert entry.causes, "nothing is explained in every run"
        assert set(entry.causes) <= set(CAUSES)
        assert entry.reason
    assert explanation("Connection reset (RST)", ()) is None
    assert explanation("Something else", CAUSES) is None
    assert causes_of_drops([Drop.RULE_LOSS, Drop.TCP_NO_SOCKET, Drop.NOT_FOR_THIS_MAC]) == {LOSS, RESET}
