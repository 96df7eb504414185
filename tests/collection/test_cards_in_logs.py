"""1.1c in log files: every line is searched, and what was found is told by name and count."""

from __future__ import annotations

from tests.policies import said
from tests.shopworld import World, own_verdict
from troth.collection.checks import logged
from troth.foundation.proof import SentenceReport, run_checks
from troth.policy.settings import Settings

CARD = "4242 4242 4242 4242"


def judged(world: World, *logs: str) -> SentenceReport:
    with world.seen() as seen:
        seen.settings = Settings.model_validate({"protection": {"logs": list(logs)}})
        return run_checks(seen.policy, [logged.card_in_a_log], seen).of("1.1c")


def test_logs_without_a_card_are_kept(world: World) -> None:
    (world.folder / "shop.log").write_text("order 4242424242424241 paid\n" * 20_000)
    (world.folder / "mail.log").write_text("\n")

    found = judged(world, "*.log")

    assert own_verdict(found) == "kept"
    assert "2 log files searched, no card number" in said(found)


def test_a_card_in_the_last_of_many_lines_breaks_the_sentence_and_is_not_told(world: World) -> None:
    (world.folder / "shop.log").write_text("nothing\n" * 20_000 + f"paid with {CARD}\n")

    found = judged(world, "*.log")

    assert own_verdict(found) == "broken"
    assert "shop.log: the number of a payment card stands in 1 line" in said(found)
    assert "4242" not in said(found)


def test_a_pattern_that_names_nothing_proves_nothing(world: World) -> None:
    assert own_verdict(judged(world, "logs/*.log")) == "unproven"


def test_without_the_setting_nothing_is_said(world: World) -> None:
    found = judged(world)

    assert (found.evidence, found.findings) == ((), ())
