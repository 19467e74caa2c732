"""What the scheduler calls when it begins and stops driving: shims installed, proxies of `sys` in place."""

from __future__ import annotations

from netarium.programs import context, loops
from netarium.programs import scheduler as scheduler_module
from netarium.programs.scheduler import Scheduler
from netarium.programs.shims import dispatch, table
from netarium.programs.shims import socket as socket_shim
from netarium.programs.shims import sys as sys_shim
from netarium.programs.shims.socket_watch import watch_calls
from netarium.programs.signals import REAL_INTERRUPTS
from netarium.programs.watchdog import WATCHDOG

_installed = False


def _install_tls() -> None:
    from netarium.programs.shims import ssl

    ssl.install()


def install() -> None:
    """Put all dispatchers in place; a second call does nothing. They stay until the interpreter ends."""
    global _installed
    if _installed:
        return
    _installed = True
    table.import_first()
    dispatch.install(table.entries())
    table.install_rest()
    socket_shim.on_first_tls = _install_tls


class Driver:
    """See `scheduler.Driver`."""

    def begin(self, scheduler: Scheduler) -> None:
        """The net begins to run on this OS thread."""
        install()
        REAL_INTERRUPTS.begin()
        WATCHDOG.begin(scheduler)
        watch_calls(scheduler.watch.call is not None)
        loops.enter()
        sys_shim.begin()
        context.enter(sys_shim.proxies)

    def end(self) -> None:
        """The net stops running; what the test process sees of `sys` is its own again."""
        context.leave()
        loops.leave()
        WATCHDOG.end()
        REAL_INTERRUPTS.end()


def register() -> None:
    """Schedulers made from now on drive with the shims in place."""
    scheduler_module.driver = Driver()
