"""Virtual randomness: each process has a stream of the net's seed, behind `random`, `os.urandom` and `secrets`."""

from __future__ import annotations

import random as real
from collections.abc import Callable
from typing import Any

from netarium.programs.task import Task

_seed = real.Random.seed

FUNCTIONS = [
    "betavariate",
    "binomialvariate",
    "choice",
    "choices",
    "expovariate",
    "gammavariate",
    "gauss",
    "getrandbits",
    "getstate",
    "lognormvariate",
    "normalvariate",
    "paretovariate",
    "randbytes",
    "randint",
    "random",
    "randrange",
    "sample",
    "seed",
    "setstate",
    "shuffle",
    "triangular",
    "uniform",
    "vonmisesvariate",
    "weibullvariate",
]


def stream_of(task: Task) -> real.Random:
    """The `random` module's own generator, as this process sees it."""
    process = task.process
    found = process.module_random
    if found is None:
        found = process.module_random = real.Random(process.random.getrandbits(128))
    return found


def function(name: str) -> Callable[..., Any]:
    """The virtual `random.NAME`."""

    def call(task: Task, *args: Any, **keywords: Any) -> Any:
        return getattr(stream_of(task), name)(*args, **keywords)

    return call


def seed(task: Task, self: real.Random, a: Any = None, version: int = 2) -> None:
    """`Random.seed`: without a seed, or made by `Random()`, it is drawn from the process' stream."""
    if a is None:
        a = task.process.random.getrandbits(256)
    _seed(self, a, version)


def urandom(task: Task, size: int) -> bytes:
    """As os.urandom, from the process' stream."""
    if size < 0:
        raise ValueError("negative argument not allowed")
    return task.process.random.randbytes(size)


def getrandom(task: Task, size: int, flags: int = 0) -> bytes:
    """As os.getrandom."""
    return urandom(task, size)
