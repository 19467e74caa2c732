"""One of our hosts beside the kernel's TCP: a capture at each end, and tshark as judge of both."""

from __future__ import annotations

import shutil
import signal
import sys
import time
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from netarium import Net
from netarium.capture.reading import read_capture
from netarium.outside.namespace import Namespace
from netarium.outside.pacing import RealTime
from netarium.outside.tap import Tap
from netarium.stack.tcp.sequence import MASK
from netarium.testing.explained import PAUSE, RESET
from netarium.testing.tshark import all_findings, skip_without_tshark
from netarium.wire.ethernet import Frame
from netarium.wire.ipv4 import Ipv4Header
from netarium.wire.tcp import ACK, FIN, RST, SYN, TcpHeader

OURS, KERNELS = "10.0.0.1", "10.0.0.2"
SETTLE_S = 0.5
"""dumpcap reads what the kernel holds for it every quarter of a second."""


class KernelsCapture:
    """What the kernel sent and received at its TAP device, as dumpcap (of tshark's package) saw it there.

    The device offers neither checksums nor segmentation (`Tap` asks for none), so each frame is seen as it is on the
    cable: with its checksum, and no larger than the MTU.
    """

    def __init__(self, space: Namespace, device: str, file: Path) -> None:
        self.file = file
        self._process: Any = space.start("dumpcap", "-q", "-B", "64", "-i", device, "-w", str(file))
        for line in self._process.stdout:
            if line.startswith("File:"):
                break

    def end(self) -> None:
        """Write the rest and end; nothing may have been missed."""
        time.sleep(SETTLE_S)
        said = self.stop()
        assert not said or "/0 (pcap:0/dumpcap:0/flushed:0/" in said, said

    def stop(self) -> str:
        """End now; what it says of the frames it saw and missed, nothing when it has ended before."""
        if self._process.poll() is not None:
            return ""
        self._process.send_signal(signal.SIGINT)
        said, _ = self._process.communicate(timeout=30)
        return str(said)


class Beside:
    """One of our hosts (10.0.0.1) and the kernel (10.0.0.2) at one cable."""

    def __init__(self, folder: Path) -> None:
        self.space = Namespace()
        self.net = Net(seed=1, digest=False)
        self.tap = Tap(self.net, self.space)
        self.host = self.net.host("ours", address=f"{OURS}/24")
        self.net.link(self.tap, self.host, delay="1ms")
        self.file = folder / "ours.pcapng"
        self.net.capture(self.file, on="ours:eth0")
        self.tap.up(f"{KERNELS}/24")
        self.kernels: KernelsCapture | None = None
        if shutil.which("dumpcap") is not None:
            self.kernels = KernelsCapture(self.space, self.tap.name, folder / "kernels.pcapng")
        self.real = RealTime(self.net, [self.tap])

    def start(self, program: str) -> Any:
        """Begin a Python program of the kernel's side; when it prints `ready` first, after that."""
        process = self.space.start(sys.executable, "-u", "-c", program)
        if "ready" in program:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        return process

    def finish(self, process: Any, within_s: float = 60.0) -> str:
        """Let time pass until it has ended; what it printed."""
        self.real.run_until(lambda: process.poll() is not None, within_s)
        with process.stdout as output:
            text: str = output.read()
        assert process.returncode == 0, text
        return text

    def ours(self, function: Any, within_s: float = 60.0) -> Any:
        """Run a program on our side to its end; its result."""
        service = self.host.run(function)
        self.real.run_until(lambda: service.ended, within_s)
        return service.result

    def captures(self) -> list[Path]:
        """The finished captures of both ends, ours first; the net is over. The kernel's only where dumpcap is."""
        self.net.close()
        if self.kernels is None:
            return [self.file]
        self.kernels.end()
        return [self.file, self.kernels.file]

    def close(self) -> None:
        if self.kernels is not None:
            self.kernels.stop()
        self.tap.close()
        self.space.close()
        self.net.close()


def segments(beside: Beside) -> list[tuple[str, TcpHeader, int]]:
    """What passed our end, in order: (`ours` or `kernel`, header, bytes of data)."""
    beside.net.close()
    found = []
    for each in read_capture(beside.file):
        frame = Frame.parse(each.data)
        header, network = frame.transport, frame.network
        if isinstance(header, TcpHeader) and isinstance(network, Ipv4Header):
            side = "ours" if network.source == int(IPv4Address(OURS)) else "kernel"
            found.append((side, header, len(frame.payload)))
    return found


def zero_windows(beside: Beside) -> set[str]:
    """The sides that told the other of a window of 0."""
    return {
        side for side, header, _ in segments(beside) if header.window == 0 and not header.flags & (RST | SYN)
    }


def answered_keepalives(beside: Beside) -> set[str]:
    """The sides that sent a segment without data one before what the other has acknowledged, and got an answer."""
    told: dict[str, int] = {}
    probing, answered = set(), set()
    for side, header, size in segments(beside):
        other = "kernel" if side == "ours" else "ours"
        bare = not size and header.flags == ACK
        if bare and other in probing:
            answered.add(other)
        probing.discard(other)
        if bare and other in told and (header.sequence - told[other]) & MASK == MASK:
            probing.add(side)
        if header.flags & ACK:
            told[side] = header.acknowledgment
    return answered


def resets_follow_repeated_fins(file: Path) -> bool:
    """Whether there are RSTs, each in a connection one of whose FINs was sent twice.

    When the machine pauses, the acknowledgment of a FIN comes after the probe for a lost tail: the FIN goes again and
    is acknowledged again. The first acknowledgment ends LAST-ACK, the second meets no connection, and Linux, like us,
    answers it with a RST (RFC 9293 section 3.10.7.1).
    """
    fins: dict[frozenset[tuple[int, int]], list[tuple[int, int]]] = {}
    reset = set()
    for each in read_capture(file):
        frame = Frame.parse(each.data)
        header, network = frame.transport, frame.network
        if not isinstance(header, TcpHeader) or not isinstance(network, Ipv4Header):
            continue
        sender = (network.source, header.source_port)
        flow = frozenset((sender, (network.destination, header.destination_port)))
        if header.flags & FIN:
            fins.setdefault(flow, []).append(sender)
        if header.flags & RST:
            reset.add(flow)
    return bool(reset) and all(len(set(fins.get(flow, []))) < len(fins.get(flow, [])) for flow in reset)


def judge(beside: Beside, *causes: str) -> None:
    """tshark finds nothing in what passed either end, from note upwards, that the run's `causes` do not explain.

    Each end's capture has all that this end sent and got: an acknowledgment of what was not captured, which a capture
    amid the path may show after a loss, would be wrong at either.
    """
    skip_without_tshark()
    for file in beside.captures():
        named = {*causes, PAUSE, RESET} if resets_follow_repeated_fins(file) else {*causes, PAUSE}
        found = all_findings(file, named, notes=True)
        wrong = [each for each in found if each.reason is None or "ACKed segment" in each.message]
        assert not wrong, f"{file.name}: " + "\n".join(map(str, wrong[:10]))
