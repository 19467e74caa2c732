"""TCP of one host, sans-IO: (segment, now) in; segments, events and the next deadline out.

From the ground up (a later line may import earlier ones):

    sequence        32-bit sequence numbers on the wire, growing ints inside
    states          the eleven states and every transition between them, as data (RFC 9293 section 3.3.2)
    congestion/     how much may be in flight: one file an algorithm
    rtt             the retransmission time-out (RFC 6298)
    reassembly      bytes that came early
    socket_options  what the program has chosen
    control_block   `ControlBlock`: all that is known about one connection, and nothing it does
    segment         `Segment`: what was sent once and may have to be sent again
    options         what the two ends agreed on in their SYNs
    initial_numbers where sequence numbers and timestamps begin (RFC 6528)
    syn_cookies     a handshake without a memory (RFC 4987)
    window          how much the peer may send, and when to tell it
    urgent          one byte out of band, and the mark at which reading stops (RFC 6093)
    acknowledge     when to acknowledge: at once, with every second segment, or delayed
    transmit        one segment on its way: the header from the control block, the route, IP
    rack            what was sent before something that arrived is lost; probing the tail (RFC 8985)
    undo            was it a loss at all? F-RTO, Eifel, D-SACK (RFC 5682, 3522, 3708)
    sender          cutting segments: windows, Nagle, FIN
    recovery        what was lost, and sending it again
    timers          the deadlines of one connection and what happens when they pass
    close           FIN, RST, TIME-WAIT, the end
    time_wait       a segment arrives after the end
    acks            what an acknowledgment says
    receiver        a segment arrives at a connection
    handshake       SYN, SYN+ACK, ACK (RFC 9293 section 3.5)
    connection      `Connection`: the verbs that sockets call
    listener        `Listener`: SYN queue and accept queue
    telling         what watchers are told of a program's bytes, of what holds them back, and of the queues
    protocol        `Tcp`: which segment belongs to whom, who may connect and listen; RST for nobody's segments

Sockets use `protocol.Tcp`, `connection.Connection` and `listener.Listener` only.
"""
