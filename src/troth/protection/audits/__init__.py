"""What scanners found in our own systems: taken in as they wrote it, with the day each hole was first seen and closed.

`formats` reads what tools write, `register` takes it in, `reading` gives it to the check.
"""
