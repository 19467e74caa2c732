"""Virtual time: one clock, one queue of events, named streams of randomness.

    events   `Engine`: the clock and the event queue; ties go by sequence; `foreground` counts what keeps a run going
    build    which build runs: pure Python or compiled
    streams  named random streams of one seed

Start with `events`. Nothing here knows what an event means.
"""
