"""A whole script: options of its head, then events with their times."""

from __future__ import annotations

import re
from typing import Any

from netarium.testing.packetscript import symbols
from netarium.testing.packetscript.packets import parse_packet
from netarium.testing.packetscript.scanner import Scanner
from netarium.testing.packetscript.script import Call, Code, Command, Event, NotRun, Script, Unknown, When

_NUMBER = r"\d*\.\d+|\d+(?:\.(?!\.))?"
_INTEGER = r"-?(?:0x[0-9a-fA-F]+|\d+)"


def parse(text: str) -> Script:
    """The script in `text`. ScriptError for what is no script, NotRun for notation that is not built."""
    scanner = Scanner(text)
    script = Script()
    while option := scanner.take(r"--(\w+)(?:=([^\s]*))?"):
        script.options[option[1]] = option[2] or ""
    while not scanner.at_end():
        scanner.begin()
        if scanner.sees("`") or scanner.sees("%{"):
            when = When(0, True)
        else:
            when = _parse_when(scanner)
        script.events.append(Event(scanner.line, when, _parse_what(scanner)))
    return script


def _nanoseconds(number: str) -> int:
    whole, _, fraction = number.partition(".")
    return int(whole or "0") * 1_000_000_000 + int((fraction + "0" * 9)[:9])


def _parse_when(scanner: Scanner) -> When:
    if scanner.take(r"\*"):
        return When(0, True, anytime=True)
    sign = scanner.take(r"\+\s*")
    first = scanner.want(_NUMBER, "a time such as 0, +0.1 or *")
    start_ns = _nanoseconds(first.group())
    if scanner.take(r"\.\.\.\s*\+?"):
        end = scanner.want(_NUMBER, "the end of a blocking call")
        return When(start_ns, sign is not None, _nanoseconds(end.group()), until_end=True)
    if scanner.take(r"~\s*\+?"):
        end = scanner.want(_NUMBER, "the latest time")
        return When(start_ns, sign is not None, _nanoseconds(end.group()))
    return When(start_ns, sign is not None)


def _parse_what(scanner: Scanner) -> Any:
    command = scanner.take(r"`([^`]*)`")
    if command:
        return Command(command[1].strip())
    code = scanner.take(r"%\{(.*?)\}%")
    if code:
        return Code(code[1])
    if scanner.sees("<") or scanner.sees(">"):
        return parse_packet(scanner)
    return _parse_call(scanner)


def _parse_call(scanner: Scanner) -> Call:
    name = scanner.want(r"[A-Za-z_]\w*", "a system call, a packet, `command` or %{ code }%").group()
    scanner.want(r"\(", "(")
    arguments = _parse_list(scanner, r"\)")
    scanner.want(r"=", "= and the result")
    if scanner.take(r"\?"):
        return Call(name, arguments, None)
    result = _parse_value(scanner)
    if not isinstance(result, int):
        raise scanner.error(f"a result must be a number, not {result!r}")
    error = scanner.take(r"(E[A-Z0-9]+)\b") if result == -1 else None
    scanner.take(r"\([^()\n]*\)")
    return Call(name, arguments, result, error[1] if error else "")


def _parse_list(scanner: Scanner, end: str) -> tuple[Any, ...]:
    values: list[Any] = []
    if scanner.take(end):
        return ()
    while True:
        values.append(_parse_value(scanner))
        if scanner.take(end):
            return tuple(values)
        scanner.want(",", f", or {end[-1]}")


def _parse_value(scanner: Scanner) -> Any:
    """A number, a name, a string, `...`, `[...]` as a tuple, `{a=1}` as a dict; joined by | for flags."""
    value = _parse_simple(scanner)
    while isinstance(value, int) and scanner.take(r"\|"):
        other = _parse_simple(scanner)
        if not isinstance(other, int):
            raise scanner.error("| joins numbers")
        value |= other
    return value


def _parse_simple(scanner: Scanner) -> Any:
    if scanner.take(r"\.\.\."):
        return Unknown()
    number = scanner.take(_INTEGER)
    if number:
        return int(number.group(), 0) if "x" in number.group() else int(number.group())
    text = scanner.take(r'"((?:[^"\\]|\\.)*)"')
    if text:
        return re.sub(r"\\(.)", r"\1", text[1])
    if scanner.take(r"\["):
        return _parse_list(scanner, r"\]")
    if scanner.take(r"\{"):
        return _parse_struct(scanner)
    name = scanner.want(r"[A-Za-z_]\w*", "a value").group()
    if scanner.take(r"\("):
        inner = _parse_list(scanner, r"\)")
        return inner[0] if inner else Unknown()  # htons(8080), inet_addr("...")
    value = symbols.value_of(name)
    if value is None:
        raise NotRun(scanner.line, f"the constant {name}")
    return value


def _parse_struct(scanner: Scanner) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    while not scanner.take(r"\}"):
        name = scanner.take(r"([A-Za-z_]\w*|\.[A-Za-z_]\w*)\s*=(?!=)")
        if name:
            fields[name[1].lstrip(".")] = _parse_value(scanner)
        else:
            fields[str(len(fields))] = _parse_value(scanner)
        scanner.take(r",")
    return fields
