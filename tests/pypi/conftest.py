"""`pair`: two hosts, a cable of 1 ms between them; each test runs once on a sound cable and once with 5 % loss."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from netarium import Net
from netarium.lab.lifecycle import End

SERVER = "10.0.0.1"


class Pair:
    """A server's host and a client's."""

    def __init__(self, net: Net, loss: str) -> None:
        self.net = net
        self.loss = loss
        self.server = net.host("server", address=f"{SERVER}/24")
        self.client = net.host("client", address="10.0.0.2/24")
        net.link(self.server, self.client, delay="1ms", loss=loss)

    def serve(self, program: Any, *arguments: Any) -> Any:
        """A program on the server's host."""
        return self.server.run(program, *arguments)

    def ask(self, program: Any, *arguments: Any) -> Any:
        """What a program on the client's host returns, started when the server has had its second to begin.

        The run ends by itself, the client with exit code 0; whoever still runs is at rest.
        """
        asked = self.client.run(program, *arguments, at="1s")
        end = self.net.run()
        told = "".join(f"\n--- {each.name}\n{each.stdout}{each.stderr}" for each in self.net.services)
        assert end is End.DRAINED, told
        assert asked.exit_code == 0, told
        assert all(each.ended or each.at_rest for each in self.net.services), told
        return asked.result


@pytest.fixture(params=["0%", "5%"], ids=["sound", "loss"])
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    with Net(seed=11) as net:
        yield Pair(net, request.param)
