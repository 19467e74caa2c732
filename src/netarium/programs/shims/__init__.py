"""The standard library's entry points, replaced once and for the whole OS process by dispatchers.

A dispatcher looks at the current greenlet: inside a simulated task it calls the virtual implementation with that task
as first argument, anywhere else the original. So nothing changes outside the net.

    table      THE list of what is intercepted, per Python version
    dispatch   makes dispatchers and puts them in place, also where modules and classes had captured the originals
    asyncio builtins datetime os random select signal socket ssl sys thread time   one file for each module of the standard library

`install()` is called when a scheduler first drives; `enter_net` and `leave_net` bracket driving.
"""

from __future__ import annotations

from netarium.programs import context

_installed = False


def install() -> None:
    """Put all dispatchers in place; a second call does nothing. They stay until the interpreter ends."""
    global _installed
    if _installed:
        return
    _installed = True
    from netarium.programs.shims import dispatch, table

    table.import_first()
    dispatch.install(table.entries())
    table.install_rest()


def enter_net(watched: bool) -> None:
    """The net begins to run on this OS thread; `watched` when somebody wants to be told of socket calls."""
    from netarium.programs.shims import asyncio, socket_watch
    from netarium.programs.shims import sys as sys_shim

    socket_watch.watch_calls(watched)
    asyncio.enter()
    sys_shim.begin()
    context.enter(sys_shim.proxies)


def leave_net() -> None:
    """The net stops running; what the test process sees of `sys` is its own again."""
    from netarium.programs.shims import asyncio

    context.leave()
    asyncio.leave()
