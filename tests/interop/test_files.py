"""Files by openssl and by GnuTLS certtool load here, and what we write loads there."""

import pathlib

import pytest
from conftest import need, run
from OpenSSL import SSL, crypto

PEM, DER = crypto.FILETYPE_PEM, crypto.FILETYPE_ASN1
PASSPHRASE = b"correct horse"


@pytest.fixture(scope="module")
def key():
    key = crypto.PKey()
    key.generate_key(crypto.TYPE_RSA, 2048)
    return key


@pytest.fixture(scope="module")
def cert(key):
    cert = crypto.X509()
    cert.set_version(2)
    cert.set_serial_number(0x1234)
    cert.get_subject().CN = "interop"
    cert.set_issuer(cert.get_subject())
    cert.gmtime_adj_notBefore(0)
    cert.gmtime_adj_notAfter(86400)
    cert.set_pubkey(key)
    cert.add_extensions([crypto.X509Extension(b"basicConstraints", True, b"CA:TRUE")])
    cert.sign(key, "sha256")
    return cert


ALGORITHMS = {
    "rsa": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    "ec": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "ed25519": ["-algorithm", "ED25519"],
    "ed448": ["-algorithm", "ED448"],
}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("cipher", [None, "-aes-256-cbc", "-des3"])
def test_keys_by_openssl(algorithm, cipher, tmp_path):
    path = tmp_path / "key.pem"
    encrypt = [cipher, "-pass", "pass:" + PASSPHRASE.decode()] if cipher else []
    run(need("openssl"), "genpkey", *ALGORITHMS[algorithm], *encrypt, "-out", path)
    key = crypto.load_privatekey(PEM, path.read_bytes(), PASSPHRASE if cipher else None)
    public = run(need("openssl"), "pkey", "-in", path, "-pubout", "-passin",
                 "pass:" + PASSPHRASE.decode())
    assert crypto.dump_publickey(PEM, key) == public


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("cipher", [None, "aes-128-cbc", "des3"])
def test_keys_for_openssl(algorithm, cipher, tmp_path):
    path = tmp_path / "key.pem"
    run(need("openssl"), "genpkey", *ALGORITHMS[algorithm], "-out", path)
    key = crypto.load_privatekey(PEM, path.read_bytes())
    again = tmp_path / "again.pem"
    again.write_bytes(
        crypto.dump_privatekey(PEM, key, cipher, PASSPHRASE) if cipher
        else crypto.dump_privatekey(PEM, key)
    )
    der = tmp_path / "key.der"
    der.write_bytes(crypto.dump_privatekey(DER, key))
    word = ["-passin", "pass:" + PASSPHRASE.decode()]
    want = run(need("openssl"), "pkey", "-in", path, "-outform", "DER")
    assert run(need("openssl"), "pkey", "-in", again, *word, "-outform", "DER") == want
    assert run(need("openssl"), "pkey", "-inform", "DER", "-in", der, "-outform", "DER") == want


def test_traditional_keys_by_openssl(tmp_path):
    openssl, path = need("openssl"), tmp_path / "key.pem"
    run(openssl, "genrsa", "-traditional", "-aes128", "-passout", "pass:secret", "-out", path)
    assert b"DEK-Info" in path.read_bytes()
    assert crypto.load_privatekey(PEM, path.read_bytes(), b"secret").bits() == 2048
    run(openssl, "ecparam", "-name", "secp384r1", "-genkey", "-out", path)
    assert b"EC PARAMETERS" in path.read_bytes()
    assert crypto.load_privatekey(PEM, path.read_bytes()).bits() == 384


@pytest.mark.parametrize("kind", ["rsa", "ecdsa", "ed25519"])
@pytest.mark.parametrize("encrypted", [False, True])
def test_keys_by_gnutls(kind, encrypted, tmp_path):
    path = tmp_path / "key.pem"
    options = ["--password", "secret", "--pkcs8"] if encrypted else ["--no-text"]
    run(need("certtool"), "--generate-privkey", "--key-type", kind, "--outfile", path, *options)
    key = crypto.load_privatekey(PEM, path.read_bytes(), b"secret" if encrypted else None)
    assert key.type() in (crypto.TYPE_RSA, crypto.TYPE_EC, 1087)


