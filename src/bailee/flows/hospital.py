"""One hospital, opened: its folder, master key, database and ledger; what every flow is given."""

from __future__ import annotations

import platform
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path

from sqlalchemy import Engine

from bailee.core.canonical import sha256_hex
from bailee.core.clock import Clock, SystemClock, iso_from_ms
from bailee.core.entropy import Entropy, SystemEntropy
from bailee.core.keys import AgreementKeys, Secret
from bailee.stores.home import Configuration, Home, create_home
from bailee.stores.keys.guarded import FileSigner, SeenFile
from bailee.stores.keys.ring import (
    SaltFiles,
    create_master_key,
    create_signing_key,
    read_master_key,
    read_signing_key,
)
from bailee.stores.keys.signer import SocketSigner
from bailee.stores.keys.witness import read_witnesses
from bailee.stores.lake.vault import Vault
from bailee.stores.sql.database import migrate, open_database
from bailee.stores.sql.ledger import Log
from bailee.stores.sql.ledger_egress import Egress

SIGNED_SO_FAR = "ledger.seen"


@dataclass
class Hospital:
    """Opens each thing when it is first asked for; a flow that needs no ledger opens none."""

    home: Home
    clock: Clock = field(default_factory=SystemClock)
    entropy: Entropy = field(default_factory=SystemEntropy)
    actor: str = "bailee"

    @cached_property
    def master(self) -> Secret:
        """The master key. Raises: Unavailable if it is not there."""
        return read_master_key(self.home.keys)

    @cached_property
    def vault(self) -> Vault:
        """The vault."""
        vault = Vault(self.home.vault, self.master)
        vault.create()
        return vault

    @cached_property
    def engine(self) -> Engine:
        """The database, brought up to date."""
        engine = open_database(self.home.database)
        migrate(engine)
        return engine

    @cached_property
    def log(self) -> Log:
        """The ledger, signed by a signer in its own process where `signer_socket` names one."""
        socket = self.home.configuration.signer_socket
        signer = SocketSigner(Path(socket)) if socket else self._own_signer()
        salts, witnesses = SaltFiles(self.home.keys, self.entropy), read_witnesses(self.home.keys)
        return Log(self.engine, signer, self.clock, self.entropy, salts=salts, witnesses=witnesses)

    @cached_property
    def egress(self) -> Egress:
        """What releases write to the ledger."""
        return Egress(self.log, actor=self.actor, machine=_machine())

    def today(self) -> date:
        """Tell the day, UTC."""
        return date.fromisoformat(iso_from_ms(self.clock.now_ms())[:10])

    def keys_for(self, agreement: str) -> AgreementKeys:
        """Derive an agreement's keys."""
        return AgreementKeys.of(self.master, agreement)

    def close(self) -> None:
        """Close the database if it was opened."""
        if "engine" in self.__dict__:
            self.engine.dispose()

    def _own_signer(self) -> FileSigner:
        return FileSigner(read_signing_key(self.home.keys), SeenFile(self.home.keys / SIGNED_SO_FAR))


def create_hospital(folder: Path, name: str, origin: str, *, entropy: Entropy | None = None) -> Hospital:
    """Make a hospital's folder with fresh keys, an empty vault and a ledger. Raises: UserError if there is one."""
    home = create_home(folder, Configuration(hospital=name, origin=origin))
    drawn = entropy or SystemEntropy()
    create_master_key(home.keys, drawn)
    create_signing_key(home.keys, origin, drawn)
    hospital = Hospital(home, entropy=drawn)
    hospital.vault.create()
    hospital.engine  # noqa: B018 - opening it makes the tables
    return hospital


def _machine() -> str:
    """Name this machine for the ledger: a hash, since host names name wards and people."""
    return f"machine-{sha256_hex(platform.node().encode())[:12]}"
