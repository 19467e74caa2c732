"""Names of AF_UNIX sockets are entries of directories, as on the kernel; of a net, and not of the next."""

from __future__ import annotations

import errno
import glob
import os
import pathlib
import shutil
import socket
import stat
import tempfile
from collections.abc import Callable
from typing import Any

from netarium import Net

Both = Callable[[Callable[[], Any]], Any]


def told(function: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return function(*arguments)
    except OSError as error:
        return errno.errorcode[error.errno or 0]


def listener_at(path: str) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(path)
    sock.listen()
    return sock


def connects(path: str) -> Any:
    with socket.socket(socket.AF_UNIX) as sock:
        return told(sock.connect, path)


def test_a_name_is_listed_and_opening_it_is_refused(both: Both) -> None:
    def run() -> Any:
        folder = tempfile.mkdtemp()
        path = folder + "/a.sock"
        with listener_at(path):
            found = [os.listdir(folder), [each.name for each in os.scandir(folder)]]
            found += [glob.glob(folder + "/*.sock") == [path], told(open, path), told(os.rmdir, folder)]
            found.append([each.is_socket() for each in pathlib.Path(folder).iterdir()])
        found.append(os.listdir(folder))  # it stays
        os.unlink(path)
        return [*found, os.listdir(folder), told(os.rmdir, folder)]

    names = ["a.sock"]
    assert both(run) == [names, names, True, "ENXIO", "ENOTEMPTY", [True], names, [], None]


def test_a_name_is_published_by_renaming(both: Both) -> None:
    def run() -> Any:
        folder = tempfile.mkdtemp()
        old, new = folder + "/a.tmp", folder + "/a"
        with listener_at(old) as listener:
            os.rename(old, new)
            found = [connects(new), connects(old), os.path.exists(old), stat.S_ISSOCK(os.stat(new).st_mode)]
            found.append(listener.getsockname() == old)
            with listener_at(old) as second:
                os.replace(old, new)
                found += [connects(new), connects(old)]
                second.accept()[0].close()
            found.append(connects(new))
            os.rename(folder, folder + "2")
            found += [connects(folder + "2/a"), connects(new)]
        shutil.rmtree(folder + "2")
        return [*found, os.path.exists(folder + "2/a"), connects(folder + "2/a")]

    refused, gone = "ECONNREFUSED", "ENOENT"
    published = [None, gone, False, True, True]
    assert both(run) == [*published, None, gone, refused, refused, gone, False, gone]


def test_links_lead_to_the_socket(both: Both) -> None:
    def run() -> Any:
        folder = tempfile.mkdtemp()
        path, soft, hard = folder + "/a", folder + "/soft", folder + "/hard"
        with listener_at(path):
            os.symlink("a", soft)
            os.link(path, hard)
            found = [connects(soft), connects(hard), os.path.islink(soft), os.path.islink(path)]
            os.unlink(soft)
            found += [connects(path), connects(soft)]
            os.unlink(path)
            found += [connects(path), connects(hard)]
            with listener_at(path):
                found += [connects(path), connects(hard)]
        shutil.rmtree(folder)
        return [*found, connects(path)]

    gone = "ENOENT"
    assert both(run) == [None, None, True, False, None, gone, gone, None, None, None, gone]


def test_a_tree_that_was_removed_has_no_names(both: Both) -> None:
    def run() -> Any:
        with tempfile.TemporaryDirectory() as folder:
            path = folder + "/a"
            with listener_at(path):
                pass
            found = [connects(path)]
        os.mkdir(folder)
        with listener_at(path):
            found.append(connects(path))
        shutil.rmtree(folder)
        return [*found, os.path.lexists(path), told(os.unlink, path)]

    assert both(run) == ["ECONNREFUSED", None, False, "ENOENT"]


def test_a_file_takes_the_place_of_a_name(both: Both) -> None:
    def run() -> Any:
        folder = tempfile.mkdtemp()
        path, other = folder + "/a", folder + "/file"
        with listener_at(path):
            pathlib.Path(other).write_text("content")
            os.replace(other, path)
            found = [stat.S_ISREG(os.stat(path).st_mode), connects(path)]
            with socket.socket(socket.AF_UNIX) as sock:
                found.append(told(sock.bind, path))
        found.append(pathlib.Path(path).read_text())
        shutil.rmtree(folder)
        return found

    assert both(run) == [True, "ECONNREFUSED", "EADDRINUSE", "content"]


def test_hosts_that_share_a_directory_do_not_meet_and_nothing_is_left(tmp_path: pathlib.Path) -> None:
    path = str(tmp_path / "a.sock")

    def server() -> Any:
        before = os.path.exists(path), connects(path), told(os.unlink, path)
        with listener_at(path):
            return *before, os.path.exists(path), connects(path)

    expected = (False, "ENOENT", "ENOENT", True, None)
    with Net(seed=1) as net:
        first, second = net.host("a", "10.0.0.1/24"), net.host("b", "10.0.0.2/24")
        assert first.call(server) == expected
        assert second.call(server) == expected
        assert first.call(lambda: (connects(path), os.unlink(path), os.path.exists(path))) == (
            "ECONNREFUSED",
            None,
            False,
        )
        assert second.call(lambda: connects(path)) == "ECONNREFUSED"
        assert first.call(server) == expected
        assert os.listdir(tmp_path) == ["a.sock"]
    assert os.listdir(tmp_path) == []


def test_a_net_that_is_forgotten_leaves_nothing(tmp_path: pathlib.Path) -> None:
    import gc

    path = str(tmp_path / "a.sock")
    for _ in range(2):
        net = Net(seed=1)
        host = net.host("a", "10.0.0.1/24")
        host.call(lambda: listener_at(path).close())
        assert host.call(lambda: connects(path)) == "ECONNREFUSED"
        del net, host
        gc.collect()
        assert os.listdir(tmp_path) == []


def test_the_umask_forbids_what_it_forbids_and_chmod_is_seen_everywhere(both: Both) -> None:
    def run() -> Any:
        folder = tempfile.mkdtemp()
        found = []
        before = os.umask(0)
        try:
            for number, mask in enumerate((0o77, 0, 0o22, 0o777)):
                os.umask(mask)
                path = f"{folder}/{number}"
                listener_at(path).close()
                found.append(oct(os.stat(path).st_mode))
        finally:
            os.umask(before)
        os.chmod(folder + "/0", 0o640)
        found += [oct(each.stat().st_mode) for each in sorted(os.scandir(folder), key=lambda each: each.name)]
        os.utime(folder + "/0")
        os.utime(folder + "/1", (1, 2))
        found += [connects(folder + "/0"), connects(folder + "/1")]
        shutil.rmtree(folder)
        return found

    first = ["0o140700", "0o140777", "0o140755", "0o140000"]
    assert both(run) == [*first, "0o140640", *first[1:], "ECONNREFUSED", "ECONNREFUSED"]


def test_a_socket_that_the_test_puts_in_a_placeholders_stead_is_left_alone() -> None:
    folder = tempfile.mkdtemp()
    made: list[socket.socket] = []
    with Net() as net:
        host = net.host("h")
        for number in range(20):  # the inode of a file that is gone is often the next one's
            path = f"{folder}/{number}"
            host.call(lambda path=path: listener_at(path).close())
            os.unlink(path)
            made.append(listener_at(path))
            assert host.call(connects, path) == "ECONNREFUSED"
            assert connects(path) is None
    assert len(os.listdir(folder)) == len(made)
    for each in made:
        each.close()
    shutil.rmtree(folder)
