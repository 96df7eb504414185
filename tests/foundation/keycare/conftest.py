"""The made-up company of `tests/use`, on either engine."""

from __future__ import annotations

from tests.use.conftest import company, company_on_each, company_on_postgresql

__all__ = ["company", "company_on_each", "company_on_postgresql"]
