"""File times inside the net are virtual, and the local time zone is UTC whatever the machine's is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from netarium import Net

EPOCH_S = 1_767_225_600
LABS = Path(__file__).parents[2] / "examples" / "labs"


def test_a_file_has_the_virtual_time_of_its_last_write(host: Any, tmp_path: Path) -> None:
    path = tmp_path / "file"

    def program() -> list[int]:
        seen = []
        time.sleep(10)
        with open(path, "w") as file:
            file.write("one")
            time.sleep(5)
        seen.append(os.stat(path).st_mtime_ns)
        time.sleep(5)
        with open(path, "ab", buffering=0) as raw:
            seen.append(os.fstat(raw.fileno()).st_mtime_ns)
            raw.write(b"two")
            time.sleep(5)
            seen.append(os.fstat(raw.fileno()).st_mtime_ns)
        with open(path, "r+") as file:
            file.truncate(2)
        seen.append(path.stat().st_mtime_ns)
        time.sleep(5)
        number = os.open(path, os.O_WRONLY)
        os.write(number, b"x")
        os.close(number)
        seen.append(os.lstat(path).st_mtime_ns)
        return [(ns // 10**9) - EPOCH_S for ns in seen]

    before = path.parent.stat().st_mtime
    assert host.call(program) == [15, 15, 20, 25, 30]
    assert path.read_text() == "xn" and path.stat().st_mtime >= before > EPOCH_S


def test_a_file_from_before_has_the_second_at_which_the_net_began(host: Any, tmp_path: Path) -> None:
    path = tmp_path / "old"
    path.write_text("old")
    os.utime(path, (12345, 12345))

    def program() -> list[float]:
        time.sleep(7)
        with os.scandir(tmp_path) as found:
            listed = [entry.stat().st_mtime for entry in found]
        return [
            *listed,
            os.path.getmtime(path),
            os.stat(path).st_atime,
            path.stat().st_ctime,
            os.stat(path).st_size,
        ]

    assert host.call(program) == [EPOCH_S] * 4 + [3]
    assert path.stat().st_mtime == 12345


def test_times_can_be_set_and_copied(host: Any, tmp_path: Path) -> None:
    def program() -> list[float]:
        path = tmp_path / "one"
        path.write_text("one")
        os.utime(path, (100, 200))
        shutil.copy2(path, tmp_path / "two")
        (tmp_path / "three").touch()
        (tmp_path / "folder").mkdir()
        status = os.stat(tmp_path / "two")
        return [status.st_atime, status.st_mtime] + [
            int((tmp_path / name).stat().st_mtime) for name in ("three", "folder")
        ]

    assert host.call(program) == [100, 200, EPOCH_S, EPOCH_S]


def test_what_c_code_has_written_is_noticed_at_the_next_look(host: Any, tmp_path: Path) -> None:
    def program() -> bool:
        import sqlite3

        path = tmp_path / "base.db"
        with sqlite3.connect(path) as base:
            base.execute("create table t (x)")
        first = path.stat().st_mtime
        time.sleep(60)
        base.executemany("insert into t values (?)", [("x" * 1000,)] * 100)
        base.commit()
        second = path.stat().st_mtime
        base.close()
        return second - first >= 60

    assert host.call(program)


def test_names_in_a_folder_are_sorted(host: Any, tmp_path: Path) -> None:
    names = [f"{number * 7919 % 100:02}" for number in range(40)]
    for name in names:
        (tmp_path / name).write_text("")

    def program() -> tuple[list[str], list[str], list[str]]:
        walked = next(iter(os.walk(tmp_path)))[2]
        return os.listdir(tmp_path), [entry.name for entry in os.scandir(tmp_path)], walked

    assert host.call(program) == (sorted(names),) * 3


@pytest.mark.parametrize("mode", ["w", "wb", "w+", "wb+", "a", "a+b", "x", "xt", "r+", "rb+"])
def test_files_open_as_ever(host: Any, tmp_path: Path, mode: str) -> None:
    def look(path: Path) -> tuple[Any, ...]:
        if "x" not in mode:
            path.write_bytes(b"12345")
        with open(path, mode) as file:
            file.write(b"ab" if "b" in mode else "ab")  # type: ignore[call-overload]
            facts = (file.mode, type(file), file.name == str(path) or file.name == path, file.readable())
        return (*facts, path.read_bytes())

    assert host.call(look, tmp_path / "inside") == look(tmp_path / "outside")


@pytest.mark.parametrize("mode", ["", "q", "ww", "wr", "wbt", "+", "r+w", "w++"])
def test_a_wrong_mode_is_the_same_error(host: Any, tmp_path: Path, mode: str) -> None:
    def look() -> str:
        try:
            open(tmp_path / "file", mode).close()
        except ValueError as error:
            return str(error)
        return "opened"

    assert host.call(look) == look() != "opened"


def test_compiled_modules_are_kept_by_real_times(
    empty_net: Net, host: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    (tmp_path / "part.py").write_text("value = 1\n")
    (tmp_path / "main.py").write_text("import part\nprint(part.value)\n")
    first = host.run(tmp_path / "main.py")
    empty_net.run()
    caches = list((tmp_path / "__pycache__").glob("*.pyc"))
    recorded = int.from_bytes(caches[0].read_bytes()[8:12], "little")
    assert first.stdout == "1\n" and recorded == int((tmp_path / "part.py").stat().st_mtime)


def test_local_time_is_utc_inside(tmp_path: Path) -> None:
    text = """
from netarium import Net
import datetime, time

def look():
    moment = datetime.datetime(2026, 7, 1, 12)
    return [
        datetime.datetime.fromtimestamp(0).hour,
        datetime.datetime.fromtimestamp(0, datetime.UTC).hour,
        datetime.date.fromtimestamp(86_399).day,
        moment.timestamp() % 86_400 / 3600,
        str(moment.astimezone().tzinfo),
        datetime.datetime.now().hour == datetime.datetime.now(datetime.UTC).hour,
        time.localtime(0).tm_hour,
        time.strftime("%H", time.localtime(0)),
    ]

with Net() as net:
    host = net.host("host", address="10.0.0.1/24")
    before = look()
    print(host.call(look))
    print(look() == before, before[0])
"""
    (tmp_path / "look.py").write_text(text)
    environment = {**os.environ, "TZ": "XYZ-9"}
    done = subprocess.run(
        [sys.executable, "look.py"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.stdout.splitlines() == ["[0, 0, 1, 12.0, 'UTC', True, 0, '00']", "True 9"], done.stderr


def test_the_lab_of_faults_has_one_digest(tmp_path: Path) -> None:
    digests = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        for file in ("faults.yaml", "make_big.py"):
            shutil.copy(LABS / file, folder)
        os.utime(folder / "make_big.py", (len(name) * len(digests), 7))
        with Net.load(folder / "faults.yaml", seed=1) as net:
            net.run()
            digests.append(net.digest)
        assert (folder / "got.bin").read_bytes() == (folder / "big.bin").read_bytes()
    assert digests[0] == digests[1]
