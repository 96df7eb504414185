"""The company's stores for whoever ends data on time: statements there may take as long as `[retention]` allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from troth.use.company import OpenCompany

if TYPE_CHECKING:
    from troth.policy.settings import Instance


class Keeper(OpenCompany):
    """One controller's keeper."""

    @classmethod
    def patience_s(cls, instance: Instance) -> float:
        """As `[retention] timeout` says."""
        return instance.settings.retention.timeout
