"""What answering a demand or handing over a business needs at hand: the office, the data map and the stores."""

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


class Company(Protocol):
    """Whoever has the company's stores at hand: an archive, or the desk of a request."""

    @property
    def office(self) -> Office: ...
    @property
    def instance(self) -> Instance: ...
    @property
    def datamap(self) -> DataMap: ...
    @property
    def records(self) -> Records: ...


@dataclass(frozen=True)
class Archive:
    """One controller's stores, opened for reading, for the time that one policy and one data map are in force."""

    office: Office
    instance: Instance
    datamap: DataMap
    records: Records

    @classmethod
    def of(cls, office: Office, instance: Instance) -> Self:
        """The archive of an office, its data map read from the file now. Connects to no store yet; `close` it.

        Raises: UnreadableFile, DeclarationFaults for a map with faults.
        """
        path = instance.map_file
        datamap = mapreading.read(path) if path.exists() else DataMap("", {}, (), "")
        return cls(office, instance, datamap, Records.open(datamap, instance.environ, base=instance.folder))

    @classmethod
    def open(
        cls, folder: Path | str = ".", environ: Mapping[str, str] | None = None, clock: Clock | None = None
    ) -> Self:
        """The archive of the instance in `folder`. Close it and the store after."""
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
        return f"Archive({self.office.store.where})"
