"""The chat server's logic, without sockets: links are lists."""

from __future__ import annotations

import json
import random

import pytest
from tests.apps.chat_world import FakeLink, World, resume, texts

from netarium.apps.chat import verbs
from netarium.apps.chat.conversation import Conversation
from netarium.apps.chat.hub import Hub
from netarium.apps.chat.packet import WEB, frame_text
from netarium.apps.chat.rules import PROTOCOL, Bucket, Limits
from netarium.apps.chat.store import Store, StoreError
from netarium.apps.framing import FrameReader, FramingError, Message, decode_json


def test_a_message_reaches_everybody_in_the_room_and_nobody_else() -> None:
    world = World()
    ann, bob, eve = world.join("ann"), world.join("bob"), world.join("eve", "other")
    ann.got()
    reply = world.do(ann, type="say", id=1, room="lobby", text="hi")
    assert texts(reply) == ["hi"] and reply[-1] == {"type": "ack", "id": 1}
    assert texts(bob.got()) == ["hi"]
    assert texts(eve.got()) == []


def test_joining_and_leaving_is_told_to_the_room() -> None:
    world = World()
    ann, bob = world.join("ann"), world.join("bob")
    assert {"type": "joined", "room": "lobby", "name": "bob"} in ann.got()
    world.do(bob, type="leave", room="lobby")
    assert ann.got() == [{"type": "left", "room": "lobby", "name": "bob"}]
    world.do(bob, type="join", room="lobby")
    world.do(bob, type="quit")
    assert [m["type"] for m in ann.got()] == ["joined", "left"]
    assert bob.finished


def test_a_late_joiner_gets_the_history_of_the_room() -> None:
    world = World()
    ann = world.join("ann")
    for number in range(1, 61):
        world.do(ann, type="say", id=number, room="lobby", text=f"m{number}")
    link, _ = world.hello("bob")
    entered = world.do(link, type="join", room="#Lobby")[0]
    assert [item["text"] for item in entered["messages"]] == [f"m{n}" for n in range(11, 61)]
    assert entered["more"] and entered["names"] == ["ann", "bob"]
    earlier = world.do(link, type="history", room="lobby", before=entered["messages"][0]["n"])[0]
    assert [item["text"] for item in earlier["messages"]] == [f"m{n}" for n in range(1, 11)] and not earlier[
        "more"
    ]


def test_a_private_message_is_for_two() -> None:
    world = World()
    ann, bob, eve = world.join("ann"), world.join("bob"), world.join("eve")
    for link in (ann, bob, eve):
        link.got()
    assert texts(world.do(ann, type="tell", id=1, to="BOB", text="psst")) == ["psst"]
    assert [(m["from"], m["to"]) for m in bob.got()] == [("ann", "bob")]
    assert eve.got() == []
    assert world.do(ann, type="tell", id=2, to="nobody", text="x")[0]["code"] == "nobody"


def test_an_id_seen_before_is_acknowledged_and_not_said_again() -> None:
    world = World()
    ann = world.join("ann")
    world.do(ann, type="say", id=1, room="lobby", text="once")
    assert world.do(ann, type="say", id=1, room="lobby", text="once") == [{"type": "ack", "id": 1}]
    assert world.do(ann, type="say", id=3, room="lobby", text="gap")[0]["code"] == "bad-order"
    assert ann.finished


def test_a_resumed_session_gets_what_it_missed_and_its_place() -> None:
    world = World()
    ann = world.join("ann")
    bob, welcome = world.hello("bob")
    world.do(bob, type="join", room="lobby")
    world.hub.detach(bob)
    for number in range(1, 501):
        world.do(ann, type="say", id=number, room="lobby", text=f"m{number}")
    world.do(ann, type="tell", id=501, to="bob", text="psst")
    assert not any(m["type"] == "left" for m in ann.got())
    link = world.link()
    fields = {"protocol": PROTOCOL, "version": 1, "session": welcome["session"], "after": welcome["at"]}
    again, *first_pages = world.do(link, type="hello", **fields)
    assert again["resumed"] and again["rooms"] == ["lobby"]
    found = texts(first_pages)
    for _ in range(10):
        found += texts(link.got())
        world.hub.catch_up(link.session)
        world.hub.flush()
    assert found == [f"m{n}" for n in range(1, 501)] + ["psst"]
    world.do(ann, type="say", id=502, room="lobby", text="live")
    assert texts(link.got()) == ["live"]


