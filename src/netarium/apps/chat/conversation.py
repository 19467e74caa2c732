"""The client's half of resume, without sockets: what the server has not taken yet, and what was seen already.

Every text gets the next id and is kept until the server acknowledges it; after a break the rest is sent again. Every
message that comes has a number; one seen before is not shown again. The server keeps the same two numbers for us.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from netarium.apps.chat.rules import PROTOCOL, VERSION
from netarium.apps.framing import Message

# A client that gets one of these byes must not come back by itself; after others ("slow", "full") it does.
HEARTBEAT_SECONDS_MAX = 86_400.0
FINAL_BYES = ("token", "version", "replaced", "quit", "bad-message", "bad-order")


@dataclass
class Reaction:
    """What one message from the server leads to: what to show (or None), and what to send."""

    show: Message | None
    send: list[Message] = field(default_factory=list)


class Conversation:
    """One person's talk with one server, over as many connections as it takes."""

    def __init__(self, name: str, room: str, token: str = "") -> None:
        self.name, self.token = name, token
        self.session = ""
        self.cursor = 0  # the number of the last message seen
        self.heartbeat = 15.0
        self.connected = False  # welcomed on this connection
        self.rooms: dict[str, None] = {room: None} if room else {}  # those we are in or want to be in
        self.unsent: deque[Message] = deque()  # not acknowledged yet, by rising id
        self._last_id = 0
        self._shown: dict[str, int] = {}  # room -> number of the last message shown

    def hello(self) -> Message:
        """The first message on a new connection."""
        self.connected = False
        message: Message = {"type": "hello", "protocol": PROTOCOL, "version": VERSION, "name": self.name}
        if self.token:
            message["token"] = self.token
        if self.session:
            message["session"] = self.session
            message["after"] = self.cursor
        return message

    def say(self, room: str, text: str) -> Message:
        """Keep a text for a room until it is taken; the message to send when connected."""
        return self._keep({"type": "say", "room": room, "text": text})

    def tell(self, to: str, text: str) -> Message:
        """Keep a private text until it is taken; the message to send when connected."""
        return self._keep({"type": "tell", "to": to, "text": text})

    def _keep(self, message: Message) -> Message:
        self._last_id += 1
        message["id"] = self._last_id
        self.unsent.append(message)
        return message

    def receive(self, message: Message) -> Reaction:
        """Take a message from the server. Fields of the wrong type raise KeyError or TypeError: no server of ours."""
        kind = message.get("type")
        handler = _HANDLERS.get(kind) if isinstance(kind, str) else None
        return Reaction(message) if handler is None else handler(self, message)

    def _welcome(self, message: Message) -> Reaction:
        self.connected = True
        self.session, self.name = str(message["session"]), str(message["name"])
        self.heartbeat = min(max(0.05, float(message["heartbeat"])), HEARTBEAT_SECONDS_MAX)
        self._acknowledged(int(message["received"]))
        if not message["resumed"]:
            self.cursor = int(message["at"])
            for number, unsent in enumerate(self.unsent, start=1):  # a new session counts from 1
                unsent["id"] = number
            self._last_id = len(self.unsent)
        there = [str(room) for room in message["rooms"]]
        joins: list[Message] = [{"type": "join", "room": room} for room in self.rooms if room not in there]
        self.rooms.update(dict.fromkeys(there))
        return Reaction(message, joins + list(self.unsent))

    def _message(self, message: Message) -> Reaction:
        number = int(message["n"])
        if number <= self.cursor:
            return Reaction(None)
        self.cursor = number
        if "room" in message:
            self._shown[message["room"]] = number
        return Reaction(message)

    def _entered(self, message: Message) -> Reaction:
        room = str(message["room"])
        self.rooms[room] = None
        shown, until = self._shown.get(room, 0), int(message.get("until", 1 << 62))
        news = [item for item in message["messages"] if shown < int(item["n"]) <= until]
        if news:
            self._shown[room] = int(news[-1]["n"])
        self.cursor = max(self.cursor, int(message["at"]))
        return Reaction({**message, "messages": news})

    def _exited(self, message: Message) -> Reaction:
        self.rooms.pop(str(message["room"]), None)
        return Reaction(message)

    def _named(self, message: Message) -> Reaction:
        self.name = str(message["name"])
        return Reaction(message)

    def _ack(self, message: Message) -> Reaction:
        self._acknowledged(int(message["id"]))
        return Reaction(None)

    def _acknowledged(self, number: int) -> None:
        while self.unsent and self.unsent[0]["id"] <= number:
            self.unsent.popleft()

    def _error(self, message: Message) -> Reaction:
        if message["code"] == "session-unknown":
            self.session = ""
            return Reaction(None, [self.hello()])
        return Reaction(message)

    def _ping(self, message: Message) -> Reaction:
        return Reaction(None, [{"type": "pong"}])

    def _pong(self, message: Message) -> Reaction:
        return Reaction(None)


_HANDLERS = {
    "welcome": Conversation._welcome,
    "message": Conversation._message,
    "entered": Conversation._entered,
    "exited": Conversation._exited,
    "named": Conversation._named,
    "ack": Conversation._ack,
    "error": Conversation._error,
    "ping": Conversation._ping,
    "pong": Conversation._pong,
}
