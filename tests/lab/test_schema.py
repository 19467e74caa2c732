"""Keys in the lab are keyword names in Python, and the published schema knows exactly those keys."""

import inspect
import json

from netarium.cli.schema import schema_text
from netarium.lab import building, links, models, models_switch, switches
from netarium.lab.boxes import Host
from netarium.lab.net import Net


def keys(model):
    return {field.alias or name for name, field in model.model_fields.items()}


def test_keys_of_computers_are_the_keywords_of_host_and_router():
    common = set(building.KEYWORDS) - {"link"}
    assert keys(models.HostNode) - {"kind"} == common
    assert keys(models.RouterNode) - {"kind"} >= common | set(building.MORE_KEYWORDS["router"])


def test_keys_of_switches_and_hubs_are_the_keywords_of_switch_and_hub():
    stack = keys(models.HostNode) - {"kind"}  # with layer 3
    assert keys(models.SwitchNode) - {"kind"} == set(switches.OWN_KEYWORDS) | stack
    assert keys(models_switch.PortEntry) == set(switches.PORT_KEYWORDS)
    assert keys(models.HubNode) - {"kind"} == set(inspect.signature(Net.hub).parameters) - {"self", "name"}


def test_keys_of_links_are_the_options_of_link():
    assert keys(models.LinkEntry) - {"between"} == set(links.OPTIONS)


def test_keys_of_programs_are_the_keywords_of_run():
    keywords = set(inspect.signature(Host.run).parameters)
    renamed = {"on": "self", "run": "program", "as": "root", "dir": "directory"}
    assert {renamed.get(key, key) for key in keys(models.ProgramEntry)} <= keywords


def test_the_schema_is_json_and_closed():
    schema = json.loads(schema_text())
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["additionalProperties"] is False
    assert set(schema["properties"]) == keys(models.Lab)
    assert set(schema["$defs"]["ProgramEntry"]["properties"]) == keys(models.ProgramEntry)
    assert {"type": "array"}.items() <= schema["properties"]["links"].items()
