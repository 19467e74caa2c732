"""What a program changes of itself (users, sessions, priorities, limits) it changes in the net alone."""

from __future__ import annotations

import os
import resource
import socket
from typing import Any

import pytest

from netarium import Net
from netarium.errors import NotSupportedInNetError


@pytest.fixture
def root_call(empty_net: Net, host: Any) -> Any:
    """Runs a function as root on the host; its result."""

    def call(function: Any) -> Any:
        service = host.run(function, root=True)
        empty_net.run(check=False)
        assert service.exit_code == 0, service.stderr
        return service.result

    return call


def _errno_of(function: Any, *arguments: Any) -> int:
    try:
        function(*arguments)
    except OSError as error:
        return error.errno or -1
    return 0


def test_a_root_daemon_drops_its_privileges(root_call: Any) -> None:
    def program() -> Any:
        first, late = socket.socket(), socket.socket()
        first.bind(("0.0.0.0", 80))
        os.setgroups([])
        os.setgid(12345)
        os.setuid(12345)
        third = socket.socket()
        return [
            os.getresuid(),
            os.getresgid(),
            os.getgroups(),
            _errno_of(late.bind, ("0.0.0.0", 81)),
            _errno_of(third.bind, ("0.0.0.0", 81)),
            _errno_of(os.setuid, 0),
            _errno_of(os.setgroups, [1]),
        ]

    before = os.getresuid(), os.getresgid(), os.getgroups()
    assert root_call(program) == [(12345,) * 3, (12345,) * 3, [], 13, 13, 1, 1]
    assert (os.getresuid(), os.getresgid(), os.getgroups()) == before


def test_the_effective_user_changes_and_comes_back(root_call: Any) -> None:
    def program() -> Any:
        seen: list[Any] = []
        os.seteuid(1000)
        seen += [os.getresuid(), _errno_of(socket.socket().bind, ("0.0.0.0", 81)), _errno_of(os.seteuid, 7)]
        os.seteuid(0)
        seen += [os.getresuid(), _errno_of(socket.socket().bind, ("0.0.0.0", 81))]
        os.setresuid(5, 6, 7)
        seen += [_errno_of(os.setuid, 6), _errno_of(os.setuid, 7), os.getresuid()]
        os.setreuid(-1, 5)
        return [*seen, os.getresuid()]

    #  As the kernel does: setuid(6) is not allowed where 6 is the effective user alone.
    expected = [(0, 1000, 0), 13, 1, (0, 0, 0), 0, 1, 0, (5, 7, 7), (5, 5, 7)]
    assert root_call(program) == expected


def test_an_ordinary_user_may_not(host: Any) -> None:
    def program() -> list[int]:
        return [
            _errno_of(os.setuid, 0),
            _errno_of(os.setgid, 0),
            _errno_of(os.setuid, 1000),
            _errno_of(os.setresuid, 0, -1, -1),
            _errno_of(os.nice, -5),
            _errno_of(os.initgroups, "root", 0),
        ]

    assert host.call(program) == [1, 1, 0, 1, 1, 1]


def test_sessions_priorities_and_limits_are_virtual(host: Any) -> None:
    def program() -> Any:
        os.setsid()
        own = os.getpid()
        assert os.getsid(0) == os.getpgrp() == os.getpgid(0) == own
        assert _errno_of(os.setsid) == 1 and _errno_of(os.setpgid, 0, 0) == 1
        assert os.nice(7) == 7 and os.getpriority(os.PRIO_PROCESS, 0) == 7
        assert _errno_of(os.setpriority, os.PRIO_PROCESS, 0, 3) == 13
        os.setpriority(os.PRIO_PROCESS, 0, 30)
        assert os.nice(0) == 19
        os.sched_setaffinity(0, {0})
        assert os.sched_getaffinity(0) == {0} and _errno_of(os.sched_setaffinity, 0, {63}) == 22
        os.sched_yield()
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 128))
        with pytest.raises(ValueError, match="not allowed to raise maximum limit"):
            resource.setrlimit(resource.RLIMIT_NOFILE, (64, 129))
        with pytest.raises(ValueError, match="current limit exceeds maximum limit"):
            resource.setrlimit(resource.RLIMIT_NOFILE, (65, 64))
        return resource.getrlimit(resource.RLIMIT_NOFILE), os.umask(0o77), os.umask(0o77)

    before = os.getsid(0), os.getpgrp(), os.nice(0), resource.getrlimit(resource.RLIMIT_NOFILE)
    affinity = os.sched_getaffinity(0)
    mask = os.umask(0o22)
    try:
        assert host.call(program) == ((64, 128), 0o22, 0o77)
        assert os.umask(0o22) == 0o22
    finally:
        os.umask(mask)
    assert (os.getsid(0), os.getpgrp(), os.nice(0), resource.getrlimit(resource.RLIMIT_NOFILE)) == before
    assert os.sched_getaffinity(0) == affinity


@pytest.mark.parametrize("name", ["chroot", "unshare", "openpty", "eventfd", "sched_setscheduler"])
def test_what_cannot_be_virtual_is_refused_by_name(host: Any, name: str) -> None:
    if not hasattr(os, name):
        pytest.skip("not in this Python")
    with pytest.raises(NotSupportedInNetError, match=f"os.{name}\\(\\) of program"):
        host.call(lambda: getattr(os, name)())


def test_a_signal_to_a_group_reaches_its_members(empty_net: Net, host: Any) -> None:
    import signal
    import time

    def leader() -> None:
        os.setsid()
        time.sleep(1)
        os.killpg(os.getpgrp(), signal.SIGTERM)

    first, second = host.run(leader), host.run(lambda: time.sleep(2) or "lives")
    empty_net.run(check=False)
    assert (first.exit_code, second.result) == (-15, "lives")


def test_an_ordinary_user_may_not_kill_roots_program(empty_net: Net, host: Any) -> None:
    import signal
    import time

    root = host.run(lambda: time.sleep(2), root=True)
    refused = host.run(lambda: _errno_of(os.kill, root.process.pid, signal.SIGTERM))
    empty_net.run(check=False)
    assert (refused.result, root.exit_code) == (1, 0)


@pytest.mark.parametrize("name", ["clock_settime", "clock_settime_ns"])
def test_nobody_sets_the_real_clock(host: Any, root_call: Any, name: str) -> None:
    import time

    def program() -> str:
        try:
            getattr(time, name)(time.CLOCK_REALTIME, -1)  # the kernel itself would say EINVAL, and do nothing
        except NotSupportedInNetError as error:
            return str(error)
        return ""

    assert f"{name.removesuffix('_ns')}() of program" in root_call(program)
    assert host.call(lambda: _errno_of(getattr(time, name), time.CLOCK_REALTIME, -1)) == 1
    assert host.call(lambda: _errno_of(getattr(time, name), time.CLOCK_MONOTONIC, -1)) == 22
