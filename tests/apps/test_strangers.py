"""Who says nothing holds at most a share of the places."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from tests.apps.files_site import Site

from netarium.apps.chat.rules import Limits
from netarium.apps.chat.server import ChatServer
from netarium.apps.chat.store import Store
from netarium.apps.files.protocol import PeerError
from netarium.apps.framing import encode
from netarium.apps.strangers import REFUSAL, Strangers, network_of


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff:1:2", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("no address", "no address"),
    ],
)
def test_an_ipv6_guest_counts_by_his_network_of_64_bits(host: str, network: str) -> None:
    assert network_of(host) == network


@pytest.mark.parametrize(("places", "most"), [(1, 4), (16, 4), (64, 16), (80, 20)])
def test_one_address_has_a_quarter_of_the_places_and_another_its_own(places: int, most: int) -> None:
    strangers = Strangers(places)
    known = [strangers.admit("192.0.2.1") for _ in range(most)]
    assert None not in known and strangers.admit("192.0.2.1") is None
    assert strangers.admit("192.0.2.2") is not None
    known[0]()
    known[0]()  # said hello, and gone later: counted once
    assert strangers.admit("192.0.2.1") is not None and strangers.admit("192.0.2.1") is None


def test_nothing_is_kept_of_who_has_gone() -> None:
    strangers = Strangers(64)
    for number in range(100):
        strangers.admit(f"192.0.2.{number}")()
    assert strangers._counts == {}


@pytest.mark.kernel
def test_silent_strangers_do_not_keep_the_file_server_from_who_is_known(tmp_path: Path) -> None:
    site = Site(tmp_path, connections=16)
    try:
        guest = site.raw()
        silent = [site.raw(hello=False) for _ in range(4)]
        one_more = site.raw(hello=False)
        with pytest.raises(PeerError, match="too many connections from your address"):
            one_more.receive()
        guest.send({"type": "list", "name": "", "recursive": False})
        guest.expect("entries")
        for channel in [*silent, one_more]:
            channel.close()
        end = time.monotonic() + 20
        while site.server._strangers._counts and time.monotonic() < end:
            time.sleep(0.005)
        again = site.raw()
        again.close()
        guest.close()
    finally:
        site.close()


@pytest.mark.kernel
def test_silent_strangers_do_not_keep_the_chat_from_who_is_known(tmp_path: Path) -> None:
    async def run() -> None:
        store = Store(tmp_path / "chat.db")
        server = ChatServer(store, Limits(clients=8), log=lambda line: None)
        port = (await server.start("127.0.0.1", 0))[1]
        serving = asyncio.ensure_future(server.serve())
        hello = {"type": "hello", "protocol": "netarium-chat", "version": 1}
        opened = []
        try:
            for name in ("ann", "bob"):  # the second time the places of the first are free again
                known = await asyncio.open_connection("127.0.0.1", port)
                known[1].write(encode({**hello, "name": name}))
                assert b"welcome" in await known[0].read(1000)
                silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(4)]
                one_more = await asyncio.open_connection("127.0.0.1", port)
                assert REFUSAL.encode() in await one_more[0].read(1000)
                opened += [known, one_more, *silent]
                for _, writer in opened:
                    writer.close()
                while server.connections:
                    await asyncio.sleep(0.005)
        finally:
            for _, writer in opened:
                writer.close()
            server.stop()
            await serving

    asyncio.run(asyncio.wait_for(run(), 30))
