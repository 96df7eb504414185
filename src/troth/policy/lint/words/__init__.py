"""The words that policies use, as patterns over folded text, by what they speak of.

English. A pattern names a concept in the ways that real policies write it, British and American. "Within one sentence"
is written `[^.]{0,n}`, which also keeps a search short on hostile text.
"""
