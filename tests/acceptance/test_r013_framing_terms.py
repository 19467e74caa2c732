"""R013: every captured layer shows a header and a payload."""

from __future__ import annotations

import socket
from pathlib import Path

from tests.acceptance.conversations import converse, receive_all, two_hosts

from netarium import Net
from netarium.capture.reading import read_capture
from netarium.wire.ethernet import Frame


def test_r013_headers_and_payloads_of_every_layer_add_up(net: Net, tmp_path: Path) -> None:
    two_hosts(net)
    net.capture(tmp_path / "x.pcapng", on="b:eth0")
    converse(net, receive_all, lambda connection: connection.sendall(b"a message"))
    net.run()
    net.close()
    frames = [(each.data, Frame.parse(each.data)) for each in read_capture(tmp_path / "x.pcapng")]
    assert frames
    for data, frame in frames:
        # Layer 2: 14 bytes of header, then the packet and the padding up to 60.
        assert len(data) == frame.size_bytes >= 60
        assert data[:6] == frame.destination.to_bytes(6, "big")
        assert frame.network is not None
    carried = [(data, frame) for data, frame in frames if bytes(frame.payload) == b"a message"]
    assert len(carried) == 1
    data, frame = carried[0]
    # Layer 3 and 4: header and payload follow each other without a gap.
    assert frame.network is not None and frame.transport is not None
    headers = 14 + frame.network.size_bytes + frame.transport.size_bytes
    assert data[headers : headers + 9] == b"a message"
    assert data[14] >> 4 == 4 and (data[14] & 15) * 4 == frame.network.size_bytes
    assert data[14 + 9] == socket.IPPROTO_TCP


def test_r013_the_trace_says_for_each_layer_what_it_carries(net: Net) -> None:
    two_hosts(net)
    trace = net.trace
    converse(net, receive_all, lambda connection: connection.sendall(b"a message"))
    net.run()
    (event,) = [each for each in trace.select(event="sent", at="b:eth0") if each.get("length") == 9]
    assert event["size"] == 14 + 20 + 32 + 9
    assert (event["ethertype"], event["protocol"]) == (0x0800, "TCP")
