"""The commands besides `run`."""

import json

import pytest


def test_help_names_what_is_built_and_nothing_else(netarium):
    done = netarium("--help")
    assert done.code == 0
    for command in ("run", "demo", "check", "shell", "schema", "ports", "chat", "files", "explain"):
        assert f"│ {command} " in done.stdout
    for later in ("ui",):
        assert f"│ {later} " not in done.stdout


def test_help_of_run_comes_from_its_own_parser(netarium):
    for words in (["run", "--help"], ["run", "-h"]):
        assert "--check-determinism" in netarium(*words).stdout


def test_version(netarium):
    assert netarium("--version").stdout in (
        "netarium 0.1.0 (pure Python)\n",
        "netarium 0.1.0 (compiled)\n",
    )


def test_an_unknown_command_is_exit_2(netarium):
    done = netarium("chek")
    assert done.code == 2
    assert "No such command 'chek'" in done.stderr


def test_check_says_that_a_lab_is_sound_and_names_its_domains(netarium, tmp_path):
    (tmp_path / "lab.yaml").write_text(
        "nodes:\n  r: {kind: router, interfaces: {x: 10.0.0.1/24, y: 10.0.1.1/24}}\n"
        "  a: {kind: host, address: 10.0.0.2/24, gateway: 10.0.0.1}\n"
        "  b: {kind: host, address: 10.0.1.2/24, gateway: 10.0.1.1}\n  s: {kind: switch}\n"
        "links:\n  - [r:x, s]\n  - [a, s]\n  - [r:y, b]\n"
    )
    done = netarium("check", "lab.yaml", "--domains")
    assert (done.code, done.stderr) == (0, "")
    assert done.stdout == (
        "lab.yaml: sound: 4 nodes, 3 links, 0 programs\n"
        "2 broadcast domains\n"
        "  broadcast domain 1: r, a, s (10.0.0.0/24)\n"
        "  broadcast domain 2: r, b (10.0.1.0/24)\n"
        "3 collision domains (each cable, joined by hubs; with full duplex, as here, nothing collides)\n"
        "  collision domain 1: r:x, s:p1\n"
        "  collision domain 2: a:eth0, s:p2\n"
        "  collision domain 3: r:y, b:eth0\n"
    )


def test_check_names_vlans_and_hubs_and_notices_a_loop(netarium, tmp_path):
    (tmp_path / "lab.yaml").write_text(
        "nodes:\n  one: {kind: switch, ports: {p1: {vlan: 10}, p2: {vlan: 20}}}\n  h: {kind: hub}\n"
        "  two: {kind: switch}\n  a: {kind: host, address: 10.0.0.1/24}\n  b: {kind: host, address: 10.0.0.1/24}\n"
        "links:\n  - [a, h]\n  - [h, one:p1]\n  - [b, one:p2]\n  - [h, two]\n  - [h, two]\n"
    )
    done = netarium("check", "lab.yaml", "--domains")
    assert done.code == 0
    assert "h:p4--two:p2 closes a loop of switches" in done.stderr
    assert done.stdout == (
        "lab.yaml: sound: 5 nodes, 5 links, 0 programs\n"
        "2 broadcast domains\n"
        "  broadcast domain 1, VLAN 10: one, h, two, a (10.0.0.0/24)\n"
        "  broadcast domain 2, VLAN 20: one, b (10.0.0.0/24)\n"
        "2 collision domains (each cable, joined by hubs; with full duplex, as here, nothing collides)\n"
        "  collision domain 1: a:eth0, one:p1, two:p1, two:p2 (hub h)\n"
        "  collision domain 2: b:eth0, one:p2\n"
    )


def test_schema_is_json(netarium):
    assert json.loads(netarium("schema").stdout)["title"] == "Netarium lab file"


@pytest.mark.parametrize(
    ("what", "code", "text"),
    [
        ("22", 0, "ssh              22/tcp\n"),
        ("domain", 0, "domain           53/tcp\ndomain           53/udp\n"),
        ("htp", 1, "netarium: no service is called 'htp'; did you mean 'http'?\n"),
        ("4", 1, "netarium: 4 has no well-known service\n"),
        ("70000", 1, "netarium: 70000 is no port number: they go from 0 to 65535\n"),
        (
            "lab.yaml",
            1,
            "netarium: no service is called 'lab.yaml'; give a service's name, such as http or mysql, "
            "or a port number, such as 3306\n",
        ),
    ],
)
def test_ports(netarium, what, code, text):
    done = netarium("ports", what)
    assert (done.code, done.stdout + done.stderr) == (code, text)


def test_ports_alone_prints_the_whole_table_in_order(netarium):
    done = netarium("ports")
    assert done.code == 0
    lines = done.stdout.splitlines()
    numbers = [int(line.split()[1].partition("/")[0]) for line in lines]
    assert numbers == sorted(numbers) and len(numbers) > 50
    assert {"ssh              22/tcp", "domain           53/udp", "mysql            3306/tcp"} <= set(lines)
