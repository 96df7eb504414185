"""Sharing (section 4): data go only to those whom the policy names, under a contract, and only for a reason it lists.

`checks` looks at contracts, certificates and the published list; what really leaves the company is observed by the
gate of this section, and as long as nothing observes it, its sentences stay unproven.
"""
