"""A site's OMOP vocabulary on disk: read once from Athena's files, kept as one sorted lookup that workers map into memory."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from bailee.core.errors import Invalid, UserError
from bailee.records.omop.vocabulary import LOOKUP, Vocabulary, hash_keys, vocabulary_names
from bailee.stores.durable import sync_folder, sync_path
from bailee.stores.home import Home
from bailee.stores.lake.dataset import hash_file

CURRENT = "current.json"
_CONCEPT = (
    *("concept_id", "concept_name", "domain_id", "vocabulary_id", "concept_class_id", "standard_concept"),
    *("concept_code", "valid_start_date", "valid_end_date", "invalid_reason"),
)
_RELATIONSHIP = (
    "concept_id_1",
    "concept_id_2",
    "relationship_id",
    "valid_start_date",
    "valid_end_date",
    "invalid_reason",
)
_VOCABULARY = (
    *("vocabulary_id", "vocabulary_name", "vocabulary_reference", "vocabulary_version", "vocabulary_concept_id"),
)
# A code's standard concepts (itself, if it is one), and of a code that says question and answer the answer; its own concept in any case.
_SQL = """
    with source as (
        select try_cast(concept_id as integer) as source, vocabulary_id || chr(9) || concept_code as key
        from concept where list_contains($names, vocabulary_id) and concept_code != ''
    ),
    related as (
        select try_cast(concept_id_1 as integer) as source, try_cast(concept_id_2 as integer) as target, relationship_id
        from concept_relationship
        where relationship_id in ('Maps to', 'Maps to value') and invalid_reason = ''
    ),
    answer as (
        select source, min(target) as value from related where relationship_id = 'Maps to value' group by source
    ),
    standard as (
        select related.source, related.target as standard, concept.domain_id as domain
        from related join concept on related.target = try_cast(concept.concept_id as integer)
        where relationship_id = 'Maps to' and concept.standard_concept = 'S'
        union
        select try_cast(concept_id as integer), try_cast(concept_id as integer), domain_id
        from concept where standard_concept = 'S'
    )
    select distinct source.key, source.source, coalesce(standard.standard, 0) as standard,
        coalesce(standard.domain, '') as domain, answer.value
    from source
    left join standard on source.source = standard.source
    left join answer on source.source = answer.source
    where source.source is not null
