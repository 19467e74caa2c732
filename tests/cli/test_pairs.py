"""The pairs of examples/pairs print the same lines inside a net and as real processes on the kernel's network.

Real processes run on the kernel's loopback; those bound to 192.168.15.68 in two network namespaces joined by a veth
pair, where root may make them.
"""

import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest

from netarium.journey import Drop
from netarium.testing.explained import RESET, SLOW_READER, causes_of_drops
from netarium.testing.tshark import skip_without_tshark, tshark_findings

PAIRS = Path(__file__).parents[2] / "examples" / "pairs"

STDIN = {"server": "server.txt", "client": "client.txt"}
CASES = {
    # folder, the commands in order, inputs, the port the first one listens at
    "chat_lan": ("chat_lan", ["server.py", "client.py"], STDIN, 20101),
    "chat_local": ("chat_local", ["server.py", "client.py"], STDIN, 20102),
    "one_answer": ("one_answer", ["server.py", "client.py"], {}, 20103),
    "outer_loop": ("outer_loop", ["server.py", "client.py ann", "client.py bob"], {}, 20104),
    "udp_upper": ("udp_upper", ["server.py", "client.py red green", "client.py blue"], {}, 20105),
    "close_at_once": ("close_at_once", ["server.py", "client.py"], {}, 20106),
    "close_late": ("close_late", ["server.py 1", "client.py"], {}, 20107),
    "upload_loop": ("upload", ["server.py loop", "client.py"], {}, 20108),
    "two_encodings": ("two_encodings", ["server.py", "client.py"], {}, 20109),
    "upload_single": ("upload", ["server.py single", "client.py"], {}, 20108),
}

EXPECTED = {
    "chat_lan": {
        "server": [
            "waiting for somebody to talk to",
            "connected with 192.168.15.1",
            "client: hello server",
            "your turn: client: how are you?",
            "your turn: the client has left",
        ],
        "client": [
            "connected with 192.168.15.68",
            "your turn: server: hello client",
            "your turn: server: fine, and you?",
            "your turn: ",
        ],
    },
    "two_encodings": {
        "server": [
            "not understood: 'utf-8' codec can't decode byte 0xc4 in position 0: invalid continuation byte",
            "read as GBK: 你好，世界",
        ],
        "client": ["sent as GBK"],
    },
    "upload_loop": {
        "server": ["file picture.bin of 5000000 bytes", "whole", "digest equal"],
        "client": ["sent"],
    },
    "upload_single": {"server": ["file picture.bin of 5000000 bytes", "short"], "client": ["sent"]},
    "close_at_once": {"server": ["closed"], "client": ["received b''", "received b''"]},
    "close_late": {"server": ["closed"], "client": ["waiting", "received b''"]},
    "outer_loop": {
        "server": [
            "serving ann", "ann says one", "ann says two", "ann says three", "ann has left",
            "serving bob", "bob says one", "bob says two", "bob says three", "bob has left",
        ],
        "client": ["connected", "welcome ann", "back comes eno", "back comes owt", "back comes eerht"],
        "client-2": ["connected", "welcome bob", "back comes eno", "back comes owt", "back comes eerht"],
    },
    "udp_upper": {"client": ["RED from port 20105", "GREEN from port 20105"], "client-2": ["BLUE from port 20105"]},
}  # fmt: skip


# On loopback one segment of 64 KiB fills the window before the server can read; a server that reads once and closes
# leaves bytes unread, which resets the connection.
CAUSES = {"upload": (SLOW_READER, RESET)}


def in_the_net(case, netarium):
    folder, commands, inputs, _ = CASES[case]
    options = [word for name, file in inputs.items() for word in ("--stdin", f"{name}={file}")]
    done = netarium("run", "--quiet", *commands, *options, cwd=PAIRS / folder)
    assert done.code == 0, done.stderr
    return done.lines()


@pytest.mark.parametrize("case", EXPECTED)
def test_the_lines_inside_a_net(case, netarium):
    assert in_the_net(case, netarium) == EXPECTED[case]


def test_a_server_that_closes_after_60_s_takes_no_real_time(netarium):
    began = time.monotonic()
    done = netarium("run", "server.py 60", "client.py", cwd=PAIRS / "close_late")
    assert done.code == 0, done.stderr
    assert done.lines() == EXPECTED["close_late"]
    assert time.monotonic() - began < 10
    assert "1m" in done.stderr.splitlines()[-1]


def commands_of_the_readme():
    rows = [
        line.split("|") for line in (PAIRS / "README.md").read_text().splitlines() if line.startswith("| `")
    ]
    chat = next(row[3].strip().strip("`") for row in rows if "chat_lan" in row[1])
    for _, folder, _, command, _ in rows:
        text = command.strip()
        yield folder.strip(" `"), chat if text == "as above" else text.strip("`")


