"""What both servers need against strangers: tokens, certificates, pinned fingerprints.

A token is compared in constant time and never logged. A certificate made by us proves no name, so the client
pins its fingerprint at first sight and refuses another one later, as ssh does with host keys.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl

CERTIFICATE_DAYS = 3650


class PinError(Exception):
    """The server's certificate is not the pinned one, or not known yet; the message says what to do."""


def token_matches(offered: object, wanted: str) -> bool:
    """Whether the token offered is the one wanted, in a time that tells nothing;

    No token wanted means any will do.
    """
    if not wanted:
        return True
    text = offered if isinstance(offered, str) else ""
    # Digests have one length, so not even the length of the token shows.
    ours = hashlib.sha256(wanted.encode("utf-8", "surrogatepass")).digest()
    theirs = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return hmac.compare_digest(ours, theirs)


def state_folder() -> Path:
    """Where programs keep what must outlast them: $XDG_STATE_HOME/netarium, or ~/.local/state/netarium."""
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "netarium"


def fingerprint(certificate_der: bytes) -> str:
    """The SHA-256 fingerprint of a certificate, as it is shown and pinned."""
    return "SHA256:" + hashlib.sha256(certificate_der).hexdigest()


def certificate_fingerprint(path: Path) -> str:
    """The fingerprint of the first certificate in a PEM file."""
    import ssl

    text = path.read_text(encoding="ascii")
    end = "-----END CERTIFICATE-----"
    return fingerprint(
        ssl.PEM_cert_to_DER_cert(text[text.index("-----BEGIN CERTIFICATE-----") : text.index(end)] + end)
    )


def own_certificate(folder: Path) -> tuple[Path, Path]:
    """The certificate and key this machine made for itself, made now if there is none: (certificate, key)."""
    certificate, key = folder / "server-cert.pem", folder / "server-key.pem"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _alone(folder / "server-cert.lock"):  # several servers may start for the first time at one moment
        if not (certificate.exists() and key.exists()):
            certificate_pem, key_pem = make_certificate()
            write_private(key, key_pem)
            write_private(certificate, certificate_pem)
    return certificate, key


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold a lock between processes: on the file `path`, which stays."""
    import fcntl

    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def make_certificate() -> tuple[bytes, bytes]:
    """A self-signed certificate for 10 years and its P-256 key, both PEM."""
    import datetime

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "netarium")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=CERTIFICATE_DAYS))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    key_pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM), key_pem


def write_private(path: Path, data: bytes) -> None:
    """Write a file only its owner may read, whole or not at all."""
    import tempfile

    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # 0600 from the start
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.2 or later with this certificate."""
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    return context


def client_context() -> ssl.SSLContext:
    """TLS that takes any certificate: `Pins.check` must be called before a byte is sent."""
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Pins:
    """The fingerprints of servers seen before: a text file of `HOST:PORT FINGERPRINT` lines."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def known(self, server: str) -> str | None:
        """The fingerprint pinned for `HOST:PORT`, or None."""
        try:
            lines = self.path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return None
        for line in lines:
            words = line.split()
            if len(words) == 2 and words[0] == server:
                return words[1]
        return None

    def pin(self, server: str, seen: str) -> None:
        """Remember the fingerprint of a server."""
        lines = self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() else []
        kept = [line for line in lines if line.split()[:1] != [server]]
        write_private(self.path, "\n".join([*kept, f"{server} {seen}", ""]).encode())

    def check(self, server: str, seen: str, wanted: str = "", trust_new: bool = False) -> bool:
        """Let the server pass or raise PinError; True when it was new and is pinned now.

        `wanted` is the fingerprint the user was told (it wins and is pinned); `trust_new` takes an unknown
        server's.
        """
        if wanted:
            if not hmac.compare_digest(wanted.strip().lower().encode(), seen.lower().encode()):
                raise PinError(
                    f"{server} shows the certificate {seen}; you asked for {wanted}: not connected"
                )
            if self.known(server) != seen:
                self.pin(server, seen)
                return True
            return False
        known = self.known(server)
        if known == seen:
            return False
        if known is not None:
            raise PinError(
                f"{server} shows ANOTHER CERTIFICATE than before: {seen}, pinned was {known}. Someone may be listening "
                f"between you and it. If the server really has a new one, delete its line from {self.path}"
            )
        if not trust_new:
            raise PinError(
                f"{server} is not known yet; its certificate is {seen}. Compare that with what the server printed at "
                f"its start, then add --fingerprint {seen} (or --trust-new to take it unseen, once)"
            )
        self.pin(server, seen)
        return True
