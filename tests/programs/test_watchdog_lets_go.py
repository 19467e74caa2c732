"""The watchdog's thread looks on for a moment after a run; it must not keep the net."""

import gc
import weakref

from netarium import Net


def compute() -> int:
    """Long enough, in real time, that the watchdog's thread has its turn."""
    total = 0
    for number in range(400_000):
        total += number
    return total


def test_a_net_let_go_is_freed_though_the_watchdog_looks_on() -> None:
    net = Net(seed=1)
    host = net.host("a", "10.0.0.1/24")
    assert host.call(compute) == 79_999_800_000
    gone = weakref.ref(net)
    del net, host
    gc.collect()
    assert gone() is None
