"""Looking after this controller's key: whether it fits, a copy that a passphrase opens, and turning it.

`looking` says how it stands, `escrow` writes the copy and reads it back, `turning` gives the store a new sealing key.
"""
