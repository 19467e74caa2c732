"""What is wrong with a lab is said in one message, with file and line and what would be right; nothing is built."""

import pytest

from netarium import LabError, Net

TWO = "nodes:\n  a: {kind: host, address: 10.0.0.1/24}\n  b: {kind: host, address: 10.0.0.2/24}\n"
"""Three lines: what follows begins in line 4."""

# ruff: noqa: E501  (messages stand as they are printed)
CASES = {
    "unknown key at the top": (
        "nodez: {}\nnodes: {}\n",
        "lab.yaml:1: unknown key 'nodez'; did you mean 'nodes'?",
    ),
    "unknown key of a node": (
        "nodes:\n  a:\n    kind: host\n    adress: 10.0.0.1/24\n",
        "lab.yaml:4: unknown key 'adress'; did you mean 'address'?",
    ),
    "unknown key of a link": (
        TWO + "links:\n  - {between: [a, b], dilay: 5ms}\n",
        "lab.yaml:5: unknown key 'dilay'; did you mean 'delay'?",
    ),
    "key of a later version": (
        "nodes:\n  a:\n    kind: host\n    ports: [8080:80]\n",
        "lab.yaml:4: unknown key 'ports'; this version of Netarium does not have it yet",
    ),
    "unknown kind": (
        "nodes:\n  a:\n    kind: hots\n",
        "lab.yaml:3: node a: there is no kind 'hots'; did you mean 'host'?",
    ),
    "no kind": (
        "nodes:\n  a: {address: 10.0.0.1/24}\n",
        "lab.yaml:2: node a has no `kind`; give one of host, switch, hub, router",
    ),
    "duplicate key": (
        "nodes:\n  a: {kind: host}\n  b: {kind: host}\n  a: {kind: host}\n",
        "lab.yaml:4: the key 'a' stands twice in one mapping (first in line 2); keep one of them",
    ),
    "link to a node that is not there": (
        TWO + "links:\n  - [a, c]\n",
        "lab.yaml:5: links[1]: there is no node 'c'; known here: a, b",
    ),
    "link to an interface that is not there": (
        TWO + "links:\n  - [a:eth1, b]\n",
        "lab.yaml:5: links[1]: a has no interface 'eth1'; did you mean 'eth0'?",
    ),
    "interface linked twice": (
        TWO + "  c: {kind: host, address: 10.0.0.3/24}\nlinks:\n  - [a, b]\n  - [c, a]\n",
        "lab.yaml:7: links[2]: a:eth0 is linked twice; it is linked to b:eth0 already",
    ),
    "link to itself": (TWO + "links:\n  - [a, a]\n", "lab.yaml:5: links[1]: both ends of a link are at a; link two nodes"),
    "ambiguous end": (
        TWO + "  r:\n    kind: router\n    interfaces: {x: 10.0.0.3/24, y: 10.0.1.3/24}\nlinks:\n  - [r, a]\n",
        "lab.yaml:8: links[1]: r has several free interfaces; say which: r:x or r:y",
    ),
    "two interfaces with one address": (
        "nodes:\n  s: {kind: switch}\n  a: {kind: host, address: 10.0.0.1/24}\n  b:\n    kind: host\n"
        "    address: 10.0.0.1/24\nlinks:\n  - [a, s]\n  - [b, s]\n",
        "lab.yaml:4: b:eth0 has the address 10.0.0.1/24, which a:eth0 has in the same broadcast domain; give it another "
        "one, or write `duplicate: true` if that is meant",
    ),
    "the network's own address": (
        "nodes:\n  a:\n    kind: host\n    address: 10.0.0.0/24\n",
        "lab.yaml:4: nodes.a: 10.0.0.0/24 is the network's own address of 10.0.0.0/24; an interface's address lies from "
        "10.0.0.1 to 10.0.0.254",
    ),
    "the broadcast address": (
        "nodes:\n  a:\n    kind: host\n    address: 10.0.0.127/25\n",
        "lab.yaml:4: nodes.a: 10.0.0.127/25 is the broadcast address of 10.0.0.0/25; an interface's address lies from "
        "10.0.0.1 to 10.0.0.126",
    ),
    "no address": (
        "nodes:\n  a:\n    kind: host\n    address: 10.0.0.256/24\n",
        "lab.yaml:4: nodes.a: '10.0.0.256' is no IPv4 address: 256 is more than 255; write four numbers of 0 to 255 such "
        "as 192.168.15.68",
    ),
    "no prefix length": (
        "nodes:\n  a: {kind: host, address: 10.0.0.1}\n",
        "lab.yaml:2: nodes.a: '10.0.0.1' has no prefix length; write for example 10.0.0.1/24",
    ),
    "a group's address": (
        "nodes:\n  a: {kind: host, address: 224.0.0.1/24}\n",
        "lab.yaml:2: nodes.a: 224.0.0.1/24 is a multicast address; give an address that a host can have",
    ),
    "an IPv6 group": (
        "nodes:\n  a: {kind: host, address: 'ff02::1/64'}\n",
        "lab.yaml:2: nodes.a: ff02::1/64 is a multicast address; give an address that a host can have",
    ),
    "IPv4 written as IPv6": (
        "nodes:\n  a: {kind: host, address: '::ffff:10.0.0.1/96'}\n",
        "lab.yaml:2: nodes.a: ::ffff:10.0.0.1/96 is an IPv4 address written as IPv6; give one such as 2001:db8::1/64",
    ),
    "gateway elsewhere": (
        "nodes:\n  a:\n    kind: host\n    address: 10.0.0.1/24\n    gateway: 10.0.1.1\n",
        "lab.yaml:5: nodes.a: gateway 10.0.1.1 is in no network of this node (10.0.0.0/24); give a neighbour's address",
    ),
    "duration without unit": (
        TWO + "links:\n  - {between: [a, b], delay: 5}\n",
        "lab.yaml:5: links[1].delay: '5' is no duration; write \"5ms\"",
    ),
    "probability beyond one": (
        TWO + "links:\n  - {between: [a, b], loss: 200%}\n",
        "lab.yaml:5: links[1].loss: '200%' is no fraction; write \"2%\" or 0.02, from 0 to 1",
    ),
    "a word for a boolean": (
        "names: on\nnodes: {}\n",
        "lab.yaml:1: names: 'on' does not fit: it should be a valid boolean",
    ),
    "no such script": (
        TWO + "programs:\n  - on: a\n    run: python nothere.py\n",
        "lab.yaml:6: programs[1].run: there is no script ",
    ),
    "program on no node": (
        TWO + "programs:\n  - {on: c, run: python -m http.server}\n",
        "lab.yaml:5: programs[1]: there is no node 'c'; known here: a, b",
    ),
    "program on a switch": (
        "nodes:\n  s: {kind: switch}\nprograms:\n  - {on: s, run: python -m http.server}\n",
        "lab.yaml:4: programs[1]: s is a layer-2 switch: it has no IP and runs bridge alone, not python -m http.server; run "
        "that on a host, or make the switch one of `layer: 3`",
    ),
    "program on a hub": (
        "nodes:\n  h: {kind: hub}\nprograms:\n  - {on: h, run: bridge fdb}\n",
        "lab.yaml:4: programs[1]: h is a hub and runs no programs; name a host or a router",
    ),
    "program without node": (TWO + "programs:\n  - run: python -m http.server\n", "lab.yaml:5: programs[1] lacks `on`"),
    "after nobody": (
        TWO + "programs:\n  - {on: a, run: python -m http.server, after: bb}\n",
        "lab.yaml:5: programs[1].after: there is no program 'bb'; known here: a",
    ),
    "after each other": (
        TWO + "programs:\n  - {on: a, run: python -m this, after: b}\n  - {on: b, run: python -m this, after: a}\n",
        "lab.yaml:5: programs[1].after: a waits for b waits for a; none of them can start",
    ),
    "after a misspelt condition": (
        TWO + "programs:\n  - {on: a, run: python -m this, after: {listning: 'b:80'}}\n",
        "lab.yaml:5: unknown key 'listning'; did you mean 'listening'?",
    ),
    "cut of no link": (
        TWO + "faults:\n  - {at: 1s, cut: [a, b]}\n",
        "lab.yaml:5: faults[1]: there is no link between a and b; links are none",
    ),
    "two faults in one": (
        TWO + "faults:\n  - {at: 1s, crash: a, boot: b}\n",
        "lab.yaml:5: faults[1]: a fault has one of `cut`, `heal`, `crash`, `boot`, `drop`",
    ),
    "fault without time": (TWO + "faults:\n  - {crash: a}\n", "lab.yaml:5: faults[1]: `crash` needs `at`: when it happens"),
    "no such flag": (
        TWO + "faults:\n  - {drop: {tcp: sin}}\n",
        "lab.yaml:5: faults[1]: 'sin' is no TCP flag; give some of fin, syn, rst, psh, ack, urg, ece, cwr, joined by +",
    ),
    "no mapping": ("- a\n", "lab.yaml:1: a lab file is a mapping with `nodes`, `links` and `programs`"),
    "empty": ("# nothing\n", "lab.yaml: a lab file is a mapping with `nodes`, `links` and `programs`"),
    "no MAC": (
        "nodes:\n  a: {kind: host, address: 10.0.0.1/24, mac: 8080:22}\n",
        "lab.yaml:2: nodes.a: MAC address '8080:22' has 6 hexadecimal digits instead of 12",
    ),
    "no such setting": (
        "nodes:\n  a:\n    kind: host\n    settings: {net.ipv4.ip_forwad: 1}\n",
        "lab.yaml:2: nodes.a: ",
    ),
    "MAC twice": (
        "nodes:\n  a: {kind: host, address: 10.0.0.1/24, mac: 02:00:00:00:00:09}\n"
        "  b: {kind: host, address: 10.0.0.2/24, mac: 02:00:00:00:00:09}\n",
        "lab.yaml:3: nodes.b: MAC address 02:00:00:00:00:09 is in use already",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_one_clear_message_with_file_and_line(case, tmp_path, monkeypatch):
    text, message = CASES[case]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lab.yaml").write_text(text)
    with pytest.raises(LabError) as caught:
        Net.load("lab.yaml")
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_one_address_twice_is_allowed_in_two_broadcast_domains_and_where_it_is_meant(tmp_path):
    lab = tmp_path / "lab.yaml"
    lab.write_text(
        "nodes:\n  r: {kind: router, interfaces: {x: 10.0.0.1/24, y: 10.0.1.1/24}}\n"
        "  a: {kind: host, address: 10.0.0.2/24}\n  b: {kind: host, address: 10.0.0.2/24}\n"
        "  c: {kind: host, address: 10.0.0.2/24, duplicate: true}\n  s: {kind: switch}\n"
        "links:\n  - [r:x, s]\n  - [a, s]\n  - [c, s]\n  - [r:y, b]\n"
    )
    assert list(Net.load(lab).boxes) == ["r", "a", "b", "c", "s"]
