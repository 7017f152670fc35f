"""Which cluster an address means, and whether it may be used: ``local:4``, ``tls://host:8786`` or ``tcp://host:8786``."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from onelayer.errors import OneLayerError, first_line

ADDRESS = re.compile(r"(local):(\d+)|(tcp|tls)://(\[[^]]+\]|[^:/]+):(\d+)")
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
TIMEOUT = 10.0  # seconds that a scheduler may take to answer
NO_PACKAGE = "a cluster needs dask: pip install 'onelayer[cluster]'"


@dataclass(frozen=True)
class Cluster:
    """A cluster as a user names it.

    Attributes:
        address: ``local:N`` for N processes on this machine, or that of a scheduler.
        is_insecure: whether a scheduler elsewhere may be reached without encryption.
        ca, certificate, key: paths of TLS files; those of Dask's configuration where they are not given.

    Raises:
        OneLayerError: if the address is something else, or asks for encryption that it does not have.
    """

    address: str
    is_insecure: bool = False
    ca: str | None = None
    certificate: str | None = None
    key: str | None = None

    def __post_init__(self) -> None:
        found = ADDRESS.fullmatch(self.address)
        if found is None or (found[1] and not 1 <= int(found[2]) <= 1024):
            raise OneLayerError(
                f"the cluster {self.address!r} must be local:N, for N processes here, or the address of a scheduler, "
                "such as tls://10.0.0.1:8786"
            )
        if found[3] == "tcp" and found[4] not in LOOPBACK and not self.is_insecure:
            raise OneLayerError(
                f"{self.address} is not encrypted: who can read or reach it can run code on the workers. Use tls:// "
                "with certificates, or say --insecure if nobody else is on that network"
            )
        files = (self.ca, self.certificate, self.key)
        if any(files) and (found[3] != "tls" or not all(files)):
            raise OneLayerError(
                "TLS takes three files, --tls-ca, --tls-cert and --tls-key, and an address of tls://"
            )

    @contextmanager
    def client(self, memory: int | None = None) -> Iterator[Any]:
        """Connect, and close at the end what was started here.

        Args:
            memory: bytes that processes on this machine may take together.

        Raises:
            OneLayerError: if dask is not installed, or the scheduler does not answer or does not trust the files.
        """
        try:
            from distributed import Client, Security

            from onelayer.engines.dask import local_cluster
        except ImportError as error:
            raise OneLayerError(NO_PACKAGE) from error
        for name in [
            name for name in logging.root.manager.loggerDict if name.startswith(("distributed", "tornado"))
        ]:
            logging.getLogger(name).setLevel(logging.CRITICAL)  # errors are ours to tell
        if self.address.startswith("local:"):
            with (
                local_cluster(int(self.address.removeprefix("local:")), memory) as cluster,
                Client(cluster) as client,
            ):
                yield client
            return
        given = {"tls_ca_file": self.ca, "tls_client_cert": self.certificate, "tls_client_key": self.key}
        try:
            security = None
            if self.address.startswith("tls:"):
                security = Security(
                    require_encryption=True, **{k: v for k, v in given.items() if v is not None}
                )
            client = Client(self.address, timeout=TIMEOUT, security=security, set_as_default=False)
        except (OSError, TypeError, ValueError, RuntimeError) as error:
            raise OneLayerError(
                f"no scheduler at {self.address} is to be had: {first_line(error)}"
            ) from error
        try:
            yield client
        finally:
            client.close(timeout=1)
