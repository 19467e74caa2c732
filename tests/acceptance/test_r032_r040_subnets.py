"""R032, R035 to R040: what a mask says, through `netarium subnet` and on a running net."""

from __future__ import annotations

import json

import pytest

from netarium.cli.main import main
from netarium.lab.net import Net


def ask(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    """What `netarium subnet --lang en WORDS` prints; its errors where it refuses."""
    assert main(["subnet", "--lang", "en", *words]) == code
    printed = capsys.readouterr()
    return printed.err if code else printed.out


def value(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, object]:
    """The object of `--json`."""
    found = json.loads(ask(capsys, *words, "--json"))
    assert isinstance(found, dict)
    return found


def test_r032_a_block_of_256_addresses_has_room_for_254_hosts(capsys: pytest.CaptureFixture[str]) -> None:
    text = ask(capsys, "192.168.15.0/24")
    assert "256: 192.168.15.0 to 192.168.15.255" in text
    assert "254: 192.168.15.1 to 192.168.15.254" in text
    assert "This is the network address itself" in text
    assert "This is the broadcast address" in ask(capsys, "192.168.15.255/24")


def test_r032_a_host_cannot_have_the_first_or_the_last() -> None:
    for address in ("192.168.15.0/24", "192.168.15.255/24"):
        with pytest.raises(Exception, match=address.partition("/")[0]):
            Net().host("a", address=address)


def test_r035_without_a_mask_the_network_part_is_unknown(capsys: pytest.CaptureFixture[str]) -> None:
    refusal = ask(capsys, "192.168.15.46", code=2)
    assert "192.168.15.46 has no mask" in refusal
    assert "192.168.15.46/24" in refusal


@pytest.mark.parametrize(
    ("length", "network", "host_part", "hosts"),
    [
        (24, "192.168.15.0", "0.0.0.46", 254),
        (31, "192.168.15.46", "0.0.0.0", 2),
        (32, "192.168.15.46", "0.0.0.0", 1),
    ],
)
def test_r035_with_a_mask_both_parts_are_arithmetic(
    capsys: pytest.CaptureFixture[str], length: int, network: str, host_part: str, hosts: int
) -> None:
    found = value(capsys, f"192.168.15.46/{length}")["address"]
    assert isinstance(found, dict)
    rows = {row["name"]: row["address"] for row in found["rows"]}
    assert (rows["network"], rows["host_part"], found["block"]["hosts"]) == (network, host_part, hosts)


def test_r036_classes_by_the_first_bits(capsys: pytest.CaptureFixture[str]) -> None:
    addresses = ["10.0.0.1", "172.16.0.1", "192.168.1.1", "224.0.0.1", "240.0.0.1", "127.0.0.1", "0.0.0.0"]
    rows = value(capsys, "--kind", *addresses)["kinds"]
    assert isinstance(rows, list)
    assert [row["class"] for row in rows] == ["A", "B", "C", "D", "E", "A", "A"]
    assert [row["kind"] for row in rows] == [
        "private",
        "private",
        "private",
        "multicast",
        "reserved",
        "loopback",
        "this_network",
    ]
    text = ask(capsys, "--kind", *addresses)
    assert "since 1993 (CIDR) the mask alone" in text
    assert "127.0.0.0/8 lies in class A by its first bit, but is reserved" in text


def test_r037_prefix_to_mask_and_back_for_0_to_32(capsys: pytest.CaptureFixture[str]) -> None:
    rows = value(capsys, "--mask", "all")["masks"]
    assert isinstance(rows, list)
    assert [row["length"] for row in rows] == list(range(33))
    for row in rows:
        bits = "1" * row["length"] + "0" * (32 - row["length"])
        assert row["bits"].replace(".", "") == bits
        assert row["mask"] == ".".join(str(int(bits[at : at + 8], 2)) for at in range(0, 32, 8))
        back = value(capsys, "--mask", row["mask"])["masks"]
        assert isinstance(back, list)
        assert back[0]["length"] == row["length"]


@pytest.mark.parametrize(
    "words", [("--mask", "255.0.255.0"), ("10.0.0.1", "255.0.255.0"), ("10.0.0.1/255.0.255.0",)]
)
def test_r037_a_mask_with_a_hole_is_refused(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    assert "255.0.255.0 is no mask: its ones must stand before its zeros" in ask(capsys, *words, code=2)


def test_r038_the_and_of_192_168_15_46(capsys: pytest.CaptureFixture[str]) -> None:
    lines = ask(capsys, "192.168.15.46", "255.255.255.0").splitlines()
    assert "11000000.10101000.00001111.00101110" in lines[0]
    assert "255.255.255.0" in lines[1]
    assert "11111111.11111111.11111111.00000000" in lines[1]
    assert "192.168.15.0 " in lines[2]
    assert "11000000.10101000.00001111.00000000" in lines[2]
    text = ask(capsys, "192.168.15.46/24", "192.168.15.30")
    assert "192.168.15.0 = 192.168.15.0: same network" in text


def test_r039_both_addresses_give_172_16_10_0_with_8_digits_an_octet(
    capsys: pytest.CaptureFixture[str],
) -> None:
    verdicts = value(capsys, "172.16.10.1/24", "172.16.10.2/24")["verdicts"]
    assert isinstance(verdicts, list)
    assert [(each["own_network"], each["other_network"]) for each in verdicts] == [("172.16.10.0",) * 2] * 2
    text = ask(capsys, "172.16.10.1/24", "172.16.10.2/24")
    for bits in ("10101100.00010000.00001010.00000010", "10101100.00010000.00001010.00000000"):
        assert bits in text
    shown = [row["bits"].split(".") for each in verdicts for row in each["rows"]]
    assert all(len(octet) == 8 for octets in shown for octet in octets)


def test_r040_a_24_splits_into_four_26(capsys: pytest.CaptureFixture[str]) -> None:
    for into in ("4", "/26"):
        parts = value(capsys, "192.168.1.0/24", "--split", into)["split"]
        assert isinstance(parts, list)
        assert [
            (each["prefix"], each["first_host"], each["last_host"], each["broadcast"]) for each in parts
        ] == [
            ("192.168.1.0/26", "192.168.1.1", "192.168.1.62", "192.168.1.63"),
            ("192.168.1.64/26", "192.168.1.65", "192.168.1.126", "192.168.1.127"),
            ("192.168.1.128/26", "192.168.1.129", "192.168.1.190", "192.168.1.191"),
            ("192.168.1.192/26", "192.168.1.193", "192.168.1.254", "192.168.1.255"),
        ]


def test_r040_each_host_judges_by_its_own_mask(capsys: pytest.CaptureFixture[str]) -> None:
    text = ask(capsys, "192.168.1.10/24", "192.168.1.100/26")
    assert "same network. 192.168.1.10 sends to 192.168.1.100 directly" in text
    assert "different networks. 192.168.1.100 hands the packet to its router" in text
    assert "The two do not agree" in text


def test_r040_the_verdict_is_what_a_host_of_a_net_does() -> None:
    """The host with the wide mask asks for the other's MAC; the one with the narrow mask has no way to it."""
    net = Net(seed=1)
    lan = net.switch("lan")
    wide = net.host("wide", address="192.168.1.10/24", link=lan)
    narrow = net.host("narrow", address="192.168.1.100/26", link=lan)
    refused = narrow.run("ping -c 1 192.168.1.10")
    asked = wide.run("ping -c 1 -W 1 192.168.1.100")
    table = wide.run("ip neigh", after=asked)
    net.run()
    assert "Network is unreachable" in refused.stderr
    assert (refused.exit_code, asked.exit_code) == (2, 1)
    assert "192.168.1.100 dev eth0 lladdr" in table.stdout
