"""The schema of a router's `routing`: a protocol, or a mapping with its options; read by `routing`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Strict, Tag

ProtocolName = Literal["rip", "ospf"]
NetworkName = Literal["broadcast", "point-to-point"]
Whole = Annotated[int, Strict()]
Flag = Annotated[bool, Strict()]


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Listed = Annotated[list[str], BeforeValidator(_listed, json_schema_input_type=str | list[str])]


class RoutingEntry(BaseModel):
    """A routing protocol with options. Where an interface's name can stand, the others keep the default."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    protocol: ProtocolName
    router_id: str | None = Field(None, description="OSPF: 4 numbers; the largest address without it")
    cost: Whole | dict[str, Whole] | None = Field(
        None,
        description="of sending by an interface: OSPF 1 to 65535, else 100 Mbps / rate; RIP 1 to 15, else 1",
    )
    passive: Listed = Field([], description="interfaces that are announced, but where nothing is said")
    network: NetworkName | dict[str, NetworkName] | None = Field(
        None, description="OSPF: how an interface's network works; broadcast without it"
    )
    priority: Whole | dict[str, Whole] | None = Field(
        None, description="OSPF: in the election of the designated router; 1 without it, 0 for never"
    )
    hello: str | None = Field(None, description="OSPF: whole seconds between hellos; 10s without it")
    dead: str | None = Field(None, description="OSPF: a neighbor not heard for so long is dead; 4 hellos")
    default_originate: Flag = Field(False, description="tell the others of this router's default route")
    redistribute: Listed = Field([], description="tell of these routes too: connected, static, rip, ospf")
    split_horizon: Flag | Literal["poisoned"] = Field(True, description="RIP")


Routing = Annotated[
    Annotated[ProtocolName, Tag("protocol")] | Annotated[RoutingEntry, Tag("options")],
    Discriminator(lambda value: "options" if isinstance(value, dict | RoutingEntry) else "protocol"),
]
