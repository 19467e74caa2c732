"""A trace that somebody changed by hand is told as far as it makes sense: nothing that stands in a record raises."""

from __future__ import annotations

import json
import random
import socket
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.nat_nets import SERVER, behind_gateway

from netarium.story.language import Language
from netarium.story.telling import Story

_ODD: list[Any] = [
    None,
    -1,
    1 << 70,
    "",
    "x",
    "::",
    "1.2.3.4",
    [],
    {},
    [1, 2],
    {"a": 1},
    True,
    "tcp a-b",
    "mac",
]


def spoil(values: dict[str, Any], chance: random.Random, rate: float) -> None:
    for key in list(values):
        if isinstance(values[key], dict):
            spoil(values[key], chance, rate)
        elif key not in ("t", "event", "at", "frame") and chance.random() < rate:
            if chance.random() < 0.3:
                del values[key]
            else:
                values[key] = chance.choice(_ODD)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    path = tmp_path_factory.mktemp("damaged") / "run.jsonl"
    net = behind_gateway("ab")

    def serve() -> None:
        with socket.create_server(("", 80)) as listener:
            for _ in range(2):
                connection, _ = listener.accept()
                connection.recv(100)
                connection.sendall(b"x" * 5000)
                connection.close()

    def ask() -> None:
        with socket.create_connection((SERVER, 80)) as sock:
            sock.sendall(b"one")
            sock.sendall(b"two")
            while sock.recv(4096):
                pass

    net["server"].run(serve, root=True)
    for name in "ab":
        net[name].run(ask)
    net.watching.trace_to(path)
    net.run(until="10s")
    net.close()
    return path.read_text(encoding="utf-8").strip("\n").split("\n")


@pytest.mark.parametrize("rate", [0.02, 0.1, 0.5])
@pytest.mark.parametrize("seed", range(4))
def test_whatever_stands_in_a_record_nothing_raises(
    recorded: list[str], tmp_path: Path, seed: int, rate: float
) -> None:
    chance = random.Random(seed)
    lines = [recorded[0]]
    for line in recorded[1:]:
        record = json.loads(line)
        spoil(record, chance, rate)
        lines.append(json.dumps(record))
    path = tmp_path / "damaged.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    for language in ("en", "zh"):
        assert list(Story(path, Language.load(language)).chapters())
