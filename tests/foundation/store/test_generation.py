from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

from troth.foundation.store.generation import Generation

ADVANCE = """
import sys, pathlib
from troth.foundation.store.generation import Generation
with Generation(pathlib.Path(sys.argv[1])) as generation:
    for _ in range(2000):
        generation.advance()
"""


def test_a_move_in_one_place_is_seen_in_every_other(tmp_path: Path) -> None:
    with Generation(tmp_path / "g") as one, Generation(tmp_path / "g") as other:
        before = other.value
        assert one.advance() == before + 1
        assert other.value == before + 1


def test_no_move_is_lost_between_processes_and_threads(tmp_path: Path) -> None:
    path = tmp_path / "g"
    with Generation(path) as here:
        others = [subprocess.Popen([sys.executable, "-c", ADVANCE, str(path)]) for _ in range(2)]
        threads = [threading.Thread(target=lambda: [here.advance() for _ in range(1000)]) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [other.wait(30) for other in others] == [0, 0]
        assert here.value == 6000


def test_the_number_outlives_the_process(tmp_path: Path) -> None:
    with Generation(tmp_path / "g") as first:
        first.advance()
    with Generation(tmp_path / "g") as again:
        assert again.value == 1
    assert (tmp_path / "g").stat().st_mode & 0o777 == 0o600


def test_closing_twice_is_harmless(tmp_path: Path) -> None:
    generation = Generation(tmp_path / "g")
    generation.close()
    generation.close()
