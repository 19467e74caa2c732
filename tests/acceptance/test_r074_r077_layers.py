"""R074, R076, R077: the layers of one request, what each adds and takes off, and what its unit is called."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from netarium.cli.main import main

LAB = Path(__file__).parents[2] / "examples" / "labs" / "whole-flow.yaml"
TCP_WITH_TIMESTAMPS = 32


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trace of a page that is fetched across a switch, a NAT router, two routers and another switch."""
    path = tmp_path_factory.mktemp("layers") / "trace.jsonl"
    assert main(["run", str(LAB), "--quiet", "--trace", str(path)]) == 0
    return path


def told(trace: Path, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    """What `netarium explain` prints of it."""
    assert main(["explain", str(trace), "--lang", "en", *options]) == 0
    return capsys.readouterr().out


def steps(trace: Path, capsys: pytest.CaptureFixture[str], *options: str) -> list[dict[str, Any]]:
    """The steps of `--json` that show a packet."""
    document = json.loads(told(trace, capsys, "--json", *options))
    found = [step for chapter in document["chapters"] for step in chapter["steps"]]
    return [step for step in found if "layers" in step]


def the_request(trace: Path, capsys: pytest.CaptureFixture[str], model: str) -> dict[str, Any]:
    """The step of the GET."""
    found = [step for step in steps(trace, capsys, "--layers", model) if "GET / HTTP" in step["text"]]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize("model", ["4", "5", "7"])
def test_r074_a_request_is_shown_in_each_model_with_the_devices_of_its_layers(
    trace: Path, capsys: pytest.CaptureFixture[str], model: str
) -> None:
    text = told(trace, capsys, "--layers", model, "--only", "tcp")
    names = {
        "4": ["application", "transport", "internet", "network access"],
        "5": ["application", "transport", "network", "data link", "physical"],
        "7": ["application", "presentation", "session", "transport", "network", "data link", "physical"],
    }[model]
    heading = text.index(f"The {model} layers, from the top")
    table = text[heading:].splitlines()[1 : len(names) + 1]
    for number, (line, name) in enumerate(zip(table, names, strict=True)):
        assert line.strip().startswith(f"{len(names) - number}  {name}")
    assert "routers, layer-3 switches" in text
    assert "switches" in text and "hubs" in text
    devices = {device["node"]: device["layer"] for device in the_request(trace, capsys, model)["devices"]}
    assert devices == {
        "pc": "application",
        "office": "link",
        "gw": "transport",
        "isp": "network",
        "core": "network",
        "backbone": "link",
        "web": "application",
    }


def test_r076_each_layer_adds_its_bytes_and_the_receiver_takes_them_off(
    trace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = the_request(trace, capsys, "4")["layers"]
    message = parts[0]["size"]
    assert [(part["protocol"], part["adds"], part["size"]) for part in parts] == [
        ("HTTP", message, message),
        ("TCP", TCP_WITH_TIMESTAMPS, message + TCP_WITH_TIMESTAMPS),
        ("IPv4", 20, message + TCP_WITH_TIMESTAMPS + 20),
        ("Ethernet", 18, message + TCP_WITH_TIMESTAMPS + 38),
    ]
    text = told(trace, capsys, "--layers", "4", "--only", "tcp")
    assert "+14 +4 FCS" in text
    up = " -> ".join(str(part["size"]) for part in reversed(parts))
    assert f"Up through the layers of web each takes off its own header: {up} bytes." in text


def test_r076_what_is_too_short_for_ethernet_is_padded(
    trace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arp = next(step for step in steps(trace, capsys, "--layers", "5") if step["kind"].startswith("arp"))
    inner, frame = arp["layers"]
    assert (inner["protocol"], inner["size"]) == ("ARP", 28)
    assert (frame["padding"], frame["size"]) == (18, 64)


def test_r077_the_unit_of_each_layer_has_its_name(trace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    units = {part["protocol"]: part["unit"] for part in the_request(trace, capsys, "5")["layers"]}
    assert units == {"HTTP": "message", "TCP": "segment", "IPv4": "datagram", "Ethernet": "frame"}
    dns = next(step for step in steps(trace, capsys, "--layers", "5") if step["kind"] == "dns")
    assert [part["unit"] for part in dns["layers"]] == ["message", "datagram", "datagram", "frame"]
    text = told(trace, capsys, "--layers", "5")
    assert "frame of" in text and "segment of" in text and "datagram of" in text and "message of" in text
