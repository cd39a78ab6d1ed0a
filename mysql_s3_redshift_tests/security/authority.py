"""A certificate authority of the tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Authority:
    """Issues certificates that are valid for a day; `path` is its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.path = folder, folder / "ca.pem"
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("tests of mysql-s3-redshift")
        builder = self._builder("ca", self._key).subject_name(self._name)
        builder = builder.add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        _write(self.path, builder.sign(self._key, hashes.SHA256()))

    def issue(self, name: str, *, server: bool = True) -> tuple[Path, Path]:
        """Return the files of a certificate for a DNS name (or a client's name) and of its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(name, key).subject_name(_name(name))
        if server:
            names = x509.SubjectAlternativeName([x509.DNSName(name)])
            builder = builder.add_extension(names, critical=False)
        certificate, key_path = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        _write(certificate, builder.sign(self._key, hashes.SHA256()))
        key_path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        key_path.chmod(0o600)
        return certificate, key_path

    @staticmethod
    def encrypted(key: Path) -> bytes:
        """Return a key under a passphrase."""
        private = serialization.load_pem_private_key(key.read_bytes(), None)
        return private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"a passphrase"),
        )

    def _builder(self, name: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=5))
            .not_valid_after(now + timedelta(days=1))
        )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _write(path: Path, certificate: x509.Certificate) -> None:
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
