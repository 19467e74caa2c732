"""Lab files that run: programs with their keys, faults, names; the same as what Python builds."""

from pathlib import Path

import pytest

from netarium import Net
from netarium.lab.lifecycle import End

LABS = Path(__file__).parents[2] / "examples" / "labs"

HEAD = """
nodes:
  a: {kind: host, address: 10.0.0.1/24}
  b: {kind: host, address: 10.0.0.2/24}
links:
  - {between: [a, b], delay: 1ms}
"""


@pytest.fixture
def lab(tmp_path):
    def make(text, scripts=None, **options):
        for name, script in (scripts or {}).items():
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(script)
        (tmp_path / "lab.yaml").write_text(text)
        return Net.load(tmp_path / "lab.yaml", **options)

    return make


def outputs(net):
    return {service.name: service.stdout for service in net.services}


def test_lan_yaml_runs_as_it_stands():
    net = Net.load(LABS / "lan.yaml")
    assert net.run(check=True) is End.DRAINED
    assert outputs(net) == {
        "server": "client says hello server\nreply: ",
        "client": "say: server says hello client\nsay: ",
    }


def test_the_keys_of_a_program(lab, monkeypatch):
    monkeypatch.setenv("FROM_OUTSIDE", "here")
    show = "import os, sys\nfolder = os.path.basename(os.getcwd())\n"
    show += "print(sys.argv[1:], sorted(os.environ.items()), folder, os.getuid())\n"
    net = lab(
        HEAD
        + "programs:\n"
        + "  - on: a\n    run: python show.py one 'two three'\n    as: root\n    dir: sub\n"
        + "    env: {PORT: 080, DEBUG: true, FROM_OUTSIDE: inherit, NOT_THERE: inherit}\n",
        {"sub/show.py": show},
    )
    net.run(check=True)
    told = outputs(net)["a"]
    assert told.startswith("['one', 'two three'] [('DEBUG', 'true'), ('FROM_OUTSIDE', 'here'), ('HOME', ")
    assert "('LANG', 'C.UTF-8'), ('PATH', " in told
    assert "('PORT', '080'), ('TZ', 'UTC'), ('USER', 'root')] sub 0" in told


def test_names_of_several_programs_of_a_node(lab):
    script = {"x.py": "print('x')", "y.py": "print('y')"}
    net = lab(
        HEAD + "programs:\n  - {on: a, run: x.py}\n  - {on: a, run: y.py}\n  - {on: a, run: x.py}\n", script
    )
    net.run()
    assert outputs(net) == {"a/x": "x\n", "a/y": "y\n", "a/x-2": "x\n"}


def test_input_in_the_lab_and_from_outside(lab):
    text = (
        HEAD + "programs:\n  - {on: a, run: ask.py, stdin: [1, on, x]}\n  - {on: b, run: ask.py, stdin: y}\n"
    )
    script = {"ask.py": "import sys\nprint(sys.stdin.read().split())"}
    net = lab(text, script)
    net.run()
    assert outputs(net) == {"a": "['1', 'on', 'x']\n", "b": "['y']\n"}
    net = lab(text, script, stdin={"a": "from outside"})
    net.run()
    assert outputs(net)["a"] == "['from', 'outside']\n"


def test_after_a_program_that_stands_later_in_the_file(lab):
    net = lab(
        HEAD + "programs:\n  - {on: a, run: when.py, after: b}\n  - {on: b, run: sleep.py}\n",
        {"when.py": "import time\nprint(round(time.monotonic()))", "sleep.py": "import time\ntime.sleep(3)"},
    )
    net.run()
    assert outputs(net)["a"] == "3\n"


