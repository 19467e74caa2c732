"""The requests of the chat: one function each. What a client may ask, checked, and done on the hub.

A `say` or `tell` carries the client's own rising id. It is taken once: an id seen before is only
acknowledged again, so a client may repeat after a break whatever was not acknowledged, and nothing is
doubled.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

from netarium.apps.chat.hub import Hub, Link, Session, message_of
from netarium.apps.chat.packet import Packet
from netarium.apps.chat.rules import (
    HISTORY_MESSAGES,
    NAMES_LISTED,
    PROTOCOL,
    ROOMS_PER_CLIENT_MAX,
    VERSION,
    Expulsion,
    Refusal,
    clean_name,
    clean_text,
    field_count,
    field_text,
    same_name,
)
from netarium.apps.chat.store import Row
from netarium.apps.framing import Message
from netarium.apps.security import token_matches


def receive(hub: Hub, link: Link, message: Message) -> None:
    """Do what one message asks. Whatever is wrong with it goes back to the client; nothing is raised."""
    try:
        session = link.session
        if session is None:
            hello(hub, link, message)
            return
        kind = message.get("type")
        verb = VERBS.get(kind) if isinstance(kind, str) else None
        if verb is None:
            raise Refusal("unknown", f"there is no request {kind!r:.40}")
        verb(hub, session, message)
    except Refusal as refusal:
        error: Message = {"type": "error", "code": refusal.code, "text": str(refusal)}
        if type(message.get("id")) is int:
            error["id"] = message["id"]
        hub.to_link(link, error)
    except Expulsion as expulsion:
        hub.expel(link, expulsion.code, str(expulsion))


def hello(hub: Hub, link: Link, message: Message) -> None:
    """The first message: who is there, with what token, new or resuming."""
    if message.get("type") != "hello" or message.get("protocol") != PROTOCOL:
        raise Expulsion("bad-message", f"a client begins with a hello of {PROTOCOL}")
    if message.get("version") != VERSION:
        raise Expulsion("version", f"this server speaks version {VERSION} of {PROTOCOL}")
    if not token_matches(message.get("token"), hub.token):
        raise Expulsion(
            "token", "the token is wrong" if message.get("token") else "this server wants a token"
        )
    if message.get("session"):
        resume(hub, link, field_text(message, "session"), field_count(message, "after"))
        return
    name = clean_name(field_text(message, "name"))
    if same_name(name) in hub.names:
        raise Refusal("name-taken", f"the name {name} is taken; {hub.free_name(name)} is free")
    session, secret = hub.new_session(name, link.network)
    hub.connect(session, link)
    hub.to_link(link, welcome(hub, session, secret, False))


def resume(hub: Hub, link: Link, secret: str, after: int) -> None:
    """Give a session back to its client, and everything numbered above `after`."""
    found = hub.find_session(secret)
    if found is None:
        raise Refusal("session-unknown", "the session is over; say hello without it")
    session, was_there = found
    hub.connect(session, link)
    hub.to_link(link, welcome(hub, session, secret, True))
    if not was_there:
        for name in session.saved.rooms:
            hub.notice(hub.room(name), session, "joined")
    session.cursor = min(after, hub.store.last_n)
    session.catching_up = True
    hub.catch_up(session)


def welcome(hub: Hub, session: Session, secret: str, resumed: bool) -> Message:
    """The answer to a hello."""
    return {
        "type": "welcome",
        "session": secret,
        "resumed": resumed,
        "name": session.name,
        "rooms": list(session.saved.rooms),
        "received": session.saved.last_id,
        "at": hub.store.last_n,
        "heartbeat": hub.limits.heartbeat,
    }


def taken_before(hub: Hub, session: Session, message: Message) -> bool:
    """Take the message's id; True when it was taken before, and all there is to do is to say so again."""
    number, saved = field_count(message, "id"), session.saved
    hub.acknowledge(session)
    if number <= saved.last_id:
        return True
    if number != saved.last_id + 1:
        raise Expulsion("bad-order", f"the id {number} does not follow {saved.last_id}")
    saved.last_id = number
    hub.store.save(saved)
    return False


def say(hub: Hub, session: Session, message: Message) -> None:
    """{type: say, id, room, text}: a message to a room."""
    if taken_before(hub, session, message):
        return
    room = hub.room_of(session, field_text(message, "room"))
    text = clean_text(field_text(message, "text"))
    now, saved = hub.clock(), session.saved
    number = hub.store.add(now, room.name, saved.name, saved.key, None, None, text)
    hub.to_room(room, Packet(message_of(Row(number, now, room.name, saved.name, None, text))))


def tell(hub: Hub, session: Session, message: Message) -> None:
    """{type: tell, id, to, text}: a private message."""
    if taken_before(hub, session, message):
        return
    other = hub.names.get(same_name(field_text(message, "to")))
    if other is None:
        raise Refusal("nobody", f"there is nobody called {message['to']:.40}")
    text = clean_text(field_text(message, "text"))
    now, saved = hub.clock(), session.saved
    number = hub.store.add(now, None, saved.name, saved.key, other.name, other.saved.key, text)
    both = (session, other) if other is not session else (session,)
    for link in [person.live_link() for person in both]:
        if link is not None:
            hub.to_link(link, message_of(Row(number, now, None, saved.name, other.name, text)))


