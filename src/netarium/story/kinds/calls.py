"""What programs' socket calls meet: where they bind, how long they wait, the end of a stream, and errors.

Read first: socket(7), bind(2), recv(2), send(2). What a call sends is told by its packets; calls of daemons that are
part of their node, and answers of sockets that never block, are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from netarium.story.facts import Fact, Subject
from netarium.story.kinds.base import Kind, Readers, Record
from netarium.story.kinds.tcp import ends_hard
from netarium.story.scene import LOOPBACK, Scene, end_text
from netarium.story.words import Words, measured
from netarium.tools import TOOLS

WAITED_NS: Final = 1_000_000_000
"""A call that took so long (of virtual time) is told to have waited."""
TOLD_MAX: Final = 5
REMEMBERED_MAX: Final = 4096
_RECEIVING: Final = frozenset({"recv", "recv_into"})
_WAITING: Final = frozenset(
    {"recv", "recv_into", "recvfrom", "recvfrom_into", "accept", "connect", "send", "sendall"}
)
_CONNECTING: Final = frozenset({"connect", "connect_ex"})
_SOL_SOCKET, _SO_LINGER = 1, 13
_QUIET: Final = frozenset({"EAGAIN", "EWOULDBLOCK", "EINPROGRESS", "EALREADY", "EINTR", "ENOPROTOOPT"})
_EXPLAINED: Final = frozenset(
    {
        "EACCES", "EADDRINUSE", "EADDRNOTAVAIL", "EBADF", "ECONNREFUSED", "ECONNRESET", "EHOSTUNREACH", "EMSGSIZE",
        "ENETUNREACH", "ENOTCONN", "EPIPE", "ETIMEDOUT",
    }
)  # fmt: skip
_OF_BIND: Final = frozenset({"EACCES", "EADDRNOTAVAIL"})
"""Errors that other calls give for other reasons: a broadcast without leave, no free port."""
_TIMED_OUT: Final = "TimeoutError"
"""The name of an error without a number: the socket's own time-out (settimeout)."""
_TOOLS: Final = frozenset(tool.name for tool in TOOLS)
"""Programs that poll: how long they wait for nothing is no news."""
_NOTHING: Final[dict[str, Any]] = {
    "to": "",
    "address": "",
    "backlog": None,
    "errno": "",
    "waited_ns": 0,
    "taken": 0,
    "bytes": 0,
}
"""The values of what a call does not tell."""


