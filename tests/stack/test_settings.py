"""The sysctl table: names, types, limits, messages."""

from __future__ import annotations

import pytest

from netarium.errors import UsageError
from netarium.stack.settings import TABLE, Settings
from netarium.stack.settings_filter import FilterSettings
from netarium.stack.settings_ip import IpSettings
from netarium.stack.settings_tcp import TcpSettings


def test_values_are_plain_attributes():
    settings = Settings({"net.ipv4.tcp_sack": 0, "net.ipv4.tcp_rmem": "4096 8192 16384"})
    assert settings.tcp_sack == 0
    assert settings.tcp_rmem == (4096, 8192, 16384)
    assert settings.neigh_base_reachable_time_ms == 30_000
    assert Settings().tcp_sack == 1, "hosts do not share values"


@pytest.mark.pure("compiled classes have no annotations")
def test_every_line_has_its_attribute_and_passes_its_own_check():
    attributes = {
        **IpSettings.__annotations__,
        **TcpSettings.__annotations__,
        **FilterSettings.__annotations__,
    }
    assert len({each.attribute for each in TABLE}) == len(TABLE) == len({each.name for each in TABLE})
    for each in TABLE:
        assert each.attribute in attributes
        assert each.checked(each.default) == each.default
    assert set(attributes) == {each.attribute for each in TABLE}
    assert dict(Settings().items())["net.ipv4.tcp_fin_timeout"] == 60


def test_text_and_slashes_are_taken_as_by_sysctl():
    settings = Settings()
    settings.set("net/ipv4/tcp_keepalive_time", "600")
    assert settings.get("net.ipv4.tcp_keepalive_time") == 600
    settings.set("net.ipv4.ip_forward", True)
    assert settings.ip_forward == 1


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("net.ipv4.tcp_sak", 1, "did you mean net.ipv4.tcp_sack?"),
        ("net.ipv4.tcp_sack", 2, "0 to 1"),
        ("net.ipv4.tcp_sack", "yes", "a whole number"),
        ("net.ipv4.tcp_sack", None, "a whole number"),
        ("net.ipv4.tcp_sack", "1 2", "a whole number"),
        ("net.ipv4.ip_default_ttl", 256, "1 to 255 hops"),
        ("net.ipv4.tcp_rmem", "1 2", "3 whole numbers"),
        ("net.ipv4.tcp_rmem", "3 2 1", "none smaller"),
        ("net.ipv4.tcp_congestion_control", "vegas", "one of reno, cubic"),
        ("!", 1, "sysctl -a"),
        ("net.ipv4.tcp_mem", "1 2 3", "memory is not accounted"),
        ("net/ipv4/tcp_ecn", 1, "there is no net.ipv4.tcp_ecn here: ECN is not built"),
    ],
)
def test_errors_say_what_would_be_right(name, value, says):
    with pytest.raises(UsageError, match="(?s)" + says.replace("?", r"\?")):
        Settings().set(name, value)


def test_what_is_absent_is_absent() -> None:
    from netarium.stack.settings import BY_NAME
    from netarium.stack.settings_absent import ABSENT

    assert not set(ABSENT) & set(BY_NAME)
    assert all(ABSENT.values())
