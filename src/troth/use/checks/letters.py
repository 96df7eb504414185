"""Stopping letters, tried out: the letter itself, the one click, and that it asks for no more than saying yes did."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING

from troth.foundation.proof import Check, Grade, Saw, broken, check, kept, unproven
from troth.policy.vocabulary import LegalBasis
from troth.use import letter_reading, stop_probing

if TYPE_CHECKING:
    from troth.foundation.observation import Observation
    from troth.policy.model import Policy, Sentence

_DAY = dt.timedelta(days=1)


def _stoppable(sentence: Sentence, _: Policy) -> bool:
    return any(use.opt_out and use.basis is LegalBasis.CONSENT for use in sentence.meaning.uses)


def _ground(sentence: Sentence, policy: Policy) -> bool:
    meaning = sentence.meaning
    names_it = meaning.basis is LegalBasis.CONSENT and not meaning.uses
    return names_it and any(_stoppable(other, policy) for other in policy.sentences)


def _purpose(policy: Policy) -> str:
    return next(use.purpose for use in policy.uses if use.opt_out and use.basis is LegalBasis.CONSENT)


@check(
    id="use.stop-ignored",
    promise="a use that people can opt out of at any time",
    applies=_stoppable,
    reference="GDPR Art. 7(3), 21(2), (3); RFC 8058",
    grade=Grade.SAMPLED,
    max_age=dt.timedelta(days=7),
)
def stop_ignored(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """One click from a letter stops letters, and looking at the link does not.

    What it proves: a link as the letters carry it, for an address that nobody has, answers with a page; reading it
    twice changes nothing; `POST` with `List-Unsubscribe=One-Click`, without cookies, answers with a status from 200 to
    299; after it the page says that these letters have stopped.

    What it does not prove: that the sender of the mail asks before it sends (the rows of sent letters tell that).

    Repair: let requests to the privacy centre through as they are. Before: a proxy that answers every POST without a
    cookie with 403. After: `/privacy/centre/mail/` is let through.
    """
    purpose = next(use.purpose for use in sentence.meaning.uses if use.opt_out)
    tried = stop_probing.try_to_stop(seen, purpose)
    let_through = f"let requests to {tried.path}/ through to troth as they are, without cookies too"
    if tried.before != "sent":
        yield broken(tried.path, "the page of a link out of a letter does not answer", repair=let_through)
    elif tried.looked != "sent":
        yield broken(tried.path, "to look at a link stops letters already: a mail scanner would", repair=let_through)
    elif not 200 <= tried.status < 300:
        yield broken(
            tried.path, f"the one click of a mail program answers with status {tried.status}", repair=let_through
        )
    elif tried.after != "stopped":
        yield broken(
            tried.path, "after the one click the page does not say that letters have stopped", repair=let_through
        )
    else:
        yield kept(tried.path, "one click without login stopped letters to a made-up address; looking did not")


@check(
    id="use.letter-without-way-out",
    promise="a use that people can opt out of at any time",
    applies=_stoppable,
    reference="RFC 8058 section 3; RFC 2369; GDPR Art. 21(4)",
    grade=Grade.SAMPLED,
    max_age=dt.timedelta(days=40),
)
def letter_without_way_out(seen: Observation, sentence: Sentence) -> Iterator[Saw]:  # noqa: ARG001 - one mailer for all
    """The newest letter carries the way out, and nobody on its way can have changed it.

    What it proves: the letter under `[marketing] sample` is as new as `sample_within` says; it has `List-Unsubscribe`
    with a web address and `List-Unsubscribe-Post: List-Unsubscribe=One-Click`; its DKIM signature covers both and holds
    under `dkim_key`.

    What it does not prove: that every letter is like this one; that the key stands in the sender's DNS.

    Repair: put the headers in and sign them. Before: a letter with a link in its text.
    After: `letter.update(troth.unsubscribe_headers("id=17", "marketing"))`, then DKIM over both.
    """
    marketing = seen.settings.marketing
    if marketing.sample is None:
        yield unproven(
            "[marketing] sample",
            "no letter is named that could be looked at",
            repair="have the mailer keep a copy of each mailing; name it in troth.toml under `[marketing] sample`",
        )
        return
    where = f"the letter {marketing.sample}"
    try:
        letter = letter_reading.read(seen.folder / marketing.sample, marketing.dkim_key)
    except letter_reading.Unreadable as problem:
        yield unproven(where, str(problem), repair="have the mailer keep a copy of each mailing there")
        return
    if letter.sent is None or letter.sent < marketing.sample_within.before(seen.now) or letter.sent > seen.now + _DAY:
        day = f"is of {letter.sent:%Y-%m-%d}" if letter.sent else "has no date"
        yield unproven(where, f"it {day}, and says nothing about letters of today", repair="keep the newest one there")
        return
    put_in = "put in what `troth.unsubscribe_headers(person, purpose)` gives, before the letter is signed"
    missing = [name for name in letter_reading.BOTH if name not in letter.signed]
    if not letter.stops or not letter.one_click:
        gone = "List-Unsubscribe with a web address in plain letters" if not letter.stops else "List-Unsubscribe-Post"
        yield broken(where, f"it has no {gone}", repair=put_in)
    elif missing:
        yield broken(where, f"its DKIM signature does not cover {' and '.join(missing)}", repair=put_in)
    elif letter.holds is False:
        yield broken(where, "its DKIM signature does not hold", repair="sign it last, with the key that DNS names")
    elif letter.holds is None:
        named = marketing.dkim_key is not None
        repair = "install `troth[mail]`" if named else "name the public key in troth.toml: `[marketing] dkim_key`"
        yield unproven(where, "its DKIM signature cannot be verified here", repair=repair)
    else:
        yield kept(where, f"of {letter.sent:%Y-%m-%d}, has both headers, and a DKIM signature over them that holds")


@check(
    id="use.withdrawal-harder",
    promise="consent is named as a ground",
    applies=_ground,
    reference="GDPR Art. 7(3) sentence 4; EDPB Guidelines 05/2020 no. 114",
    grade=Grade.SAMPLED,
    max_age=dt.timedelta(days=7),
)
def withdrawal_harder(seen: Observation, sentence: Sentence) -> Iterator[Saw]:  # noqa: ARG001 - one site for all
    """Taking consent back asks for no more than giving it did.

    What it proves: the page that a link out of a letter leads to stops letters with one button, and asks for nothing:
    no login, no reason, no address. To give consent takes a page and a button at least, so it is as easy.

    What it does not prove: how easily it is found by who has no letter at hand.

    Repair: take questions off the page. Before: `<select name="reason" required>` above the button. After: the button.
    """
    tried = stop_probing.try_to_stop(seen, _purpose(seen.policy))
    if tried.asked is None:
        yield broken(
            tried.path,
            "the page of a link out of a letter has no form that takes consent back",
            repair=f"let requests to {tried.path}/ through to troth as they are",
        )
    elif tried.asked:
        things = "1 thing" if tried.asked == 1 else f"{tried.asked} things"
        yield broken(
            tried.path,
            f"the page asks for {things} before it takes consent back",
            repair="take the questions off the page",
        )
    else:
        yield kept(tried.path, "a page with one button takes consent back, and asks for nothing")


CHECKS: tuple[Check, ...] = (stop_ignored, letter_without_way_out, withdrawal_harder)
