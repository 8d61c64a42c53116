"""A ledger put together from a database and a folder of keys, the way every command does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Engine

from bailee.core.clock import Clock, SystemClock
from bailee.core.entropy import Entropy, SystemEntropy
from bailee.ledger.guard import Signer
from bailee.ledger.witness import Witness
from bailee.stores.keys.guarded import FileSigner, SeenFile
from bailee.stores.keys.ring import SIGNING, SaltFiles, create_signing_key, read_signing_key
from bailee.stores.keys.signer import SOCKET, SocketSigner
from bailee.stores.sql.ledger import Log

SEEN = "ledger.seen"
DEFAULT_ORIGIN = "bailee.local/ledger"


def open_log(
    engine: Engine,
    keys: Path,
    *,
    clock: Clock | None = None,
    entropy: Entropy | None = None,
    witnesses: Sequence[Witness] = (),
) -> Log:
    """Open the ledger of a database. Raises: Unavailable without a signing key or a signer; see `create_ledger_key`."""
    entropy = entropy or SystemEntropy()
    salts = SaltFiles(keys, entropy)
    return Log(engine, open_signer(keys), clock or SystemClock(), entropy, salts=salts, witnesses=witnesses)


def open_signer(keys: Path) -> Signer:
    """Give the signer: the key in this process if its file is here, else the process behind the socket."""
    if not (keys / SIGNING).exists() and (keys / SOCKET).exists():
        return SocketSigner(keys / SOCKET)
    return FileSigner(read_signing_key(keys), SeenFile(keys / SEEN))


def create_ledger_key(keys: Path, *, origin: str = DEFAULT_ORIGIN, entropy: Entropy | None = None) -> None:
    """Make the ledger's signing key, once; for `bailee init`. Raises: Conflict if there is one."""
    create_signing_key(keys, origin, entropy or SystemEntropy())
