"""Eyes for what protects data: hosts, doors, ports, this machine, backups, the numbers that logs should not hold.

They look, change nothing and conclude nothing. What cannot be reached is said as such; a check makes it unproven.
"""
