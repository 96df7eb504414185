"""`troth may`, `consent`, `object`, `restrict`: decisions and choices, from the terminal.

PERSON is `email=...`, `phone=...`, `id=...`, `key=...`, or `-` to read one such line from standard input, since
arguments are visible to everybody on the machine.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from troth.foundation.printing import Format, Printed
from troth.use import terminal
from troth.use.words import Ground

if TYPE_CHECKING:
    from troth.use.consent import Choice
    from troth.use.decision import Decision
    from troth.use.objections import Stance
    from troth.use.office import Office

SCHEMA = 1


Person = Annotated[
    str, typer.Argument(metavar="PERSON", help="email=..., phone=..., id=..., key=..., or - for standard input.")
]
Purpose = Annotated[str, typer.Option("--purpose", help="A purpose of the policy.")]
Method = Annotated[str, typer.Option("--method", help="How it reached you: form, phone, paper, ...")]

consent = typer.Typer(no_args_is_help=True, help="Consent: give, withdraw, show.")


def may(
    person: Person,
    purpose: Purpose,
    data: Annotated[list[str], typer.Option("--data", help="A category of data; may be repeated, and all must pass.")],
    to: Annotated[str | None, typer.Option("--to", help="The recipient, by its name in the policy.")] = None,
    form: Printed = Format.TEXT,
) -> None:
    """Decide once, with the reason: whether this person's data may be used for this purpose now.

    Example: troth may id=17 --purpose marketing --data contact.email

    Exit status: 0 permitted, 1 refused, 2 it could not be decided.
    """
    from troth.use.lease import Lease

    who = terminal.named_person(person)
    with _office() as office:
        lease = Lease(office)
        decision = lease.may(who, purpose, data, to)
        lease.close()
        if form is Format.JSON:
            _print_json(_of_decision(decision))
        else:
            typer.echo(_say_decision(decision, office))
        hint = "" if decision else _hint(office, decision, purpose, data)
    if hint:
        typer.echo(hint, err=True)
    if not decision:
        raise typer.Exit(1)


@consent.command()
def give(  # noqa: PLR0917 - as above
    person: Person,
    purpose: Purpose,
    language: Annotated[
        str | None, typer.Option("--language", help="That of the words shown; the policy's by default.")
    ] = None,
    method: Method = "form",
    at: Annotated[str | None, typer.Option("--at", help="When, as 2026-11-22T10:00:00+01:00; now by default.")] = None,
    old_enough: Annotated[
        bool | None, typer.Option("--old-enough/--too-young", help="What they said, where the age is asked.")
    ] = None,
    form: Printed = Format.TEXT,
) -> None:
    """Record that PERSON consents to a purpose, with the exact words of the policy in force.

    Example: troth consent give id=17 --purpose marketing --method paper

    Exit status: 0 recorded, 2 it could not be recorded.
    """
    from troth.use import consent as deeds
    from troth.use import guardians

    who, moment = terminal.named_person(person), _moment(at)
    with terminal.opened() as (instance, office):
        guardians.require_old_enough(office.policy, instance.settings.consent, old_enough)
        spoken = language or office.policy.controller.languages[0]
        _print_choices([deeds.give(office, who, purpose, language=spoken, method=method, at=moment)], form)


@consent.command()
def withdraw(person: Person, purpose: Purpose, method: Method = "form", form: Printed = Format.TEXT) -> None:
    """Record that PERSON no longer consents; every decision after this refuses.

    Example: troth consent withdraw id=17 --purpose marketing

    Exit status: 0 recorded, 2 it could not be recorded.
    """
    from troth.use import consent as deeds

    who = terminal.named_person(person)
    with _office() as office:
        _print_choices([deeds.withdraw(office, who, purpose, method=method)], form)


@consent.command()
def show(person: Person, form: Printed = Format.TEXT) -> None:
    """Show where PERSON stands: consents, objections, restriction.

    Example: troth consent show id=17

    Exit status: 0 shown, 2 the person is unknown, or the store cannot be read.
    """
    from troth.use import consent as consents
    from troth.use import objections, restrictions, standing

    who = terminal.named_person(person)
    with _office() as office:
        with office.store.reading() as tx:
            number = standing.load_person(tx, office.keyring, who)
            choices = consents.show_in(tx, office, number)
            said = standing.load(tx, number)
        stances, pause = objections.stances(office, said), restrictions.pause(said)
        if form is Format.JSON:
            _print_json(
                {
                    "schema": SCHEMA,
                    "consents": [_of_choice(choice) for choice in choices],
                    "objections": [
                        {"purpose": stance.purpose, "objects": stance.objects, "since": _time(stance.since)}
                        for stance in stances
                    ],
                    "restriction": {
                        "restricted": pause.restricted,
                        "grounds": list(pause.grounds),
                        "since": _time(pause.since),
                    },
                }
            )
            return
        _print_choices(choices, form)
        for stance in stances:
            if stance.since is not None:
                typer.echo(_say_stance(stance))
        if pause.restricted:
            typer.echo(f"use is restricted ({', '.join(pause.grounds)}) since {_time(pause.since)}")


def object_(
    person: Person,
    purpose: Annotated[
        str, typer.Option("--purpose", help='A purpose of the policy, or "*" for all one may object to.')
    ],
    lift: Annotated[bool, typer.Option("--lift", help="They no longer object.")] = False,  # noqa: FBT002 - typer's form of a flag
    method: Method = "form",
    form: Printed = Format.TEXT,
) -> None:
    """Record that PERSON objects to a purpose; every decision after this obeys.

    Example: troth object id=17 --purpose analytics

    Exit status: 0 recorded, 2 it could not be recorded.
    """
    from troth.use import objections

    who = terminal.named_person(person)
    with _office() as office:
        stance = (objections.lift if lift else objections.raise_)(office, who, purpose, method=method)
    if form is Format.JSON:
        _print_json(
            {"schema": SCHEMA, "purpose": stance.purpose, "objects": stance.objects, "since": _time(stance.since)}
        )
    else:
        typer.echo(_say_stance(stance))


def restrict(
    person: Person,
    ground: Annotated[Ground, typer.Option("--ground", help="Why.")] = Ground.REQUEST,
    lift: Annotated[bool, typer.Option("--lift", help="Lift it; tell the person before.")] = False,  # noqa: FBT002 - as above
    method: Method = "form",
    form: Printed = Format.TEXT,
) -> None:
    """Restrict the use of PERSON's data: stored, and little else, until it is lifted.

    Example: troth restrict id=17 --ground accuracy-contested

    Exit status: 0 recorded, 2 it could not be recorded.
    """
    from troth.use import restrictions

    who = terminal.named_person(person)
    with _office() as office:
        pause = (restrictions.lift if lift else restrictions.place)(office, who, ground=ground, method=method)
    if form is Format.JSON:
        _print_json(
            {
                "schema": SCHEMA,
                "restricted": pause.restricted,
                "grounds": list(pause.grounds),
                "since": _time(pause.since),
            }
        )
    elif pause.restricted:
        typer.echo(f"use is restricted ({', '.join(pause.grounds)}) since {_time(pause.since)}")
    else:
        typer.echo("use is not restricted")


@contextmanager
def _office() -> Iterator[Office]:
    with terminal.opened() as (_, office):
        yield office


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("expected a time such as 2026-11-22T10:00:00+01:00", param_hint="--at") from None


def _hint(office: Office, decision: Decision, purpose: str, data: list[str]) -> str:
    """What to do about a refusal that comes of a slip; nothing for one that is a person's own word."""
    from troth.use.decision import Reason
    from troth.use.office import unknown_purpose

    if decision.reason is Reason.PURPOSE_NOT_DECLARED:
        return unknown_purpose(
            office, purpose, "is not a purpose of this policy.", tuple(office.compiled.purposes)
        ).diagnostics()
    if decision.reason is Reason.DATA_NOT_DECLARED:
        declared = dict.fromkeys(use.category for use in office.compiled.purposes[purpose])
        return f"{office.policy.file}: {decision.number} declares for {purpose}: {', '.join(declared)}."
    if decision.reason is Reason.RECIPIENT_NOT_DECLARED:
        names = sorted({name for of, _, name in office.compiled.recipients if of == purpose})
        return f"{office.policy.file}: recipients declared for {purpose}: {', '.join(names) or 'none'}."
    if decision.reason is Reason.BASIS_MISSING:
        return terminal.unsettled(office, purpose, data)
    if decision.reason is Reason.PERSON_UNKNOWN:
        return "Nobody is known by that. Your app makes people known: company.register(id=...), or POST /v1/people."
    return ""


