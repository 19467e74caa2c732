"""What a story is asked for that is not there is refused with what there is; cause comes before effect."""

from __future__ import annotations

from itertools import pairwise

import pytest

from netarium.cli import explain
from netarium.errors import UsageError
from netarium.story.telling import Choice

THERE_IS_NOT = "1.2.3.4:5-6.7.8.9:10"


def test_a_conversation_there_is_not_is_refused_with_those_there_are(recorded) -> None:
    lan = recorded("lan")
    (ends,) = {
        f"{step.values['source']}-{step.values['destination']}"
        for chapter in lan.chapters()
        for step in chapter.steps
        if step.kind == "tcp" and step.values["segment"] == "syn"
    }
    with pytest.raises(UsageError, match=rf"{THERE_IS_NOT}: the trace has no such one; it has {ends}"):
        lan.chapters(choice=Choice(conversation=THERE_IS_NOT))
    assert lan.chapters(choice=Choice(conversation=ends))


@pytest.mark.parametrize("form", [(), ("--json",), ("--markdown",)])
def test_the_command_prints_nothing_of_it_and_exits_with_2(recorded, capsys, form) -> None:
    words = [str(recorded("lan").trace), "--conversation", THERE_IS_NOT, *form]
    assert explain.main(words) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "no such one; it has 192.168.15.46:" in printed.err


def test_with_only_it_is_not_known_whether_there_is_such_a_conversation(recorded, capsys) -> None:
    words = [str(recorded("lan").trace), "--conversation", THERE_IS_NOT, "--only", "dns"]
    assert explain.main(words) == 0
    assert "Nothing of what you asked for happened" in capsys.readouterr().out


def test_a_layer_3_switch_asks_before_it_is_told_how_it_sends_its_question(recorded) -> None:
    """What it asks itself and how it floods that are of one moment; the question is the cause."""
    steps = [
        step for chapter in recorded("vlan").chapters() for step in chapter.steps if step.place == "core"
    ]
    own = [
        (before, step)
        for before, step in pairwise(steps)
        if step.kind == "switched" and step.values["shape"] == "broadcast" and not step.values["in"]
    ]
    assert own
    assert all((before.kind, before.time_ns) == ("arp", step.time_ns) for before, step in own)
