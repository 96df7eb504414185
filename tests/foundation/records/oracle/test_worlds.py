"""The engine's copies and erasures beside what the map says should come of them, in worlds that nobody thought of.

A difference is told with its seed: `world_of(seed)` makes the world again, and `shrinking.shrink` makes it small. With
`SOAK=true` there are many more of them.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.foundation.records.erasing.company import ENGINES, new_url
from tests.foundation.records.oracle import worlds
from tests.foundation.records.oracle.making import world_of
from tests.foundation.records.oracle.trying import Trial, people_of
from tests.servers import emptied

SOAK = os.environ.get("SOAK") == "true"
SEEDS = {
    "sqlite": range(2000 if SOAK else 20),
    "postgresql": range(500 if SOAK else 4),
    "mariadb": range(500 if SOAK else 4),
}


@pytest.mark.parametrize("engine", ENGINES)
def test_what_is_copied_and_what_is_left_is_what_the_map_says(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    url = new_url(request, tmp_path, engine)
    erased = 0
    for seed in SEEDS[engine]:
        for people in people_of(world_of(seed), seed):
            if engine == "sqlite":
                (tmp_path / "company.db").unlink()
                (tmp_path / "company.db").touch()
            else:
                emptied(url)
            world = world_of(seed)

            tried = Trial(world, url, many=seed % 4 == 1).run(people)

            assert tried.wrong == [], f"seed {seed}, {people}:\n{worlds.shown(world)}"
            erased += tried.what["erased"]
    assert erased * 2 > len(SEEDS[engine]), "most is refused, and nothing was compared"
