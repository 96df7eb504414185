from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from troth.rights.tombstones import Facts, Standing, judge

ERASED = datetime(2026, 5, 1, tzinfo=UTC)
BEFORE, AFTER = ERASED - timedelta(days=1), ERASED + timedelta(seconds=1)

RULES = [
    (Facts(key=True, identifier=True, made=BEFORE), Standing.BACK),
    (Facts(key=True, identifier=True, made=None), Standing.BACK),
    (Facts(key=True, identifier=True, made=AFTER), Standing.NEWCOMER),
    (Facts(key=True, identifier=False, made=BEFORE), Standing.BACK),
    (Facts(key=True, identifier=False, made=None), Standing.UNCLEAR),
    (Facts(key=True, identifier=False, made=None, only_key=True), Standing.BACK),
    (Facts(key=True, identifier=False, made=AFTER), Standing.NEWCOMER),
    (Facts(key=False, identifier=True, made=BEFORE), Standing.BACK),
    (Facts(key=False, identifier=True, made=None), Standing.NEWCOMER),
    (Facts(key=False, identifier=True, made=AFTER), Standing.NEWCOMER),
]


@pytest.mark.parametrize(("facts", "standing"), RULES)
def test_who_is_back_is_told_from_who_only_came_after(facts: Facts, standing: Standing) -> None:
    assert judge(facts, ERASED) is standing