@pytest.mark.parametrize("format", ["PEM", "DER"])
def test_certificates_by_openssl(format, tmp_path):
    path, key = tmp_path / "cert", tmp_path / "key.pem"
    run(need("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out",
        path, "-outform", format, "-subj", "/C=SE/O=Räksmörgås/CN=interop", "-utf8", "-days", "30",
        "-addext", "subjectAltName=DNS:a.example,IP:::1")
    cert = crypto.load_certificate(PEM if format == "PEM" else DER, path.read_bytes())
    assert cert.get_subject().O == "Räksmörgås"
    names = [cert.get_extension(i) for i in range(cert.get_extension_count())]
    assert "DNS:a.example, IP Address:0:0:0:0:0:0:0:1" in [str(name) for name in names]
    context = SSL.Context(SSL.TLS_METHOD)
    context.use_certificate(cert)
    context.use_privatekey_file(str(key))
    context.check_privatekey()


def template(tmp_path, text):
    path = tmp_path / "template"
    path.write_text(text)
    return path


def test_certificates_by_gnutls(tmp_path):
    certtool, key, path = need("certtool"), tmp_path / "key.pem", tmp_path / "cert.pem"
    run(certtool, "--generate-privkey", "--key-type", "ecdsa", "--outfile", key)
    run(certtool, "--generate-self-signed", "--load-privkey", key, "--outfile", path, "--template",
        template(tmp_path, "cn = interop\nserial = 77\nexpiration_days = 9\ndns_name = b.example\n"))
    cert = crypto.load_certificate(PEM, path.read_bytes())
    assert cert.get_serial_number() == 77 and cert.get_subject().CN == "interop"
    assert not cert.has_expired()


def test_requests_by_both(tmp_path):
    openssl, certtool = need("openssl"), need("certtool")
    key, path = tmp_path / "key.pem", tmp_path / "request.pem"
    run(openssl, "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", path,
        "-subj", "/CN=one", "-addext", "basicConstraints=CA:FALSE")
    request = crypto.load_certificate_request(PEM, path.read_bytes())
    assert request.verify(request.get_pubkey()) and request.get_subject().CN == "one"
    assert [e.get_short_name() for e in request.get_extensions()] == [b"basicConstraints"]
    run(certtool, "--generate-request", "--load-privkey", key, "--outfile", path, "--template",
        template(tmp_path, "cn = two\n"))
    request = crypto.load_certificate_request(PEM, path.read_bytes())
    assert request.verify(request.get_pubkey()) and request.get_subject().CN == "two"


def test_certificates_for_both(cert, tmp_path):
    path = tmp_path / "cert.pem"
    path.write_bytes(crypto.dump_certificate(PEM, cert))
    assert b"serial=1234" in run(need("openssl"), "x509", "-in", path, "-noout", "-serial")
    assert b"CN=interop" in run(need("certtool"), "--certificate-info", "--infile", path)


@pytest.mark.parametrize("ciphers", [[], ["-legacy"], ["-keypbe", "PBE-SHA1-3DES", "-certpbe",
                                                        "PBE-SHA1-3DES", "-macalg", "sha1"]])
def test_pkcs12_by_openssl(key, cert, ciphers, tmp_path):
    (tmp_path / "cert.pem").write_bytes(
        crypto.dump_certificate(PEM, cert) + crypto.dump_privatekey(PEM, key)
    )
    path = tmp_path / "bundle.p12"
    run(need("openssl"), "pkcs12", "-export", "-in", tmp_path / "cert.pem", "-out", path,
        "-passout", "pass:secret", "-name", "friend", *ciphers)
    bundle = crypto.load_pkcs12(path.read_bytes(), b"secret")
    assert bundle.get_friendlyname() == b"friend"
    assert bundle.get_certificate().digest("sha256") == cert.digest("sha256")
    assert crypto.dump_privatekey(DER, bundle.get_privatekey()) == crypto.dump_privatekey(DER, key)
    with pytest.raises(crypto.Error):
        crypto.load_pkcs12(path.read_bytes(), b"wrong")


def test_pkcs12_by_gnutls(key, cert, tmp_path):
    (tmp_path / "cert.pem").write_bytes(crypto.dump_certificate(PEM, cert))
    (tmp_path / "key.pem").write_bytes(crypto.dump_privatekey(PEM, key))
    path = tmp_path / "bundle.p12"
    run(need("certtool"), "--to-p12", "--load-certificate", tmp_path / "cert.pem", "--load-privkey",
        tmp_path / "key.pem", "--p12-name", "friend", "--password", "secret", "--outder",
        "--outfile", path)
    bundle = crypto.load_pkcs12(path.read_bytes(), b"secret")
    assert bundle.get_certificate().digest("sha256") == cert.digest("sha256")
    assert bundle.get_privatekey().bits() == 2048


def test_pkcs12_for_both(key, cert, tmp_path):
    bundle = crypto.PKCS12()
    bundle.set_certificate(cert)
    bundle.set_privatekey(key)
    path = tmp_path / "bundle.p12"
    path.write_bytes(bundle.export(b"secret"))
    out = run(need("openssl"), "pkcs12", "-in", path, "-passin", "pass:secret", "-nodes")
    assert b"BEGIN PRIVATE KEY" in out and b"BEGIN CERTIFICATE" in out
    out = run(need("certtool"), "--p12-info", "--inder", "--password", "secret", "--infile", path)
    assert b"BEGIN CERTIFICATE" in out


def test_pkcs7_by_openssl(key, cert, tmp_path):
    openssl = need("openssl")
    both = tmp_path / "both.pem"
    both.write_bytes(crypto.dump_certificate(PEM, cert) + crypto.dump_privatekey(PEM, key))
    out = run(openssl, "crl2pkcs7", "-nocrl", "-certfile", both)
    message = crypto.load_pkcs7_data(PEM, out)
    assert message.type_is_signed() and message.get_type_name() == b"pkcs7-signedData"
    assert message.get_certificates()[0].digest("sha256") == cert.digest("sha256")
    out = run(openssl, "smime", "-sign", "-signer", both, "-outform", "DER", stdin=b"text")
    assert crypto.load_pkcs7_data(DER, out).type_is_signed()
    out = run(openssl, "smime", "-encrypt", "-aes256", "-outform", "PEM", both, stdin=b"text")
    message = crypto.load_pkcs7_data(PEM, out)
    assert message.type_is_enveloped() and not message.type_is_signed()


def test_pkcs7_by_gnutls(cert, tmp_path):
    (tmp_path / "cert.pem").write_bytes(crypto.dump_certificate(PEM, cert))
    path = tmp_path / "certs.p7b"
    run(need("certtool"), "--p7-generate", "--load-certificate", tmp_path / "cert.pem", "--outfile",
        path, check=False)
    if not path.exists() or b"BEGIN" not in path.read_bytes():
        pytest.skip("this certtool makes no PKCS #7")
    assert crypto.load_pkcs7_data(PEM, path.read_bytes()).type_is_signed()


def test_spkac_by_openssl(key, tmp_path):
    (tmp_path / "key.pem").write_bytes(crypto.dump_privatekey(PEM, key))
    out = run(need("openssl"), "spkac", "-key", tmp_path / "key.pem", "-challenge", "hello")
    text = out.strip().partition(b"SPKAC=")[2]
    spki = crypto.NetscapeSPKI(text)
    assert spki.verify(spki.get_pubkey())


def test_spkac_for_openssl(key, tmp_path):
    spki = crypto.NetscapeSPKI()
    spki.set_pubkey(key)
    spki.sign(key, "sha256")
    path = tmp_path / "spkac"
    path.write_bytes(b"SPKAC=" + spki.b64_encode() + b"\n")
    out = run(need("openssl"), "spkac", "-in", path, "-verify", "-noout")
    assert b"Signature OK" in out


def test_crl_by_both(tmp_path, key, cert):
    openssl, certtool = need("openssl"), need("certtool")
    (tmp_path / "cert.pem").write_bytes(crypto.dump_certificate(PEM, cert))
    (tmp_path / "key.pem").write_bytes(crypto.dump_privatekey(PEM, key))
    path = tmp_path / "crl.pem"
    run(certtool, "--generate-crl", "--load-ca-privkey", tmp_path / "key.pem",
        "--load-ca-certificate", tmp_path / "cert.pem", "--load-certificate", tmp_path / "cert.pem",
        "--outfile", path, "--template",
        template(tmp_path, "crl_next_update = 43\ncrl_number = 5\n"))
    crl = crypto.load_crl(PEM, path.read_bytes())
    assert crl.get_issuer().CN == "interop"
    assert [r.get_serial() for r in crl.get_revoked()] == [b"1234"]
    again = tmp_path / "again.pem"
    again.write_bytes(crypto.dump_crl(PEM, crl))
    assert b"verify OK" in run(openssl, "crl", "-in", again, "-CAfile", tmp_path / "cert.pem",
                               "-noout")


def test_rand_file_by_openssl(tmp_path):
    from OpenSSL import rand

    path = tmp_path / "seed"
    run(need("openssl"), "rand", "-out", path, "700")
    assert rand.load_file(str(path)) == 700
    assert rand.write_file(str(path)) == 1024 == pathlib.Path(path).stat().st_size
