"""The schema of a lab file: which keys there are, and what their values are.

Keys are the keyword names of the Python interface (`Net.host(address=...)`), so what stands here and what `net` takes
change together. Values are checked for shape here; what they mean together (addresses, links, names) is checked by
`topology`, for lab files and for Python alike. A key that is not built is not here.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Strict,
    Tag,
    model_validator,
)

from netarium import units
from netarium.lab.filtering.models import Balance, ClassName, FirewallEntry, NatEntry
from netarium.lab.models_routing import Routing
from netarium.lab.models_services import DhcpEntry, ServiceEntry
from netarium.lab.models_switch import SwitchKeys


def _written(value: Any) -> Any:
    """A number or boolean where text is asked for: its text as it was written."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return getattr(value, "text", value)


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _duration(value: Any) -> Any:
    return value if value is None else units.duration_ns(_written(value))


def _rate(value: Any) -> Any:
    return units.rate_bps(_written(value))


def _fraction(value: Any) -> Any:
    return units.fraction(_written(value))


def _corrupt(value: Any) -> Any:
    """`1%` is short for `{chance: 1%}`."""
    return value if value is None or isinstance(value, dict) else {"chance": value}


def _short_link(value: Any) -> Any:
    """`[a, b]` is short for `{between: [a, b]}`."""
    return {"between": value} if isinstance(value, list) else value


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


Flag = Annotated[bool, Strict()]
"""true or false; `on`, `yes` and 1 are none."""
Whole = Annotated[int, Strict()]
"""An integer written as one."""
Word = Annotated[str, BeforeValidator(_written, json_schema_input_type=str | int | float)]
"""Text; a number counts as the text it was written as."""
Duration = Annotated[int, BeforeValidator(_duration, json_schema_input_type=str)]
"""A duration such as `5ms`, `2s`, `1min`: nanoseconds inside."""
Rate = Annotated[int, BeforeValidator(_rate, json_schema_input_type=str)]
"""A rate such as `10Mbps`: bits a second inside."""
Fraction = Annotated[float, BeforeValidator(_fraction, json_schema_input_type=str | float)]
"""A probability such as `2%` or 0.02."""
Listed = Annotated[list[str], BeforeValidator(_listed, json_schema_input_type=str | list[str])]
"""One text or a list of them."""


class Route(_Model):
    """One static route: `to` a prefix (or `default`) by the next hop `via`, or out of an interface."""

    to: str
    via: str | None = None
    interface: str | None = None
    metric: Whole = 0


class AdvertiseEntry(_Model):
    """What a router advertises by an interface."""

    prefixes: Listed | None = Field(None, description="/64 prefixes; without it those of its own addresses")
    mtu: Whole | None = Field(None, description="the MTU hosts take, 1280 or more")
    dns: Listed | None = Field(None, description="DNS servers, by IPv6 address")
    lifetime: Duration | None = Field(None, description="how long it may be used as a router; 30min")
    every: Duration | None = Field(None, description="the most between two advertisements; 10min")


class _StackNode(_Model):
    """What hosts and routers share."""

    address: Listed | None = Field(
        None, description="one address with prefix, or several, of the one interface eth0"
    )
    interfaces: dict[str, Listed | None] | None = Field(
        None, description="interface name -> address or addresses"
    )
    gateway: Listed | None = Field(None, description="the default route's next hop; one of each family")
    ipv6: Flag | None = Field(
        None, description="IPv6 on every interface; without it only where an IPv6 address stands"
    )
    routes: list[Route] = []
    hosts: dict[str, str] = Field(
        {}, description="names this node knows besides the others': name -> address"
    )
    settings: dict[str, int | str] = Field({}, description="sysctls by their Linux names")
    boot: Duration | None = Field(None, description="when the node is switched on; at the start without it")
    mac: str | dict[str, str] | None = Field(None, description="the MAC of eth0, or interface name -> MAC")
    dns: Listed | None = Field(None, description="name servers of this node, by address")
    search: Listed | None = Field(None, description="domains that are tried after a short name")
    dhcp: dict[str, DhcpEntry] | None = Field(
        None, description="a DHCP server or relay: interface (or prefix, for relayed links) -> what it gives"
    )
    services: list[ServiceEntry] = Field([], description="daemons of this node")
    duplicate: Flag = Field(False, description="another node may have the same address in the same network")
    firewall: FirewallEntry | None = Field(None, description="what is let through, and what is not")

    @model_validator(mode="after")
    def _one_way_to_write_interfaces(self) -> _StackNode:
        if self.address is not None and self.interfaces is not None:
            raise ValueError(
                "`address` and `interfaces` cannot stand together; write the address under `interfaces`"
            )
        return self


