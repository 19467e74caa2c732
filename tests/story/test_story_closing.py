"""How a connection closes is told whole: the FIN of each end, in its frame, also where it travels with data."""

from __future__ import annotations

import socket
from pathlib import Path

from tests.story.both_languages import told

from netarium import Net
from netarium.story.language import Language
from netarium.story.telling import Story

BULK_BYTES = 30_000


def take_all() -> None:
    with socket.create_server(("", 8000)) as listener:
        connection, _ = listener.accept()
        with connection:
            while connection.recv(4096):
                pass


def send_much() -> None:
    with socket.create_connection(("10.0.0.2", 8000)) as connection:
        connection.sendall(bytes(BULK_BYTES))


def test_the_fin_of_one_who_sends_much_is_told_in_its_frame_and_explained_there(tmp_path: Path) -> None:
    net = Net(seed=3)
    net.link(net.host("a", address="10.0.0.1/24"), net.host("b", address="10.0.0.2/24"))
    net["b"].run(take_all)
    net["a"].run(send_much)
    story = told(net, tmp_path, net.run)
    (sent,) = (
        each
        for each in story.records(event="sent", at="a:eth0", protocol="TCP")
        if "FIN" in each["flags"] and each["length"]
    )
    (fin,) = (step for step in story.of("tcp", "a") if step.values["fin"])
    assert any(first <= sent["frame"] <= last for first, last in fin.frames)
    assert fin.values["bytes"] == sent["length"]
    assert fin.text.endswith("and that was all: FIN")
    assert "fin" in {term.term for term in fin.terms}
    (chinese,) = (step for step in story.of("tcp", "a", "chinese") if step.values["fin"])
    assert chinese.text.endswith("数据到此为止：FIN")
    (bulk,) = story.of("bulk", "a")
    singly = sum(step.values["bytes"] for step in story.of("tcp", "a") if not step.values["again"])
    assert singly + bulk.values["bytes"] == BULK_BYTES
    titles = [chapter.title for chapter in Story(story.trace, Language.load("en")).chapters()]
    assert sum(title.startswith("The connection closes") for title in titles) == 1
