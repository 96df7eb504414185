"""A website of its own for each test."""

from __future__ import annotations

from tests.sites import site

__all__ = ["site"]
