"""Places that datasets are published to beside the hospital's own folder: a prefix of an S3-compatible bucket, or a folder.

Credentials come from the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION, AWS_ENDPOINT_URL)
or the machine's role, never from a configuration file.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bailee.core.errors import BaileeError, Conflict, Denied, Invalid, Unavailable, UserError

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_CHUNK = 8 << 20
_PATIENCE_SECONDS = 60
_SMALL = 16 << 20


@dataclass(frozen=True)
class Place:
    """A prefix in an object store. Keys are relative to it, with forward slashes."""

    url: str
    store: Any

    def put(self, key: str, path: Path) -> None:
        """Write a file's bytes, in parts where it is large; what was there is replaced. Raises: Unavailable, Denied."""
        import obstore

        with _told(self.url), path.open("rb") as file:
            obstore.put(self.store, key, file, chunk_size=_CHUNK)

    def put_new(self, key: str, content: bytes) -> None:
        """Write a small object that must not be there yet. Raises: Conflict if it is; Unavailable, Denied."""
        import obstore

        with _told(self.url):
            obstore.put(self.store, key, content, mode="create", use_multipart=False)

    def read(self, key: str) -> bytes | None:
        """Read a small object; None if it is not there. Raises: Invalid if it is large; Unavailable, Denied."""
        import obstore

        with _told(self.url):
            try:
                found = obstore.get(self.store, key)
            except FileNotFoundError:
                return None
            if found.meta["size"] > _SMALL:
                raise Invalid("an object that is too large for what it is", where=f"{self.url}/{key}")
            return bytes(found.bytes())

    def hash(self, key: str) -> tuple[str, int]:
        """Hash an object as it lies there, a piece at a time. Shape: SHA-256 in hexadecimal, size in bytes."""
        import obstore

        digest, size = hashlib.sha256(), 0
        with _told(self.url):
            for piece in obstore.get(self.store, key).stream(min_chunk_size=_CHUNK):
                digest.update(piece)
                size += len(piece)
        return digest.hexdigest(), size

    def keys(self) -> Iterator[str]:
        """List every key below the prefix."""
        import obstore

        with _told(self.url):
            for part in obstore.list(self.store):
                yield from (str(one["path"]) for one in part)


def open_place(url: str, *parts: str) -> Place:
    """Open `s3://bucket/prefix`, `file:///folder` or a folder's path, and a place below it. Nothing is written.

    Raises: UserError for another kind of place, or an endpoint that would be reached in the clear.
    """
    from obstore.store import LocalStore, S3Store

    address = urlsplit(url)
    below = "/".join(part.strip("/") for part in parts if part.strip("/"))
    if address.scheme == "s3" and address.netloc:
        prefix = "/".join(one for one in (address.path.strip("/"), below) if one)
        options = {"allow_http": True} if _is_plain(os.environ.get("AWS_ENDPOINT_URL", "")) else {}
        store = S3Store(
            address.netloc,
            prefix=prefix or None,
            client_options=options,
            checksum_algorithm="SHA256",
            retry_config={"max_retries": 5, "retry_timeout": timedelta(seconds=_PATIENCE_SECONDS)},
        )
        return Place(f"s3://{address.netloc}/{prefix}".rstrip("/"), store)
    if address.scheme in {"", "file"} and address.path and not address.netloc:
        folder = Path(address.path).resolve() / below
        folder.mkdir(parents=True, exist_ok=True)
        return Place(f"file://{folder}", LocalStore(str(folder)))
    raise UserError("not a place for datasets", where=url, remedy="Use s3://bucket/prefix, file:///folder or a path.")


def check_place(place: Place) -> None:
    """Hold that a place can be reached. Raises: Unavailable, Denied."""
    next(place.keys(), None)


def is_place(text: str) -> bool:
    """Tell the URL of a place from other words."""
    return text.startswith(("s3://", "file://"))


def _is_plain(endpoint: str) -> bool:
    """Tell whether an endpoint is this machine's own, without encryption. Raises: UserError for another one without."""
    address = urlsplit(endpoint)
    if address.scheme != "http":
        return False
    if address.hostname not in _LOOPBACK:
        remedy = "Use an https endpoint in AWS_ENDPOINT_URL."
        raise UserError("data would cross the network in the clear", where=str(address.hostname), remedy=remedy)
    return True


@contextmanager
def _told(url: str) -> Iterator[None]:
    """Turn the store's errors into ours; its own text may quote headers and stays inside."""
    from obstore.exceptions import (
        AlreadyExistsError,
        BaseError,
        PermissionDeniedError,
        PreconditionError,
        UnauthenticatedError,
    )

    try:
        yield
    except BaileeError:
        raise
    except (AlreadyExistsError, PreconditionError):
        raise Conflict(f"something is published at {url} already") from None
    except (PermissionDeniedError, UnauthenticatedError):
        remedy = "Check the credentials in the environment and the bucket's policy."
        raise Denied(f"the store refuses access to {url}", reasons=("E-DENY",), remedy=remedy) from None
    except FileNotFoundError:
        raise Unavailable(f"an object or a bucket is not there: {url}") from None
    except (BaseError, OSError):
        raise Unavailable(f"the store cannot be reached: {url}") from None
