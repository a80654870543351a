"""相互認証 (R5.5) over real TLS: nginx, as docs/departments.md sets it up, before a running server.

Five clients with five certificates; anybody else gets nothing, in the right network too, and with a
stolen token.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from authz.client_certificate import thumbprint_of_pem
from authz.clients.registry import Clients
from models.store.database import Database
from models.tables.client import TokenBinding
from resolvers.demo.clients import definition_of
from tests.authority import Authority, Issued
from tests.conftest import PROJECT, absent
from tests.department import CODES, Department, register
from tests.live import live_server
from tests.papers import blocks
from tests.test_transfers import MANAGEMENT, NDJSON, TRANSFERS, mutation
from tests.valkey import until
from tests.world import World, make_stores, settings_of

pytestmark = pytest.mark.nginx

PROXY, ELSEWHERE = "127.0.0.9", "127.0.0.7"
MODULES = Path("/usr/lib/nginx/modules/ngx_http_js_module.so")
EVERYBODY = "{ addressees { totalCount } }"


@dataclass
class City:
    """Behind the proxy at `address`: `inside` is the server itself, `office` its staff."""

    address: str
    inside: str
    office: World
    departments: Mapping[str, Department]
    certificates: Mapping[str, Issued]
    authority: Authority
    foreign: Authority

    def client(
        self, certificate: Issued | None, *, trust: Path | None = None, source: str = "127.0.0.1"
    ) -> httpx2.AsyncClient:
        """An HTTP client that presents a certificate and trusts one authority."""
        context = ssl.create_default_context(cafile=str(trust or self.authority.path))
        if certificate is not None:
            context.load_cert_chain(certificate.certificate, certificate.key)
        transport = httpx2.AsyncHTTPTransport(verify=context, local_address=source)
        return httpx2.AsyncClient(transport=transport, base_url=self.address)


@pytest.fixture(scope="module")
async def city(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[City]:
    nginx, folder = find_nginx(), tmp_path_factory.mktemp("city")
    urls = [f"sqlite:///{folder / name}.sqlite" for name in ("main", "numbers")]
    passwords = await make_stores(urls[0], urls[1], folder)
    authority, foreign = Authority(folder, "city"), Authority(folder, "foreign")
    certificates = {code: authority.issue(code) for code in CODES}
    with _free_port() as port:
        address = f"https://127.0.0.1:{port}"
    settings = {
        "ATENA_DATABASE_URL": urls[0],
        "ATENA_NUMBERS_URL": urls[1],
        "ATENA_DATA": str(folder),
        "ATENA_PROXIES": f"{PROXY}/32",
        "ATENA_PUBLIC_URL": address,
    }
    with live_server(settings, folder / "server.log") as inside:
        proxied = _proxy(nginx, folder, authority.issue("server", server=True), authority)
        with proxied(port, inside):
            async with httpx2.AsyncClient(base_url=inside) as http:
                office = World(urls[0], http, passwords, folder, urls[1], "")
                departments = await _register(urls, folder, certificates, http, address)
                made = City(address, inside, office, departments, certificates, authority, foreign)
                yield made
                for department in departments.values():
                    await department.http.aclose()


async def _register(
    urls: list[str],
    folder: Path,
    certificates: Mapping[str, Issued],
    http: httpx2.AsyncClient,
    issuer: str,
) -> dict[str, Department]:
    chosen = settings_of(urls[0], urls[1], "unix:///nowhere", folder)
    database = Database(urls[0])
    clients = Clients(database, chosen.load_keys())
    found = {}
    for code in CODES:
        definition = replace(
            definition_of(code), binding=TokenBinding.MTLS, networks=("127.0.0.1/32",)
        )
        certificate = thumbprint_of_pem(certificates[code].certificate.read_bytes())
        department = await register(clients, http, definition, certificate=certificate)
        department.issuer = issuer
        found[code] = department
    await database.close()
    return found


def find_nginx() -> str:
    """Debian puts it where not every account looks."""
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    return found if found and MODULES.exists() else absent("nginx with libnginx-mod-http-js")


@contextmanager
def _free_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        yield probe.getsockname()[1]


def _proxy(nginx: str, folder: Path, server: Issued, authority: Authority) -> Any:
    """nginx, with the configuration of the paper on the paths and ports of this test."""
    shown = {block.language: block.text for block in blocks(PROJECT / "docs/departments.md")}
    (folder / "handover.js").write_text(shown["js"], encoding="utf-8")

    @contextmanager
    def run(port: int, inside: str) -> Iterator[None]:
        site = shown["nginx"]
        for old, new in (
            ("listen 8443", f"listen 127.0.0.1:{port}"),
            ("server.pem", str(server.certificate)),
            ("server.key", str(server.key)),
            ("authority.pem", str(authority.path)),
            ("http://127.0.0.1:8000", inside),
        ):
            assert old in site
            site = site.replace(old, new)
        with nginx_serving(
            nginx, folder, site, port, f"load_module {MODULES};", f"js_path {folder};"
        ):
            yield

    return run


@contextmanager
def nginx_serving(
    nginx: str, folder: Path, site: str, port: int, first: str = "", inside: str = ""
) -> Iterator[None]:
    """nginx with this in its `http`, while the block runs."""
    places = "\n".join(
        f"{name}_temp_path {folder / name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    configuration = folder / "nginx.conf"
    # Started as root it would serve as nobody, who does not read the test's folder.
    user = "user root;" if os.geteuid() == 0 else ""
    configuration.write_text(
        f"{first}\n{user}\ndaemon off;\nworker_processes 1;\n"
        f"pid {folder / 'nginx.pid'};\nerror_log {folder / 'nginx.log'};\nevents {{}}\n"
        f"http {{\naccess_log off;\n{inside}\n{places}\n{site}}}\n",
        encoding="utf-8",
    )
    process = subprocess.Popen(
        [nginx, "-p", str(folder), "-c", str(configuration)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(process, port, folder / "nginx.log")
        yield
    finally:
        process.terminate()
        process.wait(20)


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(100):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.1):
            return
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.1)
            break
    raise AssertionError(f"nginx did not start:\n{log.read_text(errors='replace')[-2000:]}")


async def ask_token(
    city: City, department: Department, http: httpx2.AsyncClient, **headers: str
) -> httpx2.Response:
    return await http.post("/oauth/token", data=department.form(), headers=headers)


async def ask(
    http: httpx2.AsyncClient, code: str, token: str, document: str = EVERYBODY, **headers: str
) -> httpx2.Response:
    return await http.post(
        "/graphql",
        json={"query": document},
        headers={
            "authorization": f"Bearer {token}",
            "purpose-of-use": f"transfer-{code}",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        },
    )


async def released(city: City, code: str) -> str:
    """A transfer that may be fetched, ordered and released by the office."""
    given = {"input": {"definitionCode": code}}
    ordered = await city.office.data(
        "sato", MANAGEMENT, mutation("prepareTransfer"), variables=given
    )
    number: str = ordered["prepareTransfer"]["transfer"]["code"]

    async def checked() -> bool:
        listed = await city.office.data("sato", MANAGEMENT, TRANSFERS)
        states = {node["code"]: node["state"] for node in listed["transfers"]["nodes"]}
        return bool(states[number] == "CHECKED")

    await until(checked, 20)
    await city.office.data(
        "kato", MANAGEMENT, mutation("releaseTransfer"), variables={"input": {"code": number}}
    )
    return number


async def refusals(city: City, last: int) -> list[str]:
    return [record["outcome"] for record in await city.office.log(last)]


async def test_five_clients_with_five_certificates_fetch_their_own(city: City) -> None:
    numbers = {code: await released(city, code) for code in CODES}
    for code in CODES:
        async with city.client(city.certificates[code]) as http:
            response = await ask_token(city, city.departments[code], http)
            assert (response.status_code, response.json()["token_type"]) == (200, "Bearer")
            token = response.json()["access_token"]
            bearer = {"authorization": f"Bearer {token}", "accept": NDJSON}
            for owner, number in numbers.items():
                answer = await http.get(f"/transfers/{number}", headers=bearer)
                assert answer.status_code == (200 if owner == code else 404)
                if owner == code:
                    digest = answer.headers["repr-digest"]
                    assert digest.startswith("sha-256=:")
                    acknowledged = await http.post(
                        "/graphql",
                        json={
                            "query": mutation("acknowledgeTransfer"),
                            "variables": {
                                "input": {
                                    "code": number,
                                    "digest": hashlib.sha256(answer.content).hexdigest(),
                                }
                            },
                        },
                        headers=bearer
                        | {"purpose-of-use": f"transfer-{code}", "accept": "application/json"},
                    )
                    assert '"ACKED"' in acknowledged.text


async def test_a_stolen_token_opens_nothing_in_the_right_network(city: City) -> None:
    async with city.client(city.certificates["nursing-care"]) as http:
        token = (await ask_token(city, city.departments["nursing-care"], http)).json()[
            "access_token"
        ]
        assert (await ask(http, "nursing-care", token)).status_code == 200
    mine = city.certificates["nursing-care"].certificate.read_text()
    handed = ":" + re.sub(r"-----[A-Z ]+-----|\s", "", mine) + ":"
    async with city.client(city.certificates["child-welfare"]) as http:
        for headers in ({}, {"client_cert": handed}):
            response = await ask(http, "nursing-care", token, **headers)
            assert response.status_code == 401
            assert "data" not in response.json()
            assert (await refusals(city, 2))[0] == "REFUSED_CERTIFICATE"
    async with httpx2.AsyncClient(base_url=city.inside) as http:
        # Past the proxy, with what only a proxy may say.
        response = await ask(http, "nursing-care", token, client_cert=handed)
        assert response.status_code == 401
        assert (await refusals(city, 2))[0] == "REFUSED_CERTIFICATE"


async def test_no_token_with_a_certificate_that_is_not_the_clients(city: City) -> None:
    nursing = city.departments["nursing-care"]
    for certificate in (city.certificates["child-welfare"], city.authority.issue("newcomer")):
        async with city.client(certificate) as http:
            response = await ask_token(city, nursing, http)
            assert (response.status_code, response.json()["error"]) == (400, "invalid_client")
            assert await refusals(city, 1) == ["REFUSED_CERTIFICATE"]
    mine = city.certificates["nursing-care"].certificate.read_text()
    handed = ":" + re.sub(r"-----[A-Z ]+-----|\s", "", mine) + ":"
    async with httpx2.AsyncClient(base_url=city.inside) as http:
        response = await ask_token(city, nursing, http, **{"client-cert": handed})
        assert response.status_code == 400


async def test_whoever_has_no_certificate_of_the_authority_gets_nothing(city: City) -> None:
    strangers = (
        None,
        city.foreign.issue("stranger"),
        city.authority.issue("expired", days=-1),
    )
    for certificate in strangers:
        async with city.client(certificate) as http:
            for path in ("/graphql", "/oauth/token", "/transfers/x", "/schema.graphql"):
                with suppress(httpx2.TransportError):
                    response = await http.get(path)
                    # nginx itself: the request has not reached Atena.
                    assert response.status_code == 400
                    assert "nginx" in response.headers["server"]


async def test_a_token_is_good_in_its_network_alone(city: City) -> None:
    nursing, certificate = city.departments["nursing-care"], city.certificates["nursing-care"]
    async with city.client(certificate) as http:
        token = (await ask_token(city, nursing, http)).json()["access_token"]
    async with city.client(certificate, source=ELSEWHERE) as http:
        assert (await ask_token(city, nursing, http)).status_code == 400
        assert await refusals(city, 1) == ["REFUSED_NETWORK"]
        claimed = {"x_forwarded_for": "127.0.0.1"}
        assert (await ask(http, "nursing-care", token, **claimed)).status_code == 401
        assert (await refusals(city, 2))[0] == "REFUSED_NETWORK"


async def test_the_client_knows_the_server_too(city: City) -> None:
    nursing, certificate = city.departments["nursing-care"], city.certificates["nursing-care"]
    async with city.client(certificate, trust=city.foreign.path) as http:
        with pytest.raises(httpx2.ConnectError):
            await ask_token(city, nursing, http)


async def test_introspection_names_the_certificate(city: City) -> None:
    nursing, certificate = city.departments["nursing-care"], city.certificates["nursing-care"]
    async with city.client(certificate) as http:
        token = (await ask_token(city, nursing, http)).json()["access_token"]
        told = await http.post("/oauth/introspect", data=nursing.form(token=token))
        thumbprint = thumbprint_of_pem(certificate.certificate.read_bytes())
        assert json.loads(told.content)["cnf"] == {"x5t#S256": thumbprint}


async def test_the_example_in_curl_fetches_a_transfer(city: City, tmp_path: Path) -> None:
    """As docs/departments.md has it, with the certificates of this town."""
    code = "medical-pension"
    number, department = await released(city, code), city.departments[code]
    own = city.certificates[code]
    for name, path in (
        ("authority.pem", city.authority.path),
        (f"{code}.pem", own.certificate),
        (f"{code}.key", own.key),
    ):
        (tmp_path / name).symlink_to(path)
    [script] = [
        block.text
        for block in blocks(PROJECT / "docs/departments.md")
        if (block.language, block.words) == ("sh", ("curl",))
    ]
    secret = department.key.as_dict(private=True)["k"]
    given = {
        "issuer": city.address,
        "code": number,
        "secret": base64.urlsafe_b64decode(f"{secret}==").decode(),
    }
    process = await asyncio.create_subprocess_exec(
        *("bash", "-euo", "pipefail", "-c", script),
        cwd=tmp_path,
        env={**os.environ, **given},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    told, computed = out.decode().strip().splitlines()
    assert told.partition("sha-256=:")[2].rstrip().rstrip(":") == computed
    assert (tmp_path / "transfer.csv").read_text(encoding="utf-8").startswith("宛名コード")
