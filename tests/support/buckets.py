"""An S3-compatible server on this machine's own address, spoken to over HTTP; another's code, so that it is no echo of ours."""

from __future__ import annotations

import importlib.util
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}


def why_no_bucket() -> str | None:
    """Say why there is no server here, or None."""
    return None if importlib.util.find_spec("localbucket") else "localbucket is not installed (the dev group has it)"


@contextmanager
def bucket() -> Iterator[str]:
    """Start a server with an empty bucket, let the environment point to it, and give the bucket's URL."""
    from localbucket import S3Handler

    with tempfile.TemporaryDirectory(prefix="bailee-s3-") as folder, pytest.MonkeyPatch.context() as patch:
        (Path(folder) / "releases").mkdir()
        handler = type("Handler", (S3Handler,), {"data_root": Path(folder)})
        with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            address = f"http://127.0.0.1:{server.server_address[1]}"
            for name, value in (ENVIRONMENT | {"AWS_ENDPOINT_URL": address}).items():
                patch.setenv(name, value)
            try:
                yield "s3://releases"
            finally:
                server.shutdown()
                thread.join()
