"""Architectural constants (RFC 2328, appendix B), states (9.1, 10.1) and FRR's defaults where the RFC leaves them."""

from __future__ import annotations

from typing import Final

from netarium.services.routing.alarms import SECOND_NS

LS_REFRESH_NS: Final = 1800 * SECOND_NS
MIN_LS_INTERVAL_NS: Final = 5 * SECOND_NS
MIN_LS_ARRIVAL_NS: Final = 1 * SECOND_NS
RETRANSMIT_NS: Final = 5 * SECOND_NS
"""RxmtInterval, appendix C.3's sample value and FRR's."""
TRANSMIT_DELAY_S: Final = 1
"""InfTransDelay."""
DELAYED_ACK_NS: Final = 1 * SECOND_NS
"""FRR OSPF_ACK delay; the RFC asks only for less than RxmtInterval (13.5)."""
SPF_DELAY_NS: Final = 0
SPF_HOLD_NS: Final = 50_000_000
SPF_HOLD_MAX_NS: Final = 5 * SECOND_NS
"""FRR `timers throttle spf 0 50 5000`."""
PRECEDENCE: Final = 0xC0
"""IP precedence internetwork control (4.3)."""
PACKET_OVERHEAD_BYTES: Final = 44
"""IP and OSPF headers."""
EXTERNAL_METRIC: Final = 20
DEFAULT_METRIC: Final = 10
"""FRR: what redistributed routes, and the default route, cost beyond their AS boundary router (type 2)."""

# Interface states (9.1).
DOWN: Final = "Down"
WAITING: Final = "Waiting"
POINT_TO_POINT: Final = "Point-to-point"
DR_OTHER: Final = "DROther"
BACKUP: Final = "Backup"
DR: Final = "DR"

# Neighbor states (10.1), in order.
N_DOWN: Final = 0
N_INIT: Final = 1
N_TWO_WAY: Final = 2
N_EXSTART: Final = 3
N_EXCHANGE: Final = 4
N_LOADING: Final = 5
N_FULL: Final = 6
STATE_NAMES: Final = ("Down", "Init", "2-Way", "ExStart", "Exchange", "Loading", "Full")
