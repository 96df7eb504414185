"""The ledger: no action without its entry, and no entry that can be changed unseen.

`leaves` writes an entry in the transaction of the deed; `tables` is where it stands.
"""
