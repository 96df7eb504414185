"""The record of processing activities (GDPR Art. 30): policy, data map and registers of the sections as one document.

`facts` reads what the registers say, `gathering` makes the record of policy, map and facts, `gaps` finds what is
missing of it, `saying` puts it into words and `columns` lays it out in the manner of an authority; `shapes`, `workbook`
and `page` write it. Nothing is typed in by hand: the record follows what is declared and done, and what is not declared
stands in it as a gap with the place to mend.
"""