class _Calls:
    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._counts: dict[tuple[str, ...], int] = {}
        self._ports: dict[str, Subject] = {}
        """What a program that has bound a port is about, until somebody comes."""
        self._hard: dict[tuple[str, int], None] = {}
        """Sockets whose programs want no orderly end."""
        self._sockets: dict[tuple[str, int], tuple[Subject, str, bool]] = {}
        """(program, number of its socket) -> the connection that it is, one of its ends, and whether the other one."""

    def called(self, record: Record) -> Iterator[Fact]:
        """A call has returned."""
        program, call, details = (
            str(record.get("program", "")),
            str(record.get("call", "")),
            record["details"],
        )
        service = self.scene.services.get(program)
        if service is None or service.get("of_node") or "raised" in details:
            return
        socket = (program, int(details.get("socket", -1)))
        connection = self._connection(record["at"], socket, call, details)
        values = self._read(record, call, details)
        if values is not None and values["what"] in ("nothing", "waited") and _is_tool(service):
            return
        if values is None:
            return
        is_told = self._is_told(program, call, values)
        if not is_told and (connection is None or values["what"] != "failed"):
            return  # that one of a connection's fails is always told
        values = {"program": program, "call": call, **_NOTHING, **values}
        about, phase = (
            (connection, "") if connection is not None else self._about(record["at"], program, values)
        )
        yield Fact(record["t"], "call", record["at"], values, about=about, phase=phase)

    def _connection(
        self, place: str, socket: tuple[str, int], call: str, details: dict[str, Any]
    ) -> Subject | None:
        """The connection that a socket is, as `connect` and `accept` have told; what its host does next is of it."""
        result = details.get("result")
        if call in _CONNECTING:
            self._join(socket, _end_of(details.get("local")), is_other=False)
        elif call == "accept" and isinstance(result, list) and isinstance(result[0], dict):
            accepted = (socket[0], int(result[0].get("socket", -1)))
            self._join(accepted, _end_of(result[1]), is_other=True)
            self.scene.touch(place, self._subject(accepted))
            return None
        elif call == "setsockopt" and _is_hard(details):
            _remember(self._hard, socket, None)
            self._tell_hard(socket)
        about = self._subject(socket)
        if call == "close":
            self._sockets.pop(socket, None)
            self._hard.pop(socket, None)
        self.scene.touch(place, about)
        return about

    def _subject(self, socket: tuple[str, int]) -> Subject | None:
        known = self._sockets.get(socket)
        return known[0] if known is not None else None

    def _join(self, socket: tuple[str, int], end: str, *, is_other: bool) -> None:
        """The socket is the connection with that end, which is its own or the other one."""
        self._sockets.pop(socket, None)
        found = self.scene.conversation_with("TCP", end) if end else None
        if found is not None:
            _remember(self._sockets, socket, (found, end, is_other))
            self._tell_hard(socket)

    def _tell_hard(self, socket: tuple[str, int]) -> None:
        """A RST of this end is no wonder: the program has asked for it."""
        known = self._sockets.get(socket)
        if known is not None and socket in self._hard:
            ends_hard(known[0], known[1], is_other=known[2])

    def _about(self, place: str, program: str, values: dict[str, Any]) -> tuple[Subject | None, str]:
        """Binding and listening are about the port; all else about what the host had to do with last."""
        if values["what"] == "bound":
            port = values["to"].rpartition(":")[2]
            label = {"place": place, "port": port}
            about = self.scene.subject("serve", f"{place} {program} {port}", lambda: label)
            self._ports.pop(program, None)
            self._ports[program] = about
            if len(self._ports) > REMEMBERED_MAX:
                del self._ports[next(iter(self._ports))]
            return about, "serve"
        if values["what"] == "listens" and program in self._ports:
            return self._ports[program], "serve"
        return self.scene.recent(place), ""

    def _read(self, record: Record, call: str, details: dict[str, Any]) -> dict[str, Any] | None:
        error, waited_ns = details.get("errno", ""), record["t"] - int(details["began_ns"])
        if error == _TIMED_OUT:
            return {"what": "nothing", "waited_ns": waited_ns} if waited_ns >= WAITED_NS else None
        if error:
            if error in _QUIET or call == "setsockopt":
                return None
            return {"what": "failed", "errno": error, "waited_ns": waited_ns, "to": _target(details)}
        if call == "bind" and _target(details):
            return {"what": "bound", "to": _target(details), "address": details["args"][0][0]}
        if call == "listen":
            return {"what": "listens", "backlog": details["args"][0] if details["args"] else None}
        if call in _RECEIVING and _size(details.get("result")) == 0 and _wanted(details):
            return {"what": "end", "waited_ns": waited_ns}
        if call == "send" and _size(details.get("args", [None])[0]) > (details.get("result") or 0):
            return {"what": "partly", "taken": details["result"], "bytes": _size(details["args"][0])}
        if call in _WAITING and waited_ns >= WAITED_NS:
            return {"what": "waited", "waited_ns": waited_ns}
        return None

    def _is_told(self, program: str, call: str, values: dict[str, Any]) -> bool:
        key = (program, call, values["what"], str(values.get("errno", "")))
        count = self._counts.pop(key, 0)
        self._counts[key] = count + 1
        if len(self._counts) > REMEMBERED_MAX:
            del self._counts[next(iter(self._counts))]
        return count < TOLD_MAX


def _is_tool(service: Record) -> bool:
    command: Any = service.get("command")
    return bool(command) and str(command[0]) in _TOOLS