@pytest.mark.parametrize(("folder", "command"), list(commands_of_the_readme()))
def test_the_readme_s_commands_run_and_tshark_finds_nothing_wrong(folder, command, netarium, tmp_path):
    skip_without_tshark()
    words = shlex.split(command)[1:]
    pcap = tmp_path / "x.pcapng"
    done = netarium(*words, "--json", "--pcap", pcap, cwd=PAIRS / folder)
    assert done.code == 0, done.stderr
    drops = [Drop[name] for name in json.loads(done.stdout)["drops"]]
    causes = [*causes_of_drops(drops), *CAUSES.get(folder, ())]
    assert tshark_findings(pcap, causes) == []


class Kernel:
    """Real processes, in order: the first one is waited for until it listens."""

    def __init__(self, case, prefixes):
        self.folder, self.commands, self.inputs, self.port = CASES[case]
        self.prefixes = prefixes
        self.processes = []

    def run(self):
        names = {}
        try:
            for index, command in enumerate(self.commands):
                stem = command.split()[0].removesuffix(".py")
                name = stem if stem not in names else f"{stem}-2"
                names[name] = self.start(index, command, name)
                if index == 0:
                    self.wait_until_it_listens(names[name])
            # Servers without an end are stopped when all clients are done.
            lines = {}
            for name, process in reversed(names.items()):
                if (
                    name == "server"
                    and self.commands[0] == "server.py"
                    and self.folder in ("outer_loop", "udp_upper")
                ):
                    time.sleep(0.2)
                    process.terminate()
                out, err = process.communicate(timeout=30)
                assert "Traceback" not in err, err
                if out:
                    lines[name] = out.removesuffix("\n").split("\n")
            return lines
        finally:
            for process in self.processes:
                process.kill()
                process.wait()

    def start(self, index, command, name):
        file = self.inputs.get(name)
        process = subprocess.Popen(
            [*self.prefixes[min(index, len(self.prefixes) - 1)], sys.executable, "-u", *command.split()],
            cwd=PAIRS / self.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        if file:
            process.stdin.write((PAIRS / self.folder / file).read_text())
            process.stdin.flush()
        self.processes.append(process)
        return process

    def wait_until_it_listens(self, process):
        wanted = f":{self.port:04X} "
        for _ in range(500):
            table = subprocess.run(
                [*self.prefixes[0], "cat", "/proc/net/tcp", "/proc/net/udp"], capture_output=True, text=True
            ).stdout
            rows = [line.split() for line in table.splitlines()]
            if any(
                wanted.strip() == f":{row[1].rpartition(':')[2]}" and row[3] in ("0A", "07")
                for row in rows
                if len(row) > 3
            ):
                return
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
        raise AssertionError("it never listened")


@pytest.mark.kernel
@pytest.mark.parametrize("case", [case for case in CASES if case != "chat_lan"])
def test_the_same_lines_on_the_kernels_loopback(case, netarium):
    assert Kernel(case, [[]]).run() == in_the_net(case, netarium)


@pytest.fixture
def two_namespaces():
    """Two network namespaces with a cable between them; the prefixes of commands that run there."""
    if os.geteuid() != 0:
        pytest.skip("only root may make network namespaces")
    names = [f"netarium{os.getpid()}{side}" for side in "ab"]
    steps = [
        ["ip", "netns", "add", names[0]],
        ["ip", "netns", "add", names[1]],
        [
            "ip",
            "link",
            "add",
            "veth0",
            "netns",
            names[0],
            "type",
            "veth",
            "peer",
            "name",
            "veth1",
            "netns",
            names[1],
        ],
        ["ip", "-n", names[0], "address", "add", "192.168.15.68/24", "dev", "veth0"],
        ["ip", "-n", names[1], "address", "add", "192.168.15.1/24", "dev", "veth1"],
        ["ip", "-n", names[0], "link", "set", "veth0", "up"],
        ["ip", "-n", names[1], "link", "set", "veth1", "up"],
    ]
    try:
        for step in steps:
            try:
                done = subprocess.run(step, capture_output=True, text=True)
            except FileNotFoundError:
                pytest.skip("there is no `ip` to make network namespaces with")
            if done.returncode:
                pytest.skip(f"network namespaces cannot be made here: {done.stderr.strip()}")
        yield [["ip", "netns", "exec", name] for name in names]
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], capture_output=True)


@pytest.mark.kernel
def test_the_same_lines_between_two_kernel_namespaces(two_namespaces, netarium):
    assert Kernel("chat_lan", two_namespaces).run() == in_the_net("chat_lan", netarium)
