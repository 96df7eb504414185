"""Pseudonymised views: what personalisation, analysis and research work on, and nothing else."""
