"""Links (section 7): pages lead only to sites that the policy names, carry nothing personal there, and embed nobody.

`reader` tells from pages as they were read where they lead and what they load; `checks` holds that against the policy.
"""
