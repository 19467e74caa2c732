"""`netarium schema`: the JSON schema of lab files, for editors and other tools."""

from __future__ import annotations

import json


def schema_text() -> str:
    """The schema as JSON (draft 2020-12)."""
    from netarium.lab.models import Lab

    schema = Lab.model_json_schema(by_alias=True)
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "Netarium lab file",
    }
    return json.dumps(schema, indent=2)
