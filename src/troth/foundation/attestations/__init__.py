"""What no probe can see, said by a named role: a statement with the hash of its document, and a day on which it ends.

`register` takes statements in, `reading` gives those that hold to whoever judges a sentence, `topics` are the words
beside the sentences that something can be said about. A statement counts as evidence of the grade *attested*; expired,
withdrawn, or with its document gone or altered, it proves nothing.
"""
