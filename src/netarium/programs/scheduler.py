"""Who runs next: every thread of every simulated process is a task, a greenlet; one OS thread runs all of them.

A task runs until it parks. Waking appends it to the ready deque; `run_ready` takes tasks from there, in order, until
none is ready. The caller (the lab's loop) fires one engine event, then calls `run_ready`, and so on. There is no
pre-emption, hence two rules that let time pass in programs that never wait: each virtual call is charged
`CALL_COST_NS`, and a task that has made `CALLS_BEFORE_YIELD` calls while the clock stood still is put to sleep for
what they cost.

What keeps a run going (DESIGN 3, End of a run): a task that is parked with a time-out holds one `engine.foreground`
unless its program is a daemon, or it is an idle poll: its last waits, on the same descriptors, timed out and the task
has done no I/O since, nor has another task of the program run. The engine holds one entry per task; a later deadline
leaves it where it is (compared and armed again when it fires), an earlier one makes it stale, and stale entries are not
counted anywhere.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, Protocol

from greenlet import getcurrent, greenlet

from netarium.engine.events import NEVER_NS, Engine
from netarium.engine.streams import Streams
from netarium.journey import Watch
from netarium.names.resolver import Resolver
from netarium.programs import loops
from netarium.programs.task import (
    CALL_COST_NS,
    CALLS_BEFORE_YIELD,
    WAIT_WORK,
    Describable,
    Task,
    TaskGreenlet,
)
from netarium.programs.unix_entries import remove_all
from netarium.sockets.unix_names import Names

if TYPE_CHECKING:
    from netarium.nodes.host import Host
    from netarium.programs.process import Process

EPOCH_NS = 1_767_225_600_123_456_789
"""Wall-clock time at virtual 0: 2026-01-01 00:00:00.123456789 UTC; no whole second, so that prints show fractions."""

IDLE_ROUNDS = 3
"""So many time-outs in a row on the same descriptors make an idle poll. Not one: a loop may wait for the rest of its
time-out before it looks at the flag that ends it (socketserver's handle_request)."""

KILLS_BEFORE_DROP = 100
"""How many parks of a killed task raise SystemExit before it is abandoned."""


class Driver(Protocol):
    """What puts the programs' surroundings in place around a drive."""

    def begin(self, scheduler: Scheduler) -> None:
        """The net of this scheduler begins to run on this OS thread."""
        ...

    def end(self) -> None:
        """The net stops running."""
        ...


driver: Driver | None = None
"""Set by `shims.driver.register`, when the first process is made."""


class Scheduler:
    """Runs the tasks of all processes of one net."""

    def __init__(self, engine: Engine, watch: Watch, streams: Streams, epoch_ns: int = EPOCH_NS) -> None:
        self.engine = engine
        self.watch = watch
        self.streams = streams
        self.epoch_ns = epoch_ns
        self.ready: deque[Task] = deque()
        self.processes: list[Process] = []
        self.current: Task | None = None
        self.active: Process | None = None
        self.hub: greenlet = getcurrent()
        self.to_hub: Callable[[], Any] = self.hub.switch
        self.attached = False
        self.last_ran_ns = 0
        self.switches = 0
        """How often a task was given the turn; the watchdog looks at it."""
        self.next_pid = 1000
        self.doomed: list[tuple[Process, int, Any]] = []
        """(process, descriptor, object) of sockets that nobody holds any more: closed when the stack is at rest."""
        self.file_times: dict[tuple[int, int], Any] = {}
        """(device, inode) -> the virtual times of a file; see `shims/files`."""
        self.file_locks: dict[tuple[int, int], Any] = {}
        """(device, inode) -> the locks of lockf; see `shims/file_locks`."""
        self.file_lock_waits: dict[Any, Any] = {}
        """Process -> the one whose lock on a file it waits for."""
        self.lock_waiters: list[Callable[[], bool]] = []
        """Who waits for a lock of a file: tries again after each turn of a task; True when it has it."""
        self._resolvers: dict[str, Resolver] = {}
        self._local_names: dict[str, Names] = {}

    def take_pid(self) -> int:
        """A process id that no process of this net has had."""
        self.next_pid += 1
        return self.next_pid

    def resolver(self, host: Host) -> Resolver:
        """The names `host` knows: the resolver the lab gave it, else one that knows localhost."""
        if host.resolver is not None:
            return host.resolver
        return self._resolvers.setdefault(host.name, Resolver(host.name))

    def local_names(self, host: Host) -> Names:
        """The AF_UNIX names of `host`."""
        return self._local_names.setdefault(host.name, Names())

    def remove_local_names(self) -> None:
        """At the end of the net: the entries of real directories that names of AF_UNIX sockets have."""
        for names in self._local_names.values():
            remove_all(names)

    def attach(self) -> None:
        """Begin to drive: shims and the proxies of sys are put in place. Call it before a loop of `run_ready`."""
        if not self.attached:
            if driver is not None:
                driver.begin(self)
            self.attached = True

    def detach(self) -> None:
        """Stop driving: what the test process sees is as it was before `attach`."""
        if self.attached:
            self._activate(None)
            if driver is not None:
                driver.end()
            self.attached = False

    def run_ready(self) -> None:
        """Run every ready task, and those they wake, until none is ready."""
        ready = self.ready
        if not ready:
            return
        if not self.attached:
            self.attach()
            try:
                self.run_ready()
            finally:
                self.detach()
            return
        hub = getcurrent()
        if hub is not self.hub:
            self.hub, self.to_hub = hub, hub.switch
        modules = sys.modules
        try:
            while ready:
                task = ready.popleft()
                task.is_ready = False
                process = task.process
                if process is not self.active:
                    self._activate(process)
                self.current = task
                self.switches += 1
                running = task.greenlet
                if running is None:
                    running = self._begin(task)
                if "_asyncio" in modules or "trio" in modules:
                    self._switch_with_loop(task, running)
                else:
                    running.switch()
                    if "_asyncio" in modules or "trio" in modules:  # the task has just imported it
                        loops.switch_out(task)
                if self.doomed:
                    self.close_doomed()
                if self.lock_waiters:
                    self.lock_waiters = [again for again in self.lock_waiters if not again()]
        finally:
            self.current = None

    def park(
        self,
        task: Task,
        call: str,
        target: Describable | None = None,
        deadline_ns: int = NEVER_NS,
        kind: int = WAIT_WORK,
        key: Hashable = None,
    ) -> bool:
        """Stop the current task until it is woken (True) or `deadline_ns` has come (False).

        `key` names the descriptors of a wait that may be an idle poll. Raises SystemExit when the program was killed.
        """
        engine = self.engine
        process = task.process
        if self.doomed:
            self.close_doomed()
        if process.dying:
            self._die(task)
        task.call = call
        task.target = target
        task.kind = kind
        task.parked_at_ns = engine.now
        if deadline_ns != NEVER_NS:
            self._arm(task, deadline_ns, key)
        task.parked = True
        to_hub = self.to_hub
        to_hub()
        task.parked = False
        idle = False
        if deadline_ns != NEVER_NS:
            idle = self._disarm(task, key)
        now = engine.now
        if now != task.parked_at_ns:
            task.calls_charged = calls = task.calls
            task.calls_limit = calls + CALLS_BEFORE_YIELD
            task.reads = task.locks = 0
        if not idle:
            if not task.timed_out or key is None:
                process.activity += 1
                if process.idlers:
                    self._disturb(process)
            if not process.daemon:
                self.last_ran_ns = now
        if process.alert:
            self._interrupted(task)
        return not task.timed_out

    def _arm(self, task: Task, deadline_ns: int, key: Hashable) -> None:
        """The task parks with a time-out: an entry in the engine, and foreground unless it polls idly."""
        engine = self.engine
        task.deadline_ns = deadline_ns
        if deadline_ns < task.entry_ns:
            task.entry_ns = due_ns = max(deadline_ns, engine.now)
            engine.at(due_ns, task)
        if task.process.daemon:
            return
        if task.idle_count >= IDLE_ROUNDS and key is not None and self._nothing_since(task, key):
            task.process.idlers.append(task)
        else:
            task.foreground = True
            engine.foreground += 1

    def _disarm(self, task: Task, key: Hashable) -> bool:
        """It runs again; whether it has only polled idly."""
        task.deadline_ns = NEVER_NS
        idle = task.timed_out and not task.foreground
        if task.foreground:
            task.foreground = False
            self.engine.foreground -= 1
        elif task in task.process.idlers:
            task.process.idlers.remove(task)
        if task.timed_out and key is not None:
            task.idle_count = task.idle_count + 1 if self._nothing_since(task, key) else 1
            task.idle_key = key
            task.idle_calls = task.calls
            task.idle_activity = task.process.activity
        return idle

    @staticmethod
    def _nothing_since(task: Task, key: Hashable) -> bool:
        """Whether the last time-out was on the same descriptors, and neither I/O nor another task came since."""
        return (
            key == task.idle_key
            and task.calls == task.idle_calls
            and task.process.activity == task.idle_activity
        )

    def expect_nothing(self, task: Task, key: Hashable) -> None:
        """The wait that comes now, on these descriptors, is idle whatever came before."""
        task.idle_key, task.idle_count = key, IDLE_ROUNDS
        task.idle_calls, task.idle_activity = task.calls, task.process.activity

    def _disturb(self, process: Process) -> None:
        """A task of the process has run: its idle polls may find something changed (a flag), once more."""
        for task in process.idlers:
            task.foreground = True
            self.engine.foreground += 1
        process.idlers.clear()

    def sleep(self, task: Task, delay_ns: int, call: str = "sleep") -> None:
        """Park the current task for `delay_ns`, at least 1 us; waking it early does not shorten the sleep."""
        task.calls += 1
        deadline_ns = self.engine.now + max(delay_ns, 1_000)
        while self.park(task, call, None, deadline_ns):
            pass

    def charge(self, task: Task) -> None:
        """Let the calls made at this instant cost their time. The shims call it when `CALLS_BEFORE_YIELD` is passed.

        It is no I/O: an idle poll stays one.
        """
        cost_ns = (task.calls - task.calls_charged + task.reads) * CALL_COST_NS
        task.calls_charged = task.calls
        task.calls_limit = task.calls + CALLS_BEFORE_YIELD
        task.reads = 0
        if self.current is task:
            deadline_ns = self.engine.now + cost_ns
            while self.park(task, "run", None, deadline_ns, key=task.idle_key):
                pass

    def check_signals(self, task: Task) -> None:
        """The current task may have sent a signal to itself."""
        if task.process.alert:
            self._interrupted(task)

    def wake(self, task: Task) -> None:
        """Make a parked task ready; waking one that is ready already does nothing."""
        task.wake()

    def spawn(self, process: Process, function: Callable[[], Any], name: str) -> Task:
        """A new task of `process`, ready to run."""
        task = Task(process, function, name)
        process.tasks.append(task)
        task.wake()
        return task

    def _begin(self, task: Task) -> TaskGreenlet:
        task.process.activity += 1
        if task.process.idlers:
            self._disturb(task.process)
        if not task.process.daemon:
            self.last_ran_ns = self.engine.now
        task.greenlet = running = TaskGreenlet(task.function, self.hub)
        running.task = task
        return running

    def _activate(self, process: Process | None) -> None:
        """Change the process whose modules and sys attributes are in place."""
        if self.active is not None:
            self.active.context.switch_out()
        self.active = process
        if process is not None:
            process.context.switch_in()

    def _switch_with_loop(self, task: Task, running: TaskGreenlet) -> None:
        """As a plain switch, when somebody has imported asyncio or trio: the running loop is the task's."""
        loops.switch_in(task)
        running.switch()
        loops.switch_out(task)

    def close_doomed(self) -> None:
        """Close the descriptors of the sockets that nobody holds any more (CPython does it at once)."""
        while self.doomed:
            process, number, pollable = self.doomed.pop(0)
            if process.descriptors.find(number) is pollable:
                process.descriptors.close(number)

    def _interrupted(self, task: Task) -> None:
        if task.process.dying:
            self._die(task)
        task.process.deliver_signals(task)

    def _die(self, task: Task) -> None:
        task.kills += 1
        if task.kills > KILLS_BEFORE_DROP:
            task.process.task_ended(task)
            while True:
                self.hub.switch()
        raise SystemExit(task.process.exit_code)
