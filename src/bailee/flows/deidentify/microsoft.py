"""Files through a configuration of Microsoft's anonymizer: one resource a JSON file or a line; order and names stay."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bailee.core.clock import Clock
from bailee.core.entropy import Entropy
from bailee.core.errors import Invalid
from bailee.deid.structure.microsoft import Anonymizer, Scope, read_configuration
from bailee.flows.deidentify.outputs import Write, planned, whole_file
from bailee.flows.ingest.sources import Block, Damage, Source, read_blocks

NAMES_WARNING = "output files keep the names of input files; make sure that these name nobody"


@dataclass
class Account:
    """What was done. `emptied` counts resources that failed and were replaced by an empty one."""

    files: int = 0
    resources: int = 0
    emptied: int = 0
    size_bytes: int = 0
    warnings: tuple[str, ...] = ()


def anonymize_files(
    source: Path,
    target: Path,
    configuration: Path,
    *,
    linear_shift: bool = False,
    clock: Clock | None = None,
    entropy: Entropy | None = None,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> Account:
    """Anonymize a file, or every FHIR file in a folder, into the same layout at `target`.

    A file with an error is not written, those before it are. Raises: Invalid naming file and line;
    ConfigurationInvalid for the configuration; UserError for the paths.
    """
    read = read_configuration(configuration.read_bytes(), file=configuration.name, entropy=entropy)
    ready = Anonymizer(read, clock=clock, entropy=entropy, linear_shift=linear_shift)
    pairs = planned(source, target)
    whole = sum(each.path.stat().st_size for each, _ in pairs)
    account = Account(warnings=(*ready.warnings, NAMES_WARNING))
    folder = (source if source.is_dir() else source.parent).resolve().name
    for each, place in pairs:
        scope = Scope(file=each.path.name, folder=folder)
        with whole_file(place) as write:
            account.resources += _anonymize_file(each, ready, scope, write)
        account.files += 1
        account.size_bytes += each.path.stat().st_size
        progress(account.size_bytes, whole)
    account.emptied = ready.emptied
    return account


def _anonymize_file(source: Source, ready: Anonymizer, scope: Scope, write: Write) -> int:
    count = 0
    for line, content in _resources(source):
        try:
            write(ready.anonymize_text(content, scope).encode() + b"\n")
        except Invalid as error:
            where = f"{source.shown}, line {line}" + (f", {error.where}" if error.where else "")
            raise type(error)(error.what, where=where, remedy=error.remedy) from None
        count += 1
    return count


def _resources(source: Source) -> Iterator[tuple[int, bytes]]:
    for block in read_blocks(source):
        if isinstance(block, Damage):
            raise Invalid(
                f"a file that cannot be read on: {block.code}",
                where=f"{source.shown}, line {block.line}",
                remedy="Export it again.",
            )
        yield from _lines(block) if source.is_lines else [(1, block.content)]


def _lines(block: Block) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(block.content.split(b"\n"), block.line):
        if line.strip():
            yield number, line
