"""dig: ask a name server, with the output of BIND's dig.

    dig [@SERVER] [-p PORT] [-t TYPE] [-x ADDRESS] NAME [TYPE] [+short] [+trace] [+norecurse] [+tcp] [+noall] ...

Exit code 0 for any answer, 9 when no server answered, 2 for wrong arguments.
"""

from __future__ import annotations

import ipaddress
import sys
import time
from dataclasses import dataclass, field
from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from netarium.tools.dns_query import (
    Asked,
    Question,
    address_of,
    ask,
    configured_servers,
    question_line,
    read_kind,
    record_lines,
)
from netarium.units import is_whole

USAGE = """Usage: dig [@server] [-p port] [-t type] [-x address] name [type] [+option ...]
  +short  +trace  +[no]recurse  +[no]tcp  +[no]edns  +bufsize=N  +[no]ignore  +time=S  +tries=N
  +[no]all  +[no]cmd  +[no]comments  +[no]question  +[no]answer  +[no]authority  +[no]additional  +[no]stats
"""
SECTIONS = ("cmd", "comments", "question", "answer", "authority", "additional", "stats")
TRACE_STEPS_MAX = 30
NO_SERVER = 9
NO_ADDRESS = 1
"""Exit codes when nobody answered, and when the name after @ has no address, as those of BIND 9.18."""


class UsageError(Exception):
    """A command line that cannot be."""


@dataclass
class Options:
    """The command line, read."""

    name: str = "."
    kind: dns.rdatatype.RdataType = dns.rdatatype.A
    server: str = ""
    port: int = 53
    short: bool = False
    trace: bool = False
    recurse: bool = True
    tcp: bool = False
    ignore: bool = False
    bufsize: int = 1232
    time: float = 5.0
    tries: int = 3
    shown: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(SECTIONS, True))

    def question(self, **changes: Any) -> Question:
        """What is to be asked."""
        asked = Question(
            dns.name.from_text(self.name), self.kind, self.recurse, self.bufsize, self.tcp, self.ignore,
            self.time, self.tries, self.port,
        )  # fmt: skip
        return asked._replace(**changes)


def read_arguments(arguments: list[str]) -> Options:
    """The command line. Raises UsageError."""
    options = Options()
    words = list(arguments)
    given_name = given_kind = False
    while words:
        word = words.pop(0)
        if word.startswith("@"):
            options.server = word[1:]
        elif word.startswith("+"):
            _read_plus(options, word[1:])
        elif word in ("-p", "-t", "-x"):
            if not words:
                raise UsageError(f"{word} needs a value")
            given_name = _read_dash(options, word, words.pop(0)) or given_name
            given_kind = given_kind or word != "-p"
        elif word.startswith("-") and len(word) > 1:
            raise UsageError(f"invalid option: {word}")
        elif word.upper() == "IN" and given_name:
            continue
        elif not given_kind and read_kind(word) is not None and (given_name or "." not in word):
            options.kind, given_kind = read_kind(word) or options.kind, True
        elif given_name:
            raise UsageError(f"unexpected argument: {word}")
        else:
            options.name, given_name = word, True
    if not given_name and not given_kind:
        options.kind = dns.rdatatype.NS  # dig alone asks for the root servers
    try:
        dns.name.from_text(options.name)
    except (dns.exception.DNSException, UnicodeError) as error:
        raise UsageError(f"'{options.name}' is not a legal name ({error})") from None
    return options


def _read_dash(options: Options, word: str, value: str) -> bool:
    """-p, -t, -x; whether it gave the name."""
    if word == "-p":
        if not is_whole(value) or not 0 < int(value) < 65536:
            raise UsageError(f"invalid port: {value}")
        options.port = int(value)
    elif word == "-t":
        kind = read_kind(value)
        if kind is None:
            raise UsageError(f"invalid type: {value}")
        options.kind = kind
    else:
        try:
            options.name = ipaddress.ip_address(value).reverse_pointer + "."
        except ValueError:
            raise UsageError(f"invalid address: {value}") from None
        options.kind = dns.rdatatype.PTR
        return True
    return False


def _read_plus(options: Options, text: str) -> None:
    name, _, value = text.partition("=")
    on = not name.startswith("no")
    bare = name if on else name[2:]
    if bare in SECTIONS:
        options.shown[bare] = on
    elif bare == "all":
        options.shown = dict.fromkeys(SECTIONS, on)
    elif bare in ("short", "trace", "ignore"):
        setattr(options, bare, on)
    elif bare in ("recurse", "rec"):
        options.recurse = on
    elif bare in ("tcp", "vc"):
        options.tcp = on
    elif bare == "edns":
        options.bufsize = 1232 if on else 0
    elif bare in ("time", "tries", "bufsize") and is_whole(value):
        setattr(options, bare, int(value))
    else:
        raise UsageError(f"Invalid option: +{text}")


def flags_text(message: dns.message.Message) -> str:
    """`qr rd ra`, in dig's order."""
    order = ("QR", "AA", "TC", "RD", "RA", "AD", "CD")
    return " ".join(each.lower() for each in order if message.flags & dns.flags.Flag[each])


