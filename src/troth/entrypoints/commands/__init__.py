"""All commands, wired: those of the whole house are here, those of a section come from its own door."""

from __future__ import annotations

import typer


def attach(app: typer.Typer) -> None:
    """Hang every command on `app`, in the order in which `--help` shows them."""
    from troth.collection import commands as collection
    from troth.entrypoints.commands import judging, policies, records, running
    from troth.foundation import commands as foundation
    from troth.foundation.attestations import commands as attestations
    from troth.foundation.guards import commands as guards
    from troth.foundation.keycare import commands as keycare
    from troth.foundation.ledger import commands as evidence
    from troth.protection import commands as protection
    from troth.protection.audits import commands as audits
    from troth.protection.breaches import commands as breaches
    from troth.protection.impacts import commands as impacts
    from troth.protection.training import commands as training
    from troth.rights import commands as rights
    from troth.rights.restoring import commands as restoring
    from troth.sharing import commands as sharing
    from troth.sharing.handing import commands as handing
    from troth.updates import commands as updates
    from troth.use import commands as use
    from troth.use.audiences import commands as audiences
    from troth.use.recording import commands as recording
    from troth.use.stopping import commands as stopping
    from troth.use.views import commands as views

    app.command("demo")(running.demo)
    app.command("init")(running.init)
    app.command("check")(judging.check)
    app.command("lint")(judging.lint)

    policy = typer.Typer(no_args_is_help=True, help="The policy: import, render, versions.")
    policy.command("import")(policies.import_)
    policy.command("render")(policies.render)
    policy.command("schema")(policies.schema)
    policy.command("diff")(updates.diff)
    policy.command("publish")(updates.publish)
    policy.command("history")(updates.history)
    app.add_typer(policy, name="policy")

    app.command("map")(collection.map_)
    app.command("grants")(collection.grants)
    app.add_typer(views.views, name="views")
    app.command("may")(use.may)
    app.command("audience")(audiences.audience)
    use.consent.command("receipt")(recording.receipt)
    use.consent.command("verify")(recording.verify)
    use.consent.command("import")(recording.import_)
    use.consent.command("export")(recording.export)
    app.add_typer(use.consent, name="consent")
    app.command("suppress")(stopping.suppress)
    app.command("object")(use.object_)
    app.command("restrict")(use.restrict)
    app.command("share")(sharing.share)
    app.add_typer(handing.demand, name="demand")
    app.add_typer(handing.transfer, name="transfer")
    app.add_typer(rights.request, name="request")
    app.add_typer(protection.retention, name="retention")
    app.add_typer(protection.hold, name="hold")
    app.add_typer(evidence.ledger, name="ledger")
    app.command("ropa")(records.ropa)
    app.command("report")(records.report)
    app.add_typer(keycare.key, name="key")
    app.add_typer(foundation.staff, name="staff")
    app.command("attest")(attestations.attest)
    app.add_typer(audits.audit, name="audit")
    app.add_typer(training.training, name="training")
    app.add_typer(impacts.assessment, name="assessment")
    app.add_typer(breaches.breach, name="breach")
    app.command("pause")(guards.pause)
    app.command("resume")(guards.resume)
    app.command("restore-guard")(restoring.restore_guard)
    app.command("serve")(running.serve)
    app.command("worker")(running.worker)
    app.command("upgrade")(running.upgrade)
