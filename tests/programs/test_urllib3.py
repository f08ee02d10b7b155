"""urllib3 and requests over our package, against an HTTPS server of the standard library."""

import hashlib
import http.server
import pathlib
import queue
import ssl
import threading
import warnings

import OpenSSL
import pytest
import requests
import urllib3
from OpenSSL import SSL
from urllib3.contrib import pyopenssl

DATA = pathlib.Path(__file__).resolve().parent.parent / "data"
ROOT, OTHER_ROOT = str(DATA / "root.pem"), str(DATA / "other-root.pem")
IDENTITY = {"cert_file": str(DATA / "client.pem"), "key_file": str(DATA / "client-key.pem")}
SECONDS = 60
TIMEOUT = urllib3.Timeout(SECONDS)
LARGE = bytes(range(256)) * (20 << 12)  # 20 MiB


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers with the client's name, with LARGE, or with a digest of what came."""

    protocol_version = "HTTP/1.1"
    timeout = SECONDS

    def setup(self):
        # Here, and not where connections are accepted: a client that does not go on keeps none waiting.
        self.request.settimeout(self.timeout)
        try:
            self.request.do_handshake()
        except OSError as error:
            self.server.refused.put(error)
            raise
        with self.server.counting:
            self.server.handshakes += 1
            self.server.resumed += self.request.session_reused
        super().setup()

    def reply(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/large":
            self.reply(LARGE)
        elif self.path == "/cut":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"too little")
            self.close_connection = True
        else:
            peer = self.request.getpeercert() or {}
            names = [value for kind, value in peer.get("subjectAltName", ())]
            self.reply(" ".join([self.request.version(), *names]).encode())

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.reply(hashlib.sha256(body).hexdigest().encode())

    def log_message(self, *arguments):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, certificate="chain.pem", key="rsa.pem", client=ssl.CERT_REQUIRED, version=None):
        super().__init__(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(DATA / certificate, DATA / key)
        context.load_verify_locations(DATA / "root.pem")
        context.load_verify_locations(DATA / "intermediate.pem")
        context.verify_mode = client
        if version:
            context.minimum_version = context.maximum_version = version
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.counting = threading.Lock()
        self.handshakes = self.resumed = 0
        self.refused = queue.Queue()

    def handle_error(self, request, address):
        pass  # clients that are refused, and ones that go, are what these tests are about

    def refusal(self):
        """Why a client was refused; the client may know that before this server's thread does."""
        return str(self.refused.get(timeout=SECONDS))

    def url(self, path="/", host="localhost"):
        return f"https://{host}:{self.server_port}{path}"

    def __enter__(self):
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *exception):
        self.shutdown()
        self.server_close()
        self.thread.join(SECONDS)


@pytest.fixture(scope="module", autouse=True)
def injected():
    assert hasattr(OpenSSL.version, "__pyossl_version__")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        pyopenssl.inject_into_urllib3()
    assert urllib3.util.ssl_.SSLContext is pyopenssl.PyOpenSSLContext
    yield
    pyopenssl.extract_from_urllib3()


