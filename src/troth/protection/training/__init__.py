"""Everybody who works with people's data knows how: a short course, a quiz, a certificate, and the register of both.

`course` is what is read and asked, `register` records who passed and clears their account, `clearance` says whether an
account may see people's data, `reading` gives the register to the check, `importing` takes in what another course did.
"""