def test_a_lost_client_leaves_after_the_grace_and_may_still_resume() -> None:
    world = World(grace=60.0)
    ann = world.join("ann")
    bob, welcome = world.hello("bob")
    world.do(bob, type="join", room="lobby")
    world.hub.detach(bob)
    ann.got()
    world.now += 61
    world.hub.tick()
    world.hub.flush()
    assert ann.got() == [{"type": "left", "room": "lobby", "name": "bob", "why": "connection lost"}]
    other, _ = world.hello("bob")  # the name is free now
    assert other.session is not None
    world.do(ann, type="say", id=1, room="lobby", text="missed")
    link = world.link()
    fields = {"protocol": PROTOCOL, "version": 1, "session": welcome["session"], "after": welcome["at"]}
    again, *rest = world.do(link, type="hello", **fields)
    assert again["name"] == "bob-2" and again["rooms"] == ["lobby"]
    assert texts(rest) == ["missed"]
    assert {"type": "joined", "room": "lobby", "name": "bob-2"} in ann.got()


def test_names_clash_without_regard_to_case_and_a_free_one_is_told() -> None:
    world = World()
    world.join("Ann")
    _, reply = world.hello("aNN")
    assert reply["code"] == "name-taken" and "aNN-2 is free" in reply["text"]


@pytest.mark.parametrize(
    "name", ["", "   ", "a" * 33, "a b", "a\x1b[2J", "../x", "-_-", "a\u202eb", "a\u200db", "\ud800"]
)
def test_bad_names_are_refused(name: str) -> None:
    assert World().hello(name)[1]["code"] == "bad-name"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"text": ""}, "empty"),
        ({"text": "  \t "}, None),  # a tab becomes a picture: there is something to see
        ({"text": "   "}, "empty"),
        ({"text": "a" * 2001}, "long"),
        ({"room": "elsewhere", "text": "x"}, "not-in-room"),
        ({"text": 5}, "bad-message"),
        ({"id": True, "text": "x"}, "bad-message"),
        ({"id": -1, "text": "x"}, "bad-message"),
        ({"id": "1", "text": "x"}, "bad-message"),
    ],
)
def test_bad_texts_are_refused_with_a_code(fields: dict, code: str | None) -> None:
    world = World()
    ann = world.join("ann")
    replies = world.do(ann, **{"type": "say", "id": 1, "room": "lobby", **fields})
    assert next((m["code"] for m in replies if m["type"] in ("error", "bye")), None) == code


def test_control_characters_are_neutralised_before_anybody_gets_them() -> None:
    world = World()
    ann = world.join("ann")
    assert texts(world.do(ann, type="say", id=1, room="lobby", text="a\x1b[31m\nb\ud800")) == [
        "a␛[31m␊b\ufffd"
    ]


def test_a_slow_reader_is_dropped_with_a_reason_and_the_others_go_on() -> None:
    world = World(queue_bytes=10_000)
    ann, bob = world.join("ann"), world.join("bob")
    bob.got()
    bob.stuck_bytes = 10_001
    world.do(ann, type="say", id=1, room="lobby", text="x")
    assert [m["code"] for m in bob.got() if m["type"] == "bye"] == ["slow"]
    assert bob.finished and any("slow" in line for line in world.lines)
    assert texts(world.do(ann, type="say", id=2, room="lobby", text="y")) == ["y"]


