"""`vtysh`, judged by what FRR's own said of such a pair: columns, the keys of JSON in order, commands one by one."""

from __future__ import annotations

import json

import pytest

from netarium import Net

KEYS = [
    "priority", "state", "nbrPriority", "nbrState", "converged", "role", "upTimeInMsec", "deadTimeMsecs",
    "routerDeadIntervalTimerDueMsec", "upTime", "deadTime", "address", "ifaceAddress", "ifaceName",
    "retransmitCounter", "linkStateRetransmissionListCounter", "requestCounter", "linkStateRequestListCounter",
    "dbSummaryCounter", "databaseSummaryListCounter",
]  # fmt: skip
"""FRR 8.4.4, `show ip ospf neighbor json`."""
HEAD = "Neighbor ID     Pri State           Up Time         Dead Time Address         Interface"
LINE = "10.0.2.2          1 Full/DR"


@pytest.fixture
def net() -> Net:
    """r1 in the midst of r0 and r2, for a minute."""
    net = Net(seed=1)
    net.router("r0", interfaces={"e": "10.0.1.2/24"}, routing="ospf")
    net.router("r1", interfaces={"a": "10.0.1.1/24", "b": "10.0.2.1/24"}, routing="ospf")
    net.router("r2", interfaces={"e": "10.0.2.2/24"}, routing="ospf")
    net.link("r0:e", "r1:a")
    net.link("r1:b", "r2:e")
    net.at("60s", lambda: None)
    net.run()
    return net


def said(net: Net, *arguments: str) -> tuple[str, str, int]:
    service = net["r1"].run(["vtysh", *arguments])
    service.wait()
    return service.stdout, service.stderr, service.exit_code


def test_the_columns_are_those_of_frr(net: Net) -> None:
    out, _, code = said(net, "-c", "show ip ospf neighbor")
    lines = out.splitlines()
    assert code == 0 and lines[0] == "" and lines[1].startswith(HEAD)
    times = lines[3][36:61]
    assert lines[3].startswith(LINE) and times.index("s ") < 16 and times.endswith("s"), (
        "Dead Time ends its column"
    )
    assert lines[3][62:].split()[:2] == ["10.0.2.2", "b:10.0.2.1"]


def test_the_keys_of_json_are_those_of_frr(net: Net) -> None:
    found = json.loads(said(net, "-c", "show ip ospf neighbor json")[0])
    assert list(found["neighbors"]) == ["10.0.1.2", "10.0.2.2"]
    (row,) = found["neighbors"]["10.0.2.2"]
    assert list(row) == KEYS
    assert (row["state"], row["nbrState"], row["priority"], row["address"]) == (
        "Full/DR", "Full/DR", 1, "10.0.2.2",
    )  # fmt: skip
    assert row["deadTimeMsecs"] == row["routerDeadIntervalTimerDueMsec"]
    assert row["deadTime"] == f"{row['deadTimeMsecs'] / 1000:.3f}s"
    assert (row["retransmitCounter"], row["requestCounter"], row["dbSummaryCounter"]) == (0, 0, 0)


def test_one_interface_alone(net: Net) -> None:
    out, _, code = said(net, "-c", "show ip ospf neighbor b")
    assert code == 0 and "10.0.2.2" in out and "10.0.1.2" not in out
    (only,) = json.loads(said(net, "-c", "show ip ospf neighbor b json")[0]).items()
    assert (only[0], list(only[1][0])) == ("10.0.2.2", KEYS)
    out, _, code = said(net, "-c", "show ip ospf neighbor nosuch")
    assert code == 0 and len(out.strip().splitlines()) == 1, "the head alone, as of FRR"
    assert said(net, "-c", "show ip ospf neighbor nosuch json") == ("", "", 0)


def test_commands_are_done_one_after_another_up_to_the_first_that_fails(net: Net) -> None:
    out, _, code = said(net, "-c", "show ip ospf neighbor a", "-c", "sh ip ospf nei b")
    assert code == 0 and out.count(HEAD) == 2 and out.index("10.0.1.2") < out.index("10.0.2.2")
    out, error, code = said(
        net, "-c", "show ip ospf neighbor a", "-c", "show ip foo", "-c", "show ip ospf neighbor"
    )
    assert code == 1 and out.count(HEAD) == 1
    assert error.startswith("% Unknown command: show ip foo")


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ("show ip ospf neighbor b foo", "% Unknown command: show ip ospf neighbor b foo"),
        ("show ip ospf neighbor json foo", "% Unknown command: show ip ospf neighbor json foo"),
        ("show", "% Command incomplete: show"),
        ("show ip ospf", "% Command incomplete: show ip ospf"),
        ("json", "% Unknown command: json"),
    ],
)
def test_what_is_not_known_is_refused(net: Net, command: str, error: str) -> None:
    out, said_error, code = said(net, "-c", command)
    assert (out, code) == ("", 1) and said_error.startswith(error)
