"""For all tests: hypothesis judges what is true, never how fast the machine is today."""

from hypothesis import HealthCheck, settings

settings.register_profile("netarium", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("netarium")
