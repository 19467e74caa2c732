from __future__ import annotations

import os
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netarium.apps.files.folder import Folder
from netarium.apps.files.pace import parse_size
from netarium.apps.files.protocol import PARTIAL_ENDING, FileHeader, Refused, split_name


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("../x", "'..'"),
        ("a/../../x", "'..'"),
        ("..", "'..'"),
        ("/etc/passwd", "absolute"),
        ("", "empty"),
        ("a//b", "empty part"),
        ("./a", "'.'"),
        ("a/", "empty part"),
        ("a\0b", "NUL"),
        ("a" * 240, "239 bytes"),
        ("é" * 120, "239 bytes"),
        ("a/" * 64 + "b", "directories deep"),
        ("/".join(["a" * 200] * 30), "4096"),
        (f".x{PARTIAL_ENDING}", "under way"),
        (5, "must be text"),
        (None, "must be text"),
        (["a"], "must be text"),
        ("\ud800", "not text"),
    ],
)
def test_a_name_that_could_lead_elsewhere_is_refused(name: object, words: str) -> None:
    with pytest.raises(Refused, match=words):
        split_name(name)


@given(st.text(max_size=40) | st.sampled_from(["..", "a/..", "/a", "a/./b", "~", "a\\..\\b"]))
def test_a_name_that_passes_stays_below_its_directory(name: str) -> None:
    try:
        parts = split_name(name)
    except Refused:
        return
    assert os.path.normpath("/served/" + "/".join(parts)).startswith("/served/")
    assert "/served/" + name == os.path.normpath("/served/" + name)


GOOD = {"name": "a", "size": 5, "mtime_ns": 1, "mode": 0o644, "algorithm": "sha256"}


@pytest.mark.parametrize(
    "bad",
    [
        {"size": -1},
        {"size": 1 << 63},
        {"size": 10**400},
        {"size": True},
        {"size": 1.5},
        {"size": "5"},
        {"size": None},
        {"mode": -1},
        {"mode": 0o10000},
        {"mtime_ns": 1 << 64},
        {"algorithm": "crc32"},
        {"algorithm": 5},
        {"offset": 6},
        {"offset": -1},
    ],
)
def test_a_header_with_an_absurd_field_is_refused(bad: dict) -> None:
    with pytest.raises(Refused):
        FileHeader.parse({**GOOD, **bad})


def test_a_header_comes_back_as_it_went_and_loses_set_uid() -> None:
    header = FileHeader("a/b", 10, -5, 0o640, "md5", 3)
    assert FileHeader.parse(header.message("file")) == header
    assert FileHeader.parse({**GOOD, "mode": 0o4755}).mode == 0o755


def test_ten_thousand_fuzzed_headers_are_parsed_or_refused() -> None:
    chance = random.Random(3)
    values = [
        None,
        True,
        -1,
        0,
        5,
        1 << 63,
        10**30,
        1e308,
        float("inf"),
        "",
        "a",
        "../a",
        "sha256",
        "\ud800",
        [],
        {},
        "a" * 5000,
    ]
    for _ in range(10_000):
        header = {**GOOD, "offset": 0}
        for field in chance.sample(list(header), chance.randrange(1, 4)):
            header[field] = chance.choice(values)
        try:
            FileHeader.parse(header)
        except Refused:
            pass


@pytest.mark.parametrize(
    ("text", "size"),
    [("5MB/s", 5_000_000), ("64KiB", 65536), ("10M", 10_000_000), ("1.5 GB", 1_500_000_000), ("7", 7)],
)
def test_sizes_are_read_as_people_write_them(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "fast", "-5MB", "0", "5 parsecs", "1e9"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no size or rate"):
        parse_size(text)


# The folder: nothing outside it, whatever links there are.


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    (inside / "sub").mkdir(parents=True)
    outside.mkdir()
    (outside / "secret").write_text("secret")
    (inside / "sub" / "file").write_text("fine")
    for name, target in {
        "out": "../outside",
        "out-file": "../outside/secret",
        "absolute": str(outside / "secret"),
        "in": "sub",
        "in-file": "sub/file",
        "around": "../inside/sub/file",
        "loop": "loop",
        "sub/up": "../sub/file",
        "sub/upup": "../../outside/secret",
    }.items():
        (inside / name).symlink_to(target)
    os.mkfifo(inside / "fifo")
    return Folder(inside)


@pytest.mark.parametrize("name", ["out/secret", "out-file", "absolute", "around", "sub/upup", "loop"])
def test_a_symlink_that_leads_out_is_neither_read_nor_written_through(folder: Folder, name: str) -> None:
    with pytest.raises(Refused):
        folder.open_file(name)
    with pytest.raises(Refused):
        folder.open_partial(name)
    assert [path.name for path in (folder.path.parent / "outside").iterdir()] == ["secret"]


@pytest.mark.parametrize("name", ["in/file", "in-file", "sub/up"])
def test_a_symlink_that_stays_inside_is_followed(folder: Folder, name: str) -> None:
    handle, _ = folder.open_file(name)
    assert os.read(handle, 9) == b"fine"
    os.close(handle)


@pytest.mark.parametrize(
    ("name", "words"),
    [("sub", "a directory"), ("fifo", "no regular file"), ("sub/file/x", "no directory"), ("no", "no such")],
)
def test_only_regular_files_are_opened(folder: Folder, name: str, words: str) -> None:
    with pytest.raises(Refused, match=words):
        folder.open_file(name)


def test_a_listing_leaves_out_files_under_way_and_does_not_follow_symlinks(folder: Folder) -> None:
    partial = folder.open_partial("new/deep/file")
    found: dict[str, list[str]] = {kind: [] for kind in ("file", "directory", "other")}
    for entry in folder.list(recursive=True):
        found[entry.kind].append(entry.name)
    assert found["directory"] == ["new", "sub", "new/deep"] and found["file"] == ["sub/file"]
    assert set(found["other"]) >= {"out", "in", "loop", "fifo", "sub/up"}
    partial.discard()


def test_listings_at_one_time_do_not_disturb_each_other(tmp_path: Path) -> None:
    for number in range(3000):
        (tmp_path / f"{number:04d}").touch()
    folder = Folder(tmp_path)
    with os.scandir(
        folder._root
    ) as half_read:  # the root's own place in the directory is no matter to a listing
        next(half_read)
        assert len(list(folder.list())) == 3000
    with ThreadPoolExecutor(4) as pool:
        lengths = list(pool.map(lambda _: len(list(folder.list())), range(24)))
    assert lengths == [3000] * 24


def test_a_file_under_way_has_one_owner(folder: Folder) -> None:
    first = folder.open_partial("x")
    with pytest.raises(Refused, match="another transfer of x is under way"):
        folder.open_partial("x")
    first.discard()
    folder.open_partial("x").discard()
