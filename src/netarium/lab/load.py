"""From a lab file to a net: the shape is checked by the schema, the meaning by the net itself; both name the line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netarium.errors import LabError, UsageError
from netarium.lab import file as lab_file
from netarium.lab.boxes import numbered
from netarium.lab.faults import lay_fault
from netarium.lab.file import Document, Path_
from netarium.lab.launch import DHCP
from netarium.lab.literals import reads_input
from netarium.lab.services import bound_condition
from netarium.lab.topology import AddressTwiceError, RouterIdTwiceError
from netarium.lab.words import suggest
from netarium.programs.loader import load as load_program

if TYPE_CHECKING:
    from pydantic import ValidationError

    from netarium.lab.models import Lab, ProgramEntry
    from netarium.lab.net import Net

NODE_KINDS = ("host", "switch", "hub", "router", "balancer", "home-router")

LATER = ("ipv6", "ports")
"""Words of the design that this version does not have: an error says so instead of guessing at a typing mistake."""


class LabFile:
    """A lab file that has been read and fits the schema; what it means is found out by `build`. Raises LabError."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.document = lab_file.read(path)
        self.lab = read_lab(self.document)
        self.names = program_names(self)

    def readers(self) -> dict[str, bool]:
        """Program name -> whether it reads its input and the lab file does not say what."""
        found = {}
        for entry, name in zip(self.lab.programs, self.names, strict=True):
            path = load_program(entry.run, self.directory(entry)).path
            found[name] = entry.stdin is None and path is not None and reads_input(path)
        return found

    def directory(self, entry: ProgramEntry) -> Path:
        """Where a program runs: the lab file's folder, or `dir` in it."""
        return self.path.parent if entry.dir is None else self.path.parent / entry.dir

    def build(
        self,
        make: Callable[..., Net],
        *,
        seed: int | None = None,
        root: bool = False,
        stdin: Mapping[str, Any] | None = None,
        typed: bool = True,
        **options: Any,
    ) -> Net:
        """The net that `make` (the class `Net`) begins. `seed` goes before the file's; `root`: programs run as root;
        `stdin`: program name -> its input, before the file's; input that neither gives stays open for `service.type`,
        or with `typed=False` is empty. Other options are those of `Net`. Raises LabError.
        """
        chosen = self.lab.seed if seed is None else seed
        options.setdefault("directory", self.path.parent)
        net = make(chosen, name=self.lab.name or self.path.stem, names=self.lab.names, **options)
        _Builder(net, self, root, dict(stdin or {}), "" if not typed else None).build()
        return net


@contextmanager
def at_line(document: Document, path: Path_) -> Iterator[None]:
    """Give a UsageError that is raised within the file and the line of `path`, or of the value in it that it quotes."""
    try:
        yield
    except LabError:
        raise
    except UsageError as error:
        path = (*path, *getattr(error, "part", ()))
        message = f"{_path_text(path)}: {error}"
        for key in getattr(error, "line", ()):
            path = (*path, key) if (*path, key) in document.lines else path
        raise document.error(message, _narrow(document, path, str(error))) from None


def _narrow(document: Document, path: Path_, message: str) -> Path_:
    """The place inside `path` of the text that the message quotes, if it quotes one: a node may be many lines long."""
    for inner in document.lines:
        if inner[: len(path)] == path and len(inner) > len(path):
            value: Any = document.value
            for part in inner:
                value = value[part]
            if isinstance(value, str) and len(value) > 2 and value.partition("/")[0] in message:
                return inner
    return path


def program_names(file: LabFile) -> list[str]:
    """NODE for the one program of a node, else NODE/STEM, NODE/STEM-2 (DESIGN 3). Programs must be there: LabError."""
    entries = file.lab.programs
    counts: dict[str, int] = {}
    for entry in entries:
        counts[entry.on] = counts.get(entry.on, 0) + 1
    taken: set[str] = set()
    names = []
    for index, entry in enumerate(entries):
        with at_line(file.document, ("programs", index, "run")):
            stem = load_program(entry.run, file.directory(entry)).stem
        names.append(numbered(entry.on if counts[entry.on] == 1 else f"{entry.on}/{stem}", taken))
    return names


def read_lab(document: Document) -> Lab:
    """The lab by its schema. Raises LabError for the first thing that is wrong, in the order of the lines."""
    from pydantic import ValidationError

    from netarium.lab.models import Lab

    value = document.value
    if not isinstance(value, dict):
        raise document.error("a lab file is a mapping with `nodes`, `links` and `programs`", ())
    _check_kinds(document)
    try:
        return Lab.model_validate(value)
    except ValidationError as error:
        raise _first_error(document, error) from None