def _target(details: dict[str, Any]) -> str:
    """`10.0.0.1:80` of `connect(("10.0.0.1", 80))` and the like; "" for other families."""
    for each in details.get("args", ()):
        if (
            isinstance(each, list)
            and len(each) >= 2
            and isinstance(each[0], str)
            and isinstance(each[1], int)
        ):
            return end_text(each[0], each[1])
    return ""


def _remember(known: dict[tuple[str, int], Any], key: tuple[str, int], value: object) -> None:
    known[key] = value
    if len(known) > REMEMBERED_MAX:
        del known[next(iter(known))]


def _is_hard(details: dict[str, Any]) -> bool:
    """Whether SO_LINGER is set to 0 s: `close` breaks the connection off (socket(7))."""
    args = details.get("args") or []
    if args[:2] != [_SOL_SOCKET, _SO_LINGER] or len(args) < 3 or not isinstance(args[2], dict):
        return False
    value = str(args[2].get("begin", "")).encode("latin-1", "replace")
    return len(value) == 8 and any(value[:4]) and not any(value[4:])


def _end_of(address: Any) -> str:
    """`10.0.0.1:80` of a socket's address: of IPv4 also where an IPv6 socket shows it; "" for other families."""
    if not isinstance(address, list) or len(address) < 2 or not isinstance(address[0], str):
        return ""
    return end_text(address[0].removeprefix("::ffff:").partition("%")[0], int(address[1]))


def _size(value: Any) -> int:
    """Bytes by their number, as calls are recorded; numbers as they are; -1 for neither."""
    if isinstance(value, dict) and "bytes" in value:
        return int(value["bytes"])
    return value if isinstance(value, int) else -1


def _wanted(details: dict[str, Any]) -> bool:
    """Whether the call asked for any bytes."""
    return bool(details.get("args")) and _size(details["args"][0]) > 0


def _say(fact: Fact, words: Words) -> str:
    v = fact.values
    told = {"program": v["program"], "call": v["call"]}
    if v["what"] == "bound":
        return _say_bound(v, words)
    if v["what"] == "failed":
        said = words.text("decision.call.failed", errno=v["errno"], **told)
        return said + (words.text(f"decision.errno.{v['errno']}") if _is_known(v) else "")
    if v["what"] == "listens":
        return words.text(
            "decision.call.listens",
            program=v["program"],
            backlog="" if v["backlog"] is None else v["backlog"],
        )
    if v["what"] == "partly":
        return words.text("decision.call.partly", program=v["program"], taken=v["taken"], bytes=v["bytes"])
    waited = measured(v["waited_ns"] / 1e9)
    if v["what"] == "end":
        long = words.text("decision.call.end_waited", waited=waited) if v["waited_ns"] >= WAITED_NS else ""
        value = "0" if v["call"] == "recv_into" else "b''"
        return words.text("decision.call.end", value=value, **told) + long
    key = "decision.call.nothing" if v["what"] == "nothing" else "decision.call.waited"
    return words.text(key, waited=waited, **told)


def _is_known(v: dict[str, Any]) -> bool:
    """Whether the call itself says what the error comes of: some have other causes where nothing is bound."""
    return v["errno"] in _EXPLAINED and (v["errno"] not in _OF_BIND or v["call"] == "bind")


def _say_bound(v: dict[str, Any], words: Words) -> str:
    port = v["to"].rpartition(":")[2]
    if v["address"] in ("", "0.0.0.0", "::"):
        return words.text("decision.call.bound_any", program=v["program"], port=port)
    if v["address"].startswith(LOOPBACK):
        return words.text("decision.call.bound_loopback", program=v["program"], to=v["to"])
    return words.text("decision.call.bound", program=v["program"], to=v["to"])


KINDS: Final = (
    Kind(
        "call",
        "programs",
        frozenset(
            {"program", "call", "what", "to", "address", "backlog", "errno", "waited_ns", "taken", "bytes"}
        ),
        _say,
        needles=(b'"event":"call"',),
    ),
)


def readers(scene: Scene) -> Readers:
    """The readers of one story."""
    return Readers({"call": _Calls(scene).called}, {})
