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
PREEMPTION: Final = (
    "interrupts a loop that calls nothing: tasks are not pre-empted, only the watchdog ends such a loop"
)
TERMINAL: Final = "waits on a pseudo-terminal, a real device: refused, waiting for it would stop virtual time"
C_ENVIRONMENT: Final = "OpenSSL reads the environment of the OS process, not that of the program"
REFERENCES: Final = "counts references to an argument, which the frames of the dispatcher hold too"
SUBINTERPRETER: Final = "subinterpreters: refused, a simulated program is greenlets of one interpreter"

EXCLUDED: Final[dict[str, list[tuple[str, str]]]] = {
    "test_socket": [
        ("*VSOCK*", PROTOCOL),
        ("GeneralModuleTests.testRefCountGetNameInfo", REFERENCES),
    ],
    "test_socketserver": [("*[Ff]orking*", PROCESS)],
    "test_select": [("SelectTestCase.test_select", PROCESS)],
    "test_poll": [("PollTests.test_poll2", PROCESS)],
    "test_threading": [
        ("AtexitTests.*", PROCESS),
        ("ThreadJoinOnShutdown.*", PROCESS),
        ("*fork*", PROCESS),
        ("ThreadTests.test_finalization_shutdown", PROCESS),
        ("ThreadTests.test_finalize_*", PROCESS),
        ("ThreadTests.test_import_from_another_thread", PROCESS),
        ("ThreadTests.test_join_nondaemon_on_shutdown", PROCESS),
        ("ThreadTests.test_locals_at_exit", PROCESS),
        ("ThreadTests.test_main_thread_during_shutdown", PROCESS),
        ("ThreadTests.test_start_new_thread_at_finalization", PROCESS),
        ("ThreadingExceptionTests.test_print_exception*", PROCESS),
        ("ThreadingExceptionTests.test_recursion_limit", PROCESS),
        ("ThreadTests.test_start_new_thread_at_exit", PROCESS),
        ("SubinterpThreadingTests.*", SUBINTERPRETER),
        ("MiscTestCase.test_gh112826_missing__thread__is_main_interpreter", SUBINTERPRETER),
        ("InterruptMainTests.test_can_interrupt_tight_loops", PREEMPTION),
        ("ThreadTests.test_PyThreadState_SetAsyncExc", PREEMPTION),
    ],
    "test_thread": [("TestForkInThread.*", PROCESS)],
    "test_logging": [
        ("*post_fork*", PROCESS),
        ("*multiprocessing*", PROCESS),
        ("ModuleLevelMiscTest.test_logging_at_shutdown*", PROCESS),
        ("ModuleLevelMiscTest.test_recursion_error", PROCESS),
        ("ConfigDictTest.test_111615", PROCESS),
        ("FormatterTest.test_relativeCreated_has_higher_precision", PROCESS),
    ],
    "test_ssl": [("ContextTests.test_load_default_certs_env*", C_ENVIRONMENT)],
    "test_httpservers": [("CGIHTTPServerTestCase.*", PROCESS)],
    "test_urllib2": [("HandlerTests.test_http_body_pipe", PROCESS)],
    "test_asyncio.test_streams": [("StreamTests.test_read_all_from_pipe_reader", PROCESS)],
    "test_asyncio.test_events": [
        ("*subprocess*", PROCESS),
        ("*_new_process", PROCESS),
        ("*pty*", TERMINAL),
    ],
    "test_asyncio.test_unix_events": [("TestFork.*", PROCESS)],
    "test_asyncio.test_base_events": [("*test_env_var_debug", PROCESS)],
    "test_asyncio.test_tasks": [("*test_env_var_debug", PROCESS)],
}
"""Module -> (pattern of the test's id without `test.MODULE.`, reason)."""


def reason_to_exclude(module: str, test: str) -> str:
    """Why a test is excluded; empty when it is not."""
    name = test.removeprefix(f"test.{module}.")
    for pattern, reason in EXCLUDED.get(module, ()):
        if fnmatchcase(name, pattern):
            return reason
    return ""
