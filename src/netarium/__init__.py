"""Netarium: a whole internet inside one Python process.

The folders are layers, from the bottom up; a higher line may import lower ones (enforced by import-linter):

    errors            what can go wrong, with the remedy in the message
    addresses, units  MAC and IP arithmetic; "5ms", "100Mbps" -> integers
    journey           the ordered list of stops a byte passes, the reasons it can be dropped, the watchers' hooks
    wire, engine      bytes <-> headers; virtual time
    stack, link, capture   one host's TCP/IP; cables, hubs, switches; pcapng, trace, digest
    sockets, control  BSD semantics over a stack; the door by which tools read and change their host
    names             from a name to an address on a host
    nodes             the boxes one can place: stack + ports + engine, thin
    programs, services, apps   running unmodified Python; what the net's servers run; chat and file transfer
    tools             what a host has in its /bin
    lab               `Net`, the lab file, lifecycle
    story             what happened, as facts and in plain words
    testing           frame checkers, a scripted TCP peer: shipped to users
    outside           the real world: a TAP device, real time
    cli, pytest_plugin     the command line; the `net` fixture

Users hold `Net`; everything else hangs from it. Importing this package installs nothing and imports nothing heavy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netarium.errors import (
        DeadlockError as DeadlockError,
    )
    from netarium.errors import (
        LabError as LabError,
    )
    from netarium.errors import (
        NetariumError as NetariumError,
    )
    from netarium.errors import (
        ProgramError as ProgramError,
    )
    from netarium.errors import (
        StormError as StormError,
    )
    from netarium.errors import (
        UnfinishedError as UnfinishedError,
    )
    from netarium.errors import (
        UsageError as UsageError,
    )
    from netarium.lab.net import Net as Net

__version__ = "0.1.0"

_HOMES = {
    "Net": "netarium.lab.net",
    "NetariumError": "netarium.errors",
    "UsageError": "netarium.errors",
    "LabError": "netarium.errors",
    "DeadlockError": "netarium.errors",
    "UnfinishedError": "netarium.errors",
    "StormError": "netarium.errors",
    "ProgramError": "netarium.errors",
}

__all__ = [  # noqa: RUF022  (the order a reader wants)
    "Net",
    "NetariumError",
    "UsageError",
    "LabError",
    "DeadlockError",
    "UnfinishedError",
    "StormError",
    "ProgramError",
    "__version__",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'netarium' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted(__all__)
