"""Trees over the kernel's loopback: nothing is left out without a word, and what cannot be made is told as it is."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.apps.files_site import Site

from netarium.apps.files import folder as folder_module
from netarium.apps.files.folder import Folder
from netarium.apps.files.protocol import PeerError

pytestmark = pytest.mark.kernel
FILES = "netarium.apps.files"


def deep_tree(root: Path, levels: int = 70) -> None:
    """Directories one in the other, a file in each."""
    here = os.open(root, os.O_RDONLY)
    for _ in range(levels):
        os.close(os.open("f", os.O_CREAT | os.O_WRONLY, 0o644, dir_fd=here))
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)


def forbid(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Make one directory unreadable, for root too."""
    real = os.open

    def refuse(path: object, flags: int, *rest: object, **more: object) -> int:
        if path == name and flags & os.O_DIRECTORY:
            raise PermissionError(13, "Permission denied")
        return real(path, flags, *rest, **more)

    monkeypatch.setattr(folder_module.os, "open", refuse)


def test_a_directory_that_cannot_be_read_is_in_the_listing_with_its_reason(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    (site.root / "shut").mkdir()
    (site.root / "shut" / "f").write_bytes(b"x")
    (site.root / "z").write_bytes(b"z")
    forbid(monkeypatch, "shut")
    client = site.client()
    entries = [(entry.name, entry.kind, entry.why) for entry in client.list(recursive=True)]
    client.close()
    assert ("shut", "unreadable", "shut: permission denied") in entries and ("z", "file", "") in entries


@pytest.mark.parametrize("command", ["put", "get", "ls"])
def test_a_tree_too_deep_is_told_and_the_exit_code_is_1(
    tmp_path: Path, start: Callable, port_of: Callable, command: str
) -> None:
    served, local = tmp_path / "served", tmp_path / "local"
    (served / "tree").mkdir(parents=True)
    (local / "tree").mkdir(parents=True)
    deep_tree((local if command == "put" else served) / "tree")
    server = start(FILES, "serve", served, "--write", "--port", "0")
    where = f"127.0.0.1:{port_of(server)}"
    words = {"put": [where, local / "tree"], "get": [where, "tree", f"{local}/"], "ls": [where, "-r"]}[
        command
    ]
    client: subprocess.Popen[str] = start(FILES, command, *words)
    _, said = client.communicate(timeout=60)
    assert client.returncode == 1
    assert "directories deep; at most 64" in said
    assert command == "ls" or " failed" in said


def test_a_name_too_long_for_us_does_not_hide_the_others(site: Site) -> None:
    (site.root / ("x" * 250)).write_bytes(b"")
    (site.root / "good").write_bytes(b"")
    client = site.client()
    found = {entry.kind: entry for entry in client.list()}
    client.close()
    assert found["file"].name == "good" and "239 bytes" in found["unreadable"].why


@pytest.mark.parametrize(
    ("path", "leaf"), [("漢" * 79 + "/" + "字" * 79, "名".encode() * 37), ("bad", b"\xe9" * 120)]
)
def test_a_listing_is_whole_whatever_its_names_take_when_encoded(site: Site, path: str, leaf: bytes) -> None:
    below = os.fsencode(site.root) + b"/" + path.encode()
    os.makedirs(below)
    for index in range(120):
        with open(below + b"/" + leaf + b"%03d" % index, "w"):
            pass
    client = site.client()
    entries = client.list(recursive=True)
    client.close()
    assert sum(entry.kind == "file" for entry in entries) == 120


def test_a_disk_that_takes_no_directory_is_a_refusal_and_no_broken_line(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object, **more: object) -> None:
        raise OSError(28, "No space left on device")

    (site.local / "a").write_bytes(b"x")
    monkeypatch.setattr(folder_module.os, "mkdir", full)
    with pytest.raises(PeerError, match="no space left on device"):
        site.client().put(Folder(site.local), "a", "d/a")
    with pytest.raises(PeerError, match="no space left on device"):
        site.client().make_directory("d/e")
    assert sum("refused" in line for line in site.lines) == 2


def test_any_other_error_of_the_servers_system_is_told_too(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(handle: int) -> int:
        raise OSError(24, "Too many open files")

    client = site.client()
    client.list()
    monkeypatch.setattr(folder_module.os, "dup", none_left)
    with pytest.raises(PeerError, match="too many open files"):
        client.make_directory("d")
