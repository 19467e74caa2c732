"""ss and sysctl print what iproute2 and procps print, and show the truth."""

from __future__ import annotations

import json
import re
import socket
import time
from typing import Any

import pytest

from netarium import Net


def serve() -> None:
    listener = socket.create_server(("10.0.0.2", 80))
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("", 53))
    connection, _ = listener.accept()
    time.sleep(100)
    connection.recv(1)


def visit() -> None:
    connection = socket.create_connection(("10.0.0.2", 80))
    connection.sendall(bytes(3000))
    time.sleep(100)


@pytest.fixture
def lan() -> tuple[Net, Any, Any]:
    net = Net(seed=2)
    client = net.host("client", address="10.0.0.1/24")
    server = net.host("server", address="10.0.0.2/24")
    net.link(client, server, delay="5ms")
    server.run(serve, root=True)
    client.run(visit)
    net.run(until="1s")
    return net, client, server


def told(net: Net, host: Any, command: str, **options: Any) -> Any:
    service = host.run(command, **options)
    net.run_until(service)
    return service


def test_all_sockets_in_the_columns_of_iproute2(lan: tuple[Net, Any, Any]) -> None:
    net, _, server = lan
    lines = told(net, server, "ss -tuan").stdout.splitlines()
    assert lines[0].split() == [
        "Netid",
        "State",
        "Recv-Q",
        "Send-Q",
        "Local",
        "Address:Port",
        "Peer",
        "Address:Port",
    ]
    rows = [line.split() for line in lines[1:]]
    assert ["udp", "UNCONN", "0", "0", "0.0.0.0:53", "0.0.0.0:*"] in rows
    assert ["tcp", "LISTEN", "0", "128", "10.0.0.2:80", "0.0.0.0:*"] in [
        [*row[:3], "128", *row[4:]] for row in rows
    ]
    (established,) = [row for row in rows if row[1] == "ESTAB"]
    assert established[:5] == ["tcp", "ESTAB", "3000", "0", "10.0.0.2:80"]
    assert re.fullmatch(r"10\.0\.0\.1:\d+", established[5])


def test_without_options_only_connections_and_with_l_only_what_waits(lan: tuple[Net, Any, Any]) -> None:
    net, _, server = lan
    assert [line.split()[1] for line in told(net, server, "ss -H").stdout.splitlines()] == ["ESTAB"]
    assert {line.split()[0] for line in told(net, server, "ss -H -l").stdout.splitlines()} == {"tcp", "udp"}
    assert told(net, server, "ss -H -t state listening").stdout.split()[0] == "LISTEN"
    assert told(net, server, "ss -H -t state time-wait").stdout == ""


def test_filters_choose_by_port_and_address(lan: tuple[Net, Any, Any]) -> None:
    net, client, server = lan
    assert told(net, client, "ss -Htn dport = :80").stdout.count("\n") == 1
    assert told(net, client, "ss -Htn dport = :81").stdout == ""
    assert told(net, server, "ss -Htan src 10.0.0.2 sport = :80").stdout.count("\n") == 2
    failed = told(net, server, "ss -t nonsense")
    assert (failed.exit_code, "nonsense" in failed.stderr) == (255, True)


def test_i_and_json_tell_what_tcp_knows(lan: tuple[Net, Any, Any]) -> None:
    net, client, _ = lan
    text = told(net, client, "ss -tin").stdout
    assert re.search(
        r"\n\t ts sack cubic wscale:7,7 rto:\d+\S* rtt:\S+ .*mss:1448 pmtu:1500 .*cwnd:\d+", text
    )
    assert "bytes_acked:3001" in text  # with the SYN, as on Linux
    (row,) = json.loads(told(net, client, "ss -ti --json").stdout)
    assert row["peer"] == {"address": "10.0.0.2", "port": 80}
    assert row["info"]["tcpi_state"] == 1
    assert row["info"]["tcpi_bytes_acked"] == 3001
    assert "TCP:   1 (estab 1" in told(net, client, "ss -s").stdout


def test_sysctl_reads_sets_and_refuses(lan: tuple[Net, Any, Any]) -> None:
    net, client, _ = lan
    assert told(net, client, "sysctl net.ipv4.tcp_sack net/ipv4/tcp_rmem").stdout.splitlines() == [
        "net.ipv4.tcp_sack = 1",
        "net.ipv4.tcp_rmem = 4096\t131072\t6291456",
    ]
    refused = told(net, client, "sysctl -w net.ipv4.tcp_sack=0")
    assert (refused.exit_code, refused.stderr) == (
        1,
        'sysctl: permission denied on key "net.ipv4.tcp_sack"\n',
    )
    assert told(net, client, "sysctl -w net.ipv4.tcp_sack=0", root=True).stdout == "net.ipv4.tcp_sack = 0\n"
    assert client.node.stack.settings.tcp_sack == 0
    assert told(net, client, "sysctl -n net.ipv4.tcp_sack").stdout == "0\n"


def test_sysctl_names_what_is_unknown_or_impossible(lan: tuple[Net, Any, Any]) -> None:
    net, client, _ = lan
    unknown = told(net, client, "sysctl net.ipv4.tcp_sac")
    assert unknown.exit_code == 1
    assert "cannot stat /proc/sys/net/ipv4/tcp_sac: No such file or directory" in unknown.stderr
    assert "did you mean net.ipv4.tcp_sack?" in unknown.stderr
    wrong = told(net, client, "sysctl -w net.ipv4.tcp_sack=7", root=True)
    assert wrong.exit_code == 1
    assert 'setting key "net.ipv4.tcp_sack": Invalid argument' in wrong.stderr
    everything = json.loads(told(net, client, "sysctl -a --json").stdout)
    assert everything["net.ipv4.ip_default_ttl"] == 64


def test_a_summary_counts_by_protocol_and_family(lan: tuple[Net, Any, Any]) -> None:
    net, _, server = lan
    lines = told(net, server, "ss -s").stdout.splitlines()
    assert lines[:4] == [
        "Total: 3",
        "TCP:   2 (estab 1, closed 0, orphaned 0, timewait 0)",
        "",
        "Transport Total     IP        IPv6",
    ]
    assert [line.split() for line in lines[4:8]] == [
        ["RAW", "0", "0", "0"],
        ["UDP", "1", "1", "0"],
        ["TCP", "2", "2", "0"],
        ["INET", "3", "3", "0"],
    ]


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("dst 10.0.0.1", 1),
        ("src 10.0.0.2:80", 1),
        ("src 10.0.0.2:http", 1),
        ("src :80", 1),
        ("src 10.0.0.2:81", 0),
        ("dst 10.0.0.9:80", 0),
    ],
)
def test_an_end_is_chosen_by_address_and_port(lan: tuple[Net, Any, Any], condition: str, found: int) -> None:
    net, _, server = lan
    assert len(told(net, server, f"ss -tnH {condition}").stdout.splitlines()) == found


def test_an_end_that_is_none_is_refused(lan: tuple[Net, Any, Any]) -> None:
    net, _, server = lan
    refused = told(net, server, "ss -tn dst nonsense")
    assert refused.exit_code == 255
    assert "nonsense" in refused.stderr
