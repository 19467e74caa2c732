"""The commands besides `run`, by typer. Imported only when one of them, or the help, is asked for."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from netarium import __version__
from netarium.errors import NetariumError

app = typer.Typer(
    name="netarium",
    help="A whole internet inside one process: run network programs on a network you drew, in virtual time.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
"""For commands that read their words themselves, --help too."""


def _version(wanted: bool) -> None:
    if wanted:
        from netarium.engine.build import kind

        typer.echo(f"netarium {__version__} ({kind()})")
        raise typer.Exit


@app.callback()
def _top(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command(context_settings=PASSED_ON)
def run(context: typer.Context) -> None:
    """Run a lab, or scripts without one, to the end in virtual time (`netarium run --help`)."""
    from netarium.cli.run import main as run_main

    raise typer.Exit(run_main(context.args))


@app.command(context_settings=PASSED_ON)
def chat(context: typer.Context) -> None:
    """Chat on real networks: serve, join (`netarium chat --help`)."""
    from netarium.cli.chat import main as chat_main

    raise typer.Exit(chat_main(context.args))


@app.command(context_settings=PASSED_ON)
def files(context: typer.Context) -> None:
    """Transfer files on real networks: serve, put, get, ls (`netarium files --help`)."""
    from netarium.cli.files import main as files_main

    raise typer.Exit(files_main(context.args))


@app.command(context_settings=PASSED_ON)
def explain(context: typer.Context) -> None:
    """Tell a run step by step: a lab, scripts or a recorded trace (`netarium explain --help`)."""
    from netarium.cli.explain import main as explain_main

    raise typer.Exit(explain_main(context.args))


@app.command()
def demo(
    pcap: Annotated[Path, typer.Option(metavar="FILE", help="Leave the capture there.")] = Path(
        "netarium-demo.pcapng"
    ),
    trace: Annotated[Path, typer.Option(metavar="FILE", help="Leave the trace there.")] = Path(
        "netarium-demo.jsonl"
    ),
    lab: Annotated[
        str, typer.Option(metavar="NAME", help="Another lab of the package, such as lan.")
    ] = "whole-flow",
    lang: Annotated[
        str | None, typer.Option("--lang", metavar="en|zh", help="Instead of the locale's.")
    ] = None,
) -> None:
    """Tell step by step how a PC that knows nothing opens a web page: DHCP, DNS, ARP, NAT, TCP."""
    from netarium.cli.demo import demo as tell

    raise typer.Exit(tell(pcap, trace, lab, lang))


@app.command()
def check(
    lab: Annotated[Path, typer.Argument(metavar="LAB.yaml", help="the lab file")],
    domains: Annotated[
        bool, typer.Option("--domains", help="Count and list the broadcast and collision domains.")
    ] = False,
) -> None:
    """Read a lab file and say, with its line, what is wrong and what would be right."""
    from netarium.cli.check import check as look

    raise typer.Exit(look(lab, domains=domains))


@app.command()
def shell(
    lab: Annotated[Path, typer.Argument(metavar="LAB.yaml", help="the lab file")],
    node: Annotated[str, typer.Argument(metavar="NODE", help="the host or router of the prompt")],
    seed: Annotated[int | None, typer.Option(metavar="N", help="Instead of the lab's.")] = None,
    until: Annotated[
        str | None,
        typer.Option(metavar="30s", help="Run the lab so far before the first prompt (else: to rest)."),
    ] = None,
) -> None:
    """A prompt on a host of a lab: ping, ip, dig, curl, tcpdump ... in virtual time."""
    from netarium.cli.shell import shell as prompt

    raise typer.Exit(prompt(lab, node, seed=seed, until=until))


@app.command()
def schema() -> None:
    """Print the JSON schema of lab files."""
    from netarium.cli.schema import schema_text

    typer.echo(schema_text())


@app.command()
def ports(
    what: Annotated[
        str,
        typer.Argument(
            metavar="NAME|NUMBER", help="a service's name or a port number; the whole table without"
        ),
    ] = "",
) -> None:
    """Say which service has a port, or which port a service has; alone all of them."""
    from netarium.cli.ports import ports as look

    raise typer.Exit(look(what))


@app.command()
def subnet(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="ADDRESS[/LENGTH] [MASK] [OTHER ...]", help="an address, its mask, others to judge"
        ),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            "--split", metavar="N|/LENGTH", help="Divide the block into N, or into blocks of a length."
        ),
    ] = None,
    mask: Annotated[
        str | None,
        typer.Option("--mask", metavar="LENGTH|MASK|all", help="A mask written both ways, with its bits."),
    ] = None,
    kind: Annotated[
        bool,
        typer.Option("--kind", help="What each address is for, and its (obsolete) class; needs no mask."),
    ] = False,
    hosts: Annotated[
        int | None, typer.Option("--hosts", metavar="N", help="The smallest block with room for N hosts.")
    ] = None,
    lang: Annotated[
        str | None, typer.Option("--lang", metavar="en|zh", help="Instead of the locale's.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One object instead of text.")] = False,
) -> None:
    """Masks: the AND in binary, ranges of a block, same network or not, splits; IPv4 and IPv6."""
    from netarium.cli.subnet import Wishes
    from netarium.cli.subnet import subnet as answer

    wishes = Wishes(words or [], split, mask, kind, hosts, lang, json)
    raise typer.Exit(answer(wishes))


@app.command()
def glossary(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TERM]", help="a term, or words of its explanation (all terms)"),
    ] = None,
    lang: Annotated[
        str | None, typer.Option("--lang", metavar="en|zh", help="Instead of the locale's.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One object instead of text.")] = False,
) -> None:
    """The terms of networking that the story uses, a sentence each."""
    from netarium.cli.glossary import glossary as look

    raise typer.Exit(look(words or [], lang, as_json=json))


def main(arguments: Sequence[str]) -> int:
    """Run one of these commands; the exit code."""
    try:
        app(args=list(arguments), prog_name="netarium")
    except NetariumError as error:
        print(f"netarium: {error}", file=sys.stderr)
        return 2
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    return 0
