"""`netarium run`: output, prompts, inputs, the files it leaves, and every exit code."""

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time

import pytest

from netarium.capture.reading import read_capture

SERVER = """
    import socket
    s = socket.create_server(("192.168.15.68", 8999))
    c, a = s.accept()
    print("got", c.recv(10).decode())
    c.sendall(b"thanks")
"""
CLIENT = """
    import socket
    c = socket.create_connection(("192.168.15.68", 8999))
    c.sendall(b"a letter")
    print("got", c.recv(10).decode())
"""


@pytest.fixture
def pair(script):
    script("server.py", SERVER)
    script("client.py", CLIENT)
    return ["server.py", "client.py"]


def test_each_line_has_its_program_s_name_and_the_summary_is_last(netarium, pair):
    done = netarium("run", *pair)
    assert done.code == 0
    assert done.stdout == "server | got a letter\nclient | got thanks\n"
    summary = done.stderr.splitlines()[-1]
    assert (
        " virtual, " in summary and " s wall, " in summary and " frames, nothing dropped, digest " in summary
    )


def test_no_digest_and_quiet(netarium, pair):
    assert "digest" not in netarium("run", "--no-digest", *pair).stderr
    assert netarium("run", "--quiet", *pair).stderr == ""


def test_the_same_seed_gives_the_same_digest_with_and_without_a_capture(netarium, pair):
    digests = [
        netarium("run", *pair, *more).stderr.rpartition("digest ")[2]
        for more in ([], ["--pcap", "x.pcapng", "--trace", "x.jsonl"], ["--seed", "0"])
    ]
    assert len(set(digests)) == 1
    assert netarium("run", *pair, "--seed", "1").stderr.rpartition("digest ")[2] not in digests


def test_names_of_programs_are_stems(netarium, script):
    script("say.py", "import sys; print(*sys.argv[1:])")
    done = netarium("run", "say.py one", "say.py two", "python say.py three")
    assert done.lines() == {"say": ["one"], "say-2": ["two"], "say-3": ["three"]}


def test_an_argument_that_is_a_file_is_a_script_without_arguments(netarium, script):
    script("two words.py", "import sys; print(sys.argv[1:])")
    assert netarium("run", "two words.py").stdout == "two words | []\n"


def test_imports_come_from_the_script_s_folder_and_files_from_the_caller_s(netarium, script, tmp_path):
    (tmp_path / "app").mkdir()
    script("app/helper.py", "name = 'helper'")
    script("app/main.py", "import helper, os; print(helper.name, open('note.txt').read(), os.getcwd())")
    (tmp_path / "note.txt").write_text("from here")
    assert netarium("run", "app/main.py").stdout == f"main | helper from here {tmp_path}\n"


def test_stderr_goes_to_stderr_and_a_script_that_raises_is_exit_1(netarium, script):
    script("bad.py", "print('before')\nraise ValueError('no good')")
    done = netarium("run", "bad.py")
    assert done.code == 1
    assert done.stdout == "bad | before\n"
    assert "bad | Traceback (most recent call last):" in done.stderr
    assert "bad | ValueError: no good" in done.stderr


def test_an_exit_code_is_exit_1(netarium, script):
    script("bad.py", "import sys; sys.exit(7)")
    done = netarium("run", "--json", "bad.py")
    assert done.code == 1
    told = json.loads(done.stdout)
    assert (told["exit_code"], told["programs"][0]["exit_code"]) == (1, 7)


def test_a_prompt_is_continued_by_what_comes_next_or_ends_with_the_run(netarium, script, tmp_path):
    script("ask.py", "name = input('name? ')\nprint('hello', name)\ninput('more? ')")
    (tmp_path / "answers").write_text("bob\n\n")
    done = netarium("run", "ask.py", "--stdin", "ask=answers")
    assert (done.code, done.stdout) == (0, "ask | name? hello bob\nask | more? \n")


def test_the_one_reader_has_the_caller_s_input(netarium, script, pair):
    script("ask.py", "print('hello', input('name? '))")
    done = netarium("run", *pair, "ask.py", stdin="ann\n")
    assert done.lines()["ask"] == ["name? hello ann"]


