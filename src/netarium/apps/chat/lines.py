"""Typed lines to requests, and events to lines of text. Pure; whatever came from others is neutralised here."""

from __future__ import annotations

import time
from dataclasses import dataclass

from netarium.apps.framing import Message
from netarium.apps.text import neutralise

HELP = """\
TEXT            say it in the room you are in         /tell NAME TEXT  a private message
/join ROOM      enter a room, or go back to it        /leave [ROOM]    leave a room
/who  /rooms    who is here; which rooms there are    /name NAME       take another name
/history        what was said before                  /quit or exit    leave the chat
A line that is to begin with a slash is typed with two."""


class LineError(Exception):
    """The line cannot be done; the message says why."""


@dataclass(frozen=True)
class Line:
    """What a typed line asks: `verb` is empty, help, quit, join, say, tell, or one sent as it is."""

    verb: str
    room: str = ""
    to: str = ""
    text: str = ""


def parse_line(line: str, room: str) -> Line:
    """The meaning of a typed line in the room one is in."""
    text = line.strip()
    if not text:
        return Line("empty")
    if text in ("exit", "/exit", "/quit"):
        return Line("quit")
    if text.startswith("//"):
        text = text[1:]
    elif text.startswith("/"):
        return _parse_command(text[1:], room)
    if not room:
        raise LineError("you are in no room; /join one first")
    return Line("say", room=room, text=text)


def parse_name(line: str) -> str | None:
    """The name in what is typed when another name is asked for; None to leave, "" to be asked again."""
    text = line.strip()
    if text in ("exit", "/exit", "/quit"):
        return None
    return text.removeprefix("/name").strip() if text.split()[:1] == ["/name"] else text


def _parse_command(command: str, room: str) -> Line:
    verb, _, rest = command.partition(" ")
    rest = rest.strip()
    if verb == "help":
        return Line("help")
    if verb in ("rooms",):
        return Line("rooms")
    if verb in ("who", "history", "leave"):
        target = rest.removeprefix("#") or room
        if not target:
            raise LineError(f"/{verb} needs a room")
        return Line(verb, room=target)
    if verb == "join":
        if not rest:
            raise LineError("/join needs the name of a room")
        return Line("join", room=rest.removeprefix("#").casefold())
    if verb == "name":
        if not rest:
            raise LineError("/name needs the new name")
        return Line("name", text=rest)
    if verb in ("tell", "msg"):
        to, _, text = rest.partition(" ")
        if not to or not text.strip():
            raise LineError("write /tell NAME TEXT")
        return Line("tell", to=to, text=text.strip())
    raise LineError(f"there is no /{neutralise(verb)[:40]}; /help lists what there is")


def render(event: Message, room: str, clock: bool = True) -> list[str]:
    """The lines to show for an event; none for what a person need not see. `room` is the one being looked at."""
    handler = _RENDERERS.get(str(event.get("type")))
    return [] if handler is None else handler(event, room, clock)


def _safe(event: Message, field: str) -> str:
    return neutralise(str(event.get(field, "")))


def _items(event: Message, field: str) -> list[object]:
    """A list of the server's, whatever it really sent."""
    value = event.get(field)
    return value if isinstance(value, list) else []


def _message(event: Message, room: str, clock: bool) -> list[str]:
    stamp = ""
    seconds = event.get("time")
    if clock and isinstance(seconds, int | float) and 0 <= seconds < 1 << 40:
        stamp = time.strftime("%H:%M ", time.localtime(seconds))
    sender, text = _safe(event, "from"), _safe(event, "text")
    if "to" in event:
        return [f"{stamp}[{sender} to {_safe(event, 'to')}] {text}"]
    where = "" if event.get("room") == room else f"#{_safe(event, 'room')} "
    return [f"{stamp}{where}<{sender}> {text}"]


def _entered(event: Message, room: str, clock: bool) -> list[str]:
    here = _safe(event, "room")
    return [*_history(event, here, clock), f"* you are in #{here} with {_people(event)}"]


def _people(event: Message) -> str:
    away = [str(name) for name in _items(event, "away")]
    names = [neutralise(str(name)) + (" (away)" if name in away else "") for name in _items(event, "names")]
    people = event.get("people", 0)
    more = people - len(names) if isinstance(people, int) else 0
    return ", ".join(names) + (f" and {more} more" if more > 0 else "")


def _history(event: Message, room: str, clock: bool) -> list[str]:
    lines = ["* ... there is more before this"] if event.get("more") else []
    for item in _items(event, "messages"):
        lines += _message(item, str(event.get("room")), clock) if isinstance(item, dict) else []
    return lines


def _joined(event: Message, room: str, clock: bool) -> list[str]:
    return [f"* {_safe(event, 'name')} joined #{_safe(event, 'room')}"]


def _left(event: Message, room: str, clock: bool) -> list[str]:
    why = f" ({_safe(event, 'why')})" if event.get("why") else ""
    return [f"* {_safe(event, 'name')} left #{_safe(event, 'room')}{why}"]


def _exited(event: Message, room: str, clock: bool) -> list[str]:
    return [f"* you left #{_safe(event, 'room')}"]


def _renamed(event: Message, room: str, clock: bool) -> list[str]:
    return [f"* {_safe(event, 'old')} is now {_safe(event, 'name')}"]


def _who(event: Message, room: str, clock: bool) -> list[str]:
    return [f"* in #{_safe(event, 'room')}: {_people(event)}"]


def _rooms(event: Message, room: str, clock: bool) -> list[str]:
    rooms = [
        f"#{_safe(item, 'room')} ({_safe(item, 'people')})"
        for item in _items(event, "rooms")
        if isinstance(item, dict)
    ]
    return [f"* rooms: {', '.join(rooms) or 'none'}"]


def _welcome(event: Message, room: str, clock: bool) -> list[str]:
    return [f"* {'back' if event.get('resumed') else 'connected'} as {_safe(event, 'name')}"]


def _text(event: Message, room: str, clock: bool) -> list[str]:
    return [f"{'*' if event.get('type') in ('bye', 'pinned') else '!'} {_safe(event, 'text')}"]


def _offline(event: Message, room: str, clock: bool) -> list[str]:
    return [f"* connection lost ({_safe(event, 'text')}); trying again"]


_RENDERERS = {
    "message": _message,
    "entered": _entered,
    "history": _history,
    "joined": _joined,
    "left": _left,
    "exited": _exited,
    "renamed": _renamed,
    "who": _who,
    "rooms": _rooms,
    "welcome": _welcome,
    "error": _text,
    "bye": _text,
    "pinned": _text,
    "offline": _offline,
}
