"""Modules that would escape: networking in C, which no dispatcher sees; importing one inside is refused by name.

Silent escapes are worse than refusals: uvloop did real DNS inside, pycurl returned nothing with exit code 0.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Final

from netarium.programs.shims.os import refuse
from netarium.programs.streams import current_task

REFUSED: Final = {
    "uvloop": "leave it out: the stock asyncio loop runs in virtual time",
    "gevent": "use threads, which are greenlets here already, or asyncio",
    "eventlet": "use threads, which are greenlets here already, or asyncio",
    "pycurl": "use urllib.request, requests or httpx, or the tool curl",
    "netifaces": "use socket.if_nameindex and fcntl.ioctl, or the tool ip",
    "grpc": "use a protocol in pure Python",
    "zmq": "use a protocol in pure Python",
    "psycopg2": "use pg8000, a driver in pure Python",
    "psycopg": "use pg8000, a driver in pure Python",
    "asyncpg": "use pg8000, a driver in pure Python",
    "MySQLdb": "use PyMySQL, a driver in pure Python",
    "pymssql": "use python-tds, a driver in pure Python",
    "confluent_kafka": "use kafka-python, a client in pure Python",
}
_PROCESSES: Final = ("multiprocessing.popen_fork", "multiprocessing.popen_spawn_posix")


_no_processes = refuse("multiprocessing.Process.start")


class RefusingFinder:
    """First on sys.meta_path; says no to `REFUSED` inside a task, and nothing anywhere else."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """ImportError for what cannot run inside the net; RefusedError, as of os.fork, for starting processes."""
        remedy = REFUSED.get(name)
        if remedy is None and name not in _PROCESSES:
            return None
        task = current_task()
        if task is None:
            return None
        if remedy is None:
            _no_processes(task)
        raise ImportError(
            f"{name} does its networking in C and would leave the net, so program {task.process.name} on "
            f"{task.process.host.name} cannot import it; {remedy}",
            name=name,
        )


def install() -> None:
    """Put the finder before all others."""
    sys.meta_path.insert(0, RefusingFinder)
