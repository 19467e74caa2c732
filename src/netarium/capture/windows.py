"""How much TCP had under way: congestion window, threshold and flight over time, drawn (`run --plot DIR`).

`Windows` samples each sender's connection whenever a segment passes its port, and notes what is sent again and while
which loss is repaired. `draw` needs matplotlib (the extra `plot`), which is imported there and nowhere else.
"""

from __future__ import annotations

from bisect import bisect_right
from pathlib import Path
from typing import Any

from netarium.errors import UsageError
from netarium.journey import FrameLike, PortLike, Stop
from netarium.wire.tcp import TcpHeader

THRESHOLD_SHOWN_MAX = 1 << 30
"""A threshold above this is none: slow start has not ended."""
Sample = tuple[int, int, int, int]
"""(now_ns, congestion window, threshold or -1, in the network), sizes in bytes.

In the network is what the congestion window bounds: sent and not acknowledged, less what is reported received or counts
as lost, and what of that was sent again (RFC 6675 section 4, pipe). Outside recovery it is the flight of RFC 5681.
"""
MARKS = (
    (("FAST", "RACK"), "x", "tab:red", "sent again: loss found by ACKs"),
    (("TIMEOUT",), "v", "black", "sent again: time-out"),
    (("TAIL_LOSS_PROBE",), "^", "tab:purple", "tail loss probe"),
    (("PATH_MTU",), "s", "tab:brown", "sent again: the path's MTU shrank"),
)
"""(names of `Cause`, marker, colour, words in the legend)."""


def matplotlib_or_usage_error() -> Any:
    """matplotlib.pyplot, drawing to files. Raises UsageError with the remedy where it is not installed."""
    try:
        import matplotlib
    except ImportError:
        raise UsageError("plots need matplotlib; install it with: pip install 'netarium[plot]'") from None
    matplotlib.use("Agg")
    import matplotlib.pyplot

    return matplotlib.pyplot


class Windows:
    """An observer of all connections, by (host, connection as traces name it), in order of first sight.

    `samples`: what was under way; `resent`: (now_ns, name of the `Cause`) of what was sent again; `recoveries`: [begin,
    end] in ns of each time a loss was repaired; `about`: (congestion control, MSS in bytes).
    """

    def __init__(self) -> None:
        self.samples: dict[tuple[str, str], list[Sample]] = {}
        self.resent: dict[tuple[str, str], list[tuple[int, str]]] = {}
        self.recoveries: dict[tuple[str, str], list[list[int]]] = {}
        self.about: dict[tuple[str, str], tuple[str, int]] = {}
        self._recovering: set[tuple[str, str]] = set()
        self._senders: dict[tuple[str, str], Any] = {}

    def frame(self, now: int, port: PortLike, stop: Stop, frame: FrameLike) -> None:
        """Sample the connection of a TCP segment that leaves its host or comes to it."""
        header = getattr(frame, "transport", None)
        stack = getattr(getattr(port, "owner", None), "stack", None)
        if stop is not Stop.LINK_SENT or stack is None or not isinstance(header, TcpHeader):
            return
        network: Any = frame.network  # type: ignore[attr-defined]
        key = (network.source, header.source_port, network.destination, header.destination_port)
        tables = [stack.tcp.connections] + ([stack.ipv6.tcp.connections] if stack.ipv6 is not None else [])
        for table in tables:
            c = table.get(key)
            if c is not None and c.congestion is not None:
                at = stack.name, c.subject()
                self._senders[at] = c
                self._sample(now, at, c)

    def _sample(self, now: int, key: tuple[str, str], c: Any) -> None:
        threshold = c.congestion.ssthresh_bytes
        if threshold > THRESHOLD_SHOWN_MAX:
            threshold = -1
        sample = (now, c.congestion.cwnd_bytes, threshold, c.pipe_bytes())
        kept = self.samples.setdefault(key, [])
        if not kept or kept[-1][1:] != sample[1:]:
            kept.append(sample)
        self.about[key] = (c.congestion.name, c.mss)
        if not c.recovering:
            self._recovering.discard(key)
        elif key in self._recovering:
            self.recoveries[key][-1][1] = now
        else:
            self._recovering.add(key)
            self.recoveries.setdefault(key, []).append([now, now])

    def step(self, now: int, place: str, stop: Stop, subject: str, details: dict[str, object]) -> None:
        """Note what is sent again; probes of a window or of a silent peer are none of it."""
        cause = str(details.get("cause"))
        if stop is Stop.RETRANSMIT and any(cause in names for names, *_ in MARKS):
            self.resent.setdefault((place, subject), []).append((now, cause))
            sender = self._senders.get((place, subject))
            if sender is not None:  # the segment itself may never leave: the cable is out
                self._sample(now, (place, subject), sender)

    def draw(self, folder: str | Path) -> list[Path]:
        """Write a PNG per connection that sent data; the files. Raises UsageError without matplotlib."""
        pyplot = matplotlib_or_usage_error()
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        made = []
        for key, samples in self.samples.items():
            if not any(sample[3] > 1 for sample in samples):
                continue
            host, subject = key
            name = f"{host}_{subject.removeprefix('tcp ')}".replace(":", "_").replace("/", "_") + ".png"
            figure, axes = pyplot.subplots(figsize=(11, 5.5))
            self._draw_one(axes, key)
            figure.tight_layout()
            figure.savefig(folder / name, dpi=100)
            pyplot.close(figure)
            made.append(folder / name)
        return made

    def _draw_one(self, axes: Any, key: tuple[str, str]) -> None:
        samples = self.samples[key]
        times = [sample[0] / 1e9 for sample in samples]
        for number, (begin, end) in enumerate(self.recoveries.get(key, [])):
            label = "recovery: from a loss found to its repair" if not number else None
            axes.axvspan(begin / 1e9, end / 1e9, color="tab:red", alpha=0.12, lw=0, label=label)
        kilobytes = [sample[3] / 1000 for sample in samples]
        axes.fill_between(times, kilobytes, step="post", color="tab:blue", alpha=0.25, lw=0)
        axes.step(times, kilobytes, where="post", color="tab:blue", lw=0.7, label="in the network (flight)")
        windows = [sample[1] / 1000 for sample in samples]
        axes.step(times, windows, where="post", color="tab:orange", lw=1.8, label="congestion window (cwnd)")
        known = [(at, sample[2] / 1000) for at, sample in zip(times, samples, strict=True) if sample[2] >= 0]
        if known:
            label = "slow start threshold (ssthresh)"
            axes.step(*zip(*known, strict=True), where="post", color="tab:green", ls="--", label=label)
        for names, marker, colour, words in MARKS:
            places = [at / 1e9 for at, cause in self.resent.get(key, []) if cause in names]
            if places:
                heights = [windows[max(bisect_right(times, at) - 1, 0)] for at in places]
                axes.plot(places, heights, marker, color=colour, ms=7, label=f"{words} ({len(places)})")
        host, subject = key
        congestion, mss = self.about[key]
        own, _, other = subject.removeprefix("tcp ").partition("-")
        axes.set(title=f"{host}: TCP {own} \u2192 {other}, {congestion}, segments of {mss} bytes")
        axes.set(xlabel="virtual time in s", ylabel="kB (1000 bytes)", ylim=(0, None))
        other_scale = axes.secondary_yaxis(
            "right", functions=(lambda kb: kb * 1000 / mss, lambda n: n * mss / 1000)
        )
        other_scale.set_ylabel("segments")
        axes.grid(alpha=0.3)
        axes.legend(loc="best", fontsize="small")
