"""How staff show that it is they: codes from a telephone, passkeys, the company's own provider; and the sessions that
follow. A second factor is asked for at the sign-in, and again before what cannot be undone.
"""
