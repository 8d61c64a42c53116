"""Files by a profile: the same engines as a release, without its agreement, consents and ledger.

sort      each file by its kind: FHIR, HL7v2, C-CDA … (kinds.py); what is of no kind does not leave
survey    which identifiers occur, so that a person is the same in every file and format
clean     each kind in its own format by the profile; texts by the notes engine
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bailee.core.clock import Clock, SystemClock
from bailee.core.errors import Invalid, UserError
from bailee.core.keys import Secret
from bailee.deid.profiles.compile import shipped_plan
from bailee.deid.structure.plan import Plan
from bailee.flows.deidentify.kinds import sort_files
from bailee.flows.deidentify.run import Account, Run, TextMethod
from bailee.flows.deidentify.scratch import scratch_folder
from bailee.flows.profiles import plan_from_file
from bailee.stores.keys.files import read_secret


def deidentify_files(
    source: Path,
    target: Path,
    profile: str,
    key: Secret,
    *,
    text_method: TextMethod = "surrogate",
    clock: Clock | None = None,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> Account:
    """De-identify a file, or all in a folder, into the folder `target`: FHIR as one NDJSON file a type, others as they are.

    The same input, key and profile give the same pseudonyms, dates and surrogates. What cannot be read is left out
    and listed. Raises: UserError for the paths or the profile.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UserError("the output is not an empty folder", where=str(target), remedy="Name a new folder.")
    found = sort_files(source)
    target.mkdir(parents=True, exist_ok=True)
    with scratch_folder(target.resolve().parent) as scratch:
        run = Run(
            source,
            target,
            profile,
            key,
            text_method=text_method,
            as_of_ms=(clock or SystemClock()).now_ms(),
            scratch=scratch,
            progress=progress,
        )
        run.mixed = len(found.by_kind) > 1
        run.account.unknown = len(found.unknown)
        for kind, files in found.by_kind.items():
            kind.survey(run, files)
        for kind, files in found.by_kind.items():
            kind.clean(run, files)
    return run.account


def read_key_file(path: Path) -> Secret:
    """Read a key of 64 or more hexadecimal digits. Raises: Invalid if the file is none; UserError if others may read it."""
    try:
        return Secret(bytes.fromhex(read_secret(path).decode("ascii").strip()))
    except ValueError:
        raise Invalid("not a key file", where=path.name, remedy="Make one: openssl rand -hex 32") from None


def plan_of(profile: str) -> Plan:
    """Compile a profile: one of Bailee's own by its name, or a site's own, a file that ends in .toml.

    Raises: UserError if there is none, or naming the line that is wrong.
    """
    if not profile.endswith(".toml"):
        return shipped_plan(profile)
    path = Path(profile)
    if not path.is_file():
        raise UserError("no such profile", where=path.name, remedy="Name a file, or one of Bailee's own profiles.")
    return plan_from_file(path)


@dataclass(frozen=True)
class SiteProfile:
    """A site's own profile for another format than FHIR."""

    text: str
    name: str
    file: str


def format_profile(profile: str, kind: str) -> SiteProfile | None:
    """Find the file that goes with a site's own profile: FILE.toml has FILE.hl7v2.toml beside it, FILE.ccda.toml …

    None for a profile of Bailee's own, which has one for each format. Raises: UserError if the site has none.
    """
    if not profile.endswith(".toml"):
        return None
    path = Path(profile).with_suffix(f".{kind}.toml")
    if not path.is_file():
        raise UserError(
            f"the profile says nothing about {kind} files",
            where=path.name,
            remedy='Write one beside it; three lines do: title, summary, identifiability, and extends = "safe-harbor".',
        )
    return SiteProfile(path.read_text("utf-8"), path.stem, path.name)
