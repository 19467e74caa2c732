"""Running unmodified Python programs on hosts of the net, in virtual time. Every process and thread is a greenlet.

    scheduler   who runs next: tasks, parking, waking, time-outs, what keeps a run going
    task        one thread of a program: its greenlet, what it waits for
    process     one simulated process, the handle of a running program: streams, descriptors, signals, its end
    program     `Program`: something that can be run
    loader      a command line, path, `python -m module`, tool, callable or coroutine function -> `Program`
    registry    the tools a host has in its /bin, by name
    context     what of the interpreter belongs to one process: sys.argv, modules, working directory
    loops       what asyncio keeps per OS thread, kept per task
    coroutines  where the tasks of an asyncio program wait
    own_files   the real files a process has open, closed at its end
    unix_entries  names of AF_UNIX sockets as entries of real directories
    finalization  what the interpreter does at a script's end: finalizers, and its data let go
    streams     standard input, output and error
    signals     default actions of virtual signals; a fresh process' environment
    masks       blocked and pending signals, and who waits for them
    wakeup      set_wakeup_fd
    alarm       alarm() and setitimer()
    zone        the time zone that TZ says, per program
    report      where a program stands, and its tracebacks without the frames of this house
    watchdog    a real thread that breaks endless loops
    door        a program's way to its host's `control`
    exchange    how a host's stub resolver reaches its name servers: over sockets of the calling program
    shims/      the standard library's entry points, replaced once by dispatchers

Start with `scheduler`, then `process`, then `shims/table`. Nothing changes outside the net.
"""
