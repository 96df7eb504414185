"""The law as data: what each law asks of a company, how long it gives, and who watches.

Promise: a legal period is computed in one place (`deadlines`) from one table (`data/`), in calendar terms, and every
day comes with its article and source. What the table marks `confidence: check` is never used for a date and never
shown as fact. `provisions` has the shapes, `laws` reads the table, `working_days` knows weekends and holidays,
`authorities` names the supervisors.
"""
