"""From the rules of `firewall` in a lab, or the keyword in Python, to the firewall's rules.

    firewall:
      policy: {forward: drop}
      rules:
        - accept state established,related
        - deny tcp dport 23
        - accept input in lan from 192.168.1.0/24 tcp dport 22,80-90 state new

A rule is an action (accept or allow, drop or deny, reject) and, in any order and each once: the chain (input, forward,
output; without it forward on a router, input on a host), `in` and `out` INTERFACE, `from` and `to` PREFIX or ADDRESS,
tcp, udp, icmp, icmpv6 or `protocol` NUMBER, `sport` and `dport` PORTS, `type` ICMP-TYPE, `state` STATES. The first that
fits decides. Rules are of IPv4 and IPv6, unless their prefixes or icmp, icmpv6 say otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from netarium.addresses import Prefix, parse_ip
from netarium.errors import UsageError
from netarium.lab.words import keyed, suggest, texts
from netarium.stack.filter.firewall import ACCEPT, CHAINS, DROP, REJECT, STATES, Rule
from netarium.units import is_whole
from netarium.wire.ipv4 import PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP
from netarium.wire.ipv6 import PROTOCOL_ICMPV6

KEYS = ("policy", "rules")
EXAMPLE = "{policy: drop, rules: [accept state established]}"
ACTION_WORDS = {"accept": ACCEPT, "allow": ACCEPT, "drop": DROP, "deny": DROP, "reject": REJECT}
PROTOCOL_WORDS = {"tcp": PROTOCOL_TCP, "udp": PROTOCOL_UDP, "icmp": PROTOCOL_ICMP, "icmpv6": PROTOCOL_ICMPV6}
ICMP_TYPES = {
    PROTOCOL_ICMP: {"echo-reply": 0, "unreachable": 3, "redirect": 5, "echo-request": 8, "time-exceeded": 11},
    PROTOCOL_ICMPV6: {
        "unreachable": 1, "packet-too-big": 2, "time-exceeded": 3, "parameter-problem": 4, "echo-request": 128,
        "echo-reply": 129,
    },
}  # fmt: skip
TAKING = ("in", "out", "from", "to", "protocol", "sport", "dport", "type", "state")
WORDS = (*ACTION_WORDS, *CHAINS, *PROTOCOL_WORDS, *TAKING)
ONE_EACH = "keep one, or write a rule for each"
LISTED = {
    "sport": "write them in one list, such as `sport 1000,2000-2010`",
    "dport": "write them in one list, such as `dport 80,8000-8010`",
    "state": "write them in one list, such as `state established,related`",
}
"""What may be several."""
PORT_MAX = 65535


@dataclass(frozen=True)
class FirewallSetup:
    """What a firewall has at power-on: the chains' policies, and (chain, rule) in order."""

    policies: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[tuple[str, Rule], ...] = ()


def read_firewall(given: Any, default_chain: str, interfaces: Iterable[str]) -> FirewallSetup:
    """The firewall of a node. `default_chain` is that of rules which name none. Raises UsageError."""
    for key in keyed(given, "firewall", f"a mapping, such as {EXAMPLE}"):
        if key not in KEYS:
            raise UsageError(f"firewall has no {key!r}{suggest(str(key), KEYS)}")
    names = [*interfaces, "lo"]
    lines = given.get("rules")
    if isinstance(lines, str):
        raise UsageError(f"firewall.rules: {lines!r} is one text; write a list, [{lines!r}]")
    rules = tuple(
        read_rule(text, default_chain, names)
        for text in texts(lines, "firewall.rules", "a list of texts, such as ['deny tcp dport 23']")
    )
    return FirewallSetup(_policies(given.get("policy"), default_chain), rules)


def _policies(value: Any, default_chain: str) -> dict[str, str]:
    if value is None:
        return {}
    given = {default_chain: value} if isinstance(value, str) else value
    found = {}
    for chain, action in keyed(given, "firewall.policy", "an action, or {CHAIN: ACTION}").items():
        if chain not in CHAINS:
            raise UsageError(f"firewall.policy: there is no chain {chain!r}{suggest(str(chain), CHAINS)}")
        if not isinstance(action, str) or action not in ACTION_WORDS:
            raise UsageError(f"firewall.policy: {action!r} is no action{suggest(str(action), ACTION_WORDS)}")
        found[chain] = ACTION_WORDS[action]
    return found


def read_rule(text: str, default_chain: str, interfaces: Iterable[str]) -> tuple[str, Rule]:
    """(chain, rule) of a line such as `deny tcp dport 23`. Raises UsageError."""
    return _Reader(str(text), list(interfaces)).read(default_chain)


