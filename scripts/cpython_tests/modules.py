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
    "test_threadedtempfile",
    "test_timeout",
    "test_queue",
    "test_signal",
    "test_sched",
    "test_logging",
    "test_ssl",
    "test_httplib",
    "test_httpservers",
    "test_urllib",
    "test_urllib_response",
    "test_urllib2",
    "test_urllib2_localnet",
    "test_robotparser",
    "test_http_cookiejar",
    "test_nntplib",
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
    "test_asyncgen",
    "test_context",
    "test_contextlib_async",
    "test_time",
    "test_asyncio.test_streams",
    "test_asyncio.test_sock_lowlevel",
    "test_asyncio.test_events",
    "test_asyncio.test_server",
    "test_asyncio.test_sendfile",
    "test_asyncio.test_base_events",
    "test_asyncio.test_unix_events",
    "test_asyncio.test_ssl",
    "test_asyncio.test_sslproto",
    "test_asyncio.test_selector_events",
    "test_asyncio.test_transports",
    "test_asyncio.test_protocols",
    "test_asyncio.test_buffered_proto",
    "test_asyncio.test_locks",
    "test_asyncio.test_queues",
    "test_asyncio.test_futures",
    "test_asyncio.test_futures2",
    "test_asyncio.test_tasks",
    "test_asyncio.test_taskgroups",
    "test_asyncio.test_timeouts",
    "test_asyncio.test_waitfor",
    "test_asyncio.test_threads",
    "test_asyncio.test_runners",
    "test_asyncio.test_context",
    "test_asyncio.test_pep492",
    "test_concurrent_futures.test_as_completed",
    "test_concurrent_futures.test_future",
    "test_concurrent_futures.test_shutdown",
    "test_concurrent_futures.test_thread_pool",
    "test_concurrent_futures.test_wait",
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

PROCESSOR_TIME: Final = (
    "a timer of processor time (ITIMER_VIRTUAL, ITIMER_PROF): a simulated program uses none"
)
REFUSED: Final = "signal.pidfd_send_signal: refused by name, with a pidfd that is not open too"

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
    "test_signal": [
        # These run a script in a second process; all but the last two run right as programs of the net.
        ("PendingSignalsTests.test_pthread_kill*", PROCESS),
        ("PendingSignalsTests.test_pthread_sigmask", PROCESS),
        ("PendingSignalsTests.test_sigpending", PROCESS),
        ("PendingSignalsTests.test_sigtimedwait*", PROCESS),
        ("PendingSignalsTests.test_sigwait*", PROCESS),
        ("RaiseSignalTest.test__thread_interrupt_main", PROCESS),
        ("Wakeup*SignalTests.*", PROCESS),
        ("SiginterruptTest.test_*siginterrupt*", PROCESS),
        ("PosixTests.test_interprocess_signal", PROCESS),
        ("PosixTests.test_keyboard_interrupt_exit_code", PROCESS),
        ("ItimerTest.test_itimer_virtual", PROCESSOR_TIME),
        ("ItimerTest.test_itimer_prof", PROCESSOR_TIME),
        ("PidfdSignalTest.*", REFUSED),
    ],
    "test_concurrent_futures.test_as_completed": [("ProcessPool*", PROCESS)],
    "test_concurrent_futures.test_shutdown": [
        ("ProcessPool*", PROCESS),
        ("*.test_cancel_futures_wait_false", PROCESS),
        ("*.test_hang_gh*", PROCESS),
        ("*.test_interpreter_shutdown", PROCESS),
        ("*.test_submit_after_interpreter_shutdown", PROCESS),
    ],
    "test_concurrent_futures.test_wait": [("ProcessPool*", PROCESS)],
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
