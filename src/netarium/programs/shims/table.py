"""THE list of what is intercepted: (owner, names, where the virtual ones are), and what differs between versions."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType

from netarium.programs import loops
from netarium.programs.shims import atexit as atexit_shim
from netarium.programs.shims import builtins as builtins_shim
from netarium.programs.shims import datetime as datetime_shim
from netarium.programs.shims import (
    descriptors,
    file_locks,
    interpreter,
    libraries,
    machine,
    privileges,
    semaphores,
    signal_wait,
    socket_functions,
    special_files,
)
from netarium.programs.shims import epoll as epoll_shim
from netarium.programs.shims import fcntl as fcntl_shim
from netarium.programs.shims import file_times as file_times_shim
from netarium.programs.shims import files as files_shim
from netarium.programs.shims import imports as imports_shim
from netarium.programs.shims import ioctl as ioctl_shim
from netarium.programs.shims import local as local_shim
from netarium.programs.shims import os as os_shim
from netarium.programs.shims import random as random_shim
from netarium.programs.shims import select as select_shim
from netarium.programs.shims import signal as signal_shim
from netarium.programs.shims import socket as socket_shim
from netarium.programs.shims import sys as sys_shim
from netarium.programs.shims import thread as thread_shim
from netarium.programs.shims import time as time_shim
from netarium.programs.shims.dispatch import Entry

SHARED = "there are no other processes to share memory with; use threads, or a socket between two programs"

FUNCTIONS: list[tuple[str, str, ModuleType]] = [
    (
        "time",
        "time time_ns monotonic monotonic_ns perf_counter perf_counter_ns process_time process_time_ns thread_time "
        "thread_time_ns clock_gettime clock_gettime_ns clock_settime clock_settime_ns sleep gmtime localtime "
        "tzset mktime ctime asctime strftime",
        time_shim,
    ),
    (
        "os",
        "read write isatty set_blocking get_blocking set_inheritable get_inheritable pipe pipe2 "
        "getpid getppid getlogin uname cpu_count sysconf kill killpg chdir umask _exit abort",
        os_shim,
    ),
    ("os", "close closerange dup dup2 fstat memfd_create readv writev sendfile splice", descriptors),
    ("os", privileges.NAMES, privileges),
    ("resource", "getrlimit setrlimit prlimit", privileges),
    ("os", " ".join(name for name in file_times_shim.NAMES if name != "open"), file_times_shim),
    ("os", "open", special_files),
    ("os", "urandom getrandom", random_shim),
    ("os", "times getloadavg", machine),
    ("resource", "getrusage", machine),
    ("uuid", "uuid1 getnode", machine),
    ("platform", "uname platform", machine),
    ("os", "unlink remove rename replace stat lstat access chmod chown", files_shim),
    ("fcntl", "fcntl", fcntl_shim),
    ("fcntl", "ioctl", ioctl_shim),
    ("fcntl", "flock lockf", file_locks),
    ("atexit", "register unregister", atexit_shim),
    (
        "socket",
        "getaddrinfo gethostbyname gethostbyname_ex gethostbyaddr getfqdn getnameinfo getservbyname getservbyport "
        "gethostname sethostname socketpair close dup setdefaulttimeout getdefaulttimeout if_nameindex if_nametoindex "
        "if_indextoname",
        socket_functions,
    ),
    ("select", "select poll", select_shim),
    (
        "signal",
        "signal getsignal raise_signal set_wakeup_fd siginterrupt pthread_kill alarm setitimer getitimer",
        signal_shim,
    ),
    ("signal", "pthread_sigmask sigpending pause sigwait sigwaitinfo sigtimedwait", signal_wait),
    (
        "_thread",
        "allocate_lock get_ident get_native_id start_new_thread stack_size interrupt_main",
        thread_shim,
    ),
    ("threading", "main_thread", thread_shim),
]
"""The virtual function has the same name and takes the task first."""


def entries() -> list[Entry]:
    """Everything that is replaced in this interpreter."""
    found = [
        Entry(owner, name, getattr(shim, name)) for owner, names, shim in FUNCTIONS for name in names.split()
    ]
    found += [Entry("os", name, os_shim.refuse(f"os.{name}")) for name in os_shim.REFUSED]
    found += [
        Entry("os", name, os_shim.refuse(f"os.{name}", why)) for name, why in os_shim.REFUSED_ELSE.items()
    ]
    found += [
        Entry("os", "lockf", file_locks.os_lockf),
        Entry("signal", "pidfd_send_signal", os_shim.refuse("signal.pidfd_send_signal", "use os.kill")),
        Entry("pty", "fork", os_shim.refuse("pty.fork")),
        Entry("pty", "spawn", os_shim.refuse("pty.spawn")),
        Entry("pty", "openpty", os_shim.refuse("pty.openpty", os_shim.REFUSED_ELSE["openpty"])),
        Entry("_posixshmem", "shm_open", os_shim.refuse("SharedMemory", SHARED)),
        Entry("_multiprocessing", "SemLock", semaphores.SemLock, "raw"),
    ]
    found += [
        Entry(owner, name, getattr(interpreter, name))
        for owner, names in interpreter.SWAPPED.items()
        for name in names.split()
    ]
    found += [Entry("faulthandler", name, virtual) for name, virtual in interpreter.FAULTS.items()]
    found.append(Entry("weakref:finalize", "__init__", atexit_shim.finalize, "method"))
    found.append(Entry("warnings:catch_warnings", "__enter__", interpreter.enter_catch_warnings, "method"))
    found += [Entry("os", name, virtual) for name, virtual in descriptors.failing()]
    found += [Entry("termios", name, virtual) for name, virtual in descriptors.no_terminals()]
    found += [Entry("os", name, os_shim.wait) for name in ("wait", "waitpid", "wait3", "wait4", "waitid")]
    found += [
        Entry("builtins", "open", builtins_shim.open_file),
        Entry("_posixsubprocess", "fork_exec", os_shim.refuse("subprocess")),
        Entry("atexit", "_run_exitfuncs", atexit_shim.run_all),
        Entry("atexit", "_clear", atexit_shim.clear),
        Entry("atexit", "_ncallbacks", atexit_shim.count),
        Entry("threading", "_register_atexit", atexit_shim.register_before_joins),
        Entry("_thread", "_set_sentinel", thread_shim.set_sentinel),
        Entry("_thread", "_count", thread_shim.count),
        Entry("_thread", "RLock", thread_shim.rlock),
        Entry("_thread", "_excepthook", sys_shim.thread_exception),
        Entry("threading:Event", "is_set", thread_shim.is_set, "method"),
        Entry("random:Random", "seed", random_shim.seed, "method"),
        Entry("select", "epoll", epoll_shim.epoll, "raw"),
        Entry("_queue", "SimpleQueue", thread_shim.SimpleQueue, "raw"),
        Entry("_thread", "_local", local_shim.Local, "raw"),
        Entry("datetime:datetime", "now", classmethod(datetime_shim.now), "raw"),
        Entry("datetime:datetime", "utcnow", classmethod(datetime_shim.utcnow), "raw"),
        Entry("datetime:datetime", "fromtimestamp", classmethod(datetime_shim.fromtimestamp), "raw"),
        Entry("datetime:date", "fromtimestamp", classmethod(datetime_shim.date_fromtimestamp), "raw"),
        Entry("datetime:datetime", "timestamp", datetime_shim.timestamp, "method"),
        Entry("datetime:datetime", "astimezone", datetime_shim.astimezone, "method"),
    ]
    found += [Entry("random", name, random_shim.function(name)) for name in random_shim.FUNCTIONS]
    found += _of_this_version()
    return found


def _of_this_version() -> list[Entry]:
    """Names that only some versions have."""
    if sys.version_info >= (3, 13):
        from netarium.programs.shims import thread_313

        return thread_313.entries()
    return []


def install_rest() -> None:
    """What is no single name: the twins of sockets, the environment, threading's tables."""
    socket_shim.install_twins()
    os_shim.install_environment()
    file_times_shim.keep_imports_real()
    imports_shim.install()
    libraries.install()
    thread_shim.install_threading()
    loops.make_local(local_shim.Local)


def import_first() -> None:
    """Modules whose captured names must be known when the dispatchers are installed."""
    for name in (
        "queue",
        "_posixsubprocess",
        "pty",
        "_posixshmem",
        "_multiprocessing",
        "resource",
        "termios",
        "uuid",
        "platform",
        "_csv",
        "locale",
        "faulthandler",
    ):
        import_module(name)
