"""Two engines that answer any policy give the same answers as the compiled masks: Cedar and Rego."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from bench import decision as bench
from tests.use.company import found_company
from troth.use import standing

QUESTIONS = 100_000 if os.environ.get("SOAK") == "true" else 2_000


def test_cedar_and_rego_answer_as_the_masks_do(tmp_path: Path) -> None:
    pytest.importorskip("cedarpy", reason="missing: cedarpy")
    pytest.importorskip("regopy", reason="missing: regopy")
    chance = random.Random(11)
    with found_company(tmp_path, policy=bench.policy_text(chance)) as company:
        troth = company.troth
        troth.register_many({"id": str(n)} for n in range(bench.PEOPLE))
        for purpose in ("marketing", "analytics", "news", "surveys"):
            some = chance.sample(range(bench.PEOPLE), bench.PEOPLE // 2)
            troth.give_consents((f"id={n}", purpose, None) for n in some)
            troth.withdraw_consents((f"id={n}", purpose, None) for n in some[::7])
        for n in chance.sample(range(bench.PEOPLE), 30):
            troth.object_to(f"id={n}", "*")
            troth.restrict(f"id={n + 1 if n + 1 < bench.PEOPLE else 0}")
        compiled = company.office.compiled
        with company.office.store.reading() as tx:
            numbers = list(standing.find_many(tx, company.office.keyring, [f"id={n}" for n in range(bench.PEOPLE)]))
            found = standing.load_words(tx, compiled)
        words = {f"id={n}": found[number] for n, number in enumerate(numbers) if number is not None}
        masks = {key: (mask, required) for key, (mask, required, _, _) in compiled.table.items()}

        assert bench.agree(troth.may, words, masks, QUESTIONS) == "cedarpy, regopy"
