"""What keeps machines from destroying the wrong thing: a data map that a named role approved, and a brake for all.

Whatever writes into a company's store asks here first. `approvals` holds which map may be acted on, `pausing` whether
anything may be at all; both are entries of the ledger. The limit of rows belongs to the run itself.
"""
