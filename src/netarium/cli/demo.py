"""`netarium demo`: a PC that knows nothing opens a web page on the other side of the internet, told step by step."""

from __future__ import annotations

from pathlib import Path

import netarium
from netarium.capture.pcapng import Capture
from netarium.cli.explain import page_columns, totals
from netarium.cli.progress import progress
from netarium.errors import NetariumError, UsageError
from netarium.lab.net import Net
from netarium.story.language import Language
from netarium.story.printing import as_text, hung
from netarium.story.telling import Choice, Story

DRAWINGS = {
    "whole-flow": """\
  pc --- office --- gw ------ isp ------ core --- backbone --- web
                               |                   |  |  |
                            isp-dns             root  |  zdns-dns
                                                    cn-dns
"""
}


def labs() -> Path:
    """The folder of the labs that come with the package: package data, or the checkout's examples."""
    inside = Path(netarium.__file__).parent / "examples" / "labs"
    return inside if inside.is_dir() else Path(netarium.__file__).parents[2] / "examples" / "labs"


def demo(pcap: Path, trace: Path, lab: str = "whole-flow", lang: str | None = None) -> int:
    """Run a lab of the package, tell it from its trace, and leave capture and trace there. The exit code.

    Raises UsageError for a lab or language there is not and a file that cannot be written, ProgramError when a program
    fails.
    """
    language = Language.load(lang)
    path = labs() / f"{lab}.yaml"
    known = sorted(each.stem for each in labs().glob("*.yaml"))
    if lab not in known:
        raise UsageError(f"the package has no lab {lab!r}; it has {', '.join(known)}")
    net = Net.load(path, typed=False)
    capture = _begin_files(net, pcap, trace)
    with progress(net):
        net.run(check=True)
    net.close()
    _print_begin(language, lab, path)
    story = Story(trace, language, Choice(from_first_join=True))
    for line in as_text(story.chapters(), language, page_columns()):
        print(line)
    _print_end(language, net, capture, trace, path)
    return 0


def _begin_files(net: Net, pcap: Path, trace: Path) -> Capture:
    """Open both, or leave neither."""
    new = not pcap.exists()
    capture = net.watching.capture(pcap, [])
    try:
        net.watching.trace_to(trace, capture)
    except NetariumError:
        if new:
            pcap.unlink()
        raise
    return capture


def _print_begin(language: Language, lab: str, path: Path) -> None:
    if lab in DRAWINGS:
        print(language.text(f"demo.{lab}"))
        print()
        print(DRAWINGS[lab])
    else:
        print(language.text("demo.lab", lab=path))
        print()
    print("\n".join(hung(language.text("explain.legend"), columns=page_columns())))


def _print_end(language: Language, net: Net, capture: Capture, trace: Path, lab: Path) -> None:
    port = next(
        port.name for box in net.boxes.values() if box.kind == "host" for port in box.node.ports.values()
    )
    print()
    record = {
        "virtual_ns": net.now_ns,
        "frames": capture.frames,
        "sent": net.watching.frames_sent(),
        "digest": net.digest,
    }
    print("\n".join(hung(totals(record, language), columns=page_columns())))
    print()
    print(language.text("demo.left", pcap=capture.path, trace=trace))
    print(language.text("demo.next", pcap=capture.path))
    print(f'  frame.interface_name == "{port}"')
    print(language.text("demo.again", trace=trace))
    print(language.text("demo.change", lab=lab))