@pytest.fixture(params=[ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["TLS 1.2", "TLS 1.3"])
def server(request):
    with Server(version=request.param) as server:
        yield server


def manager(**more):
    settings = {"ca_certs": ROOT, "timeout": TIMEOUT, "retries": False, **IDENTITY, **more}
    return urllib3.PoolManager(**settings)


def test_client_certificate(server):
    response = manager().request("GET", server.url())
    assert response.status == 200
    version, name = response.data.decode().split()
    assert version in ("TLSv1.2", "TLSv1.3") and name == "client@example.test"


def test_our_package_does_it(server):
    pool = urllib3.HTTPSConnectionPool("localhost", server.server_port, ca_certs=ROOT, timeout=TIMEOUT, **IDENTITY)
    with pool.urlopen("GET", "/", preload_content=False) as response:
        assert isinstance(response.connection.sock.connection, SSL.Connection)
        assert response.connection.sock.version() == response.connection.sock.connection.get_protocol_version_name()
        names = response.connection.sock.getpeercert()["subjectAltName"]
        assert ("DNS", "localhost") in names and ("IP Address", "::1") in names
        response.read()


def test_encrypted_key(server):
    password = (DATA / "passphrase.txt").read_text().strip()
    with Server(client=ssl.CERT_NONE) as server:
        settings = {"cert_file": str(DATA / "server.pem"), "key_file": str(DATA / "rsa-aes256.pem")}
        assert manager(**settings, key_password=password).request("GET", server.url()).status == 200
        # Before release 2 urllib3 leaves OpenSSL's words as they are.
        with pytest.raises((urllib3.exceptions.SSLError, SSL.Error), match="load certificate chain|bad decrypt"):
            manager(**settings, key_password="wrong").request("GET", server.url())


def test_wrong_authority(server):
    with pytest.raises(urllib3.exceptions.SSLError, match="certificate verify failed"):
        manager(ca_certs=OTHER_ROOT).request("GET", server.url())
    assert not server.handshakes
    assert manager().request("GET", server.url()).status == 200


def test_no_client_certificate(server):
    pools = manager(cert_file=None, key_file=None)
    # TLS 1.3 tells the client with what it reads first.
    with pytest.raises((urllib3.exceptions.SSLError, urllib3.exceptions.ProtocolError)):
        pools.request("GET", server.url())
    assert "PEER_DID_NOT_RETURN_A_CERTIFICATE" in server.refusal()
    assert manager().request("GET", server.url()).status == 200


def test_client_certificate_that_is_not_trusted(server):
    settings = {"cert_file": str(DATA / "other-root.pem"), "key_file": str(DATA / "other-root-key.pem")}
    with pytest.raises((urllib3.exceptions.SSLError, urllib3.exceptions.ProtocolError)):
        manager(**settings).request("GET", server.url())
    assert "CERTIFICATE_VERIFY_FAILED" in server.refusal()


@pytest.mark.parametrize("certificate, good", [("server.pem", True), ("cn-only.pem", False), ("nul-in-san.pem", False)])
def test_host_names(certificate, good, tmp_path):
    chain = tmp_path / "chain.pem"
    chain.write_bytes((DATA / certificate).read_bytes() + (DATA / "intermediate.pem").read_bytes())
    with Server(certificate=chain) as server:
        if good:
            assert manager().request("GET", server.url()).status == 200
            assert manager().request("GET", server.url(host="127.0.0.1")).status == 200
        else:
            with pytest.raises(urllib3.exceptions.SSLError, match="match|appropriate|subjectAltName"):
                manager().request("GET", server.url())
            assert manager(assert_hostname=False).request("GET", server.url()).status == 200


def test_wrong_host_name(server):
    with pytest.raises(urllib3.exceptions.SSLError, match="doesn't match"):
        manager(assert_hostname="other.example").request("GET", server.url())
    assert manager(assert_hostname="www.example.test").request("GET", server.url()).status == 200


@pytest.mark.parametrize("certificate", ["expired.pem", "not-yet-valid.pem"])
def test_validity(certificate, tmp_path):
    chain = tmp_path / "chain.pem"
    chain.write_bytes((DATA / certificate).read_bytes() + (DATA / "intermediate.pem").read_bytes())
    with Server(certificate=chain, client=ssl.CERT_NONE) as server:
        with pytest.raises(urllib3.exceptions.SSLError, match="verify failed"):
            manager().request("GET", server.url())


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_nothing_is_checked_when_asked():
    with Server(client=ssl.CERT_NONE) as server:
        pools = manager(cert_reqs="CERT_NONE", ca_certs=None, cert_file=None, key_file=None, assert_hostname=False)
        assert pools.request("GET", server.url()).status == 200


def test_large_bodies(server):
    pools = manager()
    assert pools.request("GET", server.url("/large")).data == LARGE
    reply = pools.request("POST", server.url(), body=LARGE)
    assert reply.data.decode() == hashlib.sha256(LARGE).hexdigest()


def test_bodies_in_pieces(server):
    digest = hashlib.sha256()
    with manager().request("GET", server.url("/large"), preload_content=False) as response:
        for piece in response.stream(10001):
            digest.update(piece)
    assert digest.digest() == hashlib.sha256(LARGE).digest()


def test_body_that_is_cut(server):
    with pytest.raises(urllib3.exceptions.ProtocolError, match="IncompleteRead"):
        manager().request("GET", server.url("/cut"))


def test_connections_are_kept(server):
    pools = manager()
    for _ in range(20):
        assert pools.request("GET", server.url()).status == 200
    assert server.handshakes == 1


def test_pool_of_threads(server):
    pool = urllib3.HTTPSConnectionPool(
        "localhost", server.server_port, maxsize=4, block=True, ca_certs=ROOT, timeout=TIMEOUT, **IDENTITY)
    outcomes = []

    def work():
        try:
            for _ in range(5):
                outcomes.append(pool.request("GET", "/").status)
        except BaseException as error:
            outcomes.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert outcomes == [200] * 40
    assert server.handshakes <= 4


def test_sessions_are_resumed(server):
    """A session of one of urllib3's connections serves another under the same context."""
    context = urllib3.util.ssl_.create_urllib3_context()
    context.load_verify_locations(ROOT)
    context.load_cert_chain(IDENTITY["cert_file"], IDENTITY["key_file"])
    pool = urllib3.HTTPSConnectionPool("localhost", server.server_port, ssl_context=context, timeout=TIMEOUT)
    with pool.urlopen("GET", "/", preload_content=False) as response:
        response.read(1)  # TLS 1.3 sends tickets after the handshake
        session = response.connection.sock.connection.get_session()
        response.read()
    assert isinstance(session, SSL.Session)

    real = SSL.Connection
    made = []

    def resuming(*arguments):
        connection = real(*arguments)
        connection.set_session(session)
        made.append(connection)
        return connection

    OpenSSL.SSL.Connection = resuming
    try:
        other = urllib3.HTTPSConnectionPool("localhost", server.server_port, ssl_context=context, timeout=TIMEOUT)
        assert other.request("GET", "/").status == 200
    finally:
        OpenSSL.SSL.Connection = real
    assert [connection.session_reused() for connection in made] == [True]
    assert server.resumed == 1


def test_one_context_for_many_pools(server):
    """urllib3 goes on changing a context that connections were made of."""
    context = urllib3.util.ssl_.create_urllib3_context()
    context.load_cert_chain(IDENTITY["cert_file"], IDENTITY["key_file"])
    for _ in range(3):
        pools = urllib3.PoolManager(ssl_context=context, ca_certs=ROOT, timeout=TIMEOUT)
        assert pools.request("GET", server.url()).status == 200
    assert server.handshakes == 3


def test_requests(server):
    with requests.Session() as session:
        session.trust_env = False  # or the environment may name other authorities
        session.verify, session.cert = ROOT, (IDENTITY["cert_file"], IDENTITY["key_file"])
        for _ in range(3):
            assert session.get(server.url(), timeout=SECONDS).text.endswith("client@example.test")
        assert session.post(server.url(), data=LARGE, timeout=SECONDS).text == hashlib.sha256(LARGE).hexdigest()
        assert session.get(server.url("/large"), timeout=SECONDS).content == LARGE
    assert server.handshakes == 1


def test_requests_that_fail(server):
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(server.url(), verify=OTHER_ROOT, timeout=SECONDS)
    with pytest.raises(requests.exceptions.ConnectionError):
        requests.get(server.url(), verify=ROOT, timeout=SECONDS)
    assert not server.handshakes
