"""Scripts without a lab, run: who shares a host, who starts when, and which addresses are taken at the bind."""

import textwrap

import pytest

from netarium.lab.lifecycle import End
from netarium.lab.scripts import from_scripts


@pytest.fixture
def run(tmp_path):
    def make(*commands, **scripts):
        for name, text in scripts.items():
            (tmp_path / f"{name}.py").write_text(textwrap.dedent(text))
        net = from_scripts(commands, directory=tmp_path)
        assert net.run(check=True) is End.DRAINED
        return net

    return make


def texts(net):
    return {service.name: service.stdout for service in net.services}


NOW = "import time\nprint(round(time.monotonic(), 3))\n"


def test_an_address_is_taken_at_the_bind_wherever_it_comes_from(run):
    net = run(
        "server.py",
        "client.py",
        server="""
            import json, socket
            where = "172.16." + "9.9"
            s = socket.create_server((where, 4000))
            c, a = s.accept()
            print("from", a[0])
        """,
        client="""
            import socket
            print(socket.create_connection(("172.16.9.9", 4000)).getsockname()[0])
        """,
    )
    assert texts(net) == {"server": "from 172.16.9.1\n", "client": "172.16.9.1\n"}


def test_an_address_that_another_host_has_is_not_taken(run, tmp_path):
    net = run(
        "one.py",
        "two.py",
        one="import socket, time\ns = socket.create_server(('10.7.7.7', 4000))\nprint('bound')\ns.accept()",
        two="""
            import socket
            try:
                socket.create_server((".".join(["10", "7", "7", "7"]), 4000))
            except OSError as error:
                print(error.strerror)
        """,
    )
    assert texts(net)["two"].startswith("Cannot assign requested address")


def test_one_file_as_server_and_as_client(run):
    net = run(
        "both.py s",
        "both.py c",
        both="""
            import socket, sys
            if sys.argv[1] == "s":
                s = socket.create_server(("10.3.3.3", 4000))
                print(s.accept()[0].recv(10))
            else:
                socket.create_connection(("10.3.3.3", 4000)).send(b"hello")
        """,
    )
    assert texts(net)["both"] == "b'hello'\n"


def test_scripts_that_name_loopback_share_a_host(run):
    net = run(
        "server.py",
        "other.py",
        "client.py",
        server="import socket\ns = socket.create_server(('', 4000))\nprint(s.accept()[1][0])",
        other="import socket\nprint(socket.gethostname())",
        client="import socket\nsocket.create_connection(('localhost', 4000))\nprint(socket.gethostname())",
    )
    assert texts(net) == {"server": "127.0.0.1\n", "other": "other\n", "client": "server\n"}


def test_names_of_scripts_resolve(run):
    net = run(
        "server.py",
        "client.py",
        server="import socket\ns = socket.create_server(('', 4000))\nprint(s.accept()[0].recv(10))",
        client="import socket\nsocket.create_connection(('server', 4000)).send(b'by name')",
    )
    assert texts(net)["server"] == "b'by name'\n"


@pytest.mark.parametrize(
    ("first", "when"),
    [
        ("import socket\nsocket.create_server(('', 4000)).accept()", 0.0),
        ("import time\ntime.sleep(2)", 2.0),
        ("import time, socket\ntime.sleep(3)\nsocket.create_server(('', 4000)).accept()", 3.0),
        ("import time\ntime.sleep(50)", 10.0),
        ("input()", 0.0),
        ("import select, socket\ns = socket.create_server(('', 4000))\nselect.select([s], [], [])", 0.0),
        (
            "import select, socket\ns = socket.create_server(('', 4000))\np = select.epoll()\n"
            "p.register(s, select.EPOLLIN)\np.poll()",
            0.0,
        ),
        ("import select, socket\ns = socket.socket()\nselect.select([], [], [], 4)", 4.0),
        (
            "import threading, socket\nthreading.Thread(target=socket.create_server(('', 4000)).accept).start()",
            0.0,
        ),
    ],
)
def test_the_next_starts_when_the_one_before_waits_or_has_ended_or_after_10_s(tmp_path, first, when):
    (tmp_path / "first.py").write_text(first)
    (tmp_path / "second.py").write_text(NOW)
    net = from_scripts(["first.py", "second.py"], directory=tmp_path, stdin={"first": None})
    net.run_until(net.service("second"))
    assert float(net.service("second").stdout) == pytest.approx(when, abs=0.01)
