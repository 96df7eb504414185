"""Which uses need an impact assessment before they begin (GDPR Art. 35), and the register of those that were made.

`criteria` judges each use by what the policy says of it, `register` records an assessment, `reading` gives the register
to the check.
"""
