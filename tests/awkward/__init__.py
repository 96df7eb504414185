"""A shop whose schema has every trap: for tests of what reaches, copies and erases a person's rows, on three engines.

`schema` has the tables, `datamap.yaml` says whose their rows are, `seeding` fills them with people each of whose personal
values is a *needle*, a text that stands nowhere else. `fixtures` gives an `Awkward` on each engine.
"""
