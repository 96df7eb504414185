"""What a deed in the company's own stores needs at hand: troth's office, the settings, the data map and the stores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

from troth.foundation.records.reading import Records
from troth.policy import mapreading
from troth.policy.datamap import DataMap
from troth.use.opening import open_office

if TYPE_CHECKING:
    from troth.foundation.clock import Clock
    from troth.policy.settings import Instance
    from troth.use.office import Office

_NO_MAP = DataMap("", {}, (), "")
_PATIENCE_S = 5.0


class Company(Protocol):
    """Whoever has the company's stores at hand: somebody who opened them, or the desk of a request."""

    @property
    def office(self) -> Office: ...
    @property
    def instance(self) -> Instance: ...
    @property
    def datamap(self) -> DataMap: ...
    @property
    def records(self) -> Records: ...


@dataclass(frozen=True)
class OpenCompany:
    """One controller's stores, for the time that one policy and one data map are in force."""

    office: Office
    instance: Instance
    datamap: DataMap
    records: Records

    @classmethod
    def patience_s(cls, instance: Instance) -> float:  # noqa: ARG003 - who ends much at once waits as the settings say
        """How many seconds a statement in the company's stores may take."""
        return _PATIENCE_S

    @classmethod
    def of(cls, office: Office, instance: Instance) -> Self:
        """The stores of an office, its data map read from the file now. Connects to none yet; `close` them when done.

        Raises: UnreadableFile, DeclarationFaults for a map with faults.
        """
        path = instance.map_file
        datamap = mapreading.read(path) if path.exists() else _NO_MAP
        limit = cls.patience_s(instance)
        return cls(
            office, instance, datamap, Records.open(datamap, instance.environ, timeout_s=limit, base=instance.folder)
        )

    @classmethod
    def open(
        cls, folder: Path | str = ".", environ: Mapping[str, str] | None = None, clock: Clock | None = None
    ) -> Self:
        """The stores of the instance in `folder`. Close them, and the store of the office. Raises as `open_office`."""
        instance, office = open_office(folder, environ, clock)
        try:
            return cls.of(office, instance)
        except BaseException:
            office.store.close()
            raise

    def close(self) -> None:
        """End the connections to the company's stores; troth's own store stays open."""
        self.records.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.office.store.where})"
