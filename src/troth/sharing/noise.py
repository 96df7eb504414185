"""Groups told with noise: differential privacy, carried out by OpenDP (the extra `stats`).

1. One person counts in at most `groups` groups of a batch. Whoever is in more is counted in some of them, which a keyed
   hash picks from that person's own groups alone: nothing about anybody else has a say in it.
2. The number of people in each group leaves with Laplace noise, and only where that comes to a threshold or more. So
   which groups are named at all tells as little as their numbers do.
3. Noise and threshold are found with OpenDP's own privacy map: as little as keeps `epsilon` and `DELTA` for one person
   in so many groups. The threshold is never below the smallest group of the policy.
4. Each batch that may have been told spends its epsilon of the recipient's budget, for good: what was told stays told.
   The sum is taken in the transaction that records the batch, and two batches to one recipient pass there one by one.

What leaves is the words of the groups and `people`; nothing exact beside it, not even how many rows were left out.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from pyroaring import BitMap
from sqlalchemy import Connection

from troth.errors import GateClosed
from troth.foundation.store import hold
from troth.policy.noise import Noise, exactly
from troth.sharing import disclosures

if TYPE_CHECKING:
    from troth.use.office import Office

DELTA = 1e-9
"""The chance, a batch, that a group is named which one person alone makes so large. It has to be far less than one in
the number of people that a company knows: then it is expected to happen to nobody. Nobody gains by another number, so
that none is declared."""

_FAR = 2**30
"""A threshold that nothing reaches: with it the map tells what the noise alone costs."""

_SCALES = (1e-3, 1e6)
_AT_ONCE = 20_000
"""People whose groups are looked at together: memory grows with the number of groups, not of people."""

Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Measurement:
    """What tells numbers of people with noise. `scale` is that of the noise, `threshold` the least number that is told.

    Both follow from the policy alone, and may be known.
    """

    scale: float
    threshold: int
    measure: Callable[[Mapping[str, int]], Mapping[str, int]] = field(repr=False)

    def tell(self, numbers: Mapping[Key, int]) -> dict[Key, int]:
        """The groups that are named, each with its noisy number. Another call tells more: once a batch."""
        keys = list(numbers)
        told = self.measure({str(at): numbers[key] for at, key in enumerate(keys)})
        return {keys[int(at)]: int(number) for at, number in told.items() if number >= self.threshold}


def measurement(noise: Noise, smallest: int) -> Measurement:
    """The least noise that keeps what the policy says. Raises: GateClosed where OpenDP is not installed."""
    try:
        dp: Any = import_module("opendp.prelude")
    except ImportError:
        raise GateClosed(
            "the policy says that its groups come with noise, and OpenDP, which adds it, is not installed;"
            " nothing has left",
            repair="Install the extra `troth[stats]`.",
        ) from None
    dp.enable_features("contrib")
    counts = dp.map_domain(dp.atom_domain(T=str), dp.atom_domain(T=dp.i64))
    metric = dp.l01inf_distance(dp.absolute_distance(T=dp.i64))
    one_person = (noise.groups, noise.groups, 1)

    def costs(scale: float, threshold: int) -> tuple[float, float]:
        made = dp.m.make_laplace_threshold(counts, metric, scale=scale, threshold=threshold)
        epsilon, delta = made.map(one_person)
        return float(epsilon), float(delta)

    scale = dp.binary_search(lambda each: costs(each, _FAR)[0] <= noise.epsilon, bounds=_SCALES)
    threshold = smallest
    if costs(scale, threshold)[1] > DELTA:
        threshold = dp.binary_search(lambda each: costs(scale, each)[1] <= DELTA, bounds=(smallest, _FAR))
    epsilon, delta = costs(scale, threshold)
    # INVARIANT: what leaves keeps the word of the policy by the map of the very mechanism that makes it
    if epsilon > noise.epsilon or delta > DELTA:
        raise GateClosed("no noise was found that keeps the declared epsilon; nothing has left")
    return Measurement(scale, threshold, dp.m.make_laplace_threshold(counts, metric, scale=scale, threshold=threshold))


def bounded(groups: Mapping[Key, BitMap], most: int, secret: bytes) -> dict[Key, BitMap]:
    """The same groups, with nobody in more than `most` of them; `secret` is the key of the hash that picks which."""
    more = [BitMap() for _ in range(most + 1)]  # at n: who is in more than n groups of those looked at
    for people in groups.values():
        for at in range(most, 0, -1):
            if more[at - 1]:
                more[at] |= more[at - 1] & people
        more[0] |= people
    over = more[most]
    if not over:
        return dict(groups)
    leaving: dict[Key, BitMap] = defaultdict(BitMap)
    names = {key: repr(key).encode("utf-8", "backslashreplace") for key in groups}
    for start in range(0, len(over), _AT_ONCE):
        some = over[start : start + _AT_ONCE]
        theirs: dict[int, list[tuple[bytes, Key]]] = defaultdict(list)
        for key, people in groups.items():
            for person in people & some:
                rank = hashlib.blake2b(person.to_bytes(8, "big") + names[key], key=secret, digest_size=16).digest()
                theirs[person].append((rank, key))
        for person, ranked in theirs.items():
            ranked.sort(key=itemgetter(0))
            for _, key in ranked[most:]:
                leaving[key].add(person)
    return {key: people - leaving[key] if key in leaving else people for key, people in groups.items()}


def secret_of(office: Office, recipient: str) -> bytes:
    """The key of the hash that picks in which groups a person counts, for this recipient."""
    return office.keyring.pseudonym("noise", recipient.encode())


def require_paid(tx: Connection, recipient: str, noise: Noise) -> None:
    """Make sure that the budget pays for one more batch. Raises: GateClosed with the way out."""
    spent, budget = disclosures.spent(tx, recipient), exactly(noise.budget)
    if spent + noise.cost <= budget:
        return
    raise GateClosed(
        f"it was told {spent.normalize():f} of the {budget.normalize():f} that the policy allows in all, and one batch"
        f" costs {noise.cost.normalize():f}; nothing has left",
        where=recipient,
        expected="a batch that the budget pays for; it is not renewed, for what was told stays told",
        repair="A file that it got may be sent again as it is: it tells nothing new. For more, raise `budget` in the"
        " policy and tell people of the change.",
    )


def spend(tx: Connection, recipient: str, noise: Noise) -> None:
    """As `require_paid`, in the transaction that records the batch: no other to this recipient passes until it ends."""
    hold(tx, f"noise for {recipient}")
    require_paid(tx, recipient, noise)
