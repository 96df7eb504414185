"""Section 3, how we protect information and how long we keep it: what is promised about both can be seen from outside.

`probes` are the eyes: hosts, ports, files, this machine, what a site says of itself. `checks` hold what they see
against the sentences: links (`transmission`), doors (`access`), what hosts tell (`measures`), how they are kept
(`servers`), periods (`retention`).
"""
