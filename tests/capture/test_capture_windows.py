"""`Windows` follows cwnd, ssthresh and flight, and `run --plot` draws them."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from netarium import Net
from netarium.capture.windows import Windows


def test_a_loss_shows_in_the_samples_and_in_the_drawing(net: Net, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    client = net.host("client", address="10.0.0.1/24")
    server = net.host("server", address="10.0.0.2/24")
    net.link(client, server, delay="10ms", rate="10Mbps", queue=30)
    windows = Windows()
    net.watch.add(windows)

    def serve() -> int:
        connection, _ = socket.create_server(("", 80)).accept()
        count = 0
        while data := connection.recv(65536):
            count += len(data)
        return count

    def send() -> None:
        with socket.create_connection(("10.0.0.2", 80)) as connection:
            connection.sendall(bytes(1_000_000))

    sink = server.run(serve, root=True)
    client.run(send)
    net.run(until="300ms")
    link = net.links_between(client, server)[0]
    link.loss = 0.2
    net.run(until="320ms")
    link.loss = 0.0
    net.run()
    assert sink.result == 1_000_000
    (key,) = [key for key in windows.samples if key[0] == "client"]
    samples = windows.samples[key]
    assert samples[0][2] == -1 and samples[-1][2] > 0
    assert max(sample[3] for sample in samples) > 20_000
    assert {cause for _, cause in windows.resent[key]} <= {"RACK", "TIMEOUT", "TAIL_LOSS_PROBE"}
    (begin, end), *_ = windows.recoveries[key]
    assert begin == windows.resent[key][0][0], "recovery begins with the first segment that is sent again"
    assert end - begin >= 20_000_000, "and lasts a round trip at least"
    assert all(flight <= cwnd + 3 * 1448 for _, cwnd, _, flight in samples), (
        "the window bounds what is under way"
    )
    assert windows.about[key] == ("cubic", 1448)
    (file,) = windows.draw(tmp_path / "plots")
    assert file.read_bytes().startswith(b"\x89PNG")


def test_a_time_out_shows_though_its_segment_never_leaves(net: Net) -> None:
    client = net.host("client", address="10.0.0.1/24")
    server = net.host("server", address="10.0.0.2/24")
    link = net.link(client, server, delay="10ms", rate="10Mbps")
    windows = Windows()
    net.watch.add(windows)

    def serve() -> None:
        connection, _ = socket.create_server(("", 80)).accept()
        while connection.recv(65536):
            pass

    def send() -> None:
        with socket.create_connection(("10.0.0.2", 80)) as connection:
            connection.sendall(bytes(1_000_000))

    server.run(serve, root=True)
    client.run(send)
    net.run(until="300ms")
    link.cut()
    net.run(until="2s")
    (key,) = [key for key in windows.samples if key[0] == "client"]
    timed_out = [at for at, cause in windows.resent[key] if cause == "TIMEOUT"]
    assert timed_out
    assert [cwnd for at, cwnd, *_ in windows.samples[key] if at == timed_out[0]] == [1448]
