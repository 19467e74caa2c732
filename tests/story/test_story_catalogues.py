"""The catalogues say the same in both languages, nothing is missing, nothing is there in vain; the locale chooses."""

from __future__ import annotations

import re

import pytest
from scripts import catalogues

from netarium.errors import UsageError
from netarium.journey import Cause, Drop, Stop
from netarium.story.kinds import KINDS
from netarium.story.language import DOMAINS, FOLDER, LANGUAGES, Language, language_of_locale


def test_the_catalogues_are_whole():
    assert catalogues.problems() == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_stop_drop_and_cause_has_a_sentence(lang):
    language = Language.load(lang)
    keys = [
        f"{name}.{each.name}"
        for name, entries in (("stop", Stop), ("drop", Drop), ("cause", Cause))
        for each in entries
    ]
    texts = [language.text(key) for key in keys]
    assert len(texts) > 100
    assert all(not text.endswith((".", "。")) for text in texts)
    if lang == "zh":
        assert [text for text in texts if not re.search("[\u4e00-\u9fff]", text)] == []
    else:
        sentences = [each.sentence for entries in (Stop, Drop) for each in entries] + [
            each.value for each in Cause
        ]
        assert texts == sentences


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "de_DE.UTF-8"}, "en"),
        ({"LC_ALL": "zh_TW", "LANG": "C"}, "zh"),
        ({"LC_ALL": "", "LANG": "zh"}, "zh"),
        ({"LANG": "C.UTF-8"}, "en"),
    ],
)
def test_the_locale_chooses_the_language(environment, name):
    assert language_of_locale(environment) == name
    assert Language.load(None, environment).name == name


def test_a_language_there_is_not_is_refused_with_those_there_are():
    with pytest.raises(UsageError, match="'fr'; there are en, zh"):
        Language.load("fr")


def test_marks_are_taken_away_and_handed_out():
    text, terms = Language.load("en").marked("tcp.established", place="pc")
    assert "[[" not in text and "pc acknowledges: ACK; the connection stands" in text
    assert terms == ("ack", "handshake")


def test_one_thing_and_many_things():
    language = Language.load("en")
    assert language.plural("bulk.again", 1) == "1 of them sent again"
    assert language.plural("bulk.again", 1200) == "1,200 of them sent again"


def test_a_missing_key_is_an_error_and_no_text():
    with pytest.raises(KeyError, match=r"no\.such"):
        Language.load("en").text("no.such")
    assert not Language.load("en").has("no.such")


def test_kinds_are_named_once_and_have_their_word_for_only():
    assert all(kind.name == name for name, kind in KINDS.items())
    assert {"arp", "dns", "dhcp", "tcp", "nat", "drops"} <= {kind.only for kind in KINDS.values()}


REFUSED = {
    "分组": "数据包",
    "封包": "数据包",
    "数据段": "报文段",
    "数据帧": "帧",
    "NAT 表": "转换表",
    "地址转换表": "转换表",
    "广播包": "广播帧",
    "字节串": "字节",
    "端口号码": "端口",
    "域名服务器": "DNS 服务器",
    "多播": "组播",
    "检验和": "校验和",
    "接收缓存": "接收缓冲区",
    "发送缓存": "发送缓冲区",
    "中继口": "Trunk 端口",
    "接入口": "Access 端口",
    "回环": "环回",
    "定时器": "计时器",
    "电缆": "网线",
}
"""One word for one thing in Chinese (docs/story.md): what is not said, and what is said instead."""


def test_chinese_has_one_word_for_each_unit():
    texts = {
        path.name: path.read_text(encoding="utf-8") for path in (FOLDER / "zh" / "LC_MESSAGES").glob("*.po")
    }
    assert len(texts) == len(DOMAINS)
    found = [
        (name, word, instead)
        for name, text in texts.items()
        for word, instead in REFUSED.items()
        if word in text
    ]
    assert found == []
    alone = re.compile(
        r"(?<![据抓粘丢])包(?![括含])"
    )  # a packet is a 数据包; capturing, sticking, losing are words
    assert [(name, found[0]) for name, text in texts.items() for found in alone.finditer(text)] == []
