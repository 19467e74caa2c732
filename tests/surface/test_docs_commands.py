"""What README.md and docs/*.md tell to type is there: commands and their options, make's targets, modules, files."""

from __future__ import annotations

import argparse
import re
import shlex
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest
import typer.main

from netarium.apps.chat import command as chat
from netarium.apps.files import command as files
from netarium.cli import arguments, explain_arguments
from netarium.cli.commands import app

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("examples/**/README.md")])
QUOTED = re.compile(r"`([^`\n]+)`")
LINE = re.compile(r"^(?:    |\$ )?((?:netarium|make|python|pip) [^\n]*)$", re.MULTILINE)
PATH = re.compile(r"^(?:docs|examples|src|tests|scripts|bench)/[\w./-]+$")


def snippets(page: Path) -> list[str]:
    """What stands between backticks, and the lines of code blocks without their comments."""
    text = page.read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE))
    indented = "\n".join(line for line in text.splitlines() if line.startswith("    "))
    lines = [re.split(r"\s+#", found)[0].strip() for found in LINE.findall(code + "\n" + indented)]
    return QUOTED.findall(text) + lines


def beginning(program: str) -> list[tuple[Path, str]]:
    return [(page, each) for page in PAGES for each in snippets(page) if each.split()[:1] == [program]]


def options_of(parser: argparse.ArgumentParser) -> set[str]:
    """Its own, and those of the commands below it."""
    found = set(parser._option_string_actions)
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            found = found.union(*map(options_of, action.choices.values()))
    return found


@cache
def commands() -> dict[str, set[str]]:
    """Each command of `netarium` -> its options."""
    group = typer.main.get_command(app)
    found = {
        name: {option for parameter in command.params for option in parameter.opts} | {"--help"}
        for name, command in group.commands.items()
    }
    for name, module in (
        ("run", arguments),
        ("explain", explain_arguments),
        ("chat", chat),
        ("files", files),
    ):
        found[name] = options_of(module.parser())
    return found


def test_every_command_and_option_that_is_shown_is_one() -> None:
    shown = beginning("netarium")
    assert len(shown) > 40
    for page, text in shown:
        words = shlex.split(text)[1:]
        if words == ["--version"]:
            continue
        if not words or not words[0].islower():
            continue  # `netarium` itself, or `netarium SOMETHING`
        assert words[0] in commands(), f"{page.name}: {text}"
        unknown = [
            word
            for word in words[1:]
            if word.startswith("-") and word.partition("=")[0] not in commands()[words[0]]
        ]
        assert unknown == [], f"{page.name}: {text}"


def test_every_target_of_make_that_is_shown_is_one() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    shown = beginning("make")
    assert len(shown) > 5
    assert [(page.name, text) for page, text in shown if not set(text.split()[1:2]) <= targets] == []


def test_every_target_of_make_is_told_by_make_help() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    parts = set(re.findall(r"^(?!\.PHONY)[a-z-]+: ([^#\n$]*)", text, re.MULTILINE))
    within = {name for each in parts for name in each.split()}
    silent = re.findall(r"^([a-z-]+):(?!=)(?!.*## ).*$", text, re.MULTILINE)
    assert [name for name in silent if name not in within] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_modules_scripts_and_files_that_are_named_are_there(page: Path) -> None:
    for text in snippets(page):
        words = text.split()
        if words[:2] == ["python", "-m"] and words[2].split(".")[0] in (
            "netarium",
            "bench",
            "tests",
            "scripts",
        ):
            assert find_spec(words[2]) is not None, text
        named = words[1] if words[:1] == ["python"] and len(words) > 1 else words[0] if words else ""
        if PATH.match(named):
            assert (ROOT / named).exists(), text
