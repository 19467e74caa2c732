"""Which of CPython's test modules are run, and what is excluded of each, with the reason."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Final

NAMES: Final = [
    "test_socket",
    "test_socketserver",
    "test_select",
    "test_selectors",
    "test_poll",
    "test_epoll",
    "test_threading",
    "test_thread",
    "test_threading_local",
    "test_threadsignals",
    "test_queue",
    "test_sched",
    "test_logging",
    "test_ssl",
    "test_httplib",
    "test_httpservers",
    "test_urllib2",
    "test_urllib2_localnet",
    "test_ftplib",
    "test_poplib",
    "test_smtplib",
    "test_smtpd",
    "test_imaplib",
    "test_telnetlib",
    "test_xmlrpc",
    "test_docxmlrpc",
    "test_wsgiref",
    "test_asyncore",
    "test_asynchat",
    "test_asyncio.test_streams",
    "test_asyncio.test_sock_lowlevel",
    "test_asyncio.test_events",
    "test_asyncio.test_server",
    "test_asyncio.test_sendfile",
    "test_asyncio.test_base_events",
    "test_asyncio.test_unix_events",
    "test_asyncio.test_ssl",
    "test_asyncio.test_locks",
    "test_asyncio.test_tasks",
]

PROTOCOL: Final = "the stack has no such protocol: socket() says EPROTONOSUPPORT or EAFNOSUPPORT"
PROCESS: Final = "starts a second process: refused, one simulated program is one Python program"
SUBINTERPRETER: Final = "subinterpreters: refused, a simulated program is greenlets of one interpreter"

EXCLUDED: Final[dict[str, list[tuple[str, str]]]] = {}
"""Module -> (pattern of the test's id without `test.MODULE.`, reason)."""


def reason_to_exclude(module: str, test: str) -> str:
    """Why a test is excluded; empty when it is not."""
    name = test.removeprefix(f"test.{module}.")
    for pattern, reason in EXCLUDED.get(module, ()):
        if fnmatchcase(name, pattern):
            return reason
    return ""
