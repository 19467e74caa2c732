"""The loader of lab files: YAML 1.2 core scalars, every value with its line, one clear error for other text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netarium.errors import LabError
from netarium.lab import file as lab_file


def value_of(text):
    return lab_file.parse(text, "x.yaml").value


@pytest.mark.parametrize("word", ["on", "off", "yes", "no", "y", "n", "On", "NO", "oN"])
def test_words_of_yaml_1_1_that_meant_booleans_are_words(word):
    assert value_of(f"{word}: {word}") == {word: word}


@pytest.mark.parametrize(
    "text",
    [
        "02:00:00:00:00:01", "8080:22", "1:30", "190:20:30", "0o17", "1_000", "192.168.15.68", "192.168.15.68/24",
        "2001-12-14", "0b11", "=", "<<", "1.2.3", "0x", "5ms", "truee", "10.0.0.0/8",
    ],
)  # fmt: skip
def test_what_is_no_core_scalar_stays_text(text):
    assert value_of(f"key: {text}") == {"key": text}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True), ("false", False), ("True", True), ("FALSE", False), ("null", None), ("~", None), ("", None),
        ("010", 10), ("-7", -7), ("+7", 7), ("0x1F", 31), ("1.5", 1.5), (".5", 0.5), ("1e3", 1000.0), ("2.", 2.0),
    ],
)  # fmt: skip
def test_core_scalars(text, value):
    got = value_of(f"key: {text}")["key"]
    assert got == value
    assert isinstance(got, type(value))


def test_quoted_scalars_are_text():
    assert value_of("""[ "true", '5', "0x10", "", '~' ]""") == ["true", "5", "0x10", "", "~"]


def test_numbers_remember_how_they_were_written():
    got = value_of("[007, 1.50]")
    assert [each.text for each in got] == ["007", "1.50"]


def test_keys_are_text_whatever_they_look_like():
    assert value_of("{1: a, true: b, ~: c, on: d}") == {"1": "a", "true": "b", "~": "c", "on": "d"}


def test_every_value_knows_its_line():
    document = lab_file.parse("a:\n  - 1\n  - b: {c: 2,\n      d: 3}\n# x\ne: |\n  text\n", "x.yaml")
    assert document.line(("a", 0)) == 2
    assert document.line(("a", 1, "b", "c")) == 3
    assert document.line(("a", 1, "b", "d")) == 4
    assert document.line(("e",)) == 6
    assert document.line(("a", 1, "nothing", "there")) == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "x.yaml:3: the key 'a' stands twice in one mapping (first in line 1); keep one of them"),
        ("a:\n  on: 1\n  'on': 2\n", "x.yaml:3: the key 'on' stands twice in one mapping (first in line 2); keep one"),
        ("a: !!int 3\n", "x.yaml:1: the tag 'tag:yaml.org,2002:int' is not known; lab files use no tags"),
        ("a: !python/object:os.system x\n", "x.yaml:1: the tag '!python/object:os.system' is not known"),
        ("a: &b [*b]\n", "x.yaml:1: this value contains itself by an alias"),
        ("? [a]\n: 1\n", "x.yaml:1: a key must be a word, not a list or a mapping"),
        ("a: 1\n---\nb: 1\n", "x.yaml:2: this is not YAML: expected a single document in the stream"),
        ("a: 1\n  b: 1\n", "x.yaml:2: this is not YAML: mapping values are not allowed here"),
        ("a: [1\n", "x.yaml:2: this is not YAML: while parsing a flow sequence"),
        ("a:\n\tb: 1\n", "x.yaml:2: this is not YAML: while scanning for the next token found character '\\t'"),
        ("a: 1\nb: \x07\n", "x.yaml:2: a character that YAML does not allow: 0x7"),
    ],
)  # fmt: skip
def test_bad_text_names_its_line(text, message):
    with pytest.raises(LabError) as caught:
        lab_file.parse(text, "x.yaml")
    assert str(caught.value).startswith(message)


def test_an_expansion_by_aliases_has_a_limit():
    bomb = "a: &a [1,1,1,1,1,1,1,1,1]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(8)
    )
    with pytest.raises(LabError, match="more than 200000 values"):
        lab_file.parse(bomb, "x.yaml")


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(LabError, match="there is no such lab file"):
        lab_file.read(tmp_path / "none.yaml")
    with pytest.raises(LabError, match="this is a directory"):
        lab_file.read(tmp_path)
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(b"name: \xe9\n")
    with pytest.raises(LabError, match="not UTF-8 text"):
        lab_file.read(latin)


@given(st.text(max_size=200))
def test_any_text_gives_a_document_or_a_lab_error(text):
    try:
        lab_file.parse(text, "x.yaml")
    except LabError as error:
        assert str(error).startswith("x.yaml")