class HostNode(_StackNode):
    """A computer: it runs programs."""

    kind: Literal["host"] = "host"


class RouterNode(_StackNode):
    """A computer that forwards packets between its interfaces."""

    kind: Literal["router"]
    routing: Routing | None = Field(None, description="rip or ospf, or a mapping with `protocol` and options")
    advertise: Flag | list[str] | dict[str, AdvertiseEntry | None] | None = Field(
        None, description="router advertisements: true, or the interfaces, or interface -> options"
    )
    nat: NatEntry | None = Field(None, description="address translation")
    public: Flag = Field(False, description="drops packets to private addresses, as a provider's router does")


class BalancerNode(_StackNode):
    """A layer-4 switch: one address before several servers."""

    kind: Literal["balancer"]
    balance: Balance


class HomeRouterNode(_Model):
    """Router with NAT, LAN switch and access point in one box: links end at `wan`, `lan1` and so on, or `wifi`."""

    kind: Literal["home-router"]
    lan: str = Field("192.168.1.1/24", description="its address in the LAN")
    wan: str | None = Field(None, description="its address outside, or dhcp")
    dhcp: Flag | DhcpEntry | None = Field(None, description="the leases of the LAN; false for none")
    dns: Listed | None = Field(
        None, description="whom it asks for its clients; its own lease's servers without it"
    )
    gateway: str | None = None
    routes: list[Route] = []
    hosts: dict[str, str] = {}
    settings: dict[str, int | str] = {}
    boot: Duration | None = None
    forward: dict[str, str] | None = Field(
        None, description="tcp/PORT or udp/PORT -> ADDRESS:PORT in the LAN"
    )
    redirect: dict[str, Whole] | None = None
    mapping: ClassName | None = None
    filtering: ClassName | None = None
    hairpin: Flag | None = None
    firewall: FirewallEntry | None = None


class SwitchNode(_StackNode, SwitchKeys):
    """A learning switch; what belongs to a stack, with layer 3 only."""

    kind: Literal["switch"]
    routing: Routing | None = Field(None, description="layer 3: rip or ospf, or a mapping with options")
    ageing: Duration | None = Field(
        None, description="how long a MAC stays in the table after it was last seen"
    )


class HubNode(_Model):
    """A hub: what comes in by one port goes out by all others."""

    kind: Literal["hub"]
    boot: Duration | None = None


Node = Annotated[
    HostNode | RouterNode | SwitchNode | HubNode | BalancerNode | HomeRouterNode, Field(discriminator="kind")
]


class CorruptEntry(_Model):
    """How often a bit of a frame changes, and where."""

    chance: Fraction = Field(1.0, description="of each frame; 100% without it")
    after: Literal["fcs"] | None = Field(None, description="the bit changes where no FCS covers it")


