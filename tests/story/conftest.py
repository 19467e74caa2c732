"""Each of the runs of `stories` is made once for all tests that look at it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.story.stories import Recorded, record


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Recorded]:
    folder = tmp_path_factory.mktemp("stories")
    made: dict[str, Recorded] = {}

    def of(name: str) -> Recorded:
        if name not in made:
            made[name] = record(name, folder)
        return made[name]

    return of
