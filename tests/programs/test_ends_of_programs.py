"""What is to be done at the end is done at the end of the program that asked for it, and of no other."""

from __future__ import annotations

import os
import sys
import tempfile
import time
import weakref
from pathlib import Path
from typing import Any

from netarium import Net

Lan = tuple[Net, Any, Any]


class Thing:
    """Something a weak reference can point to."""


def test_finalizers_run_at_the_end_of_their_program(lan: Lan) -> None:
    _, server, client = lan
    mine = Thing()
    done: list[str] = []
    outside = weakref.finalize(mine, done.append, "outside")

    def short() -> None:
        kept.append(Thing())
        for number in range(3):
            weakref.finalize(kept[0], print, "short", number)
        weakref.finalize(kept[0], done.append, "not at the end").atexit = False

    def long() -> None:
        folder = tempfile.TemporaryDirectory()
        kept.append(folder)
        time.sleep(1)
        print(os.path.isdir(folder.name))

    kept: list[Any] = []
    services = server.run(short), client.run(long)
    for service in services:
        assert service.wait() == 0
    assert [service.stdout for service in services] == ["short 2\nshort 1\nshort 0\n", "True\n"]
    assert not os.path.exists(kept[-1].name)
    assert outside.alive
    assert done == []
    outside.detach()


def test_a_shared_library_that_registers_at_import_does_not_end_others(lan: Lan, tmp_path: Path) -> None:
    library = tmp_path / "site-packages"
    library.mkdir()
    (library / "ends_all.py").write_text(
        "import atexit\nthreads = []\nends = []\n"
        "def end():\n    threads.clear()\n    ends.append(1)\n"
        "atexit.register(end)\n"
    )
    for name, wait in (("first", 0), ("second", 1)):
        (tmp_path / f"{name}.py").write_text(
            f"import sys, time\nsys.path.append({str(library)!r})\nimport ends_all\n"
            f"ends_all.threads.append(1)\ntime.sleep({wait})\nprint(len(ends_all.threads), ends_all.ends)\n"
        )
    _, server, client = lan
    services = server.run(str(tmp_path / "first.py")), client.run(str(tmp_path / "second.py"))
    for service in services:
        service.wait()
    found = sys.modules.pop("ends_all")
    found.ends.clear()
    assert [service.stdout for service in services][1] == "2 []\n", services[0].stderr + services[1].stderr
