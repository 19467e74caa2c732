"""R002: given a frame, the link shows its bits and the receiver rebuilds the same bytes; labelled as a
simplification.
"""

from __future__ import annotations

from netarium.link.bits import SIMPLIFICATION, decode_bits, draw_bits, encode_bits
from netarium.wire.arp import ArpPacket
from netarium.wire.ethernet import ETHERTYPE_ARP, MAC_BROADCAST, Frame


def test_r002_the_bits_of_a_frame_are_shown_and_give_the_frame_back() -> None:
    asked = ArpPacket(1, 0x5820B14499DB, 0x0A000001, 0, 0x0A000002)
    frame = Frame(MAC_BROADCAST, 0x5820B14499DB, ETHERTYPE_ARP, asked, None, b"")
    bits = encode_bits(frame)
    assert set(bits) == {"0", "1"}
    assert len(bits) == 8 * (8 + 60 + 4)  # preamble and delimiter, the padded frame, the FCS
    assert bits[64:112] == "1" * 48  # the broadcast address
    rebuilt = decode_bits(bits)
    assert rebuilt == bytes(frame)
    assert Frame.parse(rebuilt) == frame


def test_r002_the_drawing_says_what_real_ethernet_does_instead() -> None:
    drawing = draw_bits(encode_bits(Frame(2, 1, 0x88B5, None, None, b"")))
    first = drawing.splitlines()[0]
    assert first == SIMPLIFICATION
    assert "simplified" in first
    assert "Manchester" in first
