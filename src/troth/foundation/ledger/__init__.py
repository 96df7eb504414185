"""The ledger: no action without its entry, and no entry that can be changed unseen.

`leaves` writes an entry in the transaction of the deed; `tables` is where it stands. The `sequencer` gives the entries
their order and builds the tree over them (`merkle`, `tiles`), `checkpoints` signs its heads. `receipts` prove one
entry, `verification` goes through all of them, `exports` hands them to tools that are not ours. What may not stand in
clear is sealed under a key of the person (`personkeys`), and `shredding` destroys that key.
"""
