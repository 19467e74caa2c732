"""Runs whose stories are kept, word by word, under `snapshots`; read them line by line when they change.

python -m tests.story.stories            run them all, and write their stories anew in both languages
"""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from netarium.story.language import LANGUAGES, Language
from netarium.story.printing import as_text
from netarium.story.telling import Choice, Story, ToldChapter

ROOT = Path(__file__).parents[2]
SNAPSHOTS = Path(__file__).parent / "snapshots"
_INPUTS = ("--stdin", "server=server.txt", "--stdin", "client=client.txt")
RUNS = {
    "whole-flow": ("labs", ("whole-flow.yaml",)),
    "nat-example": ("labs", ("nat-example.yaml",)),
    "vlan": ("labs", ("vlan.yaml",)),
    "faults": ("labs", ("faults.yaml",)),
    "lan": ("labs", ("lan.yaml",)),
    "chat_lan": ("pairs/chat_lan", ("server.py", "client.py", *_INPUTS)),
    "chat_local": ("pairs/chat_local", ("server.py", "client.py", *_INPUTS)),
}
"""Name -> (folder of examples, words of `netarium run`)."""
MORE = {
    "ipv6": ("ipv6", ("ipv6.yaml",)),
    "home": ("filter", ("home.yaml",)),
    "balancer": ("filter", ("balancer.yaml",)),
    "chat": ("chat.yaml", ("chat.yaml",)),
    "files": ("files.yaml", ("files.yaml",)),
    "browser_or_client": ("browser_or_client", ("lab.yaml",)),
    "print_server": ("print_server", ("server.py", "client.py server 9100 a line")),
    "little-internet": ("little-internet", ()),
    "one_answer": ("pairs/one_answer", ("server.py", "client.py")),
    "outer_loop": ("pairs/outer_loop", ("server.py", "client.py ann", "client.py bob")),
    "udp_upper": ("pairs/udp_upper", ("server.py", "client.py red green", "client.py blue")),
    "close_at_once": ("pairs/close_at_once", ("server.py", "client.py")),
    "close_late": ("pairs/close_late", ("server.py 60", "client.py")),
    "two_encodings": ("pairs/two_encodings", ("server.py", "client.py")),
    "upload": ("pairs/upload", ("server.py loop", "client.py")),
    "upload_single": ("pairs/upload", ("server.py single", "client.py")),
}
"""All the other labs and pairs under examples: their stories are not kept, but every number is looked for in the
capture. A folder that is a file is a lab of its own; without words it is a script that makes its net itself.
"""
_OWN_NET = """
import internet
net = internet.build()
net.watching.trace_to("run.jsonl", net.watching.capture("run.pcapng", []))
for name in internet.names():
    net["pc"].call(internet.look_up, name)
net.close()
"""


@dataclass(frozen=True)
class Recorded:
    """What a run left."""

    name: str
    trace: Path
    pcap: Path

    def story(self, lang: str, choice: Choice | None = None) -> Story:
        return Story(self.trace, Language.load(lang), choice)

    def chapters(self, lang: str = "en", choice: Choice | None = None) -> list[ToldChapter]:
        return _whole(self, lang) if choice is None else list(self.story(lang, choice).chapters())

    def text(self, lang: str) -> str:
        return _text(self, lang)


@cache
def _whole(recorded: Recorded, lang: str) -> list[ToldChapter]:
    """Many tests read the same story, and none changes it."""
    return list(recorded.story(lang).chapters())


@cache
def _text(recorded: Recorded, lang: str) -> str:
    language = Language.load(lang)
    return "\n".join(as_text(recorded.story(lang).chapters(), language)).lstrip("\n") + "\n"


def record(name: str, folder: Path) -> Recorded:
    """Run it in a copy of its folder, and keep trace and capture."""
    examples, words = (RUNS | MORE)[name]
    work, source = folder / name, ROOT / "examples" / examples
    if source.is_dir():
        shutil.copytree(source, work)
    else:
        work.mkdir()
        shutil.copy(source, work)
    if name == "files":  # as the head of the lab says
        (work / "files-served").mkdir()
        (work / "files-sent.bin").write_bytes(random.Random(8).randbytes(8_000_000))
    command = ["-m", "netarium", "run", *words, "--pcap", "run.pcapng", "--trace", "run.jsonl"]
    done = subprocess.run(
        [sys.executable, *(command if words else ("-c", _OWN_NET))],
        cwd=work,
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    return Recorded(name, work / "run.jsonl", work / "run.pcapng")


def snapshot(name: str, lang: str) -> Path:
    return SNAPSHOTS / f"{name}.{lang}.txt"


def main() -> None:
    SNAPSHOTS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for name in RUNS:
            recorded = record(name, Path(folder))
            for lang in LANGUAGES:
                snapshot(name, lang).write_text(recorded.text(lang), encoding="utf-8")
                print(f"written: {snapshot(name, lang).relative_to(ROOT)}")


if __name__ == "__main__":
    main()
