"""browser: pages and what they show, and the first of the caches that a name passes."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from tests.acceptance.naming import DnsSeen, authority, stages, zone

from netarium import Net


def web(tmp_path: Path):
    (tmp_path / "index.html").write_text(
        "<html><head><title>Home</title><link rel='stylesheet' href='/style.css'></head>"
        "<body><img src='http://img.example/cable.svg'><img src='gone.png'><a href='other.html'>x</a></body></html>"
    )
    (tmp_path / "style.css").write_text("body {}")
    (tmp_path / "cable.svg").write_text("<svg/>")
    net = Net(seed=1, names=False)
    wire = net.switch("wire")
    names = zone(".", "ns.", "10.0.0.1", "www.example. 600 IN A 10.0.0.2", "img.example. 600 IN A 10.0.0.2")
    net.host("ns", address="10.0.0.1/24", link=wire, services=authority(names))
    server = net.host("server", address="10.0.0.2/24", link=wire)
    server.run(f"python -m http.server 80 --directory {tmp_path}", root=True, daemon=True, stdin="")
    return net, net.host("pc", address="10.0.0.9/24", link=wire, dns="10.0.0.1")


def run(host, line: str):
    service = host.run(line, stdin="")
    service.wait()
    return service


def test_it_fetches_the_page_and_what_it_shows_and_tells(tmp_path):
    _, pc = web(tmp_path)
    visit = run(pc, "browser www.example")
    assert visit.exit_code == 0, visit.stdout + visit.stderr
    assert visit.stdout.splitlines() == [
        "open http://www.example",
        "  www.example is 10.0.0.2 (asked the system)",
        "  GET http://www.example from 10.0.0.2:80: 200 OK, 185 bytes",
        "  title: Home",
        "  www.example is 10.0.0.2 (browser cache)",
        "  GET http://www.example/style.css from 10.0.0.2:80: 200 OK, 7 bytes",
        "  img.example is 10.0.0.2 (asked the system)",
        "  GET http://img.example/cable.svg from 10.0.0.2:80: 200 OK, 6 bytes",
        "  www.example is 10.0.0.2 (browser cache)",
        "  GET http://www.example/gone.png from 10.0.0.2:80: 404 File not found, 335 bytes",
    ]


def test_r107_r109_the_browser_s_cache_is_asked_first_and_can_be_shown(tmp_path):
    net, pc = web(tmp_path)
    seen = DnsSeen(net)
    run(pc, "browser http://www.example/style.css")
    assert stages(seen, "pc") == [
        ("browser cache", False), ("hosts file", False), ("OS cache", False), ("name server", True),
    ]  # fmt: skip
    seen.stages.clear()
    run(pc, "browser http://www.example/style.css")
    assert stages(seen, "pc") == [("browser cache", True)]
    assert run(pc, "browser --show-cache").stdout.startswith("www.example 10.0.0.2 ")
    pc.call(time.sleep, 61)
    seen.stages.clear()
    run(pc, "browser http://www.example/style.css")
    assert stages(seen, "pc")[-1] == ("OS cache", True), "the system still knows it"
    run(pc, "browser --clear-cache")
    assert run(pc, "browser --show-cache").stdout == ""


def test_what_does_not_come_is_told(tmp_path):
    _, pc = web(tmp_path)
    missing = run(pc, "browser http://nothing.example/")
    assert missing.exit_code == 1
    assert "failed: Name or service not known" in missing.stdout
    assert "failed: Connection refused" in run(pc, "browser http://10.0.0.2:8080/").stdout


@pytest.mark.parametrize(
    "line", ["browser", "browser ftp://www.example/", "browser http://:80", "browser --nonsense"]
)
def test_wrong_arguments_end_with_2(tmp_path, line):
    _, pc = web(tmp_path)
    service = run(pc, line)
    assert service.exit_code == 2
    assert "usage: browser" in service.stderr