def test_several_readers_are_exit_2_naming_them(netarium, script):
    script("one.py", "print('ran'); input()")
    script("two.py", "import sys; print('ran'); sys.stdin.read()")
    done = netarium("run", "one.py", "two.py", stdin="x\n")
    assert (done.code, done.stdout) == (2, "")
    assert "several programs read the terminal: one, two" in done.stderr
    assert "--stdin one=FILE --stdin two=FILE" in done.stderr


def test_stdin_of_nobody_and_of_no_file_are_exit_2(netarium, script):
    script("ask.py", "input()")
    done = netarium("run", "ask.py", "--stdin", "asc=x")
    assert (done.code, done.stderr) == (
        2,
        "netarium: --stdin asc=x: there is no program 'asc'; did you mean 'ask'?\n",
    )
    assert "cannot be read" in netarium("run", "ask.py", "--stdin", "ask=nothere").stderr


def test_without_input_it_is_empty(netarium, script):
    script("sneaky.py", "import builtins\nprint(getattr(builtins, 'in' + 'put')())")
    done = netarium("run", "sneaky.py", stdin="not for you\n")
    assert done.code == 1
    assert "EOFError" in done.stderr


def test_both_in_recv_is_exit_3_and_who_waits_where(netarium, script):
    script("server.py", SERVER.replace('c.sendall(b"thanks")', "c.recv(10)"))
    script("client.py", CLIENT)
    done = netarium("run", "server.py", "client.py")
    assert done.code == 3
    assert "server: recv() from 192.168.15.1:" in done.stderr
    assert ", server.py line 6" in done.stderr
    assert "client: recv() from 192.168.15.68:8999, client.py line 5" in done.stderr


def test_a_server_that_waits_for_more_clients_rests(netarium, script):
    script("server.py", SERVER + "    s.accept()\n")
    script("client.py", CLIENT)
    done = netarium("run", "server.py", "client.py")
    assert done.code == 0
    assert "at rest, waiting for clients: server" in done.stderr


def test_until_with_programs_still_running_is_exit_4(netarium, script):
    script("sleepy.py", "import time; time.sleep(100); print('awake')")
    done = netarium("run", "sleepy.py", "--until", "30s")
    assert (done.code, done.stdout) == (4, "")
    assert "netarium: 30s virtual" in done.stderr
    assert netarium("run", "sleepy.py", "--until", "101s").code == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nothere.py"], "there is no script "),
        (["say.py", "nothere.py"], "there is no script "),
        (["say.py", "--until", "5"], "'5' is no duration"),
        (["say.py", "--seed", "x"], "argument --seed: invalid int value: 'x'"),
        (["say.py", "--pcap-on", "say"], "--pcap-on needs --pcap FILE"),
        (["say.py", "--pcap", "x", "--pcap-on", "sai"], "no port is called 'sai'"),
        (["say.py", "--pcap", "no/such/folder/x.pcapng"], "cannot write the capture"),
        (["say.py", "--pcap", "x.pcapng", "--trace", "no/such/folder/x.jsonl"], "cannot write the trace"),
        (["say.py", "--pcap", "/dev/full"], "No space left on device"),
        (["say.py", "--stdin", "say"], "write NAME=FILE"),
        (["say.py", "--sede", "1"], "unrecognized arguments: --sede"),
        (["say.py", "lab.yaml"], "a lab stands alone: lab.yaml"),
        (["nothere.yaml"], "nothere.yaml: there is no such lab file"),
        (["'"], "cannot be split into words"),
        ([""], "an empty command line"),
        (["frobnicate"], "'frobnicate' is no program"),
        ([], "the following arguments are required"),
    ],
)
def test_bad_usage_is_exit_2_and_nothing_has_run(netarium, script, tmp_path, words, message):
    script("say.py", "open('ran', 'w')")
    done = netarium("run", *words)
    assert (done.code, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["say.py"]


def test_a_bad_lab_is_exit_2_with_file_and_line(netarium, tmp_path):
    (tmp_path / "lab.yaml").write_text("nodes:\n  a: {kind: host, adress: 10.0.0.1/24}\n")
    for command in ("run", "check"):
        done = netarium(command, "lab.yaml")
        assert (done.code, done.stdout) == (2, "")
        assert done.stderr == "netarium: lab.yaml:2: unknown key 'adress'; did you mean 'address'?\n"


def test_a_full_disk_in_the_middle_is_an_error_and_what_is_there_can_be_read(script, tmp_path):
    script(
        "big.py",
        """
        import socket
        s = socket.socket(type=socket.SOCK_DGRAM)
        for n in range(500):
            s.sendto(bytes(1000), ("127.0.0.1", 9))
        """,
    )
    done = subprocess.run(
        [sys.executable, "-m", "netarium.cli.main", "run", "big.py", "--pcap", "x.pcapng"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000)),
    )
    assert done.returncode == 1
    assert "netarium: the capture x.pcapng is not complete: File too large" in done.stderr
    assert len(list(read_capture(tmp_path / "x.pcapng"))) > 100


