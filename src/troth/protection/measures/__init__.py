"""What the probes of section 3 saw last, for staff to read."""