def _check_kinds(document: Document) -> None:
    """Every node says its kind; said here because the schema's own words for it are hard to read."""
    nodes = document.value.get("nodes")
    if not isinstance(nodes, dict):
        return
    for name, node in nodes.items():
        path = ("nodes", name)
        if not isinstance(node, dict):
            raise document.error(
                f"node {name}: write {{kind: host, address: 10.0.0.1/24}} or another kind", path
            )
        kind = node.get("kind")
        if kind is None:
            raise document.error(f"node {name} has no `kind`; give one of {', '.join(NODE_KINDS)}", path)
        if kind not in NODE_KINDS:
            hint = _later(str(kind)) or suggest(str(kind), NODE_KINDS)
            raise document.error(f"node {name}: there is no kind {kind!r}{hint}", (*path, "kind"))


def _first_error(document: Document, error: ValidationError) -> LabError:
    told = [(_place(document, each["loc"]), each) for each in error.errors()]
    # A key that is not known says more than the one that is missing because of it.
    path, first = min(
        told, key=lambda pair: (document.line(pair[0]) or 0, pair[1]["type"] != "extra_forbidden")
    )
    return document.error(_words(path, first, document), path)


def _place(document: Document, location: tuple[int | str, ...]) -> Path_:
    """The place in the file of a pydantic location, which also names union members and validators."""
    if len(location) > 2 and location[0] == "nodes" and location[2] in NODE_KINDS:
        location = location[:2] + location[3:]
    path: Path_ = ()
    for part in location:
        if (*path, part) in document.lines:
            path = (*path, part)
    return path


def _words(path: Path_, error: Any, document: Document) -> str:
    where = _path_text(path)
    kind = error["type"]
    if kind == "extra_forbidden":
        key = str(path[-1])
        known = _known_keys(path[:-1], document)
        return f"unknown key {key!r}{_later(key) or suggest(key, known)}"
    if kind == "missing":
        return f"{where or 'the lab'} lacks `{error['loc'][-1]}`"
    if kind == "value_error":
        return f"{where}: {error['ctx']['error']}"
    message = re.sub(r"^Input should be ", "it should be ", error["msg"])
    return f"{where}: {error['input']!r} does not fit: {message}"


def _path_text(path: Path_) -> str:
    text = ""
    for part in path:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _known_keys(path: Path_, document: Document) -> list[str]:
    from netarium.lab import models
    from netarium.lab.filtering.models import ENTRIES, CheckEntry
    from netarium.lab.models_routing import RoutingEntry
    from netarium.lab.models_services import DhcpEntry, DnsEntry, ServiceEntry
    from netarium.lab.models_switch import PortEntry

    if not path:
        model: Any = models.Lab
    elif path[0] == "nodes" and len(path) == 2:
        kind = document.value["nodes"][path[1]]["kind"]
        nodes = {
            "host": models.HostNode,
            "router": models.RouterNode,
            "switch": models.SwitchNode,
            "hub": models.HubNode,
            "balancer": models.BalancerNode,
            "home-router": models.HomeRouterNode,
        }
        model = nodes[kind]
    elif path[0] == "nodes" and path[2] == "ports":
        model = PortEntry
    elif path[0] == "nodes" and path[2] in ENTRIES:
        model = CheckEntry if path[-1] == "check" else ENTRIES[str(path[2])]
    elif path[0] == "nodes" and "routing" in path:
        model = RoutingEntry
    elif path[0] == "nodes" and path[2] in ("dhcp", "services"):
        entry = DnsEntry if path[-1] == "dns" else ServiceEntry
        model = DhcpEntry if path[2] == "dhcp" else entry
    elif path[0] == "nodes":
        model = models.Route
    else:
        tops = {"links": models.LinkEntry, "programs": models.ProgramEntry, "faults": models.FaultEntry}
        model = tops.get(str(path[0]), models.Lab)
        if path[-1] == "drop":
            model = models.FrameMatch
        elif path[-1] == "after":
            model = models.Listening
        elif path[-1] == "corrupt":
            model = models.CorruptEntry
    return [field.alias or name for name, field in model.model_fields.items()]


def _later(word: str) -> str:
    return "; this version of Netarium does not have it yet" if word in LATER else ""


