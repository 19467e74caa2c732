"""How much TCP had under way: congestion window, threshold and flight over time, drawn (`run --plot DIR`).

`Windows` samples each sender's connection whenever a segment passes its port, and notes retransmissions. `draw` needs
matplotlib (the extra `plot`), which is imported there and nowhere else.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from netarium.errors import UsageError
from netarium.journey import FrameLike, PortLike, Stop
from netarium.wire.tcp import TcpHeader

THRESHOLD_SHOWN_MAX = 1 << 30
"""A threshold above this is none: slow start has not ended."""
Sample = tuple[int, int, int, int]
"""(now_ns, congestion window, threshold or -1, flight), sizes in bytes."""


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
    """An observer. `samples` and `resent` by (host, connection as traces name it), in order of first sight."""

    def __init__(self) -> None:
        self.samples: dict[tuple[str, str], list[Sample]] = {}
        self.resent: dict[tuple[str, str], list[int]] = {}

    def frame(self, now: int, port: PortLike, stop: Stop, frame: FrameLike) -> None:
        """Sample the sender of a TCP segment."""
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
                self._sample(now, stack.name, c)

    def _sample(self, now: int, host: str, c: Any) -> None:
        threshold = c.congestion.ssthresh_bytes
        if threshold > THRESHOLD_SHOWN_MAX:
            threshold = -1
        sample = (now, c.congestion.cwnd_bytes, threshold, c.flight_bytes())
        kept = self.samples.setdefault((host, c.subject()), [])
        if not kept or kept[-1][1:] != sample[1:]:
            kept.append(sample)

    def step(self, now: int, place: str, stop: Stop, subject: str, details: dict[str, object]) -> None:
        """Note a retransmission."""
        if stop is Stop.RETRANSMIT:
            self.resent.setdefault((place, subject), []).append(now)

    def draw(self, folder: str | Path) -> list[Path]:
        """Write a PNG per connection that sent data; the files. Raises UsageError without matplotlib."""
        pyplot = matplotlib_or_usage_error()
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        made = []
        for (host, subject), samples in self.samples.items():
            if not any(sample[3] > 1 for sample in samples):
                continue
            name = f"{host}_{subject.removeprefix('tcp ')}".replace(":", "_").replace("/", "_") + ".png"
            self._draw_one(
                pyplot, f"{host}: {subject}", samples, self.resent.get((host, subject), []), folder / name
            )
            made.append(folder / name)
        return made

    @staticmethod
    def _draw_one(pyplot: Any, title: str, samples: list[Sample], resent: list[int], path: Path) -> None:
        figure, axes = pyplot.subplots(figsize=(10, 5))
        times = [sample[0] / 1e9 for sample in samples]
        axes.step(times, [sample[3] / 1000 for sample in samples], where="post", lw=0.8, label="flight")
        axes.step(times, [sample[1] / 1000 for sample in samples], where="post", label="cwnd")
        known = [(at, sample[2] / 1000) for at, sample in zip(times, samples, strict=True) if sample[2] >= 0]
        if known:
            axes.step(*zip(*known, strict=True), where="post", ls="--", label="ssthresh")
        if resent:
            axes.plot([at / 1e9 for at in resent], [0] * len(resent), "rx", label="retransmission")
        axes.set(title=title, xlabel="virtual time in s", ylabel="kB")
        axes.legend(loc="upper left")
        figure.tight_layout()
        figure.savefig(path, dpi=100)
        pyplot.close(figure)
