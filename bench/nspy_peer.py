"""What ns.py can do of `bench.scenarios`, for `bench.peers`; run with a Python that has ns.py (PyPI `ns.py`, simpy).

    python nspy_peer.py bulk BYTES LOSS   its TCP generator and sink over 1 ms cables and one 1 Gbit/s switch
    python nspy_peer.py packets COUNT     packets of 1518 bytes, one way, over three such cables and two switches

Prints {"CPU s": process time of the run alone, "done": bytes acknowledged or packets arrived, "hops": packets over a
cable}. Its TCP has no headers, no handshake, no receive window and no receiver's buffer; one acknowledgment a segment.
"""

import json
import random
import sys
import time

import simpy
from ns.flow.cubic import TCPCubic
from ns.flow.flow import Flow
from ns.packet.dist_generator import DistPacketGenerator
from ns.packet.sink import PacketSink
from ns.packet.tcp_generator import TCPPacketGenerator
from ns.packet.tcp_sink import TCPSink
from ns.port.wire import Wire
from ns.switch.switch import SimplePacketSwitch

MSS = 1448
RATE_BPS = 1e9
QUEUE_PACKETS = 1000
DELAY_S = 0.001
GIVE_UP_S = 3600.0


def cable(env, loss=0.0):
    """One direction of a cable."""
    return Wire(env, lambda: DELAY_S, loss_dist=(lambda packet_id: loss) if loss else None)


def bulk(total_bytes, loss):
    """One connection until its last byte is acknowledged."""
    env = simpy.Environment()
    segments = -(-total_bytes // MSS)
    flow = Flow(
        fid=0, src="client", dst="server", finish_time=float("inf"), size=segments * MSS, start_time=0
    )
    # ssthresh below what the switch's queue holds: it has no HyStart, and every overflow costs it seconds.
    control = TCPCubic(mss=MSS, cwnd=10 * MSS, ssthresh=600_000)
    source = TCPPacketGenerator(env, flow=flow, cc=control, element_id="client")
    source.mss = MSS
    sink = TCPSink(env, rec_arrivals=False, rec_waits=False)
    switch = SimplePacketSwitch(env, 2, RATE_BPS, QUEUE_PACKETS)
    switch.demux.fib = {0: 0, 10_000: 1}  # acknowledgments of flow 0 are flow 10000
    cables = [cable(env, loss), cable(env), cable(env), cable(env, loss)]
    source.out, cables[0].out, switch.ports[0].out, cables[1].out = cables[0], switch, cables[1], sink
    sink.out, cables[2].out, switch.ports[1].out, cables[3].out = cables[2], switch, cables[3], source
    began = time.process_time()
    # Stepped: its timers, one a segment, would let the clock run on for long after the end.
    while source.last_ack < flow.size and env.peek() < GIVE_UP_S:
        env.step()
    seconds = time.process_time() - began
    return {"CPU s": seconds, "done": source.last_ack, "hops": sum(each.packets_rec for each in cables)}


def packets(count):
    """An open-loop source, a little slower than the line."""
    env = simpy.Environment()
    gap_s = 1.02 * 1518 * 8 / RATE_BPS
    source = DistPacketGenerator(
        env, "client", lambda: gap_s, lambda: 1518, finish=(count - 0.5) * gap_s, flow_id=0
    )
    sink = PacketSink(env, rec_arrivals=False, rec_waits=False)
    switches = [SimplePacketSwitch(env, 1, RATE_BPS, QUEUE_PACKETS) for _ in range(2)]
    cables = [cable(env) for _ in range(3)]
    source.out, cables[0].out, cables[1].out, cables[2].out = cables[0], switches[0], switches[1], sink
    for number, switch in enumerate(switches):
        switch.demux.fib = {0: 0}
        switch.ports[0].out = cables[number + 1]
    began = time.process_time()
    env.run()
    seconds = time.process_time() - began
    return {
        "CPU s": seconds,
        "done": sink.packets_received[0],
        "hops": sum(each.packets_rec for each in cables),
    }


def main(arguments):
    """Run what the command line names."""
    random.seed(1)
    if arguments[0] == "bulk":
        print(json.dumps(bulk(int(arguments[1]), float(arguments[2]))))
    else:
        print(json.dumps(packets(int(arguments[1]))))


if __name__ == "__main__":
    main(sys.argv[1:])
