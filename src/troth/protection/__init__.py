"""Section 3, how we protect information and how long we keep it: what is promised about both can be seen from outside.

`probes` are the eyes: hosts, files, grants, what a site says of itself. `checks` hold what they see against the
sentences: links (`transmission`), doors (`access`), what only papers could show (`measures`), periods (`retention`).
"""