def test_the_token_is_wanted_and_never_logged() -> None:
    world = World()
    world.hub.token = "opensesame"
    for offered in ({}, {"token": "wrong"}, {"token": ["opensesame"]}, {"token": None}):
        link, reply = world.hello("ann", **offered)
        assert reply["type"] == "bye" and reply["code"] == "token" and link.finished
    assert world.hello("ann", token="opensesame")[1]["type"] == "welcome"
    assert not any(
        "wrong" in line.replace("token is wrong", "") or "opensesame" in line for line in world.lines
    )


def test_a_full_server_says_so() -> None:
    world = World(clients=1)
    world.join("ann")
    link = world.link()
    world.hub.flush()
    assert link.got()[0]["code"] == "full"


def test_who_comes_again_replaces_the_old_connection() -> None:
    world = World()
    old, welcome = world.hello("ann")
    new, again = world.hello("ann", session=welcome["session"], after=0)
    assert again["resumed"] and old.got()[-1]["code"] == "replaced" and old.finished
    assert new.session is not None and new.session.link is new


def test_a_browser_gets_the_same_bytes_in_websocket_frames() -> None:
    world = World()
    ann, bob = world.join("ann"), world.join("bob")
    web, pieces = world.link(), []
    web.kind, web.write = WEB, pieces.append  # type: ignore[method-assign]
    world.do(web, type="hello", protocol=PROTOCOL, version=1, name="web")
    world.do(web, type="join", room="lobby")
    pieces.clear()
    bob.got()
    world.do(ann, type="say", id=1, room="lobby", text="hi" * 100)
    (message,) = bob.got()[-1:]
    assert decode_json(pieces[0][4:]) == message
    assert pieces[0][:2] == b"\x81\x7e"
    assert frame_text(b"x") == b"\x81\x01x" and frame_text(b"y" * 70000)[:10] == b"\x81\x7f" + (
        70000
    ).to_bytes(8, "big")


def test_a_client_that_talks_too_fast_is_made_to_wait_and_loses_nothing() -> None:
    bucket = Bucket(10.0, 5.0)
    assert [bucket.delay(1.0) for _ in range(5)] == [0.0] * 5
    assert bucket.delay(1.0) == pytest.approx(0.1)
    assert bucket.delay(2.0) == 0.0


