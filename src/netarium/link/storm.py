"""Broadcast storms: a loop of hubs and switches in which a broadcast goes round for ever, found and named.

No number of frames tells a storm from traffic; a loop does. So every hub and switch counts the frames it floods (and a
switch the addresses that turn up at another port), and after each `FLOODS_BEFORE_LOOK` of them follows one broadcast
over the cables as they are at that moment (cut cables, ports that a spanning tree has closed, VLANs): if it comes back
to where it was, it will never end, and a StormError names the loop. Without a loop nothing happens, however many frames
there are. The limit bounds a storm over cables with delay; one over cables without any is bounded by the engine's limit
of events at one instant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

from netarium.errors import StormError
from netarium.journey import Stop
from netarium.units import format_duration

if TYPE_CHECKING:
    from netarium.link.port import Port

LOOP: Final = "loop"
"""The decision, and its subject, by which the watchers are told of a loop."""
FLOODS_BEFORE_LOOK: Final = 20_000
"""Ours: a storm between two switches and 10 us of cable reaches it in 0.2 s of virtual time at most."""


@runtime_checkable
class Flooding(Protocol):
    """The inside of a hub or switch: who sends one frame on by several ports."""

    def exits(self, port: Port, vlan: int) -> list[tuple[Port, int]]:
        """By which ports, and with which VLAN in its tag (0: none), a broadcast leaves that came in by `port`."""
        ...


State = tuple["Port", int]


def find_loop(port: Port, vlan: int) -> list[State]:
    """The hops of a loop into which a broadcast runs that arrives at `port` with a tag of `vlan` (0: none).

    Each hop is the port that sends it and the VLAN of its tag. Empty when there is no loop.
    """
    path: list[tuple[State, State]] = []  # (arrival, the hop that led to it)
    open_at: dict[State, int] = {}
    done: dict[State, bool] = {}
    start: State = (port, vlan)
    stack: list[tuple[State, list[tuple[State, State]]]] = [(start, _next(start))]
    path.append((start, start))
    open_at[start] = 0
    while stack:
        state, following = stack[-1]
        if not following:
            stack.pop()
            path.pop()
            del open_at[state]
            done[state] = True
            continue
        hop, arrival = following.pop(0)
        if arrival in open_at:
            return [each for _, each in path[open_at[arrival] + 1 :]] + [hop]
        if arrival not in done:
            open_at[arrival] = len(path)
            path.append((arrival, hop))
            stack.append((arrival, _next(arrival)))
    return []


def look_for_loop(port: Port, vlan: int) -> None:
    """Raise StormError when a broadcast that arrives at `port` never ends; the watchers are told before."""
    loop = find_loop(port, vlan)
    if not loop:
        return
    each_hop = [f"{sender.name} > {_far(sender).name}" for sender, _ in loop]
    hops = ", ".join(each_hop)
    cables = list(dict.fromkeys(sender.cable.name for sender, _ in loop if sender.cable is not None))
    switches = list(dict.fromkeys(_box(sender) for sender, _ in loop if hasattr(sender.owner, "tree")))
    remedy = f", or give {', '.join(switches)} `spanning_tree: rstp`" if switches else ""
    tag = f" of VLAN {loop[0][1]}" if loop[0][1] else ""
    if port.watch.step is not None:
        told = {
            "decision": LOOP,
            "hops": each_hop,
            "cables": cables,
            "switches": switches,
            "vlan": loop[0][1],
        }
        port.watch.step(port.engine.now, _box(port), Stop.SWITCH, LOOP, told)
    raise StormError(
        f"a broadcast storm at {format_duration(port.engine.now)}: a frame{tag} goes round for ever: {hops}; cut one "
        f"of the cables {', '.join(cables)}{remedy}"
    )


def _box(port: Port) -> str:
    return port.name.partition(":")[0]


def _far(port: Port) -> Port:
    assert port.cable is not None
    return port.cable.b if port.cable.a is port else port.cable.a


def _next(state: State) -> list[tuple[State, State]]:
    """The hops that a broadcast makes from where it has arrived, each with its next arrival."""
    port, vlan = state
    if not isinstance(port.owner, Flooding):
        return []
    return [((out, tag), (_far(out), tag)) for out, tag in port.owner.exits(port, vlan)]
