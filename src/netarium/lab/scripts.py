"""Scripts without a lab: every one on a host of its own, all on one switch (DESIGN 3, Scripts without a lab)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netarium.addresses import is_loopback, is_multicast
from netarium.lab.boxes import Host, numbered
from netarium.lab.lifecycle import Start
from netarium.lab.literals import Says, is_host_address, read_script
from netarium.lab.net import Net
from netarium.lab.placement import PREFIX_LENGTH, Place, place
from netarium.lab.service import Service
from netarium.programs.loader import Program, from_script, load

SWITCH = "switch"
WAIT_FOR_EARLIER_NS = 10 * 10**9
"""A script starts at the latest so long after the one before it."""

_SETTLED_CALLS = ("accept", "recv", "recvfrom", "recvmsg", "input", "read")
_POLL_CALLS = ("select", "poll", "epoll_wait", "epoll")


@dataclass
class Script:
    """One command line, read but not run."""

    name: str
    program: Program
    says: Says


def read_sources(sources: Sequence[str], directory: Path) -> list[Script]:
    """The scripts of these command lines, with their names: STEM, STEM-2. Raises UsageError for one that is missing.

    An argument that is an existing file is a script without arguments.
    """
    taken: set[str] = set()
    scripts = []
    for source in sources:
        is_file = bool(source) and (directory / source).is_file()
        program = from_script(source, (), directory) if is_file else load(source, directory)
        says = Says() if program.path is None else read_script(program.path, program.argv[1:])
        if program.path is None:
            _add_words(says, program.argv)
        scripts.append(Script(numbered(program.stem, taken), program, says))
    return scripts


def _add_words(says: Says, words: Sequence[str]) -> None:
    """What a tool's or module's arguments say: `python -m http.server --bind 192.168.1.5`."""
    for word in words:
        if is_host_address(word):
            says.literals.append(word)
        elif word == "localhost" or word.startswith("127."):
            says.loopback = True


def from_scripts(
    sources: Sequence[str | Script],
    *,
    stdin: Mapping[str, Any] | None = None,
    root: bool = False,
    seed: int = 0,
    directory: str | Path | None = None,
    **options: Any,
) -> Net:
    """A net of these command lines, ready to run. `stdin`: program name -> what it reads; without it nothing.

    Raises UsageError.
    """
    where = Path.cwd() if directory is None else Path(directory)
    scripts = [each for each in sources if isinstance(each, Script)]
    if len(scripts) != len(sources):
        scripts = read_sources([str(each) for each in sources], where)
    net = Net(seed, name="scripts", directory=where, **options)
    places = place([script.says for script in scripts])
    hosts = _build(net, scripts, places)
    inputs = dict(stdin or {})
    waits: list[_InOrder] = []
    for script, host in zip(scripts, hosts, strict=True):
        service = host.run(
            script.program,
            stdin=inputs.get(script.name, ""),
            root=root,
            name=script.name,
            hold=True,
            directory=where,
        )
        waits.append(_InOrder(net, service, waits[-1] if waits else None))
    net.lifecycle.waiting.extend(waits)
    return net


def _build(net: Net, scripts: Sequence[Script], places: Sequence[Place]) -> list[Host]:
    """One host per place, named after its first script; the hosts in the order of the scripts."""
    names = {script.name for script in scripts}
    switch = net.switch(numbered(SWITCH, set(names)))
    hosts: dict[int, Host] = {}
    for each in places:
        name = scripts[each.scripts[0]].name
        addresses = [f"{address}/{PREFIX_LENGTH}" for address in each.addresses]
        host = net.host(name, address=addresses, link=switch)
        _adopt_what_is_bound(net, host)
        for index in each.scripts:
            hosts[index] = host
            if index != each.scripts[0] and net.node_names is not None:
                for address in each.addresses:
                    net.node_names.add(address, scripts[index].name)
    return [hosts[index] for index in range(len(scripts))]


def _adopt_what_is_bound(net: Net, host: Host) -> None:
    """Let a host take each unicast address that its program binds, unless another host has it."""

    def adopt(address: int) -> bool:
        last = address & 0xFF
        if is_loopback(address) or is_multicast(address) or address >> 28 == 15 or last in (0, 255):
            return False
        if any(isinstance(box, Host) and box.node.owns_address(address) for box in net.boxes.values()):
            return False
        host.node.stack.add_address("eth0", address, PREFIX_LENGTH)
        return True

    host.node.stack.ports.adopt = adopt


class _InOrder:
    """The start of one script after those before it: when the one before has settled, has ended, or took too long."""

    def __init__(self, net: Net, service: Service, before: _InOrder | None) -> None:
        self.net = net
        self.service = service
        self.before = before
        self.limit: Start | None = None
        self.too_late = False

    @property
    def holds(self) -> bool:
        """Whether a run must not end because this one waits: it always comes about."""
        return True

    def told(self) -> str:
        """What it waits for."""
        return f"{self.service.name}: waits to start"

    def look(self) -> bool:
        """Start it if its turn has come."""
        before = self.before
        if before is None or self.too_late or before.service.ended:
            self._start()
            return True
        if not before.service.started:
            return False
        if _settled(before.service):
            self._start()
            return True
        if self.limit is None:
            self.limit = self.net.lifecycle.at(self.net.engine.now + WAIT_FOR_EARLIER_NS, self._late)
        return False

    def _late(self) -> None:
        self.too_late = True

    def _start(self) -> None:
        if self.limit is not None:
            self.limit.cancel()
        self.service.start()


def _settled(service: Service) -> bool:
    """Whether none of its tasks can run and one of them waits for somebody: accept, recv, input, or a poll of those."""
    tasks = service.process.tasks
    if not tasks or any(not task.parked or task.is_ready for task in tasks):
        return False
    return any(
        task.call in _SETTLED_CALLS or (task.call in _POLL_CALLS and _polls_a_socket(task)) for task in tasks
    )


def _polls_a_socket(task: Any) -> bool:
    """Whether a bound or connected socket is among the descriptors of a poll."""
    if task.rests:
        return True
    sockets = getattr(task.target, "sockets", None)
    return bool(sockets and any(each.is_bound_or_connected() for each in sockets()))
