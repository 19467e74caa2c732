"""The schema of `nat`, `firewall` and `balance`: shapes; what they mean is read by `nat`, `firewall` and `balance`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, Strict

Flag = Annotated[bool, Strict()]
Whole = Annotated[int, Strict()]
ClassName = Literal["endpoint-independent", "address-dependent", "address-and-port-dependent"]
Action = Literal["accept", "allow", "drop", "deny", "reject"]
ChainName = Literal["input", "forward", "output"]


def _text(value: Any) -> Any:
    return getattr(value, "text", value)


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _servers(value: Any) -> Any:
    return {"servers": value} if isinstance(value, (str, list)) else value


Word = Annotated[str, BeforeValidator(_text, json_schema_input_type=str | int)]
Listed = Annotated[list[str], BeforeValidator(_listed, json_schema_input_type=str | list[str])]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NatEntry(_Model):
    """Translation between the hosts inside and the world outside (RFC 3022)."""

    outside: str | None = Field(None, description="the interface to the world")
    inside: Listed | None = Field(
        None, description="interfaces whose hosts are hidden; all others without it"
    )
    source: str | None = Field(None, description="masquerade (without it), none, or an address")
    pool: Listed | None = Field(
        None, description="addresses or FIRST-LAST, lent one to one; instead of a source"
    )
    static: dict[str, str] | None = Field(None, description="inside address -> outside address")
    forward: dict[str, str] | None = Field(None, description="tcp/PORT or udp/PORT -> ADDRESS:PORT inside")
    redirect: dict[str, Whole] | None = Field(
        None, description="tcp/PORT or udp/PORT -> port of the node itself"
    )
    mapping: ClassName | None = Field(None, description="RFC 4787 4.1; Linux' way without it and `filtering`")
    filtering: ClassName | None = Field(None, description="RFC 4787 5")
    ports: Word | None = Field(None, description="FIRST-LAST: the outside ports to take")
    hairpin: Flag | None = Field(
        None, description="inside hosts reach each other by the outside address; true"
    )


class FirewallEntry(_Model):
    """Rules in order, the first that fits decides."""

    policy: Action | dict[ChainName, Action] | None = Field(
        None, description="where no rule fits; accept without it"
    )
    rules: list[str] | None = Field(None, description="such as `deny tcp dport 23`")


class CheckEntry(_Model):
    """How servers are checked."""

    interval: str | None = None
    timeout: str | None = None
    fails: Whole | None = None
    passes: Whole | None = None


class BalanceEntry(_Model):
    """One address before several servers."""

    servers: Listed
    backup: Listed | None = Field(None, description="used while no other server lives")
    method: Literal["random", "round-robin", "least-connections"] | None = None
    sticky: str | None = Field(None, description="how long a client comes back to its server, such as 5min")
    source: Literal["keep", "masquerade"] | None = None
    check: Flag | CheckEntry | None = None
    address: str | None = Field(None, description="one of the node's addresses; all without it")


Balance = dict[
    str,
    Annotated[BalanceEntry, BeforeValidator(_servers, json_schema_input_type=str | list[str] | BalanceEntry)],
]
"""tcp/PORT or udp/PORT -> servers."""

ENTRIES: dict[str, type[BaseModel]] = {"nat": NatEntry, "firewall": FirewallEntry, "balance": BalanceEntry}
"""For help with unknown keys."""
