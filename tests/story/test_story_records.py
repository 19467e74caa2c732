"""Reading a trace: what is none is refused with the remedy, what was cut is told up to the cut."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netarium.errors import UsageError
from netarium.story.language import Language
from netarium.story.printing import as_json
from netarium.story.records import TraceFile
from netarium.story.telling import Choice, Story

HEADER = {"netarium_trace": 2, "seed": 0, "lab": "x", "nodes": {}}
END = {"t": 9, "event": "end", "at": "", "virtual_ns": 9, "frames": 0}


def lines(*records):
    return "".join(json.dumps(each, separators=(",", ":")) + "\n" for each in records)


def state(t, **more):
    return {"t": t, "event": "state", "at": "a", "subject": "host", **more}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "is no trace: its first line is no header"),
        ("hello\n", "is no trace"),
        ('{"a": 1}\n', "is no trace"),
        ("[1, 2]\n", "is no trace"),
        ("\x00\x01\x02\n", "is no trace"),
        (
            '{"netarium_trace":1,"seed":1}\n',
            "of version 1, and this netarium tells version 2; record it again",
        ),
        ('{"netarium_trace":"x"}\n', "of version x"),
        ('{"netarium_trace":2,"seed":1}\n', "describes no nodes; record it again"),
    ],
)
def test_what_is_no_trace_of_ours_is_refused_with_the_remedy(tmp_path, content, told):
    path = tmp_path / "x.jsonl"
    path.write_text(content)
    with pytest.raises(UsageError, match=told):
        TraceFile(path)


def test_a_file_that_is_not_there_or_a_folder_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"cannot read the trace .*No such file"):
        TraceFile(tmp_path / "none.jsonl")
    with pytest.raises(UsageError, match="cannot read the trace"):
        TraceFile(tmp_path)


def test_a_whole_trace_has_its_end_and_no_cut(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text(lines(HEADER, state(1), state(2), END))
    trace = TraceFile(path)
    assert [each["t"] for each in trace.records()] == [1, 2, 9]
    assert trace.cut is None
    assert trace.end is not None and trace.end["virtual_ns"] == 9


@pytest.mark.parametrize(
    ("tail", "cut"),
    [
        ("", (3, "end")),
        ('{"t":3,"event":"st', (4, "json")),
        ('{"t":3,"event":"state","at":"a"}', (4, "json")),
        ("garbage\n" + lines(END), (4, "json")),
        ('{"t":"3","event":"state","at":"a"}\n', (4, "json")),
        ("[]\n", (4, "json")),
    ],
)
def test_a_cut_trace_is_read_to_the_cut_and_says_where(tmp_path, tail, cut):
    path = tmp_path / "x.jsonl"
    path.write_text(lines(HEADER, state(1), state(2)) + tail)
    trace = TraceFile(path)
    assert [each["t"] for each in trace.records()] == [1, 2]
    assert trace.cut == cut


@given(st.integers(0, 400))
def test_a_trace_cut_anywhere_is_told_and_raises_nothing(tmp_path_factory, size):
    path = tmp_path_factory.mktemp("cut") / "x.jsonl"
    head = lines(HEADER)
    whole = head + lines(*(state(each, before="off", after="on") for each in range(1, 6)), END)
    path.write_text(whole[: len(head) + size])
    story = Story(path, Language.load("en"))
    list(story.chapters())
    assert story.ending.is_cut == (len(head) + size < len(whole))


def test_lines_that_cannot_matter_are_passed_over_but_not_those_every_story_needs(tmp_path):
    path = tmp_path / "x.jsonl"
    host = {"t": 2, "event": "host", "at": "a", "addresses": {}}
    arp = {"t": 3, "event": "sent", "at": "a:eth0", "protocol": "ARP"}
    path.write_text(lines(HEADER, state(1), host, arp, state(4), END))
    trace = TraceFile(path)
    found = [each["event"] for each in trace.records((b'"protocol":"ARP"',))]
    assert found == ["host", "sent", "end"]
    assert trace.cut is None


def test_a_trace_that_was_written_anew_with_spaces_is_read_as_well(tmp_path):
    path = tmp_path / "x.jsonl"
    arp = {"t": 3, "event": "sent", "at": "a:eth0", "protocol": "ARP"}
    path.write_text("".join(json.dumps(each) + "\n" for each in (HEADER, state(1), arp, END)))
    assert "sent" in [each["event"] for each in TraceFile(path).records((b'"protocol":"ARP"',))]


def test_records_of_some_other_maker_that_lack_what_ours_have_are_passed_over(tmp_path):
    path = tmp_path / "x.jsonl"
    odd = [
        {"t": 1, "event": "sent", "at": "a:eth0"},
        {"t": 1, "event": "sent", "at": "a:eth0", "protocol": "TCP", "data": "zz", "size": 60},
        {
            "t": 1,
            "event": "sent",
            "at": "a:eth0",
            "protocol": "TCP",
            "data": "00" * 60,
            "size": 60,
            "source_port": 1,
        },
        {"t": 1, "event": "dropped", "at": "a", "reason": "NO_SUCH_REASON"},
        {"t": 1, "event": "step", "at": "a", "stop": "NAME", "subject": "x"},
        {"t": 1, "event": "state", "at": "a", "subject": "tcp nothing", "after": "SYN-SENT"},
        {"t": 1, "event": "new", "at": "a"},
        {"t": 1, "event": "program", "at": "a"},
        {"t": 1, "event": "printed", "at": "a", "text": 5},
    ]
    path.write_text(lines({**HEADER, "nodes": {"a": {"kind": "host"}, "b": 5}}, *odd, END))
    story = Story(path, Language.load("zh"))
    list(story.chapters())
    assert not story.ending.is_cut


def test_progress_is_told_in_bytes_up_to_the_whole_file(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text(lines(HEADER, *(state(each, before="x" * 300) for each in range(9000)), END))
    told = []
    trace = TraceFile(path)
    list(trace.records((), told.append))
    assert told == sorted(told) and len(told) > 1
    assert told[-1] == trace.size_bytes == path.stat().st_size


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        (Choice(only=("nonsense",)), "--only nonsense: there is no such kind; there are "),
        (Choice(follow="nobody"), "the trace has no node 'nobody'"),
        (Choice(conversation="10.0.0.1-10.0.0.2"), "write both ends with their ports"),
    ],
)
def test_a_choice_that_cannot_be_is_refused(tmp_path, choice, told):
    path = tmp_path / "x.jsonl"
    path.write_text(lines(HEADER, END))
    with pytest.raises(UsageError, match=told):
        Story(path, Language.load("en"), choice)


@pytest.mark.parametrize(
    ("tail", "cut"),
    [(lines(END), None), ("", {"line": 2, "why": "end"}), ('{"t', {"line": 3, "why": "json"})],
)
def test_json_says_whether_the_trace_was_cut_and_how_the_run_was_over(tmp_path, tail, cut):
    path = tmp_path / "x.jsonl"
    path.write_text(lines(HEADER, state(1)) + tail)
    language = Language.load("en")
    story = Story(path, language)
    end = json.loads("".join(as_json(story.chapters(), language, story.ending)))["end"]
    assert end["cut"] == cut
    assert end.get("virtual_ns") == (None if cut else 9)
