"""Who counts as slow, who sees what once, and who may take how many names."""

from __future__ import annotations

import pytest
from tests.apps.chat_world import FakeLink, World, resume, texts

from netarium.apps.chat import verbs
from netarium.apps.chat.conversation import Conversation
from netarium.apps.chat.rules import PROTOCOL
from netarium.apps.framing import Message


def test_who_has_read_everything_is_not_slow_however_much_comes_in_one_turn() -> None:
    world = World(queue_bytes=10_000)
    ann, bob = world.join("ann"), world.join("bob")
    bob.got()
    for number in range(1, 31):
        verbs.receive(world.hub, ann, {"type": "say", "id": number, "room": "lobby", "text": "x" * 2000})
    world.hub.flush()
    assert len(texts(bob.got())) == 30 and not bob.closing


@pytest.mark.parametrize("room", ["lobby", "other"])
def test_who_joins_while_catching_up_sees_every_message_once_and_in_order(room: str) -> None:
    world = World(messages_per_second=0)
    ann, bob = Conversation("ann", "lobby"), world.join("bob")
    world.do(bob, type="join", room="other")
    shown: list[int] = []

    def deliver(link: FakeLink) -> None:
        world.hub.flush()
        for message in link.got():
            reaction = ann.receive(message)
            for reply in reaction.send:
                verbs.receive(world.hub, link, reply)
            event = reaction.show or {}
            shown.extend([event["n"]] if event.get("type") == "message" else [])
            shown.extend(item["n"] for item in event.get("messages", []))

    link = world.link()
    verbs.receive(world.hub, link, ann.hello())
    for _ in range(3):
        deliver(link)
    world.do(bob, type="say", id=1, room="lobby", text="one")
    deliver(link)
    world.hub.detach(link)
    for number in range(600):
        world.do(bob, type="say", id=number + 2, room="lobby", text="x")
    link = world.link()
    verbs.receive(world.hub, link, ann.hello())
    verbs.receive(world.hub, link, {"type": "join", "room": room})
    for _ in range(20):
        deliver(link)
        world.hub.catch_up(link.session)
    assert shown == list(range(1, 602))


def test_who_comes_and_goes_without_end_cannot_take_all_names() -> None:
    world = World(clients=100, grace=60.0)

    def come(name: str, network: str) -> tuple[FakeLink, Message]:
        link = world.link()
        link.network = network
        return link, world.do(link, type="hello", protocol=PROTOCOL, version=1, name=name)[0]

    secrets = []
    for number in range(10):
        link, reply = come(f"g{number}", "192.0.2.1")
        secrets.append(reply["session"])
        world.hub.detach(link)
    assert come("one-more", "192.0.2.1")[1]["code"] == "too-many-lost"
    assert come("other", "192.0.2.2")[1]["type"] == "welcome"
    resume(world, secrets[0], 0)  # who comes back is no new one, and makes room
    assert come("one-more", "192.0.2.1")[1]["type"] == "welcome"
    world.now += 61
    world.hub.tick()
    assert world.hub._away == {}