TALK = {
    "serve.py": "import socket\ns = socket.create_server(('', 8000))\nwhile True:\n    c, _ = s.accept()\n"
    "    while c.recv(10):\n        c.sendall(b'pong')\n",
    "talk.py": "import socket, time\nc = socket.create_connection(('a', 8000))\nfor n in range(20):\n"
    "    c.sendall(b'ping')\n    assert c.recv(10) == b'pong'\n    time.sleep(0.5)\n"
    "print('done', round(time.monotonic()))",
    "try.py": "import socket, time\nfor n in range(10):\n    try:\n"
    "        c = socket.create_connection(('a', 8000), 1)\n        print(n, 'connected')\n        c.close()\n"
    "    except OSError as error:\n        print(n, type(error).__name__)\n    time.sleep(1)\n",
}
TALKING = HEAD + (
    "programs:\n  - {on: a, run: serve.py, daemon: true}\n"
    "  - {on: b, run: %s, after: {listening: 'a:8000'}}\nfaults:\n"
)


def test_a_cut_for_3_s_is_survived_by_tcp(lab):
    net = lab(TALKING % "talk.py" + "  - {at: 2s, for: 3s, cut: [a, b]}\n", TALK)
    net.run(check=True)
    assert outputs(net)["b"].startswith("done 1")
    assert net.watching.counters.by_name().get("LINK_DOWN", 0) > 0


def test_heal_without_for(lab):
    net = lab(TALKING % "talk.py" + "  - {at: 2s, cut: [a, b]}\n  - {at: 4s, heal: [b, a]}\n", TALK)
    net.run(check=True)


def test_the_first_syn_ack_is_dropped_and_comes_again(lab):
    net = lab(TALKING % "talk.py" + "  - {drop: {tcp: syn+ack}, from: a, nth: 1}\n", TALK)
    trace = net.trace
    net.run(check=True)
    assert len(trace.select(event="sent", at="a:eth0", flags="SYN ACK")) >= 2
    assert len(trace.select(event="received", at="b:eth0", flags="SYN ACK")) >= 1
    assert net.watching.counters.by_name()["RULE_DROP"] == 1


def test_a_rule_holds_for_its_time_only(lab):
    net = lab(TALKING % "talk.py" + "  - {at: 2s, for: 1s, drop: {tcp: ack}, from: b}\n", TALK)
    net.run(check=True)
    assert net.watching.counters.by_name()["RULE_DROP"] > 0


def test_crash_and_boot_restart_a_daemon(lab):
    net = lab(TALKING % "try.py" + "  - {at: 2s, for: 3s, crash: a}\n", TALK)
    net.run(check=True)
    told = outputs(net)["b"].split("\n")
    assert told[0] == "0 connected"
    assert any("TimeoutError" in line for line in told)
    assert told[-2].endswith("connected")


def test_a_fault_to_come_keeps_the_run_going(lab):
    net = lab(HEAD + "faults:\n  - {at: 7s, crash: b}\n")
    net.run()
    assert net.now_ns == 7 * 10**9
    assert not net["b"].on


def test_a_zero_needs_no_unit(lab):
    head = HEAD.replace("10.0.0.1/24}", "10.0.0.1/24, boot: 0}").replace("delay: 1ms", "delay: 0, loss: 0.0")
    net = lab(head + "programs:\n  - {on: a, run: when.py, at: 0}\n", {"when.py": "print('now')"})
    net.run(check=True)
    assert (outputs(net), net.link("a", "b").delay) == ({"a": "now\n"}, 0)


def test_settings_are_the_host_s_sysctls(lab):
    net = lab(HEAD.replace("10.0.0.1/24}", "10.0.0.1/24, settings: {net.ipv4.ip_default_ttl: 7}}"))
    assert net["a"].node.stack.settings.get("net.ipv4.ip_default_ttl") == 7


def test_the_file_s_seed_and_the_caller_s(lab):
    assert lab("seed: 9\n" + HEAD).seed == 9
    assert lab("seed: 9\n" + HEAD, seed=3).seed == 3


def test_a_lab_and_python_build_the_same_net(lab):
    net = lab(TALKING % "talk.py" + "  []\n", TALK)
    net.run()
    made = Net(directory=net.directory)
    made.host("a", address="10.0.0.1/24")
    made.host("b", address="10.0.0.2/24")
    made.link("a", "b", delay="1ms")
    made["a"].run("serve.py", daemon=True, stdin="")
    made["b"].run("talk.py", after={"listening": "a:8000"}, stdin="")
    made.run()
    assert made.digest == net.digest
