"""The end of a script: pools, threads and exit functions; compared with the interpreter that runs the tests."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from netarium import Net

_SCRIPTS = {
    "a pool that nobody shuts down": "from concurrent.futures import ThreadPoolExecutor\nimport atexit, time\n"
    "pool = ThreadPoolExecutor(2)\n"
    "for number in range(5): pool.submit(lambda n: (time.sleep(.01), print(n)), number).result()\n"
    "pool.submit(time.sleep, .02)\n"
    "def late():\n    try: pool.submit(print)\n    except RuntimeError as error: print(error)\n"
    "    try: ThreadPoolExecutor().submit(print)\n    except RuntimeError as error: print(error)\n"
    "atexit.register(late)\n",
    "a loop that nobody closes": "import asyncio, warnings\nwarnings.simplefilter('ignore')\n"
    "async def main(): return await asyncio.to_thread(len, 'abc')\n"
    "loop = asyncio.new_event_loop()\nprint(loop.run_until_complete(main()))\n",
    "sys.exit at exit": "import atexit, sys\natexit.register(sys.exit, 7)\natexit.register(sys.exit, 'why')\n",
    "sys.exit at exit after another": "import atexit, sys\natexit.register(sys.exit, 7)\nsys.exit(5)\n",
    "an error at exit": "import atexit\ndef fails(): 1 / 0\natexit.register(print, 'then')\natexit.register(fails)\n",
    "a hook for errors at exit": "import atexit, sys\ndef fails(): 1 / 0\natexit.register(fails)\n"
    "sys.unraisablehook = lambda u: print(u.exc_type, u.err_msg.split()[:5])\n",
    "registered while exiting": "import atexit\natexit.register(lambda: atexit.register(print, 'never'))\n"
    "atexit.register(print, 'first')\n",
    "unregistered while exiting": "import atexit\ndef gone(): print('gone')\natexit.register(gone)\n"
    "atexit.register(lambda: atexit.unregister(gone))\n",
    "the private names": "import atexit\nprint(atexit._ncallbacks())\natexit.register(print, 'now')\n"
    "atexit._run_exitfuncs()\natexit.register(print, 'never')\natexit._clear()\nprint(atexit._ncallbacks())\n",
    "before the threads are joined": "import threading, time\nthreading._register_atexit(print, 'second')\n"
    "threading._register_atexit(print, 'first')\n"
    "threading.Thread(target=lambda: (time.sleep(.05), print('thread'))).start()\n",
    "too late for threads": "import atexit, threading\ndef late():\n"
    "    try: threading._register_atexit(print)\n    except RuntimeError as error: print(error)\n"
    "atexit.register(late)\n",
    "finalizers that are not for the end": "import weakref\nclass X: pass\nx = X()\n"
    "weakref.finalize(x, print, 'never').atexit = False\nweakref.finalize(x, print, 'at exit')\n",
}


@pytest.mark.parametrize("name", _SCRIPTS)
def test_a_script_ends_as_under_cpython(empty_net: Net, host: Any, tmp_path: Path, name: str) -> None:
    (tmp_path / "ends.py").write_text(_SCRIPTS[name])
    real = subprocess.run(
        [sys.executable, "ends.py"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    service = host.run(["python", "ends.py"], directory=tmp_path)
    empty_net.run()
    assert (service.stdout, service.exit_code) == (real.stdout, real.returncode)
    addresses = re.compile("0x[0-9a-f]+")
    assert addresses.sub("", service.stderr) == addresses.sub("", real.stderr)


def test_an_error_in_a_finalizer_at_exit_keeps_none_of_the_others_back(
    empty_net: Net, host: Any, tmp_path: Path
) -> None:
    (tmp_path / "ends.py").write_text(
        "import weakref\nclass X: pass\nx = X()\ndef fails(): 1 / 0\n"
        "weakref.finalize(x, print, 'done')\nweakref.finalize(x, fails)\n"
    )
    service = host.run("ends.py", directory=tmp_path)
    empty_net.run()
    assert service.stdout == "done\n" and service.stderr.endswith("ZeroDivisionError: division by zero\n")
    assert service.exit_code == 0


def test_a_signal_handler_that_leaves_ends_the_joining_only(
    empty_net: Net, host: Any, tmp_path: Path
) -> None:
    (tmp_path / "ends.py").write_text(
        "import atexit, signal, sys, threading, time\nsignal.signal(signal.SIGALRM, lambda *a: sys.exit(3))\n"
        "signal.alarm(1)\natexit.register(print, 'bye')\n"
        "threading.Thread(target=lambda: (time.sleep(9), print('thread'))).start()\n"
    )
    service = host.run("ends.py", directory=tmp_path)
    empty_net.run()
    assert (service.stdout, service.exit_code) == ("bye\n", 0)
    first, last = service.stderr.splitlines()[0], service.stderr.splitlines()[-1]
    assert first.startswith("Exception ignored") and "threading" in first and last == "SystemExit: 3"


def test_the_pool_of_a_program_that_ends_is_its_own_only(empty_net: Net, host: Any) -> None:
    def short() -> None:
        kept.append(ThreadPoolExecutor(1))
        kept[-1].submit(print, "short")

    def long() -> None:
        import time

        pool = ThreadPoolExecutor(1)
        pool.submit(print, "before").result()
        time.sleep(1)
        pool.submit(print, "after").result()
        kept.append(pool)

    kept: list[Any] = []
    with ThreadPoolExecutor(1) as outside:
        outside.submit(len, "").result()
        services = host.run(short), host.run(long)
        empty_net.run(check=True)
        assert [each.stdout for each in services] == ["short\n", "before\nafter\n"]
        assert outside.submit(len, "abc").result(60) == 3


def test_what_a_program_registers_with_threading_is_not_the_tests(empty_net: Net, host: Any) -> None:
    before = list(threading._threading_atexits)  # type: ignore[attr-defined]
    service = host.run(lambda: threading._register_atexit(print, "own"))  # type: ignore[attr-defined]
    empty_net.run(check=True)
    assert service.stdout == "own\n"
    assert threading._threading_atexits == before  # type: ignore[attr-defined]
