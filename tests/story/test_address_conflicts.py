"""The story of one address that two hosts have, or want."""

from __future__ import annotations

from pathlib import Path

from tests.story.both_languages import Told, told

from netarium import Net
from netarium.story.language import Language
from netarium.story.telling import Story


def titles(story: Told) -> list[str]:
    return [chapter.title for chapter in Story(story.trace, Language.load("en")).chapters()]


def lan(*addresses: str) -> Net:
    net = Net(seed=2)
    switch = net.switch("s")
    for name, address in zip("abc", addresses, strict=True):
        net.host(name, address=address, duplicate=name == "c")
        net.link(switch, name)
    return net


def test_two_answers_with_different_macs_are_a_conflict_with_a_chapter_of_its_own(tmp_path: Path) -> None:
    net = lan("10.0.0.1/24", "10.0.0.2/24", "10.0.0.2/24")
    net["a"].run("ping -c 1 10.0.0.2", at="5s")
    story = told(net, tmp_path, net.run)
    (conflict,) = story.of("address-conflict")
    assert conflict.values["hosts"] == ["b", "c"] and conflict.values["in_use"]
    assert conflict.text.startswith("b and c both answer for 10.0.0.2, each with its own MAC address (02:")
    assert "An address conflict: two hosts want 10.0.0.2" in titles(story)
    assert "A ping: a asks 10.0.0.2" in titles(story), "nobody can say whom"


def test_who_asks_itself_is_named_by_where_it_asks(tmp_path: Path) -> None:
    net = lan("10.0.0.1/24", "10.0.0.2/24", "10.0.0.2/24")
    net["b"].run("ping -c 1 10.0.0.1", at="1s")
    story = told(net, tmp_path, lambda: net.run(until="5s"))
    assert "A ping: b asks a" in titles(story)


def test_an_ipv6_address_somebody_has_is_not_used(tmp_path: Path) -> None:
    net = Net(seed=2)
    switch = net.switch("s")
    net.host("a", address="2001:db8::2/64")
    net.host("b", address="2001:db8::2/64", duplicate=True, boot="5s")
    for name in "ab":
        net.link(switch, name)
    story = told(net, tmp_path, lambda: net.drive(10 * 10**9, lambda: False))
    (conflict,) = story.of("address-conflict")
    assert conflict.text.startswith("b wants 2001:db8::2, and a answers that it has it already (at 02:")
    (failed,) = [step for step in story.of("ipv6-address", "b") if step.values["state"] == "failed"]
    assert failed.text == "Somebody else has 2001:db8::2: b does not use it."
    assert titles(story).count("An address conflict: two hosts want 2001:db8::2") == 1
    assert not any(step.values["address"] == "::1" for step in story.of("ipv6-address"))


def test_what_a_host_has_is_told_at_the_moment_it_has_it(tmp_path: Path) -> None:
    net = Net(seed=2)
    net.router("r", interfaces={"one": "2001:db8:1::1/64"}, advertise={"one": {}})
    net.host("a", interfaces={"eth0": None}, ipv6=True)
    net.link("r:one", "a")
    story = told(net, tmp_path, lambda: net.drive(5 * 10**9, lambda: False))
    order = [
        (each.time_ns, each.kind)
        for each in story.english
        if each.place == "a"
        and (each.kind == "configured" or each.values.get("address", "").startswith("2001:"))
        and each.values.get("state") != "tentative"
    ]
    used = [time_ns for time_ns, kind in order if kind == "ipv6-address"]
    assert [time_ns for time_ns, kind in order if kind == "configured"][-1] == used[-1]
    assert [kind for _, kind in order[-2:]] == ["ipv6-address", "configured"]
