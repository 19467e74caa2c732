"""When programs start, and when a run is over (DESIGN 3, End of a run)."""

import socket
import sys
import time

import pytest

from netarium import DeadlockError, Net, ProgramError, StormError, UnfinishedError, UsageError
from netarium.lab.lifecycle import PATIENCE_NS, End

S = 10**9


@pytest.fixture
def two(net):
    office = net.switch("office")
    net.host("a", address="10.0.0.1/24", link=office)
    net.host("b", address="10.0.0.2/24", link=office)
    return net


def serve_forever():
    listener = socket.create_server(("", 80_00))
    while True:
        connection, _ = listener.accept()
        connection.sendall(b"hello")
        connection.close()


def greet(name="a"):
    client = socket.create_connection((name, 8000))
    return client.recv(100)


def now():
    return round(time.monotonic() * 1000)


def test_an_empty_net_is_over_at_once(net):
    assert net.run() is End.DRAINED
    assert net.now_ns == 0


def test_sleeps_of_programs_are_waited_for(two):
    slept = two["a"].run(lambda: time.sleep(3600))
    assert two.run() is End.DRAINED
    assert (slept.exit_code, two.now_ns) == (0, 3600 * S)


def test_sleeps_of_daemons_are_not(two):
    def tick():
        while True:
            time.sleep(1)

    two["a"].run(tick, daemon=True)
    two["b"].run(lambda: time.sleep(5))
    assert two.run() is End.DRAINED
    assert two.now_ns == 5 * S


def test_a_server_in_accept_rests_and_the_run_ends(two):
    server = two["a"].run(serve_forever)
    client = two["b"].run(greet, at="1s")
    assert two.run() is End.DRAINED
    assert (client.result, server.at_rest, server.state) == (b"hello", True, "at rest")


def test_a_udp_server_rests_in_recvfrom_only_if_it_bound_its_port(two):
    def bound():
        sock = socket.socket(type=socket.SOCK_DGRAM)
        sock.bind(("", 5000))
        sock.recvfrom(100)

    def unbound():
        sock = socket.socket(type=socket.SOCK_DGRAM)
        sock.bind(("", 0))
        sock.recvfrom(100)

    assert two["a"].run(bound) and two.run() is End.DRAINED
    two["b"].run(unbound)
    with pytest.raises(DeadlockError, match=r"b: recvfrom\(\)"):
        two.run()


def test_serve_forever_of_socketserver_rests_although_it_polls(two):
    def serve():
        import socketserver

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                self.request.sendall(b"hello")

        with socketserver.TCPServer(("", 8000), Handler) as server:
            server.serve_forever()

    server = two["a"].run(serve)
    client = two["b"].run(greet, at="1s")
    assert two.run() is End.DRAINED
    assert (client.result, server.at_rest) == (b"hello", True)
    assert two.now_ns < 60 * S


def test_the_teardown_is_waited_for(two):
    two["a"].run(serve_forever)
    two["b"].run(greet, at="1s")
    two.trace  # noqa: B018  (begins the recording)
    two.run()
    fins = two.trace.select(event="received", flags="FIN ACK")
    assert {event["at"] for event in fins} >= {"a:eth0", "b:eth0"}


def test_time_wait_is_not_waited_for(two):
    two["a"].run(serve_forever)
    two["b"].run(greet, at="1s")
    two.run()
    assert two.now_ns < 2 * S
    assert [row.state for row in two["a"].sockets] == ["LISTEN", "TIME-WAIT"]


def test_two_that_wait_for_each_other_are_a_deadlock_that_names_them(two):
    def server():
        connection, _ = socket.create_server(("", 8000)).accept()
        connection.recv(10)

    two["a"].run(server)
    two["b"].run(lambda: socket.create_connection(("a", 8000)).recv(10))
    with pytest.raises(DeadlockError) as caught:
        two.run()
    told = str(caught.value)
    assert "a: recv() from 10.0.0.2:" in told
    assert "b: recv() from 10.0.0.1:8000" in told
    assert f"{__file__.rpartition('/')[2]} line " in told


def test_a_blocked_program_is_given_ten_minutes_of_background(two):
    def tick():
        while True:
            time.sleep(60)

    two["a"].run(tick, daemon=True)
    two["b"].run(input)
    with pytest.raises(DeadlockError, match=r"b: input\(\)"):
        two.run()
    assert two.now_ns == PATIENCE_NS


