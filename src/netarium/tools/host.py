"""host: look up a name or an address, with the output of BIND's host.

    host [-t TYPE] NAME|ADDRESS [SERVER]

Exit code 0 when there is such a name, 1 when not or nobody answered, 2 for wrong arguments.
"""

from __future__ import annotations

import argparse
import ipaddress
import sys

import dns.exception
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype

from netarium.names import resolver as names
from netarium.tools.dns_query import Question, address_of, ask, configured_servers, read_kind

ADDRESS_KINDS = (dns.rdatatype.A, dns.rdatatype.AAAA, dns.rdatatype.MX)
TEXTS = {
    dns.rdatatype.A: "has address",
    dns.rdatatype.AAAA: "has IPv6 address",
    dns.rdatatype.CNAME: "is an alias for",
    dns.rdatatype.MX: "mail is handled by",
    dns.rdatatype.NS: "name server",
    dns.rdatatype.PTR: "domain name pointer",
    dns.rdatatype.TXT: "descriptive text",
}


TRIES = 2


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="host", description="Look up a name or an address.")
    parser.add_argument("-t", dest="kind", default="", metavar="TYPE", help="the type of the records")
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("server", metavar="SERVER", nargs="?", default="")
    chosen = parser.parse_args(arguments)
    if chosen.kind and read_kind(chosen.kind) is None:
        parser.error(f"invalid type: {chosen.kind}")
    return chosen


def candidates(name: str) -> list[str]:
    """The absolute names to try: an address' reverse name, else those of the search list."""
    try:
        return [ipaddress.ip_address(name).reverse_pointer + "."]
    except ValueError:
        stub = names.here().stub
        return stub.configuration.candidates(name) if stub is not None else [name.rstrip(".") + "."]


def look_up(name: str, kinds: list[dns.rdatatype.RdataType], servers: list[str], heading: list[str]) -> int:
    """Ask for every type; the worst rcode, or -1 when nobody answered."""
    seen: list[str] = []
    for kind in kinds:
        asked = None
        for server in servers:
            asked = ask(server, Question(dns.name.from_text(name), kind, edns_bytes=0, tries=TRIES), print)
            if asked is not None:
                while heading:
                    print(heading.pop(0))
                break
        if asked is None:
            return -1
        if asked.message.rcode() != dns.rcode.NOERROR:
            return int(asked.message.rcode())
        lines = told(asked.message)
        if not lines and len(kinds) == 1:
            print(f"{name.rstrip('.')} has no {dns.rdatatype.to_text(kind)} record")
        for line in lines:
            if line not in seen:
                print(line)
                seen.append(line)
    return 0


def told(message: dns.message.Message) -> list[str]:
    """The answer's records, in words."""
    lines = []
    for rrset in message.answer:
        words = TEXTS.get(rrset.rdtype, f"has {dns.rdatatype.to_text(rrset.rdtype)} record")
        owner = rrset.name.to_text(omit_final_dot=True)
        lines += [f"{owner} {words} {each.to_text()}" for each in rrset]
    return lines


def main(arguments: list[str]) -> int:
    """Run host; the exit code."""
    chosen = read_arguments(arguments)
    try:
        servers = [address_of(chosen.server)] if chosen.server else configured_servers()
        wanted = candidates(chosen.name)
        for each in wanted:
            dns.name.from_text(each)
    except OSError as error:
        print(f"host: couldn't get address for '{chosen.server}': {error.strerror}", file=sys.stderr)
        return 1
    except (dns.exception.DNSException, UnicodeError) as error:
        print(f"host: '{chosen.name}' is not a legal name ({error})", file=sys.stderr)
        return 2
    kind = read_kind(chosen.kind) if chosen.kind else None
    kinds = list(ADDRESS_KINDS) if kind is None else [kind]
    if wanted[0].endswith(".arpa.") and not chosen.kind:
        kinds = [dns.rdatatype.PTR]
    heading: list[str] = []
    if chosen.server:
        heading = [
            "Using domain server:",
            f"Name: {chosen.server}",
            f"Address: {servers[0]}#53",
            "Aliases: ",
            "",
        ]
    code = 0
    for each in wanted:
        code = look_up(each, kinds, servers, heading)
        if code != dns.rcode.NXDOMAIN:
            break
    if code < 0:
        print(";; no servers could be reached")
    elif code:
        print(f"Host {wanted[0].rstrip('.')} not found: {code}({dns.rcode.to_text(dns.rcode.Rcode(code))})")
    return 1 if code else 0
