"""ping prints what iputils' ping prints and ends with its exit codes."""

from __future__ import annotations

import re
from typing import Any

import pytest

from netarium import Net
from netarium.tools.echo import Ping, read_arguments


@pytest.fixture
def lan() -> tuple[Net, Any, Any]:
    net = Net(seed=2)
    switch = net.switch("switch")
    near = net.host("near", address=["10.0.0.1/24", "2001:db8::1/64"], link=switch)
    far = net.host("far", address="10.0.0.2/24", link=switch, delay="10ms")
    return net, near, far


def ping(net: Net, host: Any, arguments: str) -> Any:
    service = host.run(f"ping {arguments}")
    net.run(check=False)
    return service


def test_answers_are_counted_and_timed(lan: tuple[Net, Any, Any]) -> None:
    net, near, _ = lan
    service = ping(net, near, "-c 3 10.0.0.2")
    lines = service.stdout.splitlines()
    assert lines[0] == "PING 10.0.0.2 (10.0.0.2) 56(84) bytes of data."
    for number in (1, 2, 3):
        assert re.fullmatch(
            rf"64 bytes from 10\.0\.0\.2: icmp_seq={number} ttl=64 time=\d\d\.\d ms", lines[number]
        )
    assert lines[4:6] == ["", "--- 10.0.0.2 ping statistics ---"]
    assert re.fullmatch(r"3 packets transmitted, 3 received, 0% packet loss, time 20\d\dms", lines[6])
    assert re.fullmatch(r"rtt min/avg/max/mdev = [\d.]+/[\d.]+/[\d.]+/[\d.]+ ms", lines[7])
    assert service.exit_code == 0


def test_a_name_is_shown_with_its_address(lan: tuple[Net, Any, Any]) -> None:
    net, near, _ = lan
    service = ping(net, near, "-c 1 -s 8 far")
    assert service.stdout.startswith(
        "PING far (10.0.0.2) 8(36) bytes of data.\n16 bytes from far (10.0.0.2): "
    )


def test_the_loopback_answers_at_once(lan: tuple[Net, Any, Any]) -> None:
    net, near, _ = lan
    service = ping(net, near, "-c 1 -q localhost")
    assert "1 packets transmitted, 1 received, 0% packet loss, time 0ms" in service.stdout
    assert "icmp_seq" not in service.stdout


def test_nobody_there_is_exit_code_1(lan: tuple[Net, Any, Any]) -> None:
    net, near, _ = lan
    service = ping(net, near, "-c 1 10.0.0.77")
    assert "From 10.0.0.1 icmp_seq=1 Destination Host Unreachable" in service.stdout
    assert "1 packets transmitted, 0 received, +1 errors, 100% packet loss" in service.stdout
    assert service.exit_code == 1


def test_lost_answers_are_waited_for_as_long_as_asked(lan: tuple[Net, Any, Any]) -> None:
    net, near, far = lan
    ping(net, near, "-c 1 10.0.0.2")  # so that the neighbour is known
    net.partition([near], [far])
    service = ping(net, near, "-c 2 -i 0.2 -W 3 10.0.0.2")
    assert "2 packets transmitted, 0 received, 100% packet loss" in service.stdout
    assert service.exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("nowhere", "ping: nowhere: Name or service not known\n"),
        ("-s 70000 far", "invalid -s value"),
        ("", "the following arguments are required: HOST"),
    ],
)
def test_bad_usage_is_exit_code_2(lan: tuple[Net, Any, Any], arguments: str, message: str) -> None:
    net, near, _ = lan
    service = ping(net, near, arguments)
    assert service.exit_code == 2 and message in service.stderr


def test_without_a_route_the_network_is_unreachable(lan: tuple[Net, Any, Any]) -> None:
    net, near, _ = lan
    service = ping(net, near, "-c 1 -W 1 192.0.2.1")
    assert "Network is unreachable" in service.stderr and service.exit_code != 0


@pytest.mark.parametrize("count,why", [("0", ": out of range"), ("-1", ": out of range"), ("x", "")])
def test_a_count_that_is_none_ends_with_1(lan: tuple[Net, Any, Any], count: str, why: str) -> None:
    net, near, _ = lan
    service = ping(net, near, f"-c{count} far")
    tail = f"{why}: 1 <= value <= 9223372036854775807" if why else ""
    assert (service.exit_code, service.stdout) == (1, "")
    assert service.stderr == f"ping: invalid argument: '{count}'{tail}\n"


@pytest.mark.parametrize(
    "arguments,first",
    [
        ("-I eth0 10.0.0.2", "PING 10.0.0.2 (10.0.0.2) from 10.0.0.1 eth0: 56(84) bytes of data."),
        ("-I 10.0.0.1 10.0.0.2", "PING 10.0.0.2 (10.0.0.2) from 10.0.0.1 : 56(84) bytes of data."),
        ("-6 -I lo ::1", "PING ::1(::1) from ::1 lo: 56 data bytes"),
        ("-6 -I ::1 ::1", "PING ::1(::1) from ::1 : 56 data bytes"),
    ],
)
def test_an_interface_or_an_address_to_send_from(
    lan: tuple[Net, Any, Any], arguments: str, first: str
) -> None:
    net, near, _ = lan
    service = ping(net, near, f"-c 1 {arguments}")
    assert service.stdout.splitlines()[0] == first
    assert service.exit_code == 0


@pytest.mark.parametrize(
    "source,why",
    [
        ("eth7", "ping: SO_BINDTODEVICE eth7: No such device\n"),
        ("9.9.9.9", "ping: bind: Cannot assign requested address\n"),
    ],
)
def test_a_source_that_is_not_there_ends_with_2(lan: tuple[Net, Any, Any], source: str, why: str) -> None:
    net, near, _ = lan
    service = ping(net, near, f"-c 1 -I {source} far")
    assert (service.exit_code, service.stdout, service.stderr) == (2, "", why)


def test_the_total_time_ends_with_the_last_request_and_nothing_answered_leaves_an_empty_line(
    lan: tuple[Net, Any, Any],
) -> None:
    net, near, far = lan
    net.partition([near], [far])
    one, two = ping(net, near, "-c 1 -W 1 10.0.0.2"), ping(net, near, "-c 2 -W 1 10.0.0.2")
    assert one.stdout.endswith("1 packets transmitted, 0 received, 100% packet loss, time 0ms\n\n")
    assert two.stdout.endswith("100% packet loss, time 1000ms\n\n")


def test_a_broadcast_is_warned_of(lan: tuple[Net, Any, Any]) -> None:
    net, near, _ = lan
    refused = ping(net, near, "-c 1 -W 1 10.0.0.255")
    assert refused.exit_code == 2 and "Do you want to ping broadcast? Then -b." in refused.stderr
    allowed = ping(net, near, "-b -c 1 -W 1 10.0.0.255")
    assert allowed.stderr == "WARNING: pinging broadcast address\n"
    assert "1 packets transmitted" in allowed.stdout


def test_an_answer_is_no_duplicate_when_its_number_comes_round_again(lan: tuple[Net, Any, Any]) -> None:
    _, near, _ = lan

    def begin_anew() -> str:
        run = Ping(read_arguments(["-c", "65539", "10.0.0.2"]), "10.0.0.2")
        run.transmitted = run.received = 65_536
        run.seen = dict.fromkeys(range(65_536), True)
        run.run()
        return f"{run.transmitted} {run.received} {run.duplicates}"

    service = near.run(begin_anew, root=True, stdin="")
    service.wait()
    assert service.result == "65539 65539 0"