def test_and_a_daemon_may_free_it_in_that_time(two):
    def late():
        listener = socket.create_server(("", 8000))
        connection, _ = listener.accept()
        time.sleep(500)
        connection.sendall(b"at last")

    two["a"].run(late, daemon=True)
    client = two["b"].run(greet, at="1s")
    two.run()
    assert client.result == b"at last"


def test_after_a_program_and_after_a_listener(two):
    first = two["a"].run(lambda: time.sleep(2))

    def late_server():
        time.sleep(1)
        serve_forever()

    server = two["a"].run(late_server, after=first)
    client = two["b"].run(greet, after={"listening": "a:8000"})
    when = two["b"].run(now, after=client)
    two.run()
    assert (client.result, server.at_rest) == (b"hello", True)
    assert 3000 <= when.result < 3100


def test_after_udp_that_is_bound(two):
    def bind():
        time.sleep(7)
        sock = socket.socket(type=socket.SOCK_DGRAM)
        sock.bind(("", 5000))
        sock.recvfrom(10)

    two["a"].run(bind)
    when = two["b"].run(now, after={"listening": "a:5000"})
    two.run()
    assert when.result == 7000


def test_an_after_that_never_comes_about_is_a_deadlock(two):
    server = two["a"].run(serve_forever)
    two["b"].run(greet, after=server)
    with pytest.raises(DeadlockError, match="b: waits to start after the end of a, which has not come about"):
        two.run()


def test_a_daemon_s_after_holds_nothing(two):
    two["b"].run(greet, after={"listening": "a:8000"}, daemon=True)
    assert two.run() is End.DRAINED


def test_at_counts_from_the_start_and_a_node_that_boots_later_runs_it_at_boot(net):
    net.host("a", address="10.0.0.1/24", boot="5s")
    early = net["a"].run(now, at="1s")
    late = net["a"].run(now, at="7s")
    plain = net["a"].run(now)
    net.run()
    assert (early.result, late.result, plain.result) == (5000, 7000, 5000)


def test_until_stops_the_clock_there_and_the_run_goes_on_later(two):
    slept = two["a"].run(lambda: time.sleep(10))
    assert two.run(until="4s") is End.UNTIL
    assert (two.now_ns, slept.ended) == (4 * S, False)
    assert two.run() is End.DRAINED
    assert two.now_ns == 10 * S


def test_run_until_a_condition(two):
    two["a"].run(lambda: time.sleep(10))
    two.at("3s", lambda: seen.append(1))
    seen = []
    two.run_until(lambda: bool(seen))
    assert two.now_ns == 3 * S
    with pytest.raises(UnfinishedError, match="the condition"):
        two.run_until(lambda: False, within="2s")
    with pytest.raises(DeadlockError, match="nothing can bring it about"):
        two.run_until(lambda: False)


def test_a_crash_ends_programs_without_a_word_and_daemons_start_anew_at_boot(two):
    server = two["a"].run(serve_forever, daemon=True)
    other = two["a"].run(lambda: time.sleep(1000))
    two.at("1s", two["a"].crash)
    two.at("2s", two["a"].boot)
    client = two["b"].run(greet, at="3s")
    two.trace  # noqa: B018
    two.run()
    assert (other.exit_code, client.result) == (-9, b"hello")
    assert server.state == "at rest"
    assert two.now_ns < 5 * S


def test_connections_to_a_crashed_host_fail_as_on_linux(two):
    def wait_for_answer():
        client = socket.create_connection(("a", 8000))
        client.settimeout(30)
        return client.recv(10)

    def silent():
        listener = socket.create_server(("", 8000))
        connection, _ = listener.accept()
        time.sleep(100)
        connection.close()

    two["a"].run(silent)
    two.at("1s", two["a"].crash)
    client = two["b"].run(wait_for_answer)
    two.run()
    assert isinstance(client.exception, TimeoutError)


def test_a_storm_is_an_error(two):
    class Loop:
        def fire(self, argument):
            two.engine.at(two.now_ns, self)

        def __repr__(self):
            return "a loop"

    two.engine.at(0, Loop())
    two["a"].run(lambda: time.sleep(1))
    with pytest.raises(StormError, match="a loop"):
        two.run()


