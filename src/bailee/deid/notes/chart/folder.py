"""Charts out of a folder of files, for finding in notes that stand alone; a release makes its charts from the vault.

A folder holds either or both of
- FHIR R4 resources: NDJSON files (`*.ndjson`, a resource a line) and JSON files (`*.json`, a resource or a Bundle). A note
  belongs to the patient of the resource whose id is the note's id (DocumentReference, DiagnosticReport, …), else to the
  Patient with the note's id; where the folder has one patient only, to that one;
- lists (`*.jsonl`): lines `{"id": NOTE, "identifiers": [{"kind": KIND, "value": TEXT}, …]}`, kinds as in `kinds.KINDS`;
  `"patient"` may tell whose note it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bailee.core.errors import Invalid, UserError
from bailee.deid.notes.chart.charts import Charts, charts_from_columns
from bailee.deid.notes.chart.kinds import KINDS, NAMES
from bailee.deid.notes.chart.records import charts_from_records
from bailee.records.batches import RECORDS, RawBatch

OWNERS: Final = ("subject", "patient", "beneficiary", "individual", "subscriber", "for")
_KINDS: Final = "Known kinds: " + ", ".join(KINDS) + "."


class Identifier(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One identifier of a list."""

    kind: str
    value: str

    def __repr__(self) -> str:
        return "Identifier(…)"


class Listed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of a list: what is known about the people in one note."""

    id: str
    identifiers: list[Identifier]
    patient: str = ""

    def __repr__(self) -> str:
        return f"Listed({len(self.identifiers)} identifiers)"


@dataclass(frozen=True, repr=False)
class ChartFolder:
    """Charts, and which note each is for."""

    charts: Charts
    number: dict[str, int]  # by id of a note or of a patient
    only: int = -1
    patients: tuple[str, ...] = ()  # whose each chart is, "" where nobody told

    def __repr__(self) -> str:
        return f"ChartFolder({self.charts!r})"

    def chart_of(self, notes: Iterable[str], patients: Iterable[str] | None = None) -> npt.NDArray[np.int32]:
        """Tell the chart of each note by its id, else by its patient's; -1 for a note that has none."""
        asked = zip(notes, patients, strict=True) if patients is not None else ((note, note) for note in notes)
        find = self.number.get
        return np.array([find(note, find(patient, self.only)) for note, patient in asked], np.int32)

    def patient_of(self, chart: int) -> str:
        """Tell whose a chart is, "" where nobody told."""
        return self.patients[chart] if 0 <= chart < len(self.patients) else ""


@dataclass
class _Gathered:
    records: list[tuple[str, str, str | None, bytes]] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)  # id of a record → id of its patient
    lists: list[Listed] = field(default_factory=list)


def read_charts(folder: str | Path) -> ChartFolder:
    """Read the charts of a folder.

    Raises: UserError if the folder is not there or holds nothing to read; Invalid names file and line of what is wrong.
    """
    files = sorted(path for path in Path(folder).rglob("*") if path.suffix in {".ndjson", ".json", ".jsonl"})
    if not files:
        raise UserError("no charts", where=str(folder), remedy="Give a folder with .ndjson, .json or .jsonl files.")
    gathered = _Gathered()
    for path in files:
        _read_file(path, gathered)
    return _join(gathered)


def _read_file(path: Path, gathered: _Gathered) -> None:
    if path.suffix == ".json":
        for resource in _resources(_resource(_object(path.read_bytes(), str(path)), str(path))):
            _keep(resource, gathered)
        return
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            if path.suffix == ".jsonl":
                gathered.lists.append(_listed(line, f"{path}, line {number}"))
            else:
                _keep_line(line, f"{path}, line {number}", gathered)


def _keep_line(line: bytes, where: str, gathered: _Gathered) -> None:
    """Keep a resource; the events of a bulk export's log, which lies beside them, are passed over."""
    document = _object(line, where)
    if not {"exportId", "eventId"} <= document.keys():
        _keep(_resource(document, where), gathered)


def _object(content: bytes, where: str) -> dict[str, Any]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        raise Invalid("not valid JSON", where=where, remedy="Mend or remove it.") from None
    return document if isinstance(document, dict) else {}


def _resource(document: dict[str, Any], where: str) -> dict[str, Any]:
    if not isinstance(document.get("resourceType"), str):
        raise Invalid("not a FHIR resource", where=where, remedy="Each needs a resourceType.")
    return document


def _listed(line: bytes, where: str) -> Listed:
    try:
        listed = msgspec.json.decode(line, type=Listed)
    except msgspec.DecodeError:
        raise Invalid(
            "not a list of identifiers", where=where, remedy=str(__doc__).rsplit("- ", 1)[-1].strip()
        ) from None
    if any(identifier.kind not in KINDS for identifier in listed.identifiers):
        raise Invalid("an unknown kind of identifier", where=where, remedy=_KINDS)
    return listed


def _resources(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if document["resourceType"] != "Bundle":
        yield document
        return
    for entry in document.get("entry") or ():
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if isinstance(resource, dict) and isinstance(resource.get("resourceType"), str):
            yield from _resources(resource)


def _keep(resource: dict[str, Any], gathered: _Gathered) -> None:
    kind, name = resource["resourceType"], str(resource.get("id", ""))
    owner = name if kind == "Patient" else _owner(resource)
    gathered.records.append((kind, name, owner, json.dumps(resource).encode()))
    if owner:
        gathered.notes[name] = owner


def _owner(resource: dict[str, Any]) -> str | None:
    for key in OWNERS:
        reference = resource.get(key)
        target = reference.get("reference") if isinstance(reference, dict) else None
        if isinstance(target, str) and ("Patient/" in target or target.startswith("urn:uuid:")):
            return target.removeprefix("urn:uuid:").split("Patient/")[-1].split("/")[0]
    return None


def _join(gathered: _Gathered) -> ChartFolder:
    columns: list[Any] = list(zip(*gathered.records, strict=True)) or [()] * len(RECORDS)
    arrays = [pa.array(column, kind.type) for column, kind in zip(columns, RECORDS, strict=True)]
    charts = charts_from_records(RawBatch(pa.RecordBatch.from_arrays(arrays, schema=RECORDS)))
    assert charts.patients is not None
    patients = {name: number for number, name in enumerate(charts.patients.to_pylist())}
    number = {note: patients[owner] for note, owner in gathered.notes.items()}
    base = charts.count
    for offset, listed in enumerate(gathered.lists):
        number[listed.id] = base + offset
    only = 0 if base == 1 and not gathered.lists else -1
    whose = (*charts.patients.to_pylist(), *(listed.patient for listed in gathered.lists))
    return ChartFolder(_with_lists(charts, gathered.lists), number, only, whose)


def _with_lists(charts: Charts, lists: list[Listed]) -> Charts:
    rows = [
        (charts.count + at, item.kind, item.value) for at, listed in enumerate(lists) for item in listed.identifiers
    ]
    if not rows:
        return charts
    extra = charts_from_columns(charts.count + len(lists), *zip(*rows, strict=True))
    return charts_from_columns(
        extra.count,
        np.concatenate([charts.chart, extra.chart]),
        np.concatenate([charts.kind, extra.kind]),
        pa.concat_arrays([charts.value.cast(pa.string()), extra.value]),
        person=np.concatenate([charts.person, extra.person]),
    )


assert len(NAMES) < 100, "kinds share their numbers with elements.Tag"
