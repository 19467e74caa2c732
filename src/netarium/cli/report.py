"""What is said at the end of a run: notices, the summary line, and the object of --json."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from netarium.units import format_duration

if TYPE_CHECKING:
    from netarium.cli.arguments import RunArguments
    from netarium.lab.net import Net

JSON_VERSION = 1

_UNREACHABLE = ("Network is unreachable", "No route to host")


def notices(net: Net) -> list[str]:
    """What the user should know: who rests, who was killed by a missing cable or address."""
    found: list[str] = []
    resting = [service.name for service in net.services if service.at_rest]
    if resting:
        found.append(f"at rest, waiting for clients: {', '.join(resting)}")
    for service in net.services:
        if not service.started and not service.daemon:
            found.append(f"{service.name} never started: {service.host.missing() or 'its time had not come'}")
        missing = service.host.missing()
        if (
            missing
            and service.exception is not None
            and any(text in str(service.exception) for text in _UNREACHABLE)
        ):
            found.append(f"{service.name} could not send: {missing}")
    return [f"netarium: {text}" for text in found]


def summary(net: Net, arguments: RunArguments, wall_s: float) -> str:
    """The last line: virtual time, wall time, frames, drops by reason, digest."""
    drops = net.watching.counters.by_name()
    dropped = (
        "nothing dropped" if not drops else "dropped " + ", ".join(f"{name} {n}" for name, n in drops.items())
    )
    parts = [
        f"{format_duration(net.now_ns)} virtual",
        f"{wall_s:.3f} s wall",
        f"{net.watching.frames_sent()} frames",
        dropped,
    ]
    if arguments.digest:
        parts.append(f"digest {net.digest}")
    return "netarium: " + ", ".join(parts)


def as_json(net: Net, arguments: RunArguments, code: int) -> str:
    """The run as one JSON object; `version` grows with every change that is no addition."""
    programs: list[dict[str, Any]] = [
        {
            "name": service.name,
            "node": service.host.name,
            "exit_code": service.exit_code,
            "state": service.state,
            "daemon": service.daemon,
            "stdout": service.stdout,
            "stderr": service.stderr,
        }
        for service in net.services
    ]
    told: dict[str, Any] = {
        "version": JSON_VERSION,
        "lab": net.name,
        "seed": net.seed,
        "exit_code": code,
        "virtual_ns": net.now_ns,
        "frames": net.watching.frames_sent(),
        "drops": net.watching.counters.by_name(),
        "digest": net.digest if arguments.digest else None,
        "notices": net.notices,
        "programs": programs,
    }
    return json.dumps(told, indent=2, ensure_ascii=False)
