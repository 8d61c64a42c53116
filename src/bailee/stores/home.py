"""A hospital's folder: its configuration, keys, database, vault and releases, and the way to each."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bailee.core.errors import UserError

CONFIGURATION = "bailee.toml"


class Configuration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """bailee.toml. Paths are relative to the folder that it stands in; keys are never written here."""

    hospital: str
    origin: str  # names the ledger in checkpoints, for example 'hospital.example/bailee/ledger'
    database: str = "sqlite:///bailee.db"
    vault: str = "vault"
    releases: str = "releases"
    keys: str = "keys"
    consent_stores: tuple[str, ...] = ()  # whose consents bind every release, beside those that an agreement names
    publish_to: str = ""  # place below which every release is published as well: s3://bucket/prefix
    oidc_issuer: str = ""  # the hospital's own OpenID Connect provider, exactly as its tokens name it
    oidc_audience: str = ""
    oidc_keys_url: str = ""  # of its JWK set
    oidc_roles_claim: str = "roles"
    signer_socket: str = ""  # of a signer in its own process; empty: this process signs with ledger.key


@dataclass(frozen=True)
class Home:
    """Where everything of one hospital lies."""

    folder: Path
    configuration: Configuration

    @property
    def vault(self) -> Path:
        """Folder of the vault."""
        return self.folder / self.configuration.vault

    @property
    def releases(self) -> Path:
        """Folder of the published datasets: the only one that partners may be given."""
        return self.folder / self.configuration.releases

    @property
    def staging(self) -> Path:
        """Folder of releases under way."""
        return self.folder / "staging"

    @property
    def reports(self) -> Path:
        """Folder of evidence reports; for the hospital's eyes only."""
        return self.folder / "reports"

    @property
    def quarantine(self) -> Path:
        """Folder of sealed lists of input that was not taken."""
        return self.folder / "quarantine"

    @property
    def keys(self) -> Path:
        """Folder of the keys."""
        return self.folder / self.configuration.keys

    @property
    def database(self) -> str:
        """URL of the database."""
        url = self.configuration.database
        relative = url.removeprefix("sqlite:///")
        return f"sqlite:///{self.folder / relative}" if url != relative and not relative.startswith("/") else url


def find_home(named: str | None = None) -> Home:
    """Find the hospital's folder: as named, by BAILEE_HOME, or the current folder or one above it.

    Raises: UserError if there is none, or its configuration is not valid.
    """
    if named or os.environ.get("BAILEE_HOME"):
        return open_home(Path(named or os.environ["BAILEE_HOME"]))
    for folder in (Path.cwd(), *Path.cwd().parents):
        if (folder / CONFIGURATION).is_file():
            return open_home(folder)
    raise UserError(
        "there is no hospital here", remedy="Run `bailee init`, or name its folder with --home or BAILEE_HOME."
    )


def open_home(folder: Path) -> Home:
    """Open a hospital's folder. Raises: UserError if its configuration is absent or not valid."""
    path = folder / CONFIGURATION
    try:
        content = tomllib.loads(path.read_text("utf-8"))
        return Home(folder.resolve(), msgspec.convert(content, Configuration))
    except FileNotFoundError:
        raise UserError("no configuration", where=str(path), remedy="Run `bailee init` there first.") from None
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise UserError(f"the configuration is not valid: {error}", where=str(path), remedy="Mend that line.") from None


def create_home(folder: Path, configuration: Configuration) -> Home:
    """Make a hospital's folders and write its configuration. Raises: UserError if one is there already."""
    path = folder / CONFIGURATION
    if path.exists():
        raise UserError("there is a hospital here already", where=str(path), remedy="Choose another folder.")
    home = Home(folder.resolve(), configuration)
    for made in (folder, home.releases, home.staging, home.reports, home.quarantine, home.keys):
        made.mkdir(parents=True, exist_ok=True)
    home.keys.chmod(0o700)
    lines = [f"{name} = {_toml(value)}" for name, value in msgspec.structs.asdict(configuration).items()]
    path.write_text(
        "\n".join(["# Where this hospital keeps things; docs/configuration.md tells each setting.", *lines]) + "\n"
    )
    return home


def _toml(value: str | tuple[str, ...]) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(_toml(one) for one in value)}]"
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