def print_answer(asked: Asked, server: str, options: Options) -> None:
    """The whole answer, as far as it is to be shown."""
    message, shown = asked.message, options.shown
    if shown["comments"]:
        counts = [len(message.question), *(_count(each) for each in message.sections[1:])]
        counts[3] += message.edns >= 0
        print(";; Got answer:")
        print(
            f";; ->>HEADER<<- opcode: {dns.opcode.to_text(message.opcode())}, "
            f"status: {dns.rcode.to_text(message.rcode())}, id: {message.id}"
        )
        print(
            f";; flags: {flags_text(message)}; QUERY: {counts[0]}, ANSWER: {counts[1]}, "
            f"AUTHORITY: {counts[2]}, ADDITIONAL: {counts[3]}"
        )
        if options.recurse and not message.flags & dns.flags.Flag.RA:
            print(";; WARNING: recursion requested but not available")
        print()
        if message.edns >= 0:
            print(f";; OPT PSEUDOSECTION:\n; EDNS: version: {message.edns}, flags:; udp: {message.payload}")
    if shown["question"] and message.question:
        _title(shown, "QUESTION")
        print(question_line(message.question[0]) + "\n")
    for name, section in zip(("answer", "authority", "additional"), message.sections[1:], strict=True):
        if shown[name] and section:
            _title(shown, name.upper())
            end = "\n\n" if shown["comments"] else "\n"
            print("\n".join(line for rrset in section for line in record_lines(rrset)), end=end)
    if shown["stats"]:
        _statistics(asked, server, options)


def _count(section: list[dns.rrset.RRset]) -> int:
    return sum(len(rrset) for rrset in section)


def _title(shown: dict[str, bool], name: str) -> None:
    if shown["comments"]:
        print(f";; {name} SECTION:")


def _statistics(asked: Asked, server: str, options: Options) -> None:
    print(f";; Query time: {asked.elapsed_ms} msec")
    name = options.server or server
    print(f";; SERVER: {server}#{options.port}({name}) ({'TCP' if asked.by_tcp else 'UDP'})")
    print(f";; WHEN: {time.strftime('%a %b %d %H:%M:%S UTC %Y', time.gmtime())}")
    print(f";; MSG SIZE  rcvd: {asked.size_bytes}\n")


def run(options: Options, arguments: list[str]) -> int:
    """Ask, and print; the exit code."""
    servers = [options.server] if options.server else configured_servers()
    if options.trace:
        _print_banner(options, arguments)
    for server in servers:
        try:
            address = address_of(server)
        except OSError as error:
            print(f"dig: couldn't get address for '{server}': {error.strerror}", file=sys.stderr)
            return NO_ADDRESS
        if options.trace:
            return trace(address, options)
        question = options.question()
        asked = ask(address, question._replace(tcp=question.tcp or question.kind == dns.rdatatype.ANY), print)
        if asked is not None:
            _print_banner(options, arguments)
            if question.kind == dns.rdatatype.AXFR and asked.message.rcode() != dns.rcode.NOERROR:
                print("; Transfer failed.")
            elif options.short:
                print(
                    "".join(f"{each.to_text()}\n" for rrset in asked.message.answer for each in rrset), end=""
                )
            else:
                print_answer(asked, address, options)
            return 0
    _print_banner(options, arguments)
    print(";; no servers could be reached")
    return NO_SERVER


def _print_banner(options: Options, arguments: list[str]) -> None:
    if options.shown["cmd"] and not options.short:
        found = "; (1 server found)\n" if options.server else ""
        print(f"\n; <<>> DiG netarium <<>> {' '.join(arguments)}\n{found};; global options: +cmd")


def trace(local: str, options: Options) -> int:
    """From the roots, as the local server knows them, down to the answer."""
    asked = ask(local, options.question(name=dns.name.root, kind=dns.rdatatype.NS))
    if asked is None:
        print(";; no servers could be reached")
        return NO_SERVER
    section, server, name = asked.message.answer, local, local
    for _ in range(TRACE_STEPS_MAX):
        lines = [line for rrset in section for line in record_lines(rrset)]
        print("\n".join(lines))
        print(
            f";; Received {asked.size_bytes} bytes from {server}#{options.port}({name}) in {asked.elapsed_ms} ms\n"
        )
        servers = [rrset for rrset in section if rrset.rdtype == dns.rdatatype.NS]
        if (asked.message.answer and server != local) or not servers:
            return 0
        following = _ask_any(servers[0], asked.message, local, options)
        if following is None:
            print(";; no servers could be reached")
            return NO_SERVER
        asked, server, name = following
        section = asked.message.answer or asked.message.authority
    print(";; too many referrals")
    return NO_SERVER


def _ask_any(
    servers: dns.rrset.RRset, message: dns.message.Message, local: str, options: Options
) -> tuple[Asked, str, str] | None:
    """(answer, address, name) of the first of these servers that answers."""
    for each in servers:
        glue = [rrset for rrset in message.additional if rrset.name == each.target]
        if not glue:
            looked_up = ask(local, Question(each.target, dns.rdatatype.A, timeout_s=options.time))
            glue = looked_up.message.answer if looked_up is not None else []
        for rrset in glue:
            if rrset.rdtype != dns.rdatatype.A:
                continue
            asked = ask(rrset[0].address, options.question(recursion=False))
            if asked is not None:
                return asked, rrset[0].address, each.target.to_text(omit_final_dot=True)
    return None


def main(arguments: list[str]) -> int:
    """Run dig; the exit code."""
    if arguments in (["-h"], ["--help"]):
        print(USAGE, end="")
        return 0
    try:
        options = read_arguments(arguments)
    except UsageError as error:
        print(f"dig: {error}\n{USAGE}", end="", file=sys.stderr)
        return 2
    return run(options, arguments)