class _Builder:
    """Gives what a lab file says to a net, and adds the line to what the net refuses."""

    def __init__(
        self, net: Net, file: LabFile, root: bool, stdin: dict[str, Any], default: str | None
    ) -> None:
        self.net = net
        self.file = file
        self.document = file.document
        self.lab = file.lab
        self.root = root
        self.stdin = stdin
        self.default = default

    def build(self) -> None:
        for name in self.lab.nodes:
            with self._line("nodes", name):
                self._node(name)
            self._note_place("nodes", name)
        for index in range(len(self.lab.links)):
            with self._line("links", index):
                self._link(index)
            self._note_place("links", index)
        try:
            self.net.check()
        except AddressTwiceError as error:
            raise self.document.error(str(error), ("nodes", error.second.name)) from None
        except RouterIdTwiceError as error:
            raise self.document.error(str(error), ("nodes", error.second.name, "routing")) from None
        self._programs()
        for index, fault in enumerate(self.lab.faults):
            with self._line("faults", index):
                lay_fault(self.net, fault)

    def _line(self, *path: str | int) -> AbstractContextManager[None]:
        return at_line(self.document, path)

    def _note_place(self, *path: str | int) -> None:
        """Notices about what this place in the file has put into the net name it."""
        places, place = self.net.noted.places, self.document.place(path)
        if path[0] == "nodes":
            places.update(dict.fromkeys(self.net[str(path[1])].node_names(), place))
        elif self.net.links:
            places[self.net.links[-1].cable.name] = place

    def _node(self, name: str) -> None:
        given = {key: _as_written(value) for key, value in self.document.value["nodes"][name].items()}
        kind = given.pop("kind")
        if given.get("routing") is not None:
            from netarium.lab.routing import read

            interfaces = list(given.get("interfaces") or ["eth0"] * ("address" in given))
            with self._line("nodes", name, "routing"):
                read(given["routing"], interfaces)
        place = getattr(self.net, kind.replace("-", "_"))
        place(name, **{key: value for key, value in given.items() if value is not None})

    def _link(self, index: int) -> None:
        entry = self.document.value["links"][index]
        given = {} if isinstance(entry, list) else dict(entry)
        given.pop("between", None)
        one, other = self.lab.links[index].between
        self.net.add_link(
            self.net.end(one),
            self.net.end(other),
            {key: _as_written(value) for key, value in given.items()},
        )

    def _programs(self) -> None:
        names = self.file.names
        for index, entry in enumerate(self.lab.programs):
            if isinstance(entry.after, str):
                with self._line("programs", index, "after"):
                    self._check_after(index, entry.after, names)
        for index, entry in enumerate(self.lab.programs):
            with self._line("programs", index):
                self._program(
                    entry, names[index], _as_written(self.document.value["programs"][index].get("at"))
                )

    def _check_after(self, index: int, after: str, names: list[str]) -> None:
        if after == DHCP:
            bound_condition(self.net.host_named(self.lab.programs[index].on))
            return
        if after not in names:
            raise UsageError(f"there is no program {after!r}{suggest(after, names)}")
        seen = [names[index]]
        while after not in seen:
            seen.append(after)
            following = self.lab.programs[names.index(after)].after
            if not isinstance(following, str) or following not in names:
                return
            after = following
        raise UsageError(f"{' waits for '.join([*seen, after])}; none of them can start")

    def _program(self, entry: ProgramEntry, name: str, at: str | None) -> None:
        host = self.net.runner_named(entry.on)
        directory = self.file.directory(entry)
        if not directory.is_dir():
            raise UsageError(f"dir: there is no directory {directory}")
        after = entry.after
        host.run(
            entry.run,
            at=at,
            after=after if after is None or isinstance(after, str) else {"listening": after.listening},
            stdin=self.stdin.get(name, self.default if entry.stdin is None else entry.stdin),
            env=environment(entry.env),
            root=self.root or entry.as_ == "root",
            daemon=entry.daemon,
            directory=directory,
            name=name,
        )


def _as_written(value: Any) -> Any:
    """A number as its text: `boot: 0` and `loss: 0.02` are read where "0" and "2%" are."""
    return getattr(value, "text", value)


def environment(given: dict[str, str]) -> dict[str, str]:
    """A program's `env`: `inherit` takes the caller's value, where there is one."""
    import os

    found = {}
    for name, value in given.items():
        if value == "inherit":
            if name in os.environ:
                found[name] = os.environ[name]
        else:
            found[name] = value
    return found
