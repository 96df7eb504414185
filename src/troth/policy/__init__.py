"""What is declared: the policy, the data map and the settings, read into frozen facts; the law as data.

Knows nobody else in the house. `documents` reads YAML with places, `reading` makes a `Policy` of it, `mapreading` a
`DataMap`; `rendering` gives the text back word for word, `lint` holds it against the law and against itself.
"""
