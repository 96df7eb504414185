"""Your rights (section 5): access, correction, deletion, restriction, portability, objection, each without a reason.

`checks` looks at the door to them and at what was done with data after somebody said stop; `later_uses` is its eye in
the company's stores. What carries the rights out comes to this folder with the requests themselves.
"""
