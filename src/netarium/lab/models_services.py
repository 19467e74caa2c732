"""The schema of a node's `dhcp` and `services`; what the values mean is read by `services`."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, Strict


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _written(value: Any) -> Any:
    return getattr(value, "text", value)


Flag = Annotated[bool, Strict()]
Listed = Annotated[list[str], BeforeValidator(_listed, json_schema_input_type=str | list[str])]
Duration = Annotated[str, BeforeValidator(_written, json_schema_input_type=str)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DhcpEntry(_Model):
    """What a DHCP server gives on one link, or where a relay carries requests."""

    range: Listed | None = Field(None, description="FIRST-LAST, or several")
    reservations: dict[str, str] | None = Field(None, description="MAC -> the address it always gets")
    lease: Duration | None = Field(None, description="how long an address is lent; 12h without it")
    gateway: str | None = Field(None, description="the clients' default route; this node without it")
    dns: Listed | None = Field(None, description="the clients' name servers")
    domain: str | None = Field(None, description="the clients' domain, which they search")
    relay: Listed | None = Field(None, description="servers elsewhere; then nothing else stands here")


class DnsEntry(_Model):
    """A name server: authoritative, recursive, or forwarding."""

    zones: dict[str, str] | None = Field(None, description="origin -> the zone's text (RFC 1035)")
    recursive: Flag | None = Field(None, description="whether it resolves other names for its clients")
    roots: Listed | None = Field(None, description="addresses of root servers, for recursion")
    forwarders: Listed | None = Field(None, description="name servers that are asked instead of the roots")


class ServiceEntry(_Model):
    """One service of a node."""

    dns: DnsEntry
