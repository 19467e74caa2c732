"""Packet scripts: what a program calls, what the wire brings and what TCP must answer, line by line in virtual time.

    script    the values a script is made of, and what can be wrong with one
    scanner   characters of a script: places, comments, numbers, names
    parser    a whole script: times, commands, code, packets, system calls
    packets   the notation of one packet and its options
    symbols   the names of constants: SOL_SOCKET, POLLIN, EAGAIN
    flow      numbers of the script and of the wire: sequence numbers, timestamps, ports
    family    IPv4 or IPv6: addresses, the way to the peer, the peer's packets
    matching  is the packet that left the one the script wants? Back-to-back segments may be merged or split
    calls     the system calls, on sockets of `netarium.sockets`
    machine   one host and its clock; plays the events

The notation is packetdrill's: system calls, `<` inbound and `>` outbound packets, `sysctl` commands in backticks and
`%{ assert tcpi_cwnd == 10 }%`. Start with `run_file`; `python -m netarium.testing.packetscript FILE...` runs many.
"""

from __future__ import annotations

from pathlib import Path

from netarium.testing.packetscript.machine import Machine
from netarium.testing.packetscript.parser import parse
from netarium.testing.packetscript.script import NotRun, ScriptError, ScriptFailure

PASS = "pass"
FAIL = "FAIL"
NOT_RUN = "not run"


def run_text(text: str, name: str = "script", folder: Path | None = None) -> tuple[str, str]:
    """Play a script; returns (PASS, FAIL or NOT_RUN, the reason or "")."""
    try:
        script = parse(text)
        if not script.events:
            raise ScriptError(1, "there is no event: nothing is proved")
        Machine(script, folder).play()
    except NotRun as reason:
        return NOT_RUN, f"{name}:{reason}"
    except (ScriptError, ScriptFailure) as problem:
        return FAIL, f"{name}:{problem}"
    return PASS, ""


def run_file(path: str | Path) -> tuple[str, str]:
    """Play the script in a file; returns (PASS, FAIL or NOT_RUN, the reason or ""). OSError when it cannot be read."""
    path = Path(path)
    return run_text(path.read_text(encoding="utf-8"), str(path), path.parent)
