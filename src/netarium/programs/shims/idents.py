"""Where the thread idents of tasks come from: memory that is reserved, reads as zeros and is never used.

To C code an ident is a `pthread_t`, that is an address: trio names its threads by pthread_setname_np through ctypes,
and a number out of the air makes that a segmentation fault. In a thread descriptor of zeros the C library finds thread
id 0, and answers that there is no such thread.
"""

from __future__ import annotations

import ctypes
import mmap
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from netarium.programs.task import Task

BASE: Final = 0x7A00_0000_0000
"""Numbers no real thread has: pthread_t are addresses well above. The same in every run."""
_SIZE_BYTES: Final = 1 << 36
"""A MiB for each of 65,536 processes; address space alone."""
_NORESERVE: Final = 0x4000
_FIXED_NOREPLACE: Final = 0x10_0000


def reserve() -> bool:
    """Reserve the memory; False where the system would not, and idents are then numbers only."""
    if not sys.platform.startswith("linux"):
        return False
    library = ctypes.CDLL(None, use_errno=True)
    library.mmap.restype = ctypes.c_void_p
    library.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _NORESERVE | _FIXED_NOREPLACE
    found: int | None = library.mmap(BASE, _SIZE_BYTES, mmap.PROT_READ, flags, -1, 0)
    return found == BASE


def ident_of(task: Task) -> int:
    """The task's thread ident."""
    if not task.ident:
        process = task.process
        process.threads.idents += 1
        task.ident = BASE + (process.pid << 20) + process.threads.idents
    return task.ident
