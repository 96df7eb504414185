"""What ending data on time needs at hand: troth's own office, the settings, the data map and the company's stores."""

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


class Stores(Protocol):
    """Whoever has the company's stores at hand: a keeper, or the desk of a request."""

    @property
    def office(self) -> Office: ...
    @property
    def instance(self) -> Instance: ...
    @property
    def datamap(self) -> DataMap: ...
    @property
    def records(self) -> Records: ...


@dataclass(frozen=True)
class Keeper:
    """One controller's keeper, for the time that one policy and one data map are in force."""

    office: Office
    instance: Instance
    datamap: DataMap
    records: Records

    @classmethod
    def of(cls, office: Office, instance: Instance) -> Self:
        """The keeper of an office, its data map read from the file now. Connects to no store yet; `close` it when done.

        Raises: UnreadableFile, DeclarationFaults for a map with faults.
        """
        path = instance.map_file
        datamap = mapreading.read(path) if path.exists() else _NO_MAP
        records = Records.open(
            datamap, instance.environ, timeout_s=instance.settings.retention.timeout, base=instance.folder
        )
        return cls(office, instance, datamap, records)

    @classmethod
    def open(
        cls, folder: Path | str = ".", environ: Mapping[str, str] | None = None, clock: Clock | None = None
    ) -> Self:
        """The keeper of the instance in `folder`. Close keeper and store after."""
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
        return f"Keeper({self.office.store.where})"
