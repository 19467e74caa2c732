"""`netarium chat` and `netarium files` reach the programs; wrong words are exit code 2."""

from __future__ import annotations

import argparse

import pytest

from netarium.apps import arguments
from netarium.apps.chat.command import parser as chat_parser
from netarium.apps.chat.lines import parse_name
from netarium.apps.files.command import main as files
from netarium.apps.files.command import parser as files_parser
from netarium.cli.main import main


@pytest.mark.parametrize("program", ["chat", "files"])
def test_netarium_forwards_to_the_program(program: str, capsys: pytest.CaptureFixture[str]) -> None:
    for words, code in ((["--help"], 0), (["serve", "--help"], 0), (["dance"], 2)):
        try:
            result = main([program, *words])
        except SystemExit as end:
            result = end.code
        assert (result or 0) == code
    assert f"usage: netarium {program}" in capsys.readouterr().out


def test_servers_listen_on_loopback_unless_told_otherwise() -> None:
    for options in (chat_parser().parse_args(["serve"]), files_parser().parse_args(["serve", "."])):
        assert options.host == "127.0.0.1" and options.token is None and not options.tls
    assert not files_parser().parse_args(["serve", "."]).write


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("host", ("host", 5)),
        ("host:80", ("host", 80)),
        ("10.0.0.1:80", ("10.0.0.1", 80)),
        ("::1", ("::1", 5)),
        ("[::1]", ("::1", 5)),
        ("[::1]:80", ("::1", 80)),
    ],
)
def test_addresses_are_read_with_and_without_port(text: str, address: tuple[str, int]) -> None:
    assert arguments.split_address(text, 5) == address


@pytest.mark.parametrize("text", ["host:x", "host:70000", "host:-1"])
def test_a_wrong_port_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="is no port"):
        arguments.split_address(text, 5)


def test_the_token_comes_by_option_file_or_environment(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "t").write_text("from-file\n")
    monkeypatch.setenv("NETARIUM_TOKEN", "from-environment")
    options = argparse.Namespace(token=None, token_file=None)
    assert arguments.token_of(options) == "from-environment"
    options.token_file = tmp_path / "t"
    assert arguments.token_of(options) == "from-file"
    options.token = "from-option"
    assert arguments.token_of(options) == "from-option"


def test_half_a_certificate_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert files(["serve", ".", "--tls-cert", "x.pem"]) == 1
    assert "go together" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        (words, [option, value])
        for words, option, values in (
            (["serve", "."], "--connections", ("0", "-1", "x", "1.5", "9" * 30)),
            (["serve", "."], "--stall", ("0", "-1", "nan", "inf", "x")),
            (["ls", "host"], "--retries", ("-1", "x")),
        )
        for value in values
    ],
)
def test_senseless_numbers_are_bad_usage(words: list[str], wrong: list[str]) -> None:
    option, value = wrong
    assert files([*words, f"{option}={value}"]) == 2


def test_a_token_file_without_a_token_is_an_error(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").write_text("\n")
    assert files(["serve", str(tmp_path), "--token-file", str(tmp_path / "empty")]) == 1
    assert "is to hold a token" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "values"),
    [
        ("ls host --tls sub -r", {"server": "host", "name": "sub", "recursive": True, "tls": True}),
        ("ls -r host", {"server": "host", "name": "", "recursive": True}),
        ("get host a --tls b", {"name": "a", "local": "b", "tls": True}),
        ("get host --limit 5MB a", {"name": "a", "local": ".", "limit": 5_000_000}),
        ("put host a --into d b c", {"paths": ["a", "b", "c"], "into": "d"}),
        ("put --tls host -- -a", {"paths": ["-a"], "tls": True}),
    ],
)
def test_options_may_stand_between_the_other_words(words: str, values: dict[str, object]) -> None:
    options = vars(files_parser().parse_args(words.split()))
    assert {name: options[name] for name in values} == values


@pytest.mark.parametrize("words", ["get host", "put host", "ls", "ls a b c", "get a b c d"])
def test_a_word_too_few_or_too_many_is_bad_usage(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert files(words.split()) == 2
    assert "netarium files" in capsys.readouterr().err


def test_what_is_not_there_is_named_in_plain_words(capsys: pytest.CaptureFixture[str], tmp_path) -> None:
    assert files(["serve", str(tmp_path / "no")]) == 1
    assert files(["put", "127.0.0.1:1", str(tmp_path / "no")]) == 1
    told = capsys.readouterr().err
    assert "no: there is no such directory" in told and "no: no such file or directory" in told
    assert "Errno" not in told


@pytest.mark.parametrize(
    ("typed", "name"),
    [("bob", "bob"), (" bob ", "bob"), ("/name bob", "bob"), ("", ""), ("/name", ""), ("/named", "/named")]
    + [(text, None) for text in ("/quit", "exit", "/exit")],
)
def test_who_is_asked_for_another_name_may_type_the_command_or_leave(typed: str, name: str | None) -> None:
    assert parse_name(typed) == name