@pytest.mark.parametrize("body", ["time.sleep(1)", "pass", "s.sendto(bytes(100), ('127.0.0.1', 9))"])
def test_ctrl_c_is_exit_130_and_the_capture_is_whole(script, tmp_path, body):
    script(
        "endless.py",
        f"""
        import socket, time
        s = socket.socket(type=socket.SOCK_DGRAM)
        s.sendto(b"first", ("127.0.0.1", 9))
        open("began", "w").close()
        while True:
            {body}
        """,
    )
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "netarium.cli.main",
            "run",
            "endless.py",
            "--pcap",
            "x.pcapng",
            "--trace",
            "x.jsonl",
        ],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        for _ in range(600):
            if (tmp_path / "began").exists():
                break
            time.sleep(0.05)
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130, stderr
    assert "netarium: interrupted" in stderr
    assert "virtual" in stderr.splitlines()[-1]
    frames = list(read_capture(tmp_path / "x.pcapng"))
    assert b"first" in frames[0].data
    events = [json.loads(line) for line in (tmp_path / "x.jsonl").read_text().splitlines()]
    assert {event["frame"] for event in events if "frame" in event} == set(range(1, len(frames) + 1))


def test_a_loop_of_switches_is_said_before_it_runs_for_ever(netarium, script, tmp_path):
    script("shout.py", "import socket\nsocket.socket(type=socket.SOCK_DGRAM).sendto(b'?', ('10.0.0.9', 9))")
    (tmp_path / "lab.yaml").write_text(
        "nodes:\n  s: {kind: switch}\n  t: {kind: switch}\n  a: {kind: host, address: 10.0.0.1/24}\n"
        "links:\n  - [s, t]\n  - [s, t]\n  - [a, s]\nprograms:\n  - {on: a, run: shout.py}\n"
    )
    done = netarium("run", "lab.yaml", "--until", "10ms")
    assert done.code == 0
    assert done.stderr.splitlines()[0].startswith(
        "netarium: lab.yaml:7: s:p2--t:p2 closes a loop of switches"
    )


def test_json_is_one_object_instead_of_the_output(netarium, pair):
    done = netarium("run", "--json", *pair)
    told = json.loads(done.stdout)
    assert told["version"] == 1
    assert [program["name"] for program in told["programs"]] == ["server", "client"]
    assert told["programs"][0]["stdout"] == "got a letter\n"
    assert told["exit_code"] == done.code == 0
    assert told["digest"] == done.stderr.strip().rpartition("digest ")[2]


def test_pcap_on_takes_one_port_only(netarium, pair, tmp_path):
    assert netarium("run", *pair, "--pcap", "x.pcapng", "--pcap-on", "client:eth0").code == 0
    assert {frame.interface for frame in read_capture(tmp_path / "x.pcapng")} == {"client:eth0"}


def test_a_program_sees_its_own_environment_and_not_the_caller_s(netarium, script):
    script("env.py", "import os; print(sorted(os.environ))")
    done = netarium("run", "env.py", env={**os.environ, "SECRET": "x"})
    assert done.stdout == "env | ['HOME', 'LANG', 'PATH', 'TZ', 'USER']\n"


