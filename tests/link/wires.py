"""Two or more ports with owners that keep what arrives, on one engine: the workbench of the link tests."""

from __future__ import annotations

from netarium.engine.events import Engine
from netarium.engine.streams import Streams
from netarium.journey import Drop, FrameLike, Watch
from netarium.link.cable import Cable
from netarium.link.port import Port
from netarium.wire.ethernet import Frame

ETHERTYPE_TEST = 0x88B5  # IEEE 802 local experimental


class Keeper:
    """The owner of a port: keeps (time, frame) of what arrives."""

    def __init__(self) -> None:
        self.got: list[tuple[int, Frame]] = []
        self.carrier: list[bool] = []

    def receive(self, port: Port, frame: Frame) -> None:
        self.got.append((port.engine.now, frame))

    def carrier_changed(self, port: Port, up: bool) -> None:
        self.carrier.append(up)

    @property
    def times(self) -> list[int]:
        return [time_ns for time_ns, _ in self.got]

    @property
    def frames(self) -> list[Frame]:
        return [frame for _, frame in self.got]

    @property
    def numbers(self) -> list[int]:
        """The numbers of frames made by `numbered`, in the order of arrival."""
        return [number_of(frame) for _, frame in self.got]


class Drops:
    """An observer that keeps drops as (place, reason)."""

    def __init__(self) -> None:
        self.all: list[tuple[str, Drop]] = []

    def drop(self, now: int, place: str, reason: Drop, frame: FrameLike | None, detail: str) -> None:
        self.all.append((place, reason))

    @property
    def reasons(self) -> list[Drop]:
        return [reason for _, reason in self.all]


class Bench:
    """An engine with streams, a watch with `drops`, and as many ports as wanted."""

    def __init__(self, seed: int = 1) -> None:
        self.engine = Engine()
        self.streams = Streams(seed)
        self.watch = Watch()
        self.drops = Drops()
        self.watch.add(self.drops)
        self.ports = 0

    def port(self, name: str = "") -> tuple[Port, Keeper]:
        keeper = Keeper()
        name = name or f"{'abcdefgh'[self.ports]}:eth0"
        port = Port(name, self.ports, self.ports + 1, keeper, self.engine, self.watch)
        self.ports += 1
        return port, keeper

    def cable(self, a: Port, b: Port, **numbers: object) -> Cable:
        return Cable(a, b, self.engine, self.streams, self.watch, **numbers)  # type: ignore[arg-type]

    def run(self, until_ns: int = 1 << 62) -> None:
        while (time_ns := self.engine.next_time()) is not None and time_ns <= until_ns:
            self.engine.step()


def sized(size_bytes: int) -> Frame:
    """A frame of this length without FCS."""
    return Frame(2, 1, ETHERTYPE_TEST, None, None, bytes(size_bytes - 14))


def numbered(number: int, size_bytes: int = 60) -> Frame:
    """A frame that can be told from others."""
    return Frame(2, 1, ETHERTYPE_TEST, None, None, number.to_bytes(4, "big") + bytes(size_bytes - 18))


def number_of(frame: Frame) -> int:
    return int.from_bytes(bytes(frame.payload[:4]), "big")
