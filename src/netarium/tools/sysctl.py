"""sysctl: the host's settings, as procps' sysctl.

    sysctl -a | [-n] NAME... | -w NAME=VALUE...

Exit code 0, 1 when a setting is not there or may not be changed, 2 for wrong arguments.
"""

from __future__ import annotations

import argparse
import sys

from netarium import control
from netarium.errors import UsageError


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="sysctl", description="Show and change the host's settings.")
    parser.add_argument("-a", "--all", action="store_true", help="every setting")
    parser.add_argument("-n", "--values", action="store_true", help="values without names")
    parser.add_argument("-w", "--write", action="store_true", help="accepted; NAME=VALUE is enough")
    parser.add_argument("words", nargs="*", metavar="NAME[=VALUE]")
    chosen = parser.parse_args(arguments)
    if not chosen.all and not chosen.words:
        parser.error("give -a, a NAME, or NAME=VALUE")
    if chosen.write and not all("=" in word for word in chosen.words):
        parser.error("-w takes NAME=VALUE")
    return chosen


def value_text(value: object) -> str:
    """A value as /proc/sys shows it: several numbers with tabs between."""
    return "\t".join(str(each) for each in value) if isinstance(value, tuple) else str(value)


def show(name: str, value: object, bare: bool) -> None:
    """`name = value`."""
    print(value_text(value) if bare else f"{name} = {value_text(value)}")


def main(arguments: list[str]) -> int:
    """Run sysctl; the exit code."""
    chosen = read_arguments(arguments)
    door = control.here()
    code = 0
    if chosen.all:
        for name, value in sorted(door.settings()):
            show(name, value, chosen.values)
    for word in chosen.words:
        name, equals, text = (part.strip() for part in word.partition("="))
        try:
            if equals and door.set_setting(name, text) is not None:
                print(f'sysctl: permission denied on key "{name}"', file=sys.stderr)
                code = 1
                continue
            show(name, door.setting(name), chosen.values)
        except UsageError as error:
            print(f"sysctl: {error}", file=sys.stderr)
            code = 1
    return code
