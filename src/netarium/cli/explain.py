"""`netarium explain`: run something, or take a recorded trace, and tell it."""

from __future__ import annotations

import io
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netarium.cli.explain_arguments import ExplainArguments, parse, parse_run, run_words
from netarium.errors import NetariumError, UsageError
from netarium.units import format_duration

if TYPE_CHECKING:
    from rich.progress import Progress

    from netarium.lab.service import Service
    from netarium.story.language import Language
    from netarium.story.telling import Story, ToldChapter

COLUMNS_MIN = 60
FAILED = 1
INTERRUPTED = 130
"""Exit codes, as of `netarium run`."""
PCAP = Path("explain.pcapng")
"""Where the capture is left when no --pcap says otherwise: the numbers of the story point into it."""


def main(words: Sequence[str]) -> int:
    """Run `netarium explain` with these words; the exit code, which is that of the run."""
    try:
        given = parse(words)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 2
    try:
        code = explain(given)
        sys.stdout.flush()
        return code
    except NetariumError as error:
        print(f"netarium: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("netarium: interrupted; the story ends here", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        _nobody_reads()
        return 0
    except OSError as error:
        if error.filename is not None:
            raise
        print(f"netarium: the story cannot be written: {error.strerror}; it ends here", file=sys.stderr)
        _nobody_reads()
        return FAILED


def explain(given: ExplainArguments) -> int:
    """Tell it. Raises UsageError for what cannot be told, before anything is printed."""
    from netarium.story.language import Language

    language = Language.load(given.lang)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    if given.trace_file is not None:
        tell(given.trace_file, given, language)
        return 0
    if given.trace is not None:
        return _run_and_tell(given, Path(given.trace), language)
    with tempfile.TemporaryDirectory(prefix="netarium-") as folder:
        return _run_and_tell(given, Path(folder) / "trace.jsonl", language)


def _run_and_tell(given: ExplainArguments, trace: Path, language: Language) -> int:
    from netarium.cli.console import Console
    from netarium.cli.run import run

    class Quiet(Console):
        """What programs print is in the story; only a prompt that waits for the user is shown, beside it."""

        def prompt(self, service: Service) -> None:
            text = self._begun.pop((service.name, "stdout"), "")
            self.err.write(text)
            self.err.flush()

        def wrote(self, service: Service, stream: str, text: str) -> None:
            self._begun[service.name, stream] = text.rpartition("\n")[2]

        def close(self) -> None:
            self._begun.clear()

    check_choice(given)
    pcap = Path(given.pcap) if given.pcap is not None else PCAP
    code = run(parse_run(run_words(given, pcap, trace)), Quiet())
    tell(trace, given, language, pcap)
    return code


def check_choice(given: ExplainArguments) -> None:
    """What can be seen to be wrong before anything is run. Raises UsageError."""
    from netarium.story.telling import Choice

    Choice(given.kinds, "", given.conversation).check_words()
    if given.ladder is not None and not Path(given.ladder).parent.is_dir():
        raise UsageError(f"--ladder {given.ladder}: there is no folder {Path(given.ladder).parent}")


def tell(trace: Path, given: ExplainArguments, language: Language, pcap: Path | None = None) -> None:
    """Print the story of a trace. `pcap` is its capture, if it has just been made."""
    from netarium.story.layers_text import devices_of_layers
    from netarium.story.printing import as_json, as_markdown, as_text, hung
    from netarium.story.showing import Show
    from netarium.story.telling import Choice, Story

    with _Bar(trace, language) as bar:
        choice = Choice(given.kinds, given.follow, given.conversation)
        story = Story(trace, language, choice, bar.update, Show(given.layers, given.bytes))
        columns = page_columns()
        is_text = not given.json and not given.markdown
        chapters = bar.until_first(story.chapters())
        if given.conversation:  # whether there is one shows with its first chapter: else nothing is printed
            chapters = chain(list(islice(chapters, 1)), chapters)
        if is_text:
            print("\n".join(hung(language.text("explain.legend"), columns=columns)))
            for line in devices_of_layers(given.layers, language) if given.layers else ():
                print(line)
        if is_text:
            lines = as_text(chapters, language, columns)
        elif given.json:
            lines = as_json(chapters, language, story.ending)
        else:
            lines = as_markdown(chapters, language)
        for line in lines:
            print(line)
    if given.ladder is not None:
        _draw(story, Path(given.ladder), given, language)
    for line in ending(story, language, pcap):
        print("\n".join(hung(line, columns=columns)), file=sys.stderr if given.json else sys.stdout)


def page_columns() -> int:
    """How wide the page is: the terminal, where there is one, else 110 columns."""
    from netarium.story.printing import WIDTH

    return max(shutil.get_terminal_size().columns, COLUMNS_MIN) if sys.stdout.isatty() else WIDTH


def _draw(story: Story, path: Path, given: ExplainArguments, language: Language) -> None:
    from netarium.story import ladder

    into = sys.stderr if given.json else sys.stdout
    files = ladder.write(story.trace, path, language, given.conversation)
    for written in files:
        print(language.text("ladder.written", path=written), file=into)
    if len(files) == ladder.CONVERSATIONS_MAX:
        print(language.text("ladder.others", n=len(files)), file=into)


def ending(story: Story, language: Language, pcap: Path | None) -> Iterator[str]:
    """What is said after the last chapter: that it was cut, how long the run was, where the frames are."""
    end = story.ending
    yield ""
    if end.is_cut:
        yield language.text("explain.cut" if end.why == "json" else "explain.no-end", line=end.line)
    elif not end.steps:
        choice = story.choice
        asked = choice.only or choice.follow or choice.conversation
        yield language.text("explain.nothing" if asked else "explain.nothing-at-all")
    if end.record is not None:
        yield from _reason(end.record, language)
        yield totals(end.record, language)
    name = str(pcap) if pcap is not None else story.trace.header.get("capture")
    port = _first_port(story)
    if end.record is not None and not end.record.get("frames", 1):
        return  # an empty capture needs no filter
    if name and port:
        key = "explain.capture-lo" if port.endswith(":lo") else "explain.capture"
        yield language.text(key, capture=name, port=port)
    elif not name:
        yield language.text("explain.no-capture")


def _reason(record: dict[str, Any], language: Language) -> Iterator[str]:
    """Why the run was over, where that is not because everything was done; of a deadlock, who waits where."""
    reason = record.get("reason")
    if reason in ("until", "interrupted", "error", "deadlock"):
        yield language.text(f"explain.reason.{reason}")
    for wait in record.get("waits") or () if reason == "deadlock" else ():
        if "call" not in wait:
            after = _after(wait, language)
            key = "explain.wait.after" if after else "explain.wait.start"
            yield "  " + language.text(key, program=wait.get("program"), after=after)
            continue
        task, address = wait.get("task") or wait.get("program"), wait.get("address")
        call = f"{wait['call']}()" + (_end(str(address), language) if address else "")
        key = "explain.wait.line" if wait.get("file") else "explain.wait.call"
        yield "  " + language.text(key, task=task, call=call, file=wait.get("file"), line=wait.get("line"))


_ENDS = {
    "from standard input": "explain.end.stdin",
    "from a local peer": "explain.end.peer",
    "from nobody": "explain.end.nobody",
    "on every interface": "explain.end.everywhere",
    "on a socket without a connection": "explain.end.unconnected",
}
"""How sockets say whom a call waits for, where that is no address."""


def _end(address: str, language: Language) -> str:
    """`from 10.0.0.1:80` or `on 0.0.0.0:80`, as a socket says it, in the story's language."""
    if address in _ENDS:
        return language.text(_ENDS[address])
    word, _, end = address.partition(" ")
    return language.text(f"explain.end.{word}", end=end) if word in ("from", "on") and end else f" {address}"


def _after(wait: dict[str, Any], language: Language) -> str:
    """What a start waits for."""
    kind, what = wait.get("after_what") or ("", "")
    if kind in ("lease", "end", "listening"):
        return language.text(f"explain.after.{kind}", what=what)
    return str(wait.get("after") or "")


def totals(record: dict[str, Any], language: Language) -> str:
    """How many frames there were, in how long; and the digest, of a run that is the same every time."""
    took = format_duration(int(record.get("virtual_ns", 0)))
    frames = int(record.get("frames", 0))
    sent = int(record.get("sent", frames))
    ends = ""
    if frames > sent:  # a host's own loopback is no cable, and what is lost on its way has one end
        ends = language.text("explain.both-ends" if frames == 2 * sent else "explain.one-or-both-ends")
    digest = record.get("digest") if record.get("reason") not in ("interrupted", "error") else None
    same = language.text("explain.same", digest=digest) if digest else ""
    return language.plural("explain.totals", frames, sent=sent, ends=ends, virtual=took, same=same)


def _first_port(story: Story) -> str:
    """A port of the first end of the net that has sent something, as an example of a filter."""
    nodes = sorted(story.scene.nodes.values(), key=lambda node: not node.is_host)
    ports = [f"{node.name}:{port}" for node in nodes for port in node.ports]
    seen = [port for port in ports if port in story.scene.ports]
    inside = [port for port in story.scene.ports if port.endswith(":lo")]
    return next(iter(seen or inside or ports), "")


class _Bar:
    """How much of a long trace has been read, on a terminal: to its end where the story goes somewhere else, and where
    it comes to the terminal too, until its first chapter.
    """

    def __init__(self, trace: Path, language: Language) -> None:
        self._trace = trace
        self._language = language
        self._is_wanted = sys.stderr.isatty() and trace.exists()
        self._bar: Progress | None = None

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *reason: object) -> None:
        self._end()

    def update(self, done: int) -> None:
        """So many bytes have been read."""
        if not self._is_wanted:
            return
        if self._bar is None:
            from rich.console import Console
            from rich.progress import Progress

            self._bar = Progress(console=Console(stderr=True), transient=True)
            self._bar.add_task(self._language.text("explain.progress"), total=self._trace.stat().st_size)
            self._bar.start()
        self._bar.update(self._bar.task_ids[0], completed=done)

    def until_first(self, chapters: Iterator[ToldChapter]) -> Iterator[ToldChapter]:
        """The chapters; where they go to the terminal, the bar is gone before the first of them."""
        for chapter in chapters:
            if sys.stdout.isatty():
                self._end()
            yield chapter

    def _end(self) -> None:
        self._is_wanted = False
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def _nobody_reads() -> None:
    """`netarium explain ... | head`: what is left in the buffer goes nowhere, without a complaint."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