def test_root(netarium, script):
    script("who.py", "import socket\ns = socket.socket()\ns.bind(('', 80))\nprint('bound')")
    assert "Permission denied" in netarium("run", "who.py").stderr
    assert netarium("run", "--root", "who.py").stdout == "who | bound\n"


def test_check_determinism_says_that_two_runs_are_equal(netarium, pair, tmp_path):
    before = sorted(path.name for path in tmp_path.iterdir())
    done = netarium("run", *pair, "--check-determinism")
    assert done.code == 0
    assert done.stdout == "server | got a letter\nclient | got thanks\n"
    assert "netarium: deterministic: two runs, " in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_check_determinism_names_the_first_difference(netarium, script):
    script(
        "chance.py",
        """
        import socket
        s = socket.socket(type=socket.SOCK_DGRAM)
        s.sendto(b"always the same", ("127.0.0.1", 9))
        for word in {str(number) * number for number in range(1, 60)}:
            s.sendto(word.encode(), ("127.0.0.1", 9))
        """,
    )
    done = netarium("run", "chance.py", "--check-determinism")
    assert done.code == 1
    assert "netarium: NOT deterministic: event " in done.stderr
    assert "PYTHONHASHSEED" in done.stderr
    assert (
        netarium("run", "chance.py", "--check-determinism", env={**os.environ, "PYTHONHASHSEED": "0"}).code
        == 0
    )


def test_check_determinism_refuses_a_large_folder(netarium, script, tmp_path):
    script("say.py", "print(1)")
    with open(tmp_path / "large", "wb") as file:
        file.truncate(201 * 10**6)
    done = netarium("run", "say.py", "--check-determinism")
    assert (done.code, done.stdout) == (2, "")
    assert "holds more than 200 MB" in done.stderr


def test_on_a_terminal_the_prompt_comes_at_once_and_return_ends_its_line(script, tmp_path):
    import pty

    script("ask.py", "name = input('name? ')\nprint('hello', name)")
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(tmp_path)
        os.execv(sys.executable, [sys.executable, "-m", "netarium.cli.main", "run", "--quiet", "ask.py"])
    try:
        seen = b""
        while not seen.endswith(b"name? "):
            seen += os.read(terminal, 1000)
        assert seen == b"ask | name? "
        os.write(terminal, b"bob\n")
        try:
            while more := os.read(terminal, 1000):
                seen += more
        except OSError:
            pass  # Linux: the end of a terminal whose other side is closed
        assert seen == b"ask | name? bob\r\nask | hello bob\r\n"
    finally:
        os.close(terminal)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_reader_that_goes_away_does_not_end_the_run(script, tmp_path):
    script("many.py", "for n in range(10000): print(n)\nopen('done', 'w').close()")
    done = subprocess.run(
        f"{sys.executable} -m netarium.cli.main run many.py | head -1",
        shell=True,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == "many | 0\n"
    assert "Traceback" not in done.stderr and "BrokenPipe" not in done.stderr
    assert (tmp_path / "done").exists()


def test_text_that_the_terminal_cannot_show_is_escaped(netarium, script):
    script("text.py", "print('\\u4f60\\u597d')")
    done = netarium("run", "--quiet", "text.py", env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert (done.code, done.stdout) == (0, "text | \\u4f60\\u597d\n")
    assert netarium("run", "--quiet", "text.py").stdout == "text | \u4f60\u597d\n"


def test_check_determinism_runs_twice_at_the_same_path(netarium, script):
    script("where.py", "import os\nprint(os.getcwd(), __file__)\nopen('left', 'x').close()\n")
    done = netarium("run", "where.py", "--check-determinism")
    assert done.code == 0
    assert "netarium: deterministic" in done.stderr


def test_check_determinism_leaves_fifos_and_sockets_where_they_are(netarium, script, tmp_path):
    script("say.py", "print('hello')\n")
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        done = netarium("run", "say.py", "--check-determinism")
    assert done.code == 0
    assert "hello" in done.stdout
