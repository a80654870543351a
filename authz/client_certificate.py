"""A client's certificate: as a proxy hands it over (RFC 9440), and as a registration keeps it.

Kept is the SHA-256 thumbprint of the DER form in base64url, the `x5t#S256` of RFC 8705. Whether a
known authority signed it, and whether it has expired since, is for the proxy that ends TLS.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

LONGEST = 16_384


def thumbprint_of_header(value: str) -> str | None:
    """The thumbprint of a `Client-Cert` header: a byte sequence `:base64:` (RFC 8941, 3.3.5).

    `None` for an absent, repeated or malformed header.
    """
    if len(value) > LONGEST or len(value) < 3 or value[0] != ":" or value[-1] != ":":
        return None
    try:
        der = base64.b64decode(value[1:-1], validate=True)
        x509.load_der_x509_certificate(der)
    except (binascii.Error, ValueError):
        return None
    return thumbprint(der)


class NotInForce(ValueError):
    """A certificate that is not valid now. The message says why."""


def thumbprint_of_pem(pem: bytes) -> str:
    """The thumbprint of a certificate file. Raises `NotInForce`, or `ValueError` for no
    certificate."""
    certificate = x509.load_pem_x509_certificate(pem)
    first, last = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if first >= last:
        raise NotInForce("the certificate is never valid: its last moment is before its first")
    if last <= dt.datetime.now(dt.UTC):
        raise NotInForce(f"the certificate expired on {last:%Y-%m-%d}")
    return thumbprint(certificate.public_bytes(Encoding.DER))


def thumbprint(der: bytes) -> str:
    """SHA-256 of the DER form, in base64url without padding."""
    return base64.urlsafe_b64encode(hashlib.sha256(der).digest()).decode().rstrip("=")
