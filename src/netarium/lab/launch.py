"""When a program starts: at once, at a time, after something, at the boot of its host; what comes last decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from netarium.errors import UsageError
from netarium.lab.service import Service
from netarium.lab.words import suggest
from netarium.units import is_whole

if TYPE_CHECKING:
    from netarium.lab.net import Net

After = Service | str | Mapping[str, str]
"""A program that must have ended, its name, "dhcp" (the node's leases), or {"listening": "NODE:PORT"}."""
DHCP = "dhcp"


class Launch:
    """The start of one program that is still to come."""

    def __init__(self, net: Net, service: Service, at_ns: int | None, after: After | None) -> None:
        self.net = net
        self.service = service
        self.at_ns = at_ns
        self.time_has_come = at_ns is None or at_ns <= net.engine.now
        self.condition: Callable[[], bool] | None = None
        self.after = after

    def prepare(self) -> None:
        """Arrange for the start; a program that waits for nothing starts now."""
        if not self.time_has_come:
            assert self.at_ns is not None
            self.net.lifecycle.at(self.at_ns, self._time)
        else:
            self._begin()

    def host_booted(self) -> None:
        """The host is on (again): start what had to wait for it, and daemons anew."""
        if self.service.started:
            if self.service.daemon and self.service.ended:
                self.service.restart()
        elif self.time_has_come:
            self._begin()

    @property
    def holds(self) -> bool:
        """Whether a run must not end because this one waits."""
        return not self.service.daemon

    def look(self) -> bool:
        """Start it if its condition holds now; True when nothing is to be waited for any more."""
        if self.service.started or not self.service.host.on:
            return True
        if self.after is not None:
            if self.condition is None:
                self.condition = self._resolve(self.after)
            if not self.condition():
                return False
        self.service.start()
        return True

    def told(self) -> str:
        """What it waits for, for the deadlock report."""
        return (
            f"{self.service.name}: waits to start after {self.service.after_text}, which has not come about"
        )

    def _time(self) -> None:
        self.time_has_come = True
        self._begin()

    def _begin(self) -> None:
        if not self.service.host.on:
            return
        if self.after is not None:
            # Looked at when the net is driven: the program that is waited for may be given later.
            self.net.lifecycle.waiting.append(self)
        else:
            self.look()

    def _resolve(self, after: After) -> Callable[[], bool]:
        if after == DHCP:
            from netarium.lab.services import bound_condition

            self.service.waits_for("lease", self.service.host.name, "the DHCP lease of {}")
            return bound_condition(self.service.host)
        if isinstance(after, str):
            after = self.net.service(after)
        if isinstance(after, Service):
            other = after
            self.service.waits_for("end", other.name, "the end of {}")
            return lambda: other.ended
        if isinstance(after, Mapping) and list(after) == ["listening"]:
            return self._listening(str(after["listening"]))
        raise UsageError(
            f"after: {after!r} cannot be waited for; give a program, or {{listening: NODE:PORT}}"
        )

    def _listening(self, where: str) -> Callable[[], bool]:
        name, _, port_text = where.rpartition(":")
        if not name or not is_whole(port_text) or not 0 < int(port_text) < 65536:
            raise UsageError(f"after: {{listening: {where}}}: write NODE:PORT, such as server:8000")
        host = self.net.host_named(name)
        port = int(port_text)
        self.service.waits_for("listening", where, "somebody listening at {}")
        return lambda: host.on and host.node.stack.ports.listens(port)


def unknown_program(name: str, names: list[str]) -> UsageError:
    """The error for a name that no program has."""
    return UsageError(f"there is no program {name!r}{suggest(name, names)}")
