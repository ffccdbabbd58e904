"""Certificate authority for servers on this machine."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

LOOPBACK = "127.0.0.1"


class CertificateAuthority:
    """A root certificate and its key. The key signs the server certificates."""

    def __init__(self, name: str) -> None:
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._key = _create_key()
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        builder = self._create_builder(self._name, self._key).add_extension(constraints, critical=True)
        self.root = builder.sign(self._key, SHA256()).public_bytes(Encoding.PEM).decode()
        """The root certificate as PEM."""

    def server_context(self, folder: Path) -> ssl.SSLContext:
        """Create a certificate for the loopback address in `folder`. Return a TLS context with this certificate."""
        key = _create_key()
        address = x509.SubjectAlternativeName([x509.IPAddress(ip_address(LOOPBACK))])
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, LOOPBACK)])
        certificate = self._create_builder(name, key).add_extension(address, critical=False)
        chain = folder / "server.pem"
        chain.write_bytes(
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            + certificate.sign(self._key, SHA256()).public_bytes(Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain)
        return context

    def _create_builder(self, subject: x509.Name, key: rsa.RSAPrivateKey) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return x509.CertificateBuilder(
            issuer_name=self._name,
            subject_name=subject,
            public_key=key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=now - timedelta(days=1),
            not_valid_after=now + timedelta(days=2),
        )


def _create_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)
