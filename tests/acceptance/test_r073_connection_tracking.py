"""R073: ports are kept where they can be, rewritten where they clash, answers come right, entries expire."""

from __future__ import annotations

from tests.acceptance.nat_nets import ask_udp, behind_gateway, let_pass, whoami

from netarium.journey import Cause


def test_r073_different_source_ports_are_kept() -> None:
    net = behind_gateway("ab")
    net["server"].run(whoami(9000))
    assert net["a"].call(ask_udp, "202.20.65.4", 9000, 1024) == ("202.20.65.5", 1024)
    assert net["b"].call(ask_udp, "202.20.65.4", 9000, 1025) == ("202.20.65.5", 1025)


def test_r073_the_same_source_port_1024_is_rewritten_for_one_and_both_answers_are_right() -> None:
    net = behind_gateway("ab")
    net["server"].run(whoami(9000))
    one = net["a"].run(lambda: ask_udp("202.20.65.4", 9000, 1024))
    other = net["b"].run(lambda: ask_udp("202.20.65.4", 9000, 1024))
    net.run()
    ports = {"192.168.1.2:1024": one.result[1], "192.168.1.3:1024": other.result[1]}
    assert one.result[0] == other.result[0] == "202.20.65.5"
    assert 1024 in ports.values() and len(set(ports.values())) == 2
    assert all(port >= 1024 for port in ports.values())
    rows = {row.inside: int(row.outside.partition(":")[2]) for row in net["gw"].nat_table}
    assert rows == ports


def test_r073_the_same_source_port_to_different_servers_is_kept_for_both() -> None:
    net = behind_gateway("ab")
    net.host("other", address="202.20.65.7/24", link=net["outside"])
    net["server"].run(whoami(9000))
    net["other"].run(whoami(9000))
    assert net["a"].call(ask_udp, "202.20.65.4", 9000, 1024) == ("202.20.65.5", 1024)
    assert net["b"].call(ask_udp, "202.20.65.7", 9000, 1024) == ("202.20.65.5", 1024)


def test_r073_the_entry_expires_after_30_s_and_frees_its_port() -> None:
    net = behind_gateway("ab")
    net["server"].run(whoami(9000))
    net["a"].call(ask_udp, "202.20.65.4", 9000, 1024)
    (row,) = net["gw"].nat_table
    assert 29_999_000_000 < row.remaining_ns <= 30_000_000_000
    let_pass(net, 29)
    assert len(net["gw"].nat_table) == 1
    let_pass(net, 1)
    assert net["gw"].nat_table == []
    let_pass(net, 1)  # told at most a second late
    gone = net.trace.select(event="state", at="gw", after="GONE")
    assert [event["cause"] for event in gone] == [Cause.AGED.name]
    assert net["b"].call(ask_udp, "202.20.65.4", 9000, 1024) == ("202.20.65.5", 1024)
