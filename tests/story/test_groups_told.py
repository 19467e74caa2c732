"""The story of multicast: who joins a group of its own will; the groups that hosts are in anyway are only counted."""

from __future__ import annotations

import socket
import struct
import time
from pathlib import Path

import pytest
from tests.story.both_languages import told

from netarium import Net


@pytest.mark.parametrize(
    ("group", "english", "chinese"),
    [("239.1.2.3", "IGMP", "IGMP"), ("ff15::77", "MLD", "MLD")],
)
def test_a_program_that_joins_a_group_is_told_and_when_it_leaves(
    tmp_path: Path, group: str, english: str, chinese: str
) -> None:
    net = Net(seed=4)
    for number, name in enumerate("ab", 1):
        net.host(name, address=f"10.0.0.{number}/24", ipv6=True)
    net.link("a", "b")
    family = socket.AF_INET6 if ":" in group else socket.AF_INET

    def join() -> None:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            if family == socket.AF_INET6:
                wanted = socket.inet_pton(family, group) + struct.pack("@I", socket.if_nametoindex("eth0"))
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, wanted)
            else:
                wanted = socket.inet_aton(group) + socket.inet_aton("10.0.0.1")
                sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, wanted)
            time.sleep(3)

    net["a"].run(join)
    story = told(net, tmp_path, lambda: net.drive(6 * 10**9, lambda: False))
    for language, protocol in (("english", english), ("chinese", chinese)):
        joined, left = story.of("group", language=language)
        assert (joined.place, left.place) == ("a", "a") and joined.time_ns < left.time_ns
        for step in (joined, left):
            assert group in step.text and protocol in step.text and step.frames
        assert any("01:00:5e" in note for note in joined.notes)
