"""What a program reads of its machine and of processes is its host's; deep tracebacks as CPython tells them."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

from netarium import Net


def test_there_is_one_processor_whoever_asks() -> None:
    def seen() -> Any:
        with open("/proc/stat") as file:
            lines = file.read().splitlines()
        return (
            os.cpu_count(),
            os.sysconf("SC_NPROCESSORS_ONLN"),
            os.sysconf(os.sysconf_names["SC_NPROCESSORS_CONF"]),
            len(os.sched_getaffinity(0)),
            sum(line.startswith("cpu") for line in lines) - 1,
            next(int(line.split()[1]) for line in lines if line.startswith("btime")) == int(time.time()),
        )

    assert Net(seed=1).host("h").call(seen) == (1, 1, 1, 1, 1, True)


def test_sysconf_of_other_names_is_the_machines_and_its_errors_are_cpythons() -> None:
    def seen() -> Any:
        found = [os.sysconf("SC_PAGESIZE")]
        for wrong in ("SC_NONSENSE", 1 << 20, 1.5):
            try:
                os.sysconf(wrong)  # type: ignore[arg-type]
            except (ValueError, OSError, TypeError) as error:
                found.append(str(error))
        return found

    assert Net(seed=1).host("h").call(seen) == seen()


def test_the_limit_of_descriptors_is_the_programs_own() -> None:
    def seen() -> int:
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (77, hard))
        return os.sysconf("SC_OPEN_MAX")

    assert Net(seed=1).host("h").call(seen) == 77


def test_proc_tells_of_the_programs_of_the_host_alone() -> None:
    net = Net(seed=1)
    host, other = net.host("h", "10.0.0.1/24"), net.host("o", "10.0.0.2/24")

    def waits() -> None:
        time.sleep(10)

    service, foreign = host.run(waits, daemon=True), other.run(waits, daemon=True)
    net.run("1s")

    def seen() -> Any:
        def read(path: str) -> str:
            try:
                with open(path, "rb") as file:
                    return file.read().decode()
            except OSError as error:
                return type(error).__name__

        own = read("/proc/self/stat").split()
        status = dict(line.split(":\t") for line in read(f"/proc/{os.getpid()}/status").splitlines())
        return (
            read(f"/proc/{os.getpid()}/stat").split() == own,
            (int(own[0]), int(own[3])) == (os.getpid(), os.getppid()),
            len(own),
            int(status["Pid"]) == os.getpid(),
            status["Uid"].split()[0] == str(os.getuid()),
            read(f"/proc/{service.process.pid}/comm"),
            read(f"/proc/{foreign.process.pid}/comm"),
            read(f"/proc/{os.getpid()}/environ").count("HOME="),
        )

    pids = host.call(seen)
    assert pids == (True, True, 52, True, True, "waits\n", "FileNotFoundError", 1)


def endless(depth: int) -> int:
    return endless(depth + 1) + 1


def deep() -> None:
    sys.setrecursionlimit(30_000)
    endless(0)


def test_of_an_endless_recursion_the_last_thousand_calls_are_told() -> None:
    service = Net(seed=1).host("h").run(deep)
    assert service.wait() == 1
    assert "[Previous line repeated 997 more times]" in service.stderr
    assert service.stderr.endswith("RecursionError: maximum recursion depth exceeded\n")
