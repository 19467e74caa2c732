"""TCP fills clean lines, keeps its own queue short, and flows share. The whole table: `python -m bench.tcp`."""

from __future__ import annotations

import pytest
from bench.tcp import fairness, rate_under_loss, share_of_line

from netarium import Net
from netarium.stack.tcp.sender import QUEUE_NS


@pytest.mark.parametrize(
    ("rate", "rtt_ms", "seconds"), [("10Mbps", 0.1, 1), ("10Mbps", 50, 3), ("100Mbps", 10, 0.6)]
)
def test_a_clean_line_is_used_to_nine_tenths_and_more(rate: str, rtt_ms: float, seconds: float) -> None:
    share, drops = share_of_line(rate, rtt_ms, seconds)
    assert 0.9 <= share <= 1.01
    assert drops == 0


def test_a_window_larger_than_the_own_queue_does_not_overflow_it() -> None:
    share, drops = share_of_line("100Mbps", 150, 3.2)  # 1,240 frames fill the line, its queue holds 1,000
    assert share >= 0.9
    assert drops == 0


def test_no_more_than_a_millisecond_of_data_and_two_segments_wait_below_tcp(net: Net) -> None:
    from bench.tcp import receiver, sender

    client = net.host("client", address="10.0.0.1/24")
    server = net.host("server", address="10.0.0.2/24")
    net.link(client, server, delay="20ms", rate="10Mbps")
    server.run(receiver())
    client.run(sender(1 << 20))
    line = client.node.stack.interfaces["eth0"].line
    segment_ns = 1518 * 8 * 100
    longest = 0
    while net.run(until=f"{net.now_ns // 1_000_000 + 1}ms") or net.now_ns < 1_000_000_000:
        longest = max(longest, line.free_at - net.now_ns)
        if net.now_ns > 1_000_000_000:
            break
    assert longest <= QUEUE_NS + 3 * segment_ns


@pytest.mark.parametrize("algorithm", ["reno", "cubic"])
def test_at_random_loss_the_rate_is_what_the_model_says(algorithm: str) -> None:
    measured, model = rate_under_loss(algorithm, 20, 0.01, seconds=20)
    assert 0.75 * model <= measured <= 1.25 * model, "Mathis et al. 1997, within a quarter"


@pytest.mark.soak
def test_four_flows_share_a_line_fairly() -> None:
    index, rates = fairness()
    assert index >= 0.95
    assert sum(rates) >= 85
