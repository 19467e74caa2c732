"""The chat server without sockets: who is here, in which rooms, and what each is to be sent.

Nothing leaves before it is on file: handlers only note what to send, and `flush` commits the store and then
hands each link everything that gathered for it, in one write. Messages to one room that follow each other
are joined once for all its links (a "run"); whatever changes who is in a room, or must keep its place among
messages, ends the run first.

A session outlives its connection. Its client tells the last message number it has seen and is sent what came
after it, page by page as fast as it reads; only then is it live again. Numbers rise over all rooms, and a
link gets them in order, so one number says everything.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable

from netarium.apps.chat.packet import Packet
from netarium.apps.chat.rules import Bucket, Limits, Refusal, same_name
from netarium.apps.chat.store import Row, SavedSession, Store
from netarium.apps.framing import Message
from netarium.apps.strangers import FEW

PAGE_MESSAGES = 200
PAGE_BYTES = 64 * 1024
REFRESH_SECONDS = 600.0
AWAY_SHARE = 10  # one address may have so large a part of all clients lost and waited for, names held


class Link:
    """One connection as the hub sees it; the server and the tests derive theirs."""

    kind = 0  # packet.FRAMED or packet.WEB

    def __init__(self) -> None:
        self.session: Session | None = None
        self.out: list[bytes] = []
        self.closing = False
        self.network = ""  # where it comes from, for limits by address; "" is not limited

    def write(self, data: bytes) -> None:
        """Send bytes; never waits."""
        raise NotImplementedError

    def finish(self) -> None:
        """Close once everything written has gone."""
        raise NotImplementedError

    def backlog(self) -> int:
        """Bytes written that the network has not taken yet."""
        raise NotImplementedError


class Session:
    """One person on the chat, connected or (for a while) not."""

    __slots__ = ("away_from", "away_since", "bucket", "catching_up", "cursor", "link", "saved")

    def __init__(self, saved: SavedSession, bucket: Bucket) -> None:
        self.saved = saved
        self.bucket = bucket
        self.link: Link | None = None
        self.catching_up = False
        self.cursor = 0
        self.away_since = 0.0
        self.away_from = ""  # the network it was lost from

    @property
    def name(self) -> str:
        """The nick name as written."""
        return self.saved.name

    def live_link(self) -> Link | None:
        """The link, when messages are to go to it as they come."""
        return None if self.catching_up else self.link


class Room:
    """One room: everybody in it, and the links that get its messages as they come, by kind."""

    __slots__ = ("links", "members", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.members: dict[int, Session] = {}
        self.links: tuple[dict[Link, None], dict[Link, None]] = ({}, {})


def message_of(row: Row) -> Message:
    """A stored message as clients get it."""
    message: Message = {"type": "message", "n": row.n}
    if row.room is not None:
        message["room"] = row.room
    message["from"] = row.sender
    if row.recipient is not None:
        message["to"] = row.recipient
    message["text"] = row.text
    message["time"] = round(row.time, 3)
    return message


class Hub:
    """All sessions and rooms of one server.

    `clock` gives Unix time in seconds; `log` takes a line for the operator.
    """

    def __init__(
        self,
        store: Store,
        limits: Limits,
        clock: Callable[[], float],
        token: str = "",
        log: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.store, self.limits, self.clock, self.token, self.log = store, limits, clock, token, log
        self.links: dict[Link, None] = {}
        self.rooms: dict[str, Room] = {}  # by same_name
        self.sessions: dict[bytes, Session] = {}  # by hash of the secret
        self.names: dict[str, Session] = {}  # by same_name
        self._away: dict[str, int] = {}  # lost sessions by network
        self._dirty: list[Link] = []
        self._acknowledge: dict[Session, None] = {}
        self._run_room: Room | None = None
        self._run: list[Packet] = []
        self._refreshed = clock()
        for saved in store.recent(clock() - REFRESH_SECONDS - limits.grace):
            self._remember(saved)

    # Sending

    def to_link(self, link: Link, message: Message) -> None:
        """Note a message for one link, behind everything noted before."""
        self.end_run()
        self._queue(link, Packet(message).form(link.kind))

    def to_room(self, room: Room, packet: Packet) -> None:
        """Note a packet for everybody who is live in a room."""
        if self._run_room is not room:
            self.end_run()
            self._run_room = room
        self._run.append(packet)

    def end_run(self) -> None:
        """Hand the packets gathered for one room to its links."""
        room = self._run_room
        if room is None:
            return
        run, self._run, self._run_room = self._run, [], None
        dirty = self._dirty
        for kind, links in enumerate(room.links):
            if not links:
                continue
            data = run[0].form(kind) if len(run) == 1 else b"".join([packet.form(kind) for packet in run])
            for link in links:
                out = link.out
                if not out:
                    dirty.append(link)
                out.append(data)

    def _queue(self, link: Link, data: bytes) -> None:
        if not link.out:
            self._dirty.append(link)
        link.out.append(data)

    def acknowledge(self, session: Session) -> None:
        """Note that the client is to learn its last id has been taken."""
        self._acknowledge[session] = None

    def flush(self) -> None:
        """Put everything on file, then send everything noted."""
        for session in self._acknowledge:
            if session.link is not None:
                self.to_link(session.link, {"type": "ack", "id": session.saved.last_id})
        self._acknowledge.clear()
        self.end_run()
        self.store.commit()
        while self._dirty:  # who is expelled for being slow is told in a second round
            dirty, self._dirty = self._dirty, []
            for link in dirty:
                self._send(link)
        self.store.commit()

    def _send(self, link: Link) -> None:
        """Write what gathered for one link, unless it is too far behind."""
        out, link.out = link.out, []
        data = out[0] if len(out) == 1 else b"".join(out)
        limit = self.limits.queue_bytes
        # What has gathered in this turn does not count: who has read all before it is not slow, however much it is.
        if link.backlog() > limit and not link.closing:
            text = f"you read too slowly: over {limit} bytes wait; connect again to get the rest"
            self.expel(link, "slow", text)
            return
        link.write(data)
        if link.closing:
            link.finish()

    def expel(self, link: Link, code: str, text: str) -> None:
        """End a connection, telling the client why; its session stays."""
        if link.closing:
            return
        who = link.session.name if link.session else "a client"
        self.log(f"{who} was disconnected: {code}: {text}")
        self.detach(link)
        self.to_link(link, {"type": "bye", "code": code, "text": text})
        link.closing = True

    # Connections and sessions

    def attach(self, link: Link) -> None:
        """A connection is there; it has said nothing yet."""
        self.links[link] = None
        if len(self.links) > self.limits.clients:
            self.expel(link, "full", f"the server is full: it takes {self.limits.clients} clients")

    def detach(self, link: Link) -> None:
        """A connection has ended;

        Its session waits to be resumed. Nobody is told before the grace is over.
        """
        self.links.pop(link, None)
        session = link.session
        if session is None or session.link is not link:
            return
        self._go_silent(session)
        self._count_away(session, link.network)
        session.link = None
        session.away_since = session.saved.seen = self.clock()
        self.store.save(session.saved)

    def _count_away(self, session: Session, network: str) -> None:
        before, session.away_from = session.away_from, network
        if before:
            self._away[before] -= 1
            if not self._away[before]:
                del self._away[before]
        if network:
            self._away[network] = self._away.get(network, 0) + 1

    def new_session(self, name: str, network: str = "") -> tuple[Session, str]:
        """A session under a free name, and its secret. Who comes and goes without end cannot take all names."""
        if self._away.get(network, 0) >= max(FEW, self.limits.clients // AWAY_SHARE):
            raise Refusal(
                "too-many-lost", "too many clients from your address were lost a moment ago; wait a little"
            )
        secret = secrets.token_urlsafe(24)
        hashed = hashlib.sha256(secret.encode()).digest()
        saved = SavedSession(self.store.new_key(), hashed, name, {}, 0, self.clock())
        self.store.save(saved)
        return self._remember(saved), secret

    def find_session(self, secret: str) -> tuple[Session, bool] | None:
        """The session with this secret, and whether it was still in the rooms;

        One long gone is brought back.
        """
        hashed = hashlib.sha256(secret.encode("utf-8", "replace")).digest()
        session = self.sessions.get(hashed)
        if session is not None:
            return session, True
        saved = self.store.find(hashed)
        return None if saved is None else (self._remember(saved), False)

    def _remember(self, saved: SavedSession) -> Session:
        session = Session(saved, Bucket(self.limits.messages_per_second, self.limits.messages_burst))
        if same_name(saved.name) in self.names:
            saved.name = self.free_name(saved.name)
            self.store.save(saved)
        session.away_since = self.clock()
        self.sessions[saved.secret] = session
        self.names[same_name(saved.name)] = session
        for room in saved.rooms:
            self.room(room).members[saved.key] = session
        return session

    def free_name(self, name: str) -> str:
        """A name like this one that nobody has."""
        number = 2
        while same_name(f"{name[:27]}-{number}") in self.names:
            number += 1
        return f"{name[:27]}-{number}"

    def connect(self, session: Session, link: Link) -> None:
        """Give a session its connection; one it still had is ended."""
        if session.link is not None:
            self.expel(session.link, "replaced", "you connected again from elsewhere")
        self._count_away(session, "")
        session.link, link.session = link, session
        session.saved.seen = self.clock()
        self.store.save(session.saved)

    def forget(self, session: Session) -> None:
        """Take a session out of rooms and names; its file is not touched."""
        self._go_silent(session)
        self._count_away(session, "")
        for room in [self.room(name) for name in session.saved.rooms]:
            room.members.pop(session.saved.key, None)
            self._drop_if_empty(room)
        self.sessions.pop(session.saved.secret, None)
        self.names.pop(same_name(session.name), None)

    def tick(self) -> None:
        """From time to time: let those go whose grace is over, and refresh what is on file."""
        now = self.clock()
        for session in list(self.sessions.values()):
            if session.link is None and now - session.away_since > self.limits.grace:
                for name in session.saved.rooms:
                    self.notice(self.room(name), session, "left", "connection lost")
                self.forget(session)
        if now - self._refreshed > REFRESH_SECONDS:
            self._refreshed = now
            for session in self.sessions.values():
                if session.link is not None:
                    session.saved.seen = now
                    self.store.save(session.saved)
            self.store.prune(now - self.limits.history, now - self.limits.session)

    # Rooms

    def room(self, name: str) -> Room:
        """The room of this name, there from now on."""
        key = same_name(name)
        room = self.rooms.get(key)
        if room is None:
            room = self.rooms[key] = Room(name)
        return room

    def enter(self, session: Session, room: Room) -> None:
        """Put a session into a room, from the next message on."""
        self.end_run()
        session.saved.rooms[room.name] = self.store.last_n
        self.store.save(session.saved)
        room.members[session.saved.key] = session
        link = session.live_link()
        if link is not None:
            room.links[link.kind][link] = None

    def leave(self, session: Session, room: Room) -> None:
        """Take a session out of a room."""
        self.end_run()
        session.saved.rooms.pop(room.name, None)
        self.store.save(session.saved)
        room.members.pop(session.saved.key, None)
        if session.link is not None:
            room.links[session.link.kind].pop(session.link, None)
        self._drop_if_empty(room)

    def _drop_if_empty(self, room: Room) -> None:
        if not room.members:
            self.rooms.pop(same_name(room.name), None)

    def room_of(self, session: Session, name: str) -> Room:
        """The room of this name, which the session must be in."""
        room = self.rooms.get(same_name(name))
        if room is None or session.saved.key not in room.members:
            raise Refusal("not-in-room", f"you are not in the room {name}; join it first")
        return room

    def notice(self, room: Room, session: Session, what: str, why: str = "") -> None:
        """Tell a room that somebody joined or left. Notices have no number and are not kept."""
        message = {"type": what, "room": room.name, "name": session.name}
        if why:
            message["why"] = why
        self.to_room(room, Packet(message))

    # Catching up

    def catch_up(self, session: Session) -> None:
        """Send the next page of what a resumed session missed; after the last it is live."""
        link = session.link
        if link is None or not session.catching_up:
            return
        self.end_run()  # its messages are on file, where we read them now
        rows = self.store.missed(session.saved.key, session.saved.rooms, session.cursor, PAGE_MESSAGES)
        page_bytes = 0
        for row in rows:
            data = Packet(message_of(row)).form(link.kind)
            self._queue(link, data)
            session.cursor = row.n
            page_bytes += len(data)
            if page_bytes > PAGE_BYTES:
                return
        if len(rows) < PAGE_MESSAGES:
            session.catching_up = False
            for name in session.saved.rooms:
                self.room(name).links[link.kind][link] = None

    def _go_silent(self, session: Session) -> None:
        self.end_run()
        link = session.link
        if link is not None:
            for name in session.saved.rooms:
                self.room(name).links[link.kind].pop(link, None)