def test_exit_codes_exceptions_and_check(two):
    bad = two["a"].run(lambda: 1 / 0)
    out = two["b"].run(lambda: sys.exit(3))
    two.run()
    assert (bad.exit_code, out.exit_code) == (1, 3)
    assert isinstance(bad.exception, ZeroDivisionError)
    assert "ZeroDivisionError" in bad.stderr
    assert two.failed() == [bad, out]
    with pytest.raises(ProgramError, match="a ended with exit code 1") as caught:
        two.run(check=True)
    assert caught.value.__cause__ is bad.exception


def test_call_runs_inside_and_answers_here(two):
    two["a"].run(serve_forever)
    assert two["b"].call(greet, "a") == b"hello"
    with pytest.raises(ConnectionRefusedError):
        two["b"].call(socket.create_connection, ("a", 81))
    with pytest.raises(ProgramError, match="exit code 5"):
        two["b"].call(sys.exit, 5)


def test_type_and_expect(two):
    def ask():
        while (name := input("name? ")) != "q":
            print("hello", name)

    service = two["a"].run(ask)
    service.expect(r"name\? $")
    service.type("ann")
    assert service.expect(r"hello (\w+)")[1] == "ann"
    service.type("q")
    assert service.wait() == 0
    with pytest.raises(ProgramError, match="never printed 'more'"):
        service.expect("more")
    with pytest.raises(UsageError, match="nobody reads"):
        service.type("late")


def test_expect_of_what_never_comes(two):
    service = two["a"].run(lambda: (print("begin"), input()))
    with pytest.raises(DeadlockError, match=r"waited for a to print 'end'(.|\n)*a: input\(\)"):
        service.expect("end")
    sleeper = two["b"].run(lambda: time.sleep(10_000))
    with pytest.raises(UnfinishedError, match="waited for b to end"):
        sleeper.wait(within="5s")


def test_close_stdin_and_kill(two):
    reader = two["a"].run(lambda: sys.stdin.read())
    reader.type("one")
    reader.close_stdin()
    assert reader.wait() == 0
    sleeper = two["b"].run(lambda: time.sleep(10_000))
    two.run(until="1s")
    sleeper.kill()
    assert sleeper.wait() == -15


def test_names_of_programs(two):
    first = two["a"].run(serve_forever)
    assert first.name == "a"
    second = two["a"].run(serve_forever)
    third = two["a"].run(greet)
    assert [each.name for each in (first, second, third)] == [
        "a/serve_forever",
        "a/serve_forever-2",
        "a/greet",
    ]
    assert two.service("a/greet") is third
    with pytest.raises(UsageError, match="there is no program 'a/gret'; did you mean 'a/greet'"):
        two.service("a/gret")


def test_the_same_seed_the_same_digest():
    def digest(seed, wire="values", loss=0.2):
        net = Net(seed, wire=wire)
        office = net.switch("office")
        net.host("a", address="10.0.0.1/24", link=office, loss=loss)
        net.host("b", address="10.0.0.2/24", link=office)
        net["a"].run(serve_forever)
        net["b"].run(greet, at="1s")
        net.run()
        return net.digest

    assert digest(1) == digest(1) == digest(1, wire="bytes")
    assert digest(1) != digest(2)


def test_a_trace_that_nobody_asked_for_says_how_to_get_one():
    net = Net()
    net.host("a").run(lambda: time.sleep(1))
    net.run()
    with pytest.raises(UsageError, match=r"write Net\(trace=True\)"):
        net.trace  # noqa: B018
    assert len(net.digest) == 32
    with pytest.raises(UsageError, match="digest=False"):
        Net(digest=False).digest  # noqa: B018


def test_close_ends_the_programs_and_what_is_known_of_the_run_stays(two):
    ended = []

    def with_an_end():
        try:
            serve_forever()
        finally:
            ended.append(time.monotonic())

    server = two["a"].run(with_an_end)
    client = two["b"].run(greet, at="1s")
    two.run()
    digest, events = two.digest, len(two.trace)
    two.close()
    two.close()
    assert (server.exit_code, len(ended), client.result) == (-9, 1, b"hello")
    assert (two.digest, len(two.trace)) == (digest, events)