def test_two_servers_cannot_use_one_file(tmp_path) -> None:
    first = Store(tmp_path / "a.db")
    with pytest.raises(StoreError, match="another server"):
        Store(tmp_path / "a.db")
    first.close()
    (tmp_path / "b.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreError, match="is it a chat database"):
        Store(tmp_path / "b.db")


def test_numbers_never_come_back_even_when_old_messages_are_deleted(tmp_path) -> None:
    store = Store(tmp_path / "a.db")
    for number in range(1, 6):
        assert store.add(float(number), "lobby", "ann", 1, None, None, "x") == number
    store.prune(100.0, 100.0)
    store.close()
    assert Store(tmp_path / "a.db").last_n == 5


def test_who_resumes_in_the_turn_a_message_comes_in_gets_it_once() -> None:
    world = World()
    ann = world.join("ann")
    bob, welcome = world.hello("bob")
    world.do(bob, type="join", room="lobby")
    world.hub.detach(bob)
    verbs.receive(world.hub, ann, {"type": "say", "id": 1, "room": "lobby", "text": "now"})
    link, _ = resume(world, welcome["session"], welcome["at"])
    verbs.receive(world.hub, ann, {"type": "say", "id": 2, "room": "lobby", "text": "then"})
    world.hub.flush()
    assert texts(link.got()) == ["now", "then"]


def test_a_message_that_comes_between_two_pages_is_sent_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netarium.apps.chat.hub.PAGE_MESSAGES", 2)
    world = World()
    ann = world.join("ann")
    bob, welcome = world.hello("bob")
    world.do(bob, type="join", room="lobby")
    world.hub.detach(bob)
    for number in (1, 2):
        world.do(ann, type="say", id=number, room="lobby", text=str(number))
    link, _ = resume(world, welcome["session"], welcome["at"])
    world.hub.flush()
    verbs.receive(world.hub, ann, {"type": "say", "id": 3, "room": "lobby", "text": "3"})
    world.hub.catch_up(link.session)
    world.hub.flush()
    assert texts(link.got()) == ["1", "2", "3"]


def test_what_was_said_before_one_joined_is_history_and_not_missed() -> None:
    world = World()
    ann = world.join("ann")
    bob, welcome = world.hello("bob")
    world.do(ann, type="say", id=1, room="lobby", text="before")
    world.do(bob, type="join", room="lobby")
    world.hub.detach(bob)
    world.do(ann, type="say", id=2, room="lobby", text="after")
    link, _ = resume(world, welcome["session"], 0)  # the client never saw that it had joined
    world.hub.flush()
    assert texts(link.got()) == ["after"]


def test_a_client_shows_no_number_twice() -> None:
    conversation = Conversation("ann", "lobby")
    message = {"type": "message", "n": 7, "room": "lobby", "from": "bob", "text": "x", "time": 0}
    assert conversation.receive(message).show == message
    assert conversation.receive(message).show is None
    again = conversation.receive(
        {"type": "entered", "room": "lobby", "messages": [message], "at": 7, "names": []}
    )
    assert again.show is not None and again.show["messages"] == []


def test_when_messages_cannot_be_written_nothing_goes_out(tmp_path) -> None:
    world = World(Store(tmp_path / "a.db"))
    ann, bob = world.join("ann"), world.join("bob")
    bob.got()
    world.hub.store._database.execute("PRAGMA max_page_count=1")  # the disk is full
    with pytest.raises(StoreError, match="cannot be written"):
        for number in range(1, 100):
            verbs.receive(world.hub, ann, {"type": "say", "id": number, "room": "lobby", "text": "x" * 2000})
            world.hub.flush()
            assert texts(bob.got()) == ["x" * 2000]  # what did go out was on file
    assert bob.got() == []
    world.hub.store._database.close()


# Resume against breaks at any moment: two conversations, links that lose what is under way.


class Wire:
    """One client joined to the hub by two queues of bytes; a break loses what is in them."""

    def __init__(self, world: World, conversation: Conversation) -> None:
        self.world, self.conversation = world, conversation
        self.shown: list[Message] = []
        self.link: FakeLink | None = None
        self.up: list[Message] = []

    def connect(self) -> None:
        self.link, self.up = self.world.link(), [self.conversation.hello()]

    def cut(self, server_knows: bool) -> None:
        if self.link is not None and server_knows:
            self.world.hub.detach(self.link)
        self.link, self.conversation.connected = None, False

    def say(self, text: str) -> None:
        message = self.conversation.say("lobby", text)
        if self.link is not None and self.conversation.connected:
            self.up.append(message)

    def step_up(self) -> None:
        if self.link is not None and self.up:
            verbs.receive(self.world.hub, self.link, json.loads(json.dumps(self.up.pop(0))))

    def step_down(self, count: int) -> None:
        for _ in range(count):
            message = self.link.reader.next() if self.link is not None else None
            if message is None:
                return
            reaction = self.conversation.receive(message)
            self.up += reaction.send
            if reaction.show is not None:
                self.shown.append(reaction.show)


@pytest.mark.parametrize("seed", range(30))
def test_whenever_links_break_or_the_server_dies_each_message_is_seen_once_and_in_order(
    seed: int, tmp_path
) -> None:
    chance = random.Random(seed)
    world = World(Store(tmp_path / "chat.db"))
    wires = [Wire(world, Conversation(name, "lobby")) for name in ("ann", "bob", "eve")]
    said: list[list[str]] = [[], [], []]

    def settle(wire: Wire) -> None:
        wire.step_up()
        world.hub.flush()
        if wire.link is not None and wire.link.session is not None:
            world.hub.catch_up(wire.link.session)
            world.hub.flush()

    for wire in wires:
        wire.connect()
        for _ in range(4):
            settle(wire)
            wire.step_down(99)
    for _ in range(250):
        index = chance.randrange(3)
        wire = wires[index]
        match chance.choice(("say", "say", "up", "up", "down", "down", "cut", "connect", "connect", "kill")):
            case "say":
                said[index].append(f"{index}-{len(said[index])}")
                wire.say(said[index][-1])
            case "up":
                settle(wire)
            case "down":
                wire.step_down(chance.randrange(5))
            case "cut":
                wire.cut(chance.random() < 0.5)
            case "connect" if wire.link is None:
                wire.connect()
            case "kill" if chance.random() < 0.3:  # what was not committed is gone, as with kill -9
                world.hub.store._database.close()
                lines = world.lines
                world.hub = Hub(Store(tmp_path / "chat.db"), Limits(), lambda: world.now, "", lines.append)
                for other in wires:
                    other.cut(False)
    for _ in range(400):
        for wire in wires:
            if wire.link is None or wire.link.finished:
                wire.cut(False)
                wire.connect()
            settle(wire)
            wire.step_down(99)
    for wire in wires:
        assert not wire.conversation.unsent
        seen = [m for m in wire.shown if m["type"] == "message"]
        seen += [m for event in wire.shown if event["type"] == "entered" for m in event["messages"]]
        assert sorted(m["text"] for m in seen) == sorted(text for texts in said for text in texts)
        for index, expected in enumerate(said):
            assert [m["text"] for m in seen if m["text"].startswith(f"{index}-")] == expected


def fuzzed(chance: random.Random) -> bytes:
    """A stream that may begin well and go wrong anywhere."""
    values = [
        None,
        True,
        -1,
        0,
        1,
        2,
        1 << 70,
        1e308,
        "",
        "x",
        "lobby",
        "ann",
        "\x1b",
        "\ud800",
        "y" * 3000,
        [],
        {},
        [[1]],
    ]
    kinds = [*verbs.VERBS, "hello", "x", None, 7]
    parts = [
        {"type": "hello", "protocol": PROTOCOL, "version": 1, "name": f"n{chance.randrange(1000)}"},
        {"type": "join", "room": "lobby"},
    ]
    for _ in range(chance.randrange(4)):
        fields = (
            "id",
            "room",
            "text",
            "to",
            "name",
            "before",
            "session",
            "after",
            "protocol",
            "version",
            "token",
        )
        message = {field: chance.choice(values) for field in chance.sample(fields, chance.randrange(5))}
        message["type"] = chance.choice(kinds)
        parts.insert(chance.randrange(len(parts) + 1), message)
    stream = bytearray()
    for part in parts:
        body = json.dumps(part).encode()
        stream += len(body).to_bytes(4, "big") + body
    for _ in range(chance.choice((0, 0, 1, 3))):
        if stream:
            stream[chance.randrange(len(stream))] = chance.randrange(256)
    if chance.random() < 0.2:
        stream = bytearray(chance.randbytes(chance.randrange(100)))
    return bytes(stream[: chance.randrange(len(stream) + 1)] if chance.random() < 0.3 else stream)


def test_ten_thousand_fuzzed_streams_and_the_server_still_serves() -> None:
    chance, world = random.Random(5), World()
    good = world.join("good")
    for _ in range(10_000):
        link, reader = world.link(), FrameReader(16384)
        reader.feed(fuzzed(chance))
        try:
            while not link.closing and (message := reader.next()) is not None:
                verbs.receive(world.hub, link, message)
        except FramingError as error:
            world.hub.expel(link, "bad-message", str(error))
        world.hub.flush()
        world.hub.detach(link)
        good.got()
        world.now += 1
        world.hub.tick()
    world.hub.flush()
    good.got()
    assert "still there" in texts(world.do(good, type="say", id=1, room="lobby", text="still there"))
    assert len(world.hub.links) == 1 and len(world.hub.sessions) < 200
