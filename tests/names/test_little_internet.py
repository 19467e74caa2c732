"""examples/little-internet: every way to look a name up finds the same, for thirty names."""

from __future__ import annotations

import asyncio
import importlib.util
import socket
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "little-internet" / "internet.py"


def example():
    specification = importlib.util.spec_from_file_location("little_internet", EXAMPLE)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def by_getaddrinfo(names: list[str]) -> list[str]:
    found = []
    for name in names:
        try:
            found.append(socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM)[0][4][0])
        except socket.gaierror:
            found.append("")
    return found


async def by_asyncio(names: list[str]) -> list[str]:
    async def one(name: str) -> str:
        try:
            loop = asyncio.get_running_loop()
            return (await loop.getaddrinfo(name, None, family=socket.AF_INET, type=socket.SOCK_STREAM))[0][4][
                0
            ]
        except socket.gaierror:
            return ""

    return list(await asyncio.gather(*(one(name) for name in names)))


def by_dnspython(names: list[str]) -> list[str]:
    import dns.resolver

    resolver = dns.resolver.Resolver()
    found = []
    for name in names:
        try:
            found.append(resolver.resolve(name, "A")[0].address)
        except dns.resolver.NXDOMAIN:
            found.append("")
    return found


def test_getaddrinfo_asyncio_dnspython_and_dig_agree_on_thirty_names():
    module = example()
    names = module.names()
    assert len(names) == 30
    found = {}
    for ask in (by_getaddrinfo, by_asyncio, by_dnspython):
        net = module.build()
        found[ask.__name__] = net["pc"].call(ask, names)
    net = module.build()
    by_dig = []
    for name in names:
        dig = net["pc"].run(f"dig +short {name}", stdin="")
        assert dig.wait() == 0
        by_dig.append(dig.stdout.split()[-1] if dig.stdout else "")
    assert found["by_getaddrinfo"] == found["by_asyncio"] == found["by_dnspython"] == by_dig
    assert by_dig.count("") == 5
    assert by_dig[0] == "10.0.2.11"


def test_the_example_runs(capsys):
    example().main(["www.zdns.cn", "alias.abc.com", "nothing.xyz.com"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:2] == ["www.zdns.cn", "10.0.2.11"]
    assert lines[1].split()[:2] == ["alias.abc.com", "10.0.3.11"]
    assert "Name or service not known" in lines[2]
    assert lines[3] == "the PC asked 3 times; its cache has 3 names"
