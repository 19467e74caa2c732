"""What one program changes of the interpreter another does not see, nor the test; the program itself does."""

from __future__ import annotations

import csv
import faulthandler
import gc
import locale
import ssl
import sys
import tempfile
import threading
import time
import urllib.request
import warnings
from typing import Any

import pytest

from netarium import Net

Lan = tuple[Net, Any, Any]


def state() -> dict[str, Any]:
    return {
        "filters": list(warnings.filters),
        "showwarning": warnings.showwarning,
        "locale": locale.setlocale(locale.LC_ALL),
        "recursion": sys.getrecursionlimit(),
        "digits": sys.get_int_max_str_digits(),
        "interval": sys.getswitchinterval(),
        "displayhook": sys.displayhook,
        "https": ssl._create_default_https_context,
        "tempdir": tempfile.tempdir,
        "csv": csv.field_size_limit(),
        "opener": urllib.request._opener,  # type: ignore[attr-defined]
        "tracer": threading.gettrace(),
        "gc": (gc.isenabled(), gc.get_threshold()),
        "faults": faulthandler.is_enabled(),
    }


def change() -> None:
    warnings.simplefilter("always")
    warnings.showwarning = print  # type: ignore[assignment]
    locale.setlocale(locale.LC_ALL, "C" if locale.setlocale(locale.LC_ALL) != "C" else "C.UTF-8")
    sys.setrecursionlimit(sys.getrecursionlimit() + 100)
    sys.set_int_max_str_digits(9_999)
    sys.setswitchinterval(0.5)
    sys.displayhook = print
    ssl._create_default_https_context = ssl._create_unverified_context  # type: ignore[assignment]
    tempfile.tempdir = "/somewhere"
    csv.field_size_limit(77)
    urllib.request.install_opener(urllib.request.build_opener())
    threading.settrace(lambda *given: None)
    gc.disable()
    gc.set_threshold(1, 2, 3)
    if faulthandler.is_enabled():
        faulthandler.disable()
    else:
        faulthandler.enable()


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    return sorted(name for name in one if one[name] != other[name])


def test_a_program_keeps_what_it_has_changed_and_nobody_else_sees_it(lan: Lan) -> None:
    _, server, client = lan

    def changer() -> list[str]:
        before = state()
        change()
        time.sleep(1)
        return differences(before, state())

    def onlooker() -> list[str]:
        before = state()
        time.sleep(0.5)
        return differences(before, state())

    outside = state()
    other = client.run(onlooker)
    assert server.call(changer) == sorted(outside)
    other.wait()
    assert client.call(onlooker) == []
    assert differences(outside, state()) == []
    assert other.exit_code == 0


def test_warnings_caught_by_one_program_are_its_own(lan: Lan) -> None:
    _, server, client = lan

    def catcher() -> list[str]:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            warnings.warn("one's own", stacklevel=1)
            time.sleep(1)
            warnings.warn("another one", stacklevel=1)
        return [str(each.message) for each in caught]

    def strict() -> str:
        warnings.simplefilter("error")
        time.sleep(0.5)
        try:
            warnings.warn("an error here", stacklevel=1)
        except UserWarning as error:
            return str(error)
        return "no error"

    found: list[str] = []
    other = client.run(lambda: found.append(strict()))
    assert server.call(catcher) == ["one's own", "another one"]
    other.wait()
    assert found == ["an error here"]
    with pytest.warns(UserWarning, match="outside"):
        warnings.warn("outside", stacklevel=1)
