"""The schema of a switch's ports and VLANs; what the values mean is read by `switches`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, Strict

Whole = Annotated[int, Strict()]
Flag = Annotated[bool, Strict()]


class PortEntry(BaseModel):
    """One port of a switch: access port of a `vlan`, or `trunk`; without either in VLAN 1, where others have VLANs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    vlan: Whole | None = Field(
        None, description="access port: the VLAN whose frames pass it untagged, 1 to 4094"
    )
    trunk: list[Whole] | None = Field(None, description="the VLANs whose frames pass it with an 802.1Q tag")
    native: Whole | None = Field(None, description="trunk: the VLAN of untagged frames; none without it")
    mac_limit: Whole | None = Field(None, ge=0, description="how many MAC addresses are learnt here at most")
    edge: Flag | None = Field(None, description="spanning tree: no switch is behind it, it forwards at once")
    cost: Whole | None = Field(
        None, ge=1, le=200_000_000, description="spanning tree: by the rate without it"
    )
    priority: Whole | None = Field(None, description="spanning tree: 0 to 240 in steps of 16; 128 without it")


class SwitchKeys(BaseModel):
    """What switches have of their own."""

    layer: Literal[2, 3] = Field(2, description="3: VLANs are joined by a router inside")
    ports: dict[str, PortEntry | None] | None = Field(
        None,
        description="port name -> what passes it; a switch of layer 2 none of whose ports has `vlan` or `trunk` knows "
        "no VLANs: it passes frames on with their tags as they are, and hosts drop tagged ones",
    )
    spanning_tree: Literal["stp", "rstp"] | None = Field(
        None,
        description="802.1D or 802.1w; a port to a host forwards after 30 s (stp) or 3 s (rstp), at once with `edge`",
    )
    priority: Whole | None = Field(
        None, description="spanning tree: 0 to 61440 in steps of 4096; 32768 without it"
    )
    mac_limit: Whole | None = Field(None, ge=0, description="how many MAC addresses are learnt at most; 8192")
