"""The bits of a frame as a cable carries them, shown, and frames read back from them.

A simplification, and labelled so: one bit is shown as one level, high for 1 and low for 0. Real Ethernet
codes them: Manchester at 10 Mbit/s, 4B/5B with MLT-3 at 100 Mbit/s, PAM-5 at 1 Gbit/s. What is exact is the
order: the preamble and start-of-frame delimiter first, then each byte's least significant bit first, then the
FCS (IEEE 802.3 clauses 3.1.1, 3.2 and 3.3).
"""

from __future__ import annotations

from typing import Final

from netarium.errors import WireError
from netarium.wire.ethernet import FCS_BYTES, FRAME_BYTES_MIN, Frame, frame_check_is_right

SIMPLIFICATION: Final = (
    "simplified: high = 1, low = 0; real Ethernet uses line codes (Manchester, MLT-3, PAM)"
)
PREAMBLE: Final = bytes([0x55] * 7 + [0xD5])
"""Seven bytes 10101010 on the wire, then the start-of-frame delimiter 10101011 (802.3 clauses 3.2.1 and
3.2.2).
"""


def encode_bits(frame: Frame) -> str:
    """The frame as "0" and "1" in the order in which they are sent, preamble and FCS included."""
    sent = PREAMBLE + frame.bytes_with_fcs()
    return "".join(f"{byte:08b}"[::-1] for byte in sent)


def decode_bits(bits: str) -> bytes:
    """The bytes of the frame without FCS, from bits in the order in which they were sent.

    Raises WireError when the delimiter is missing, a byte is cut, or the FCS does not fit.
    """
    if set(bits) - {"0", "1"}:
        raise WireError("bits are written as 0 and 1; something else was found")
    delimiter = "10101011"
    begin = bits.find(delimiter)
    if begin < 0:
        raise WireError("no start-of-frame delimiter 10101011 in the bits")
    body = bits[begin + len(delimiter) :]
    if len(body) % 8 or len(body) < 8 * (FRAME_BYTES_MIN + FCS_BYTES):
        raise WireError(f"{len(body)} bits follow the delimiter; a frame is whole bytes, 64 at least")
    data = bytes(int(body[start : start + 8][::-1], 2) for start in range(0, len(body), 8))
    if not frame_check_is_right(data):
        raise WireError("the FCS does not fit: bits changed on the way")
    return data[:-FCS_BYTES]


def draw_bits(bits: str, per_line: int = 64) -> str:
    """The levels as a drawing, `per_line` bits a line, under the label that this is a simplification."""
    lines = [SIMPLIFICATION]
    for start in range(0, len(bits), per_line):
        part = bits[start : start + per_line]
        lines.append(part)
        lines.append("".join("▔" if bit == "1" else "▁" for bit in part))
    return "\n".join(lines)