class LinkEntry(_Model):
    """A cable between two nodes, `node` or `node:interface`."""

    between: Annotated[list[Word], Field(min_length=2, max_length=2)]
    delay: Duration | None = Field(None, description="one way; 10us without it")
    jitter: Duration | None = None
    rate: Rate | None = Field(None, description="1Gbps without it")
    queue: int | str | None = Field(None, description="frames (1000 without it), or bytes as `64KiB`")
    mtu: Whole | None = Field(None, ge=68, le=65535)
    loss: Fraction | None = None
    duplicate: Fraction | None = None
    reorder: Fraction | None = None
    corrupt: Annotated[
        CorruptEntry | None,
        BeforeValidator(_corrupt, json_schema_input_type=str | float | CorruptEntry),
    ] = Field(
        None, description="bits changed on the way: the FCS tells, or with `after: fcs` the checksums above"
    )


class Listening(_Model):
    """Wait until somebody listens (TCP) or is bound (UDP) there."""

    listening: Word = Field(description="NODE:PORT")


After = Annotated[
    Annotated[Word, Tag("program")] | Annotated[Listening, Tag("condition")],
    Discriminator(lambda value: "condition" if isinstance(value, (dict, Listening)) else "program"),
]


class ProgramEntry(_Model):
    """A program on a node."""

    on: Word
    run: str = Field(
        description="a command line: a script beside the lab file, `python -m module`, or a tool"
    )
    at: Duration | None = Field(None, description="counted from the start of the run")
    after: After | None = Field(
        None, description="a program that must have ended, dhcp, or {listening: NODE:PORT}"
    )
    stdin: Annotated[list[Word], BeforeValidator(_listed)] | None = Field(None, description="the lines typed")
    env: dict[str, Word] = {}
    as_: Literal["user", "root"] = Field("user", alias="as")
    daemon: Flag = False
    dir: str | None = None


class FrameMatch(_Model):
    """Which frames: `{tcp: syn+ack}`, `{udp: 53}`, `{icmp: echo-request}`, `{arp: request}`."""

    tcp: Word | None = None
    udp: Word | None = None
    icmp: Word | None = None
    arp: Word | None = None

    @model_validator(mode="after")
    def _one(self) -> FrameMatch:
        if sum(value is not None for value in (self.tcp, self.udp, self.icmp, self.arp)) != 1:
            raise ValueError("name one protocol: tcp, udp, icmp or arp")
        return self


class FaultEntry(_Model):
    """One fault: something that happens at a time, or a rule that takes frames."""

    at: Duration | None = None
    for_: Duration | None = Field(None, alias="for", description="undone after this long")
    cut: Annotated[list[Word], Field(min_length=2, max_length=2)] | None = None
    heal: Annotated[list[Word], Field(min_length=2, max_length=2)] | None = None
    crash: Word | None = None
    boot: Word | None = None
    drop: FrameMatch | None = None
    from_: Word | None = Field(None, alias="from", description="the node that sends the frame")
    nth: Whole | None = Field(None, ge=1, description="only the nth frame that matches, from 1")

    @model_validator(mode="after")
    def _one_action(self) -> FaultEntry:
        given = [name for name in ("cut", "heal", "crash", "boot", "drop") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError("a fault has one of `cut`, `heal`, `crash`, `boot`, `drop`")
        if self.drop is None:
            if self.at is None:
                raise ValueError(f"`{given[0]}` needs `at`: when it happens")
            if self.from_ is not None or self.nth is not None:
                raise ValueError("`from` and `nth` belong to `drop`")
            if self.for_ is not None and given[0] not in ("cut", "crash"):
                raise ValueError(f"`for` belongs to `cut` and `crash`, not to `{given[0]}`")
        return self


class Lab(_Model):
    """A whole lab file."""

    name: str | None = None
    seed: Whole = 0
    names: Flag = Field(True, description="every host knows the others by name, as from /etc/hosts")
    nodes: dict[str, Node]
    links: list[
        Annotated[LinkEntry, BeforeValidator(_short_link, json_schema_input_type=LinkEntry | list[str])]
    ] = []
    programs: list[ProgramEntry] = []
    faults: list[FaultEntry] = []
