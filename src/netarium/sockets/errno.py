"""The one border where failures of the stack become `OSError`."""

from __future__ import annotations

import errno
from os import strerror
from typing import Final

from netarium.stack.failures import Failure

ERRNO_OF: Final[dict[Failure, int]] = {failure: getattr(errno, failure.value) for failure in Failure}


def os_error(number: int) -> OSError:
    """The `OSError` (or its subclass, such as ConnectionRefusedError) of an errno, with Linux' text."""
    return OSError(number, strerror(number))


def failure_error(failure: Failure) -> OSError:
    """The `OSError` that Linux gives for this failure."""
    return os_error(ERRNO_OF[failure])
