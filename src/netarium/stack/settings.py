"""The sysctl table of one host: Linux' names, Linux' defaults, and what the RFC says beside each.

Hot code reads plain attributes (`settings.tcp_sack`); tools and labs use `get` and `set` with Linux' names. An
attribute is called like the last part of the name, with `neigh_` before those of `net.ipv4.neigh.default`, `conf_`
before those of `net.ipv4.conf.all`, `ipv6_` before those of `net.ipv6`. Booleans are the ints 0 and 1, as on Linux.
The rows are in `settings_ip`, `settings_tcp` and `settings_filter`; their classes are a line of bases, because
mypyc takes no more than one each (docs/decisions/0006).
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Final

from netarium.errors import UsageError
from netarium.stack.setting import Setting, Value
from netarium.stack.settings_absent import ABSENT
from netarium.stack.settings_filter import FILTER_ROWS, FilterSettings
from netarium.stack.settings_ip import IP_ROWS
from netarium.stack.settings_tcp import TCP_ROWS

TABLE: Final = tuple(Setting(*row) for row in (*IP_ROWS, *TCP_ROWS, *FILTER_ROWS))
BY_NAME: Final[dict[str, Setting]] = {each.name: each for each in TABLE}


class Settings(FilterSettings):
    """The values of one host, as attributes for hot code and by name for the rest.

    Setting one takes effect at the next use; what was resolved at the opening of a socket stays.
    """

    def __init__(self, values: dict[str, object] | None = None) -> None:
        for setting in TABLE:
            setattr(self, setting.attribute, setting.default)
        for name, value in (values or {}).items():
            self.set(name, value)

    def set(self, name: str, value: object) -> None:
        """Set `net.ipv4.tcp_sack` and the like; numbers may be text. Raises UsageError."""
        setting = find(name)
        setattr(self, setting.attribute, setting.checked(value))

    def get(self, name: str) -> Value:
        """The value of `name`. Raises UsageError with the nearest name when there is none."""
        value: Value = getattr(self, find(name).attribute)
        return value

    def items(self) -> Iterator[tuple[str, Value]]:
        """(name, value) of every setting, in the table's order."""
        for setting in TABLE:
            yield setting.name, getattr(self, setting.attribute)


def find(name: str) -> Setting:
    """The table's line for `name` (`/` for `.` is taken, as by sysctl).

    Raises UsageError with the reason why a setting of Linux is not there, else with the nearest name.
    """
    dotted = name.replace("/", ".")
    setting = BY_NAME.get(dotted)
    if setting is None:
        if dotted in ABSENT:
            raise UsageError(f"there is no {dotted} here: {ABSENT[dotted]}")
        near = get_close_matches(name, BY_NAME, n=1, cutoff=0.4)
        hint = f"; did you mean {near[0]}?" if near else "; `sysctl -a` lists those there are"
        raise UsageError(f"no setting is called {name!r}{hint}")
    return setting