def _say_decision(decision: Decision, office: Office) -> str:
    answer = f"{'yes' if decision else 'no'}  {decision.reason.value.replace('-', ' ')}"
    if decision.number is None:
        return answer
    words = office.policy.by_number[decision.number].text
    return f'{answer}  {decision.number} {decision.clause}\n     "{words}"'


def _print_choices(choices: Iterable[Choice], form: Format) -> None:
    if form is Format.JSON:
        rows = [_of_choice(choice) for choice in choices]
        _print_json({"schema": SCHEMA, "consents": rows})
        return
    for choice in choices:
        since = f"since {_time(choice.since)}" if choice.since else "never asked"
        gone = "" if choice.declared else "  (no longer in the policy)"
        typer.echo(f"{choice.purpose:<20} {choice.state or 'no':<10} {since}{gone}")


def _say_stance(stance: Stance) -> str:
    word = "objects to" if stance.objects else "does not object to"
    return f"{word} {stance.purpose}, since {_time(stance.since)}" if stance.since else f"{word} {stance.purpose}"


def _of_choice(choice: Choice) -> dict[str, Any]:
    return {
        "purpose": choice.purpose,
        "declared": choice.declared,
        "state": choice.state,
        "since": _time(choice.since),
        "clause": choice.clause,
        "number": choice.number,
        "text_sha256": choice.text_sha256,
        "language": choice.language,
        "method": choice.method,
        "record": choice.record,
        "entry": choice.leaf,
        "until": _time(choice.until),
        "source": choice.source,
    }


def _of_decision(decision: Decision) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "permitted": decision.permitted,
        "reason": decision.reason,
        "clause": decision.clause,
        "number": decision.number,
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _print_json(value: dict[str, Any]) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))
