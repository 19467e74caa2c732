"""tshark as judge of our captures: what it finds wrong in them that the run does not explain.

    python -m netarium.testing.tshark FILE [--cause loss ...]

Every interface is judged alone: over several ports tshark takes the second sight of a frame for a retransmission.
Checksums are validated, and only the protocols of the net are dissected: what a program sends on some port is not
guessed at. Whatever has severity warning or error counts.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from netarium.capture.reading import read_capture, split_by_interface
from netarium.errors import NetariumError, UsageError
from netarium.testing.explained import CAUSES, explanation

REQUIRE_VARIABLE = "NETARIUM_REQUIRE_TSHARK"
"""Set where a missing tshark is an error, not a reason to skip."""

PROTOCOLS = (
    *("frame", "eth", "ethertype", "vlan", "llc", "stp", "arp", "ip", "icmp", "igmp", "ipv6", "icmpv6"),
    *("udp", "tcp", "dns", "dhcp", "dhcpv6", "rip", "ripng", "ospf", "data"),
)
_PREFERENCES = (
    "ip.check_checksum:TRUE",
    "tcp.check_checksum:TRUE",
    "udp.check_checksum:TRUE",
    "tcp.analyze_sequence_numbers:TRUE",
)
_FIELDS = ("frame.number", "_ws.expert.severity", "_ws.expert.message", "frame.protocols")
_NOTE, _WARNING, _ERROR = 0x400000, 0x600000, 0x800000
_OF_EVERY_FIN = "es the connection closing"
"""A note of each FIN: it initiates or undergoes that."""
_TIMEOUT_SECONDS = 120


class TsharkMissingError(NetariumError):
    """There is no tshark on this machine."""


class Finding(NamedTuple):
    """One thing that tshark says about one frame.

    `interface` is the port's name, `frame_number` that in the whole file (as Wireshark shows it), `severity` "note",
    "warning" or "error", `reason` why it is no fault, or None.
    """

    interface: str
    frame_number: int
    severity: str
    message: str
    protocols: str
    reason: str | None

    def __str__(self) -> str:
        text = f"frame {self.frame_number} ({self.interface}): {self.severity}: {self.message} [{self.protocols}]"
        return text if self.reason is None else f"{text}; explained: {self.reason}"


def all_findings(path: str | Path, causes: Iterable[str] = (), *, notes: bool = False) -> list[Finding]:
    """Every warning and error of tshark in a pcapng file, by interface and frame, those with a reason too.

    `causes` are names of `explained.CAUSES`: what happened in the run. With `notes` its notes count too
    (retransmissions, duplicate acknowledgments, keepalives), but for what it says of every FIN. Raises
    TsharkMissingError without tshark, UsageError for a file that is no capture or holds no frame.
    """
    named = tuple(causes)
    explanation("", named)
    program = find_tshark()
    findings: list[Finding] = []
    with tempfile.TemporaryDirectory(prefix="netarium-tshark-") as folder:
        Path(folder, "disabled_protos").write_text("\n".join(_other_protocols(program)))
        files = split_by_interface(path, folder)
        numbers: dict[str, list[int]] = {interface: [] for interface in files}
        for frame in read_capture(path):
            numbers[frame.interface].append(frame.number)
        if not files:
            raise UsageError(f"{path} holds no frame: there is nothing to judge")
        for interface, file in files.items():
            for number, severity, message, protocols in _judge(program, file, _NOTE if notes else _WARNING):
                place = numbers[interface][number - 1]
                reason = explanation(message, named)
                findings.append(Finding(interface, place, severity, message, protocols, reason))
    return findings


def tshark_findings(path: str | Path, causes: Iterable[str] = ()) -> list[Finding]:
    """The warnings and errors of tshark that the run does not explain; an empty list is what a test wants."""
    return [finding for finding in all_findings(path, causes) if finding.reason is None]


def find_tshark() -> str:
    """The path of tshark. Raises TsharkMissingError that says how to get it."""
    program = shutil.which("tshark")
    if program is None:
        raise TsharkMissingError("tshark is not installed; on Debian: apt-get install tshark")
    return program


def skip_without_tshark() -> None:
    """Skip the running pytest test, with the reason, where tshark is missing and not required."""
    import pytest

    try:
        find_tshark()
    except TsharkMissingError as error:
        if os.environ.get(REQUIRE_VARIABLE):
            raise
        pytest.skip(str(error))


def _run(command: list[str], configuration: Path) -> subprocess.CompletedProcess[str]:
    """Run tshark with its configuration in this folder, so that nobody's own preferences change what it finds."""
    environment = os.environ | {"WIRESHARK_CONFIG_DIR": str(configuration)}
    return subprocess.run(
        command, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False, env=environment
    )


@cache
def _other_protocols(program: str) -> list[str]:
    """The names of all protocols that tshark knows but those we want dissected."""
    listed = _run([program, "-G", "protocols"], Path(os.devnull)).stdout.splitlines()
    names = [line.split("\t")[2] for line in listed]
    return [name for name in names if name not in PROTOCOLS]


def _judge(program: str, file: Path, least: int) -> Iterator[tuple[int, str, str, str]]:
    """(frame number, severity, message, protocols) of all from severity `least` on that tshark finds in a file of one
    interface.
    """
    command = [program, "-n", "-2", "-r", str(file)]
    for preference in _PREFERENCES:
        command += ["-o", preference]
    command += ["-Y", f"_ws.expert.severity >= {least} || _ws.malformed", "-T", "json"]
    for field in _FIELDS:
        command += ["-e", field]
    result = _run(command, file.parent)
    if result.returncode != 0:
        raise UsageError(f"tshark cannot read {file.name}: {result.stderr.strip()[:1000]}")
    for found in json.loads(result.stdout or "[]"):
        fields = found["_source"]["layers"]
        number, protocols = int(fields["frame.number"][0]), fields["frame.protocols"][0]
        severities, messages = fields.get(_FIELDS[1], []), fields.get(_FIELDS[2], [])
        for severity, message in _experts(severities, messages, least):
            yield number, severity, message, protocols


def _experts(severities: list[str], messages: list[str], least: int) -> list[tuple[str, str]]:
    """(severity, message) of each expert item from `least` on; a frame without one was chosen for being malformed."""
    found = []
    of_fin = False
    for number, message in zip(severities, messages, strict=True):
        level = int(number, 0)
        if level == _NOTE and message.endswith(_OF_EVERY_FIN):
            of_fin = True
        elif level >= least:
            name = "error" if level >= _ERROR else "warning" if level >= _WARNING else "note"
            found.append((name, message))
    return found or ([] if of_fin else [("error", "Malformed Packet")])


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what tshark finds in a capture; 1 when something is not explained."""
    parser = argparse.ArgumentParser(
        prog="python -m netarium.testing.tshark",
        description="What tshark finds wrong, one interface at a time.",
    )
    parser.add_argument("file", help="a pcapng file")
    meanings = "; ".join([f"{name}: {meaning}" for name, meaning in CAUSES.items()])
    parser.add_argument("--cause", action="append", default=[], choices=list(CAUSES), help=meanings)
    options = parser.parse_args(arguments)
    try:
        findings = all_findings(options.file, options.cause)
    except (NetariumError, OSError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    for finding in findings:
        print(finding)
    unexplained = sum(finding.reason is None for finding in findings)
    print(f"{len(findings)} findings, {unexplained} of them not explained")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
