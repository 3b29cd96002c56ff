"""asyncio's TLS: the baseline's protocol inside it, with a certificate made at the start."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import tempfile
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from . import raw_tcp
from .desk import Desk
from .systems import Client, Server


async def serve(desk: Desk, variant: str) -> Server:
    """Listen with a fresh certificate; the address carries it."""
    key, certificate = make_certificate()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        key_file, certificate_file = Path(folder, "key.pem"), Path(folder, "certificate.pem")
        key_file.write_bytes(key)
        certificate_file.write_bytes(certificate)
        context.load_cert_chain(certificate_file, key_file)
    server = await raw_tcp.serve(desk, variant, ssl=context)
    server.address["certificate"] = certificate.decode()
    return server


async def connect(address: dict[str, Any], variant: str) -> Client:
    """Connect, trusting that one certificate."""
    context = ssl.create_default_context(cadata=address["certificate"])
    return await raw_tcp.connect(address, variant, ssl=context, server_hostname="127.0.0.1")


def make_certificate() -> tuple[bytes, bytes]:
    """Make a P-256 key and a certificate for 127.0.0.1 that it signs itself, both PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "benchmark")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .sign(key, hashes.SHA256())
    )
    key_pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return key_pem, certificate.public_bytes(serialization.Encoding.PEM)
