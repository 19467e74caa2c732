"""Scripts without a lab: addresses read from the syntax tree, and who gets which."""

import textwrap

import pytest

from netarium.errors import UsageError
from netarium.lab.literals import Says, read_script, reads_input
from netarium.lab.placement import place


@pytest.fixture
def says(tmp_path):
    def read(text, *arguments):
        path = tmp_path / "script.py"
        path.write_text(textwrap.dedent(text))
        return read_script(path, arguments)

    return read


SERVER = "import socket\ns = socket.socket()\ns.bind(({host!r}, {port}))\ns.listen()\n"
CLIENT = "import socket\ns = socket.socket()\ns.connect(({host!r}, {port}))\n"


def server(host, port=9000):
    return SERVER.format(host=host, port=port)


def client(host, port=9000):
    return CLIENT.format(host=host, port=port)


def places(says, *texts):
    return [(each.scripts, each.addresses) for each in place([says(text) for text in texts])]


@pytest.mark.parametrize(
    "text",
    [
        "s.bind(('192.168.15.68', 8999))",
        "HOST = '192.168.15.68'\nPORT = 8999\ns.bind((HOST, PORT))",
        "HOST, PORT = '192.168.15.68', 8999\ns.bind((HOST, PORT))",
        "ADDRESS = ('192.168.15.68', 8999)\ns.bind(ADDRESS)",
        "def main(host='192.168.15.68', port=8999):\n    s.bind((host, port))",
        "def main(*, host='192.168.15.68', port=8999):\n    s.bind((host, port))",
        "class Server:\n    host = '192.168.15.68'\n    def run(self):\n        s.bind((self.host, 8999))",
        "host = sys.argv[1] if len(sys.argv) > 1 else '192.168.15.68'\ns.bind((host, 8999))",
        "host = os.environ.get('HOST') or '192.168.15.68'\ns.bind((host, 8999))",
        "socket.create_server(('192.168.15.68', 8999))",
        "HTTPServer(('192.168.15.68', 8999), Handler)",
        "socketserver.ThreadingTCPServer(('192.168.15.68', 8999), Handler)",
        "asyncio.run(asyncio.start_server(handle, '192.168.15.68', 8999))",
        "app.serve(host='192.168.15.68', port=8999)",
    ],
)
def test_a_bound_address_is_found_however_it_is_written(says, text):
    found = says(text)
    assert found.literals == ["192.168.15.68"]
    assert ("192.168.15.68", 8999) in found.binds or ("192.168.15.68", 0) in found.binds


def test_connected_addresses_are_no_bound_ones(says):
    found = says(client("192.168.15.68"))
    assert (found.literals, found.binds, found.connects) == (["192.168.15.68"], [], [("192.168.15.68", 9000)])


def test_arguments_and_urls_name_addresses_too(says):
    assert says("import sys", "10.1.2.3").literals == ["10.1.2.3"]
    assert says("URL = 'http://10.1.2.3:8000/index.html'").literals == ["10.1.2.3"]
    assert says("x = 'version 1.2.3.4.5'").literals == []
    assert says("x = 'http://localhost:80/'").loopback
    assert (
        says("MASK = '255.255.255.0'; ANY = '0.0.0.0'; ALL = '255.255.255.255'; GROUP = '224.1.1.1'").literals
        == []
    )


def test_what_is_no_python_says_nothing(says):
    assert says("this is ( no python") == Says()


def test_who_reads_the_terminal(tmp_path):
    (tmp_path / "helper.py").write_text("def ask():\n    return input('> ')\n")
    for name, text, reads in [
        ("a", "x = input()", True),
        ("b", "import sys\nfor line in sys.stdin: pass", True),
        ("c", "print('input()')", False),
        ("d", "import helper\nhelper.ask()", True),
        ("e", "from helper import ask\nask()", True),
        ("f", "import json", False),
    ]:
        path = tmp_path / f"{name}.py"
        path.write_text(text)
        assert reads_input(path) is reads, name


def test_server_bound_client_not(says):
    assert places(says, server("192.168.15.68"), client("192.168.15.68")) == [
        ([0], ["192.168.15.68"]),
        ([1], ["192.168.15.1"]),
    ]


@pytest.mark.parametrize("anything", ["", "0.0.0.0"])
def test_an_address_that_is_only_connected_to_goes_to_who_binds_any(says, anything):
    assert places(says, client("192.168.15.68"), server(anything)) == [
        ([0], ["192.168.15.1"]),
        ([1], ["192.168.15.68"]),
    ]


def test_or_to_who_binds_nothing(says):
    assert places(says, client("192.168.15.68"), "import magic\nmagic.go()") == [
        ([0], ["192.168.15.1"]),
        ([1], ["192.168.15.68"]),
    ]


def test_of_several_that_bind_any_the_one_with_the_port(says):
    texts = [server("", 9001), server("", 9002), client("10.5.5.5", 9002), client("10.5.5.6", 9001)]
    assert [addresses for _, addresses in places(says, *texts)] == [
        ["10.5.5.6"],
        ["10.5.5.5"],
        ["10.5.5.1"],
        ["10.5.5.2"],
    ]


def test_nobody_is_given_an_address_that_is_named(says):
    assert places(says, server("192.168.15.1"), client("192.168.15.2"), client("192.168.15.1")) == [
        ([0], ["192.168.15.1"]),
        ([1], ["192.168.15.3"]),
        ([2], ["192.168.15.2"]),
    ]


def test_without_any_address_it_is_10_0_0(says):
    assert places(says, server(""), "print(1)") == [([0], ["10.0.0.1"]), ([1], ["10.0.0.2"])]


def test_one_address_in_each_network_named(says):
    two = "HOSTS = ['10.1.1.9', '10.2.2.9']"
    assert places(says, server("10.1.1.9"), server("10.2.2.9"), two)[2] == ([2], ["10.1.1.1", "10.2.2.1"])


def test_loopback_shares_a_host(says):
    assert places(says, server("127.0.0.1"), client("127.0.0.1")) == [([0, 1], ["10.0.0.1"])]
    assert places(says, server("localhost"), client("127.0.0.1"), server("10.0.0.9")) == [
        ([0, 1], ["10.0.0.1"]),
        ([2], ["10.0.0.9"]),
    ]


def test_loopback_shares_a_host_with_who_binds_any(says):
    assert places(says, server(""), "print(1)", client("localhost")) == [
        ([0, 2], ["10.0.0.1"]),
        ([1], ["10.0.0.2"]),
    ]
    assert places(says, server("", 1), server("", 2), client("127.0.0.1", 2)) == [
        ([0], ["10.0.0.1"]),
        ([1, 2], ["10.0.0.2"]),
    ]


def test_one_file_that_is_both_server_and_client_is_settled_at_the_bind(says):
    both = "import sys\nif sys.argv[1] == 's':\n    s.bind(('10.3.3.3', 1))\nelse:\n    s.connect(('10.3.3.3', 1))\n"
    assert places(says, both, both) == [([0], ["10.3.3.1"]), ([1], ["10.3.3.2"])]


def test_a_full_network_is_an_error(says):
    full = "HOSTS = [" + ", ".join(f"'10.0.7.{number}'" for number in range(1, 255)) + "]"
    with pytest.raises(UsageError, match=r"no address is left in 10\.0\.7\.0/24"):
        places(says, full, "print(1)\nx = '10.0.7.1'", "y = '10.0.7.1'", client("10.0.7.1"))