def join(hub: Hub, session: Session, message: Message) -> None:
    """{type: join, room}: enter a room (again: get its history again)."""
    name = same_name(clean_name(field_text(message, "room"), "room"))
    rooms = session.saved.rooms
    existing = hub.rooms.get(same_name(name))
    if existing is None or session.saved.key not in existing.members:
        if len(rooms) >= ROOMS_PER_CLIENT_MAX:
            raise Refusal("too-many-rooms", f"you are in {len(rooms)} rooms; leave one first")
        room = hub.room(name)
        hub.notice(room, session, "joined")
        hub.enter(session, room)
        until = hub.store.last_n
    else:
        room = existing
        until = session.cursor if session.catching_up else hub.store.last_n
    reply = history_of(hub, room.name, 1 << 62)
    reply["type"] = "entered"
    reply["at"] = session.cursor if session.catching_up else hub.store.last_n
    reply["until"] = until  # what has a higher number comes by itself, as a message
    reply.update(people_of(hub, room.name))
    assert session.link is not None
    hub.to_link(session.link, reply)


def leave(hub: Hub, session: Session, message: Message) -> None:
    """{type: leave, room}: leave a room."""
    room = hub.room_of(session, field_text(message, "room"))
    hub.leave(session, room)
    hub.notice(room, session, "left")
    assert session.link is not None
    hub.to_link(session.link, {"type": "exited", "room": room.name})


def people_of(hub: Hub, room: str) -> Message:
    """Who is in a room: how many `people`, the `names` of at most 200, and who of these is `away` for a moment."""
    members = hub.room(room).members
    listed = list(
        islice(members.values(), NAMES_LISTED)
    )  # a full room must not cost a full listing at each join
    names = sorted((member.name for member in listed), key=same_name)
    away = sorted(member.name for member in listed if member.link is None)
    return {"people": len(members), "names": names, "away": away}


def who(hub: Hub, session: Session, message: Message) -> None:
    """{type: who, room}: who is in a room; `away` are those whose connection broke a moment ago."""
    room = hub.room_of(session, field_text(message, "room"))
    assert session.link is not None
    hub.to_link(session.link, {"type": "who", "room": room.name, **people_of(hub, room.name)})


def rooms(hub: Hub, session: Session, message: Message) -> None:
    """{type: rooms}: the rooms with somebody in them, the fullest first, at most 200."""
    listed = sorted(
        ((len(room.members), room.name) for room in hub.rooms.values()), key=lambda pair: (-pair[0], pair[1])
    )
    assert session.link is not None
    hub.to_link(
        session.link, {"type": "rooms", "rooms": [{"room": name, "people": n} for n, name in listed[:200]]}
    )


def history(hub: Hub, session: Session, message: Message) -> None:
    """{type: history, room, before}: earlier messages of a room."""
    room = hub.room_of(session, field_text(message, "room"))
    assert session.link is not None
    hub.to_link(session.link, history_of(hub, room.name, field_count(message, "before", 1 << 62)))


def history_of(hub: Hub, room: str, before: int) -> Message:
    """The last messages of a room before a number."""
    rows = hub.store.history(room, HISTORY_MESSAGES + 1, before)
    more = len(rows) > HISTORY_MESSAGES
    messages = [message_of(row) for row in rows[-HISTORY_MESSAGES:]]
    return {"type": "history", "room": room, "messages": messages, "more": more}


def rename(hub: Hub, session: Session, message: Message) -> None:
    """{type: name, name}: take another nick name."""
    name, old = clean_name(field_text(message, "name")), session.name
    holder = hub.names.get(same_name(name))
    if holder is not None and holder is not session:
        raise Refusal("name-taken", f"the name {name} is taken; {hub.free_name(name)} is free")
    del hub.names[same_name(old)]
    hub.names[same_name(name)] = session
    session.saved.name = name
    hub.store.save(session.saved)
    assert session.link is not None
    hub.to_link(session.link, {"type": "named", "name": name})
    for room in session.saved.rooms:
        hub.to_room(hub.room(room), Packet({"type": "renamed", "room": room, "old": old, "name": name}))


def ping(hub: Hub, session: Session, message: Message) -> None:
    """{type: ping}: answered at once."""
    assert session.link is not None
    hub.to_link(session.link, {"type": "pong"})


def pong(hub: Hub, session: Session, message: Message) -> None:
    """{type: pong}: the client is alive; that it spoke is all it says."""


def quit_chat(hub: Hub, session: Session, message: Message) -> None:
    """{type: quit}: leave for good; the session is over and the name free."""
    link = session.link
    assert link is not None
    for name in list(session.saved.rooms):
        room = hub.room(name)
        hub.leave(session, room)
        hub.notice(room, session, "left")
    hub.forget(session)
    hub.store.forget(session.saved.key)
    session.link, link.session = None, None
    hub.links.pop(link, None)
    hub.to_link(link, {"type": "bye", "code": "quit", "text": "goodbye"})
    link.closing = True


VERBS: dict[str, Callable[[Hub, Session, Message], None]] = {
    "say": say,
    "tell": tell,
    "join": join,
    "leave": leave,
    "who": who,
    "rooms": rooms,
    "history": history,
    "name": rename,
    "ping": ping,
    "pong": pong,
    "quit": quit_chat,
}
