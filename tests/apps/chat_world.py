"""A chat hub without sockets: links are lists of what was written."""

from __future__ import annotations

from netarium.apps.chat import verbs
from netarium.apps.chat.hub import Hub, Link
from netarium.apps.chat.rules import PROTOCOL, Limits
from netarium.apps.chat.store import Store
from netarium.apps.framing import FrameReader, Message


class FakeLink(Link):
    def __init__(self) -> None:
        super().__init__()
        self.reader = FrameReader(1 << 20)
        self.finished = False
        self.stuck_bytes = 0

    def write(self, data: bytes) -> None:
        self.reader.feed(data)

    def finish(self) -> None:
        self.finished = True

    def backlog(self) -> int:
        return self.stuck_bytes

    def got(self) -> list[Message]:
        found = []
        while (message := self.reader.next()) is not None:
            found.append(message)
        return found


class World:
    def __init__(self, store: Store | None = None, **limits: float) -> None:
        self.now = 1000.0
        self.lines: list[str] = []
        self.hub = Hub(store or Store(":memory:"), Limits(**limits), lambda: self.now, "", self.lines.append)

    def link(self) -> FakeLink:
        link = FakeLink()
        self.hub.attach(link)
        return link

    def do(self, link: FakeLink, **message: object) -> list[Message]:
        verbs.receive(self.hub, link, dict(message))
        self.hub.flush()
        if link.session is not None:
            self.hub.catch_up(link.session)
            self.hub.flush()
        return link.got()

    def hello(self, name: str, **fields: object) -> tuple[FakeLink, Message]:
        link = self.link()
        reply = self.do(link, type="hello", protocol=PROTOCOL, version=1, name=name, **fields)
        return link, reply[0]

    def join(self, name: str, room: str = "lobby") -> FakeLink:
        link, _ = self.hello(name)
        self.do(link, type="join", room=room)
        return link


def texts(messages: list[Message]) -> list[str]:
    return [message["text"] for message in messages if message["type"] == "message"]


def resume(world: World, secret: str, after: int) -> tuple[FakeLink, Message]:
    """A hello that resumes, not flushed."""
    link = world.link()
    fields = {"type": "hello", "protocol": PROTOCOL, "version": 1, "session": secret, "after": after}
    verbs.receive(world.hub, link, fields)
    return link, fields
