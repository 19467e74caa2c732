"""Watching: observers of `journey.Watch` that write down what they are shown, and change nothing.

    digest    one number for a whole run: two runs are the same if it is
    pcapng    the capture that Wireshark reads: one interface block per port
    reading   captures read back, and split by interface
    recorder  the trace: one JSON object a line, with a versioned schema
    summary   a frame in the words of the trace
    flows     counters per conversation
    windows   TCP's windows over time, drawn
    counters  drops by reason, for the summary line of a run
    records   a file that is written in whole records only, and says clearly when it cannot be

Start with `digest`, the shortest observer. Add a capture before the recorder that refers to its frame
numbers.
"""
