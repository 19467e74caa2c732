"""`Net`: the object users hold. A net of boxes and cables, its programs, and its virtual time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import netarium.tools  # noqa: F401  (makes what hosts have in /bin known to the loader)
from netarium.addresses import MacGenerator, ip_text
from netarium.engine.events import NEVER_NS
from netarium.errors import DeadlockError, ProgramError, UnfinishedError, UsageError
from netarium.lab import addressing, garbage
from netarium.lab.boxes import Box, Host, Hub, Router, Switch
from netarium.lab.building import computer, interface_setup, place
from netarium.lab.cabling import Cabling
from netarium.lab.checks import check_net
from netarium.lab.launch import unknown_program
from netarium.lab.lifecycle import End, Lifecycle
from netarium.lab.links import OPTIONS as LINK_OPTIONS
from netarium.lab.notices import Notices
from netarium.lab.service import Service
from netarium.lab.switches import switch
from netarium.lab.watching import Watching
from netarium.link.port import Port
from netarium.names.hosts import HostsTable
from netarium.nodes.hub import Hub as HubNode
from netarium.nodes.node import PortNumbers
from netarium.programs.report import collect_remains
from netarium.programs.scheduler import Scheduler
from netarium.programs.shims import driver as shims
from netarium.programs.streams import current_task
from netarium.units import duration_ns, format_duration

if TYPE_CHECKING:
    from netarium.lab.lifecycle import Start
    from netarium.lab.presets import Balancer, HomeRouter


class Net(Cabling):
    """A network in virtual time.

    `seed` chooses all randomness. `names`: every host knows the others by name, as from /etc/hosts. `wire="bytes"`
    encodes and parses every frame on every cable (a check of the product itself; results are the same).
    `directory` is where programs run and scripts are looked for (the caller's, without it). `trace` records every event
    for `net.trace`; `digest=False` saves the few percent that the digest costs.
    """

    def __init__(
        self,
        seed: int = 0,
        *,
        name: str = "net",
        names: bool = True,
        wire: str = "values",
        directory: str | Path | None = None,
        trace: bool | None = None,
        digest: bool = True,
    ) -> None:
        garbage.collect_when_much()
        super().__init__(seed, wire)
        self.name = name
        self.directory = Path.cwd() if directory is None else Path(directory)
        # Now, so that what the caller passes in later (`host.call(socket.gethostbyname, "b")`) is virtual inside.
        shims.install()
        self.scheduler = Scheduler(self.engine, self.watch, self.streams)
        self.lifecycle = Lifecycle(self.engine, self.scheduler)
        self.watching = Watching(self, digest=digest, trace=trace)
        self.noted = Notices()
        self.port_numbers = PortNumbers()
        self.macs = MacGenerator()
        self.node_names = HostsTable() if names else None
        self._checked_links = -1
        self._closed = False

    @classmethod
    def load(cls, path: str | Path, **options: Any) -> Net:
        """The net of a lab file, ready to run. `seed` goes before the file's; `stdin`: program name -> its input,
        before the file's; `root`: programs run as root; other options are those of `Net`. Raises LabError, which names
        file, line, what is wrong and what would be right.
        """
        from netarium.lab.load import LabFile

        return LabFile(path).build(cls, **options)

    def __repr__(self) -> str:
        return f"<Net {self.name}: {len(self.boxes)} nodes at {format_duration(self.now_ns)}>"

    # Boxes

    def host(
        self,
        name: str,
        address: str | Sequence[str] | None = None,
        *,
        link: Box | None = None,
        **options: Any,
    ) -> Host:
        """Place a computer. Keywords as in the lab file: address or interfaces, gateway, routes, hosts, settings, mac,
        boot, duplicate; `link=BOX` plugs it in, with the options of a link (`delay="1ms"`).
        """
        return self._computer("host", name, {"address": address, **options}, link)

    def router(self, name: str, *, link: Box | None = None, **options: Any) -> Router:
        """Place a computer that forwards packets; keywords as for `host`, and routing (rip, ospf, or a mapping)."""
        box = self._computer("router", name, options, link)
        assert isinstance(box, Router)
        return box

    def balancer(self, name: str, *, link: Box | None = None, **options: Any) -> Balancer:
        """Place a layer-4 switch: one address before several servers. Keywords as for `host`, and `balance`:
        `{"tcp/80": {"servers": ["192.168.1.2:80"], "backup": [...], "method": "random", "sticky": "5min"}}`.
        """
        from netarium.lab.presets import balancer

        cable = self._cable_options(options, link)
        box = balancer(self, name, options)
        if link is not None:
            self.add_link((box, ""), (link, ""), cable)
        return box

    def home_router(self, name: str, **options: Any) -> HomeRouter:
        """Place a router with NAT, LAN switch and access point in one box: `lan` and `wan` are its addresses. Links end
        at `NAME:wan`, `NAME:lan1` and so on, or `NAME:wifi`; without an interface at the next LAN port.
        """
        from netarium.lab.presets import home_router

        return home_router(self, name, options)

    def switch(self, name: str, **options: Any) -> Any:
        """Place a learning switch. Keywords as in the lab file: `ageing` (how long it remembers an address, 300 s),
        `mac_limit`, `ports={"p1": {"vlan": 10}, "up": {"trunk": [10, 20], "native": 1}}`, `spanning_tree="rstp"`,
        `priority`, `boot`; with `layer=3` also `interfaces={"vlan10": "10.0.10.1/24"}` and what a router has.
        """
        return switch(self, name, options)

    def hub(self, name: str, *, boot: str | None = None) -> Hub:
        """Place a hub."""
        node = HubNode(name, self.engine, self.streams, self.watch, self.port_numbers)
        box = Hub(self, node)
        place(self, box, None if boot is None else duration_ns(boot))
        return box

    def host_named(self, name: str) -> Host:
        """The host or router of this name."""
        box = self[name]
        if not isinstance(box, Host):
            raise UsageError(f"{name} is a {box.kind} and runs no programs; name a host or a router")
        return box

    def runner_named(self, name: str) -> Host:
        """What programs of the node of this name run on: itself, or the system of a layer-2 switch."""
        box = self[name]
        return box.system if isinstance(box, Switch) else self.host_named(name)

    @property
    def services(self) -> list[Service]:
        """All programs, in the order in which they were given; daemons that are part of their node are left out."""
        return [each for each in self.lifecycle.services if not each.of_node]

    def service(self, name: str) -> Service:
        """The program of this name."""
        for each in self.lifecycle.services:
            if each.name == name:
                return each
        raise unknown_program(name, [each.name for each in self.lifecycle.services])

    def add_interface(
        self, host: Host, name: str, addresses: Sequence[str] = (), mac: str | None = None
    ) -> Port:
        """Put one more card into a host. Addresses as `10.0.0.1/24`."""
        read = [addressing.interface_address(text) for text in addresses]
        if self.node_names is not None:
            for each in read:
                self.node_names.add(ip_text(each.family, each.address), host.name)
        return host.node.add_interface(name, interface_setup(self, read, mac))

    # Time

    @property
    def now_ns(self) -> int:
        """Virtual time since the start of the net."""
        return self.engine.now

    def at(self, time: str, action: Callable[[], None]) -> Start:
        """Do something (cut a link, crash a host) at a virtual time."""
        return self.lifecycle.at(duration_ns(time), action)

    def run(self, until: str | None = None, *, check: bool = False) -> End:
        """Let time pass until the run is over (DESIGN 3), or until `until`, counted from the start of the net.

        Raises DeadlockError when programs are blocked and nothing can free them. With `check`, raises ProgramError
        for the first program that did not end with 0.
        """
        end = self.drive(NEVER_NS if until is None else duration_ns(until))
        if end is End.BLOCKED:
            raise DeadlockError(self.blocked_report())
        if check:
            for service in self.failed():
                raise ProgramError(
                    f"{service.name} ended with exit code {service.exit_code}"
                ) from service.exception
        return end

    def run_until(self, condition: Service | Callable[[], bool], within: str = "10min") -> None:
        """Let time pass until a program has ended, or a condition holds. Raises UnfinishedError, DeadlockError."""
        if isinstance(condition, Service):
            service = condition
            self.drive_until(lambda: service.ended, f"{service.name} to end", within)
        else:
            self.drive_until(condition, "the condition", within, each_event=True)

    def drive_until(
        self, condition: Callable[[], bool], told: str, within: str, *, each_event: bool = False
    ) -> None:
        """Let time pass until `condition` holds. `told` says in errors what was waited for.

        With `each_event` the condition may be about anything in the net, not only about programs.
        """
        limit_ns = self.engine.now + duration_ns(within)
        end = self.drive(limit_ns, condition, each_event=each_event)
        if end is End.UNTIL:
            raise UnfinishedError(
                f"waited for {told}; by {format_duration(limit_ns)} of virtual time it had not come about"
                + self._waits_text()
            )
        if end is End.BLOCKED or end is End.DRAINED:
            raise DeadlockError(
                f"waited for {told}, and nothing can bring it about any more" + self._waits_text()
            )

    def drive(
        self,
        until_ns: int = NEVER_NS,
        condition: Callable[[], bool] | None = None,
        *,
        each_event: bool = False,
    ) -> End:
        """The loop beneath `run`, `wait`, `expect` and `call`; says why it came back and raises nothing for it."""
        self._check_caller()
        self.check()
        return self.lifecycle.drive(until_ns, condition, each_event=each_event)

    def _check_caller(self) -> None:
        """Raise UsageError where no time can pass: in a program, which is in the net itself, and in a closed net."""
        task = current_task()
        if task is not None:
            raise UsageError(
                f"program {task.process.name} on {task.process.host.name} cannot drive the net it runs in: run(), "
                "wait(), expect() and call() are for the test outside; to let time pass a program sleeps"
            )
        if self._closed:
            raise UsageError(f"net {self.name} is closed and its programs have ended; run it before close()")

    def check(self) -> None:
        """Raise UsageError for a topology that cannot be; done before time passes, when cables have changed."""
        if self._checked_links != len(self.links):
            self.noted.draw(check_net(self.boxes.values(), [link.cable for link in self.links]))
            self._checked_links = len(self.links)

    @property
    def notices(self) -> list[str]:
        """What the user should know: of the net as drawn, once it was checked, and of what came about since."""
        return self.noted.lines()

    def failed(self) -> list[Service]:
        """Programs that count and did not end with 0: daemons that raised, and others that ended, or never began."""
        found = []
        for service in self.lifecycle.services:
            if service.ended:
                if service.exit_code and not (service.daemon and service.exception is None):
                    found.append(service)
            elif not service.daemon and not service.at_rest:
                found.append(service)
        return found

    def blocked_report(self) -> str:
        """Who waits where, one line each."""
        return "deadlock: nothing can happen any more, and" + self._waits_text()

    def _waits_text(self) -> str:
        lines = [
            str(wait)
            for service in self.lifecycle.services
            if not service.at_rest and not service.of_node
            for wait in service.waits()
        ]
        lines += [each.told() for each in self.lifecycle.waiting]
        return "".join(f"\n  {line}" for line in lines)

    def waits(self) -> list[dict[str, object]]:
        """Who waits where, as the last line of a trace has it: in a call, or for its start."""
        found: list[dict[str, object]] = [
            {"program": service.name, **asdict(wait)}
            for service in self.lifecycle.services
            if not service.at_rest and not service.of_node
            for wait in service.waits()
        ]
        return found + [
            {"program": each.service.name, "after": each.service.after_text}
            for each in self.lifecycle.waiting
        ]

    # Watching

    def capture(self, file: str | Path, on: str | Sequence[str] = ()) -> None:
        """Write every frame from now on to a pcapng file; `on` names nodes or `NODE:INTERFACE`s to look at only."""
        self.watching.capture(file, [on] if isinstance(on, str) else list(on))

    @property
    def trace(self) -> Any:
        """What has happened, event by event (see `capture.recorder`)."""
        return self.watching.trace

    @property
    def digest(self) -> str:
        """One number for the whole run so far: the same seed gives the same."""
        return self.watching.digest

    def close(self) -> None:
        """Finish the files this net writes, and end its programs; what is known of the run stays. Twice is no error."""
        self._closed = True
        try:
            self.watching.close()
        finally:
            self._end_programs()
            self.scheduler.remove_local_names()

    def _end_programs(self) -> None:
        """Unwind every program, on hosts that are off: nothing of it is seen or sent."""
        running = [service for service in self.lifecycle.services if service.started and not service.ended]
        if not running:
            return
        for service in running:
            service.process.own_files.flush()  # the end of the net is no crash: what was written is kept
        for box in self.boxes.values():
            box.node.crash()
        asynchronous = any(service.process.has_loop() for service in running)
        for service in running:
            service.kill(9)
        self.scheduler.run_ready()
        if asynchronous:
            collect_remains()

    def __enter__(self) -> Net:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    # Inside

    def _cable_options(self, options: dict[str, Any], link: Box | None) -> dict[str, Any]:
        """Those of the options that are a link's, taken out."""
        cable = {key: options.pop(key) for key in LINK_OPTIONS if key in options and key != "duplicate"}
        if cable and link is None:
            raise UsageError(
                f"{next(iter(cable))!r} is an option of a link; say `link=BOX` too, or use net.link()"
            )
        return cable

    def _computer(self, kind: str, name: str, options: dict[str, Any], link: Box | None) -> Host:
        cable = self._cable_options(options, link)
        routing = options.pop("routing", None) if kind == "router" else None
        box = computer(self, kind, name, options)
        boot = options.get("boot")
        place(self, box, None if boot is None else duration_ns(boot))
        if link is not None:
            self.add_link((box, ""), (link, ""), cable)
        if routing is not None:
            from netarium.lab.routing import attach

            attach(box, routing)
        return box
