"""From the words of `netarium run` to a net with its inputs: a lab, or scripts without one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from netarium.errors import UsageError

if TYPE_CHECKING:
    from netarium.cli.arguments import RunArguments
    from netarium.cli.console import Console, Terminal
    from netarium.lab.net import Net

LAB_SUFFIXES = (".yaml", ".yml")


def build(arguments: RunArguments, console: Console) -> tuple[Net, Terminal | None]:
    """The net that the sources describe, with its inputs. Raises UsageError."""
    labs = [source for source in arguments.sources if source.endswith(LAB_SUFFIXES)]
    if labs and len(arguments.sources) > 1:
        raise UsageError(
            f"a lab stands alone: {labs[0]} with other sources; put the scripts into its `programs`"
        )
    options: dict[str, Any] = {"digest": arguments.digest, "root": arguments.root}
    if labs:
        return _build_lab(labs[0], arguments, console, options)
    return _build_scripts(arguments, console, options)


def _build_scripts(
    arguments: RunArguments, console: Console, options: dict[str, Any]
) -> tuple[Net, Terminal | None]:
    from netarium.lab.scripts import from_scripts, read_sources

    scripts = read_sources(arguments.sources, Path.cwd())
    readers = {script.name: script.says.reads_input for script in scripts}
    inputs, terminal, reader = _inputs(arguments, readers, console)
    net = from_scripts(list(scripts), stdin=inputs, seed=arguments.seed or 0, **options)
    if terminal is not None:
        terminal.service = net.service(reader)
    return net, terminal


def _build_lab(
    path: str, arguments: RunArguments, console: Console, options: dict[str, Any]
) -> tuple[Net, Terminal | None]:
    from netarium.lab.load import LabFile
    from netarium.lab.net import Net

    lab = LabFile(path)
    inputs, terminal, reader = _inputs(arguments, lab.readers(), console)
    net = lab.build(Net, stdin=inputs, seed=arguments.seed, typed=False, **options)
    if terminal is not None:
        terminal.service = net.service(reader)
    return net, terminal


def _inputs(
    arguments: RunArguments, readers: dict[str, bool], console: Console
) -> tuple[dict[str, Any], Terminal | None, str]:
    """What each program reads: the files of --stdin; the terminal, where just one reads it."""
    inputs: dict[str, Any] = {}
    for name, file in arguments.stdin.items():
        if name not in readers:
            from netarium.lab.words import suggest

            raise UsageError(f"--stdin {name}={file}: there is no program {name!r}{suggest(name, readers)}")
        try:
            inputs[name] = file.read_bytes()  # what is no UTF-8 is the program's own error
        except OSError as error:
            raise UsageError(f"--stdin {name}={file}: cannot be read: {error}") from None
    left = [name for name, reads in readers.items() if reads and name not in inputs]
    if len(left) > 1:
        told = " ".join(f"--stdin {name}=FILE" for name in left)
        raise UsageError(
            f"several programs read the terminal: {', '.join(left)}; give all but one of them a file: {told}"
        )
    if not left:
        return inputs, None, ""
    from netarium.cli.console import Terminal

    terminal = Terminal(console)
    inputs[left[0]] = terminal
    return inputs, terminal, left[0]