class _Reader:
    """Reads one rule, word by word."""

    def __init__(self, text: str, interfaces: list[str]) -> None:
        self.text = text
        self.interfaces = interfaces
        self.words = text.split()
        self.action = self.chain = ""
        self.found: dict[str, Any] = {}
        self.said: dict[str, str] = {}
        """What was said already -> by which word."""

    def read(self, default_chain: str) -> tuple[str, Rule]:
        """(chain, rule)."""
        while self.words:
            self._word(self.words.pop(0))
        if not self.action:
            raise self._wrong(f"no action; begin with one of {', '.join(ACTION_WORDS)}")
        protocol = self.found.get("protocol", -1)
        with_ports = "source_ports" in self.found or "destination_ports" in self.found
        if with_ports and protocol not in (PROTOCOL_TCP, PROTOCOL_UDP):
            raise self._wrong("ports belong to tcp or udp; say which")
        if "icmp_type" in self.found:
            if protocol not in ICMP_TYPES:
                raise self._wrong("`type` belongs to icmp or icmpv6; say which")
            self.found["icmp_type"] = self._icmp_type(self.found["icmp_type"], ICMP_TYPES[protocol])
        self._settle_family(protocol)
        chain = self.chain or default_chain
        if chain == "input" and "interface_out" in self.found:
            raise self._wrong("a packet to the node itself has no `out`; leave it away")
        if chain == "output" and "interface_in" in self.found:
            raise self._wrong("a packet of the node itself has no `in`; leave it away")
        return chain, Rule(self.action, text=self.text, **self.found)

    def _settle_family(self, protocol: int) -> None:
        """The family that the prefixes speak of: one, and that of the protocol."""
        families = dict.fromkeys(
            self.found.pop(end) for end in ("from_family", "to_family") if end in self.found
        )
        families |= (
            {4: None} if protocol == PROTOCOL_ICMP else {6: None} if protocol == PROTOCOL_ICMPV6 else {}
        )
        if len(families) > 1:
            raise self._wrong("IPv4 and IPv6 in one rule, which no packet fits; write a rule for each")
        self.found["family"] = next(iter(families), 0)

    def _word(self, word: str) -> None:
        if word in ACTION_WORDS:
            self._say_once("action", word)
            self.action = ACTION_WORDS[word]
        elif word in CHAINS:
            self._say_once("chain", word)
            self.chain = word
        elif word in PROTOCOL_WORDS:
            self._say_once("protocol", word)
            self.found["protocol"] = PROTOCOL_WORDS[word]
        elif word in TAKING:
            if not self.words:
                raise self._wrong(f"nothing follows {word!r}")
            value = self.words.pop(0)
            self._say_once(word, f"{word} {value}" if word == "protocol" else word)
            self._take(word, value)
        else:
            raise self._wrong(f"unknown word {word!r}{suggest(word, WORDS)}")

    def _say_once(self, what: str, word: str) -> None:
        """A rule says each thing once: of two the second would take the place of the first unseen."""
        if what not in self.said:
            self.said[what] = word
        elif what in TAKING and what != "protocol":
            raise self._wrong(f"{what!r} twice; {LISTED.get(what, ONE_EACH)}")
        else:
            raise self._wrong(f"two {what}s, {self.said[what]} and {word}; {ONE_EACH}")

    def _take(self, word: str, value: str) -> None:
        readers: dict[str, tuple[str, Callable[[str], Any]]] = {
            "in": ("interface_in", self._interface),
            "out": ("interface_out", self._interface),
            "from": ("source", self._prefix),
            "to": ("destination", self._prefix),
            "protocol": ("protocol", lambda text: self._number(text, 255)),
            "sport": ("source_ports", self._ports),
            "dport": ("destination_ports", self._ports),
            "type": ("icmp_type", str),
            "state": ("states", self._states),
        }
        name, read = readers[word]
        self.found[name] = read(value)
        if word in ("from", "to") and value != "any":
            self.found[f"{word}_family"] = 6 if ":" in value else 4

    def _interface(self, text: str) -> str:
        if text not in self.interfaces:
            raise self._wrong(f"there is no interface {text!r}{suggest(text, self.interfaces)}")
        return text

    def _prefix(self, text: str) -> tuple[int, int]:
        if text == "any":
            return (0, 0)
        if "/" not in text:
            family, address = parse_ip(text)
            return (address, (1 << (32 if family == 4 else 128)) - 1)
        prefix = Prefix.parse(text)
        return (prefix.network, prefix.mask)

    def _number(self, text: str, most: int) -> int:
        if not is_whole(text) or int(text) > most:
            raise self._wrong(f"{text!r} is no number from 0 to {most}")
        return int(text)

    def _ports(self, text: str) -> tuple[tuple[int, int], ...]:
        ranges = []
        for part in text.split(","):
            first, dash, last = part.partition("-")
            low = self._number(first, PORT_MAX)
            high = self._number(last, PORT_MAX) if dash else low
            if high < low:
                raise self._wrong(f"the ports {part} are none; write FIRST-LAST")
            ranges.append((low, high))
        return tuple(ranges)

    def _icmp_type(self, text: str, known: Mapping[str, int]) -> int:
        return known[text] if text in known else self._number(text, 255)

    def _states(self, text: str) -> int:
        mask = 0
        for part in text.split(","):
            if part not in STATES:
                raise self._wrong(f"there is no state {part!r}{suggest(part, STATES)}")
            mask |= STATES[part]
        return mask

    def _wrong(self, why: str) -> UsageError:
        return UsageError(f"firewall rule {self.text!r}: {why}")
