"""The example company, made once a worker and copied for each test."""

from __future__ import annotations

from tests.shopworld import before, founded, served, served_by_mariadb, world
from tests.sites import site

__all__ = ["before", "founded", "served", "served_by_mariadb", "site", "world"]
