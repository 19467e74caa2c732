"""What is about nothing stands where its place has to do with the chapter: program starts, what they print."""

from __future__ import annotations

from pathlib import Path

from tests.story.both_languages import Told, told

from netarium import Net
from netarium.story.language import Language
from netarium.story.telling import Story


def chapters(story: Told) -> dict[str, list[str]]:
    found = Story(story.trace, Language.load("en")).chapters()
    return {f"{each.number} {each.title}": [step.kind for step in each.steps] for each in found}


def test_a_program_that_prints_first_begins_the_chapter_of_what_it_does(tmp_path: Path) -> None:
    net = Net(seed=2)
    net.host("a", address="10.0.0.1/24")
    net.host("b", address="10.0.0.2/24")
    net.link("a", "b")
    net["a"].run("ping -c 1 10.0.0.2", at="1s")
    found = chapters(told(net, tmp_path, net.run))
    assert list(found) == ["1 A ping: a asks b"]
    assert found["1 A ping: a asks b"][:2] == ["program-started", "printed"]


def test_what_a_host_prints_does_not_stand_among_what_the_switches_do(tmp_path: Path) -> None:
    net = Net(seed=2)
    one, two = (net.switch(name, spanning_tree="rstp") for name in ("one", "two"))
    net.link(one, two)
    net.host("a", address="10.0.0.1/24", link=one)
    net["a"].run(lambda: print("here I am"), at="1ms")
    found = chapters(told(net, tmp_path, lambda: net.drive(5 * 10**9, lambda: False)))
    (tree,) = [
        kinds for title, kinds in found.items() if title.endswith("The switches agree on a spanning tree")
    ]
    assert set(tree) == {"tree-port"}
    (alone,) = [kinds for title, kinds in found.items() if title.endswith("Meanwhile")]
    assert alone == ["program-started", "printed", "program-ended"]


def test_what_a_server_does_before_it_listens_does_not_begin_its_chapter_anew(tmp_path: Path) -> None:
    net = Net(seed=2)
    net.host("a", address="10.0.0.1/24")
    net["a"].run("python -m http.server 8000", daemon=True)
    found = chapters(told(net, tmp_path, lambda: net.drive(10**9, lambda: False)))
    first, second = found.items()
    assert first[0] == "1 A program takes a port and waits: a, port 8000"
    assert first[1] == ["program-started", "call", "call", "printed"]
    assert set(second[1]) == {"name-stage"}


def test_what_a_host_has_and_lacks_when_it_is_switched_on_and_what_a_lease_gives(tmp_path: Path) -> None:
    net = Net(seed=2)
    switch = net.switch("s")
    net.host("late", address="10.0.0.3/24", boot="1s", link=switch)
    net.router("r", interfaces={"lan": "10.0.0.1/24"}, dhcp={"lan": {"range": "10.0.0.100-10.0.0.110"}})
    net.link(switch, "r:lan")
    net.host("pc", address="dhcp", boot="2s", link=switch)
    story = told(net, tmp_path, lambda: net.drive(10 * 10**9, lambda: False))
    late, pc = story.texts("boot")
    assert late == "late is switched on. Its addresses: 10.0.0.3/24. It has no gateway, no DNS server."
    assert pc == "pc is switched on. It has no IP address and no mask, no gateway, no DNS server."
    (ack,) = [each.text for each in story.of("dhcp", "r") if each.values["name"] == "DHCPACK"]
    assert ack.endswith(' s. Mask 255.255.255.0, gateway 10.0.0.1."')