"""


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """Which vocabulary is in use. `sha256` is of the lookup, and names its file."""

    sha256: str
    version: str
    codes: int
    mapped: int


def load_vocabulary(home: Home, source: Path) -> Loaded:
    """Read CONCEPT.csv and CONCEPT_RELATIONSHIP.csv as Athena gives them, and VOCABULARY.csv if it is there.

    Raises: UserError if a file is absent; Invalid if it is not of Athena's form or holds no code that records can have.
    Cost: the files are streamed; joining spills to disk.
    """
    table = _joined(source)
    if not table.num_rows:
        raise Invalid(
            "no code of a vocabulary that FHIR records name", where=str(source), remedy="Select SNOMED, LOINC, RxNorm …"
        )
    lookup = _sorted(table)
    folder = home.folder / "vocabulary"
    folder.mkdir(exist_ok=True)
    fresh = folder / ".fresh"
    with pa.OSFile(str(fresh), "wb") as file, pa.ipc.new_file(file, LOOKUP) as writer:
        writer.write_table(lookup)
    sync_path(fresh)
    digest, _ = hash_file(fresh)
    fresh.rename(folder / f"{digest}.arrow")
    loaded = Loaded(
        sha256=digest,
        version=_version(source),
        codes=pc.count_distinct(lookup["key"]).as_py(),
        mapped=pc.count_distinct(lookup.filter(pc.greater(lookup["standard"], 0))["key"]).as_py(),
    )
    (folder / CURRENT).write_bytes(msgspec.json.encode(loaded))
    sync_folder(folder)
    return loaded


def loaded_vocabulary(home: Home) -> Loaded | None:
    """Tell which vocabulary releases use from now on; None if the site has supplied none."""
    path = home.folder / "vocabulary" / CURRENT
    return msgspec.json.decode(path.read_bytes(), type=Loaded) if path.is_file() else None


def open_vocabulary(home: Home, sha256: str, version: str) -> Vocabulary:
    """Map a vocabulary into memory; an empty hash gives the one without codes. Raises: UserError if it is gone."""
    if not sha256:
        return Vocabulary()
    path = home.folder / "vocabulary" / f"{sha256}.arrow"
    if not path.is_file():
        raise UserError(
            "a release's vocabulary is gone", where=str(path), remedy="Load it again: bailee omop vocabulary."
        )
    with pa.memory_map(str(path)) as file:
        return Vocabulary(pa.ipc.open_file(file).read_all(), version)


def _joined(source: Path) -> pa.Table:
    import duckdb

    with (
        tempfile.TemporaryDirectory(prefix="bailee-vocabulary-") as spill,
        duckdb.connect(":memory:", config={"temp_directory": spill, "threads": "2"}) as connection,
    ):
        for name, columns in (("CONCEPT", _CONCEPT), ("CONCEPT_RELATIONSHIP", _RELATIONSHIP)):
            path = source / f"{name}.csv"
            try:
                connection.from_arrow(_reader(path, columns)).create(name.lower())
            except (duckdb.Error, pa.ArrowInvalid):
                raise _malformed(path) from None
        return connection.sql(_SQL, params={"names": sorted(vocabulary_names())}).to_arrow_table()


def _reader(path: Path, columns: Sequence[str]) -> pa.RecordBatchReader:
    """Stream a file of Athena's: tabs between, no quotes, all columns as text. Raises: UserError, Invalid."""
    if not path.is_file():
        remedy = "Name the folder into which the bundle of athena.ohdsi.org was unpacked."
        raise UserError(f"no {path.name}", where=str(path.parent), remedy=remedy)
    with path.open("rb") as file:
        head = file.readline().decode("utf-8", "replace").rstrip("\r\n").split("\t")
    if tuple(head) != tuple(columns):
        raise Invalid("columns other than Athena's", where=f"{path}, line 1", remedy="Download the bundle again.")
    text = dict.fromkeys(columns, pa.string())
    try:
        return csv.open_csv(
            path,
            parse_options=csv.ParseOptions(delimiter="\t", quote_char=False),
            convert_options=csv.ConvertOptions(column_types=text, strings_can_be_null=False),
        )
    except pa.ArrowInvalid:
        raise _malformed(path) from None


def _malformed(path: Path) -> Invalid:
    """Find the first line that has not as many columns as the first."""
    with path.open("rb") as file:
        width = file.readline().count(b"\t")
        line = next((number for number, each in enumerate(file, 2) if each.count(b"\t") != width), 0)
    where = f"{path}, line {line}" if line else str(path)
    return Invalid("a line that is not of Athena's form", where=where, remedy="Download the bundle again.")


def _sorted(table: pa.Table) -> pa.Table:
    keys = table["key"].combine_chunks().cast(pa.large_string())
    hashed = table.set_column(0, "key", keys).add_column(0, "hash", pa.array(hash_keys(keys), pa.uint64()))
    by = [(name, "ascending") for name in ("hash", "key", "source", "standard")]
    return hashed.select(LOOKUP.names).take(pc.sort_indices(hashed, by)).combine_chunks().cast(LOOKUP)


def _version(source: Path) -> str:
    """Give the bundle's version: that of the vocabulary called None. Shape: 20 characters at most."""
    path = source / "VOCABULARY.csv"
    if not path.is_file():
        return "unknown"
    table = _reader(path, _VOCABULARY).read_all()
    found = table.filter(pc.equal(table["vocabulary_id"], "None"))["vocabulary_version"].to_pylist()
    return str(found[0])[:20] if found and found[0] else "unknown"
