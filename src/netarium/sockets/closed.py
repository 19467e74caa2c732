"""What stands for the core of a socket object whose descriptor is closed, or became that of something else."""

from __future__ import annotations

import errno
from typing import Any, Final

from netarium.sockets.errno import os_error


class Closed:
    """A closed descriptor: every operation is EBADF."""

    refusal = errno.EBADF

    family = -1
    type = -1
    protocol = -1
    waiting_kind = 0
    restful = False
    closed = True
    nonblocking = False

    def _refuse(self, *args: Any, **keywords: Any) -> Any:
        raise os_error(self.refusal)

    accept = bind = connect = connected = get_option = listen = name = peer_name = readiness = receive = (
        _refuse
    )
    receive_from = receive_message = receive_nothing = send = send_more = send_to = set_option = shutdown = (
        _refuse
    )
    send_urgent = receive_urgent = receive_ancillary = receive_report = send_message = _refuse

    def describe(self, call: str = "") -> str:
        """For reports."""
        return "on a closed socket"


class NoSocket(Closed):
    """A descriptor of a pipe or a file, which a socket object goes by all the same: every operation is ENOTSOCK."""

    refusal = errno.ENOTSOCK
    closed = False


CLOSED: Final = Closed()
NO_SOCKET: Final = NoSocket()
