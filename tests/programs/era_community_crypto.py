"""community.crypto 1.x's modules with the pyopenssl backend, each a process of its own."""

import base64
import json
import subprocess
import sys

import pytest

SECONDS = 120
NAMES = ["DNS:www.example.test", "IP:192.0.2.1", "IP:2001:db8::1", "email:a@example.test"]


def module(name, fails=None, check=False, **arguments):
    """What a module answers; with fails, that it refuses in such words."""
    arguments.update(select_crypto_backend="pyopenssl", _ansible_check_mode=check)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "ansible_collections.community.crypto.plugins.modules." + name],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}), capture_output=True, text=True, timeout=SECONDS,
    )
    assert done.stdout.strip().startswith("{"), done.stdout + done.stderr
    answer = json.loads(done.stdout)
    assert bool(answer.get("failed")) == bool(fails), answer
    assert not fails or fails in answer["msg"], answer
    return answer


def twice(name, **arguments):
    """A module changes what it is told to, and then finds that it is so; what it answers first."""
    first = module(name, **arguments)
    assert first["changed"] is True
    assert module(name, **arguments)["changed"] is False
    assert module(name, check=True, **arguments)["changed"] is False
    return first


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A key, its request, a certificate that it signs itself, and one that this one signs."""
    folder = tmp_path_factory.mktemp("made")
    paths = {name: str(folder / name) for name in ("key", "request", "own", "signed")}
    module("openssl_privatekey", path=paths["key"], size=2048)
    module("openssl_csr", path=paths["request"], privatekey_path=paths["key"], common_name="www.example.test",
           organization_name="Ö", subject_alt_name=NAMES, key_usage=["digitalSignature"], extended_key_usage=["serverAuth"],
           basic_constraints=["CA:TRUE"], basic_constraints_critical=True)
    module("x509_certificate", path=paths["own"], provider="selfsigned", csr_path=paths["request"],
           privatekey_path=paths["key"])
    module("x509_certificate", path=paths["signed"], provider="ownca", csr_path=paths["request"],
           ownca_path=paths["own"], ownca_privatekey_path=paths["key"])
    return paths


@pytest.mark.parametrize("kind, size", [("RSA", 2048), ("DSA", 2048)])
def test_private_key(tmp_path, kind, size):
    path = str(tmp_path / "key")
    assert twice("openssl_privatekey", path=path, type=kind, size=size)["type"] == kind
    found = module("openssl_privatekey_info", path=path)
    assert found["public_data"]["size"] == size and found["key_is_consistent"] is not False


def test_private_key_with_a_passphrase(tmp_path):
    path = str(tmp_path / "key")
    twice("openssl_privatekey", path=path, size=2048, passphrase="secret", cipher="aes256")
    assert module("openssl_privatekey_info", path=path, passphrase="secret")["can_parse_key"]
    module("openssl_privatekey_info", path=path, passphrase="wrong", fails="Wrong passphrase")


def test_public_key(tmp_path, files):
    path = str(tmp_path / "public")
    twice("openssl_publickey", path=path, privatekey_path=files["key"])
    assert module("openssl_publickey_info", path=path)["type"] == "RSA"


def test_request(tmp_path, files):
    path = str(tmp_path / "request")
    own = {"path": path, "privatekey_path": files["key"]}
    twice("openssl_csr", **own, subject={"CN": "www.example.test", "organizationName": "Ö"}, subject_alt_name=NAMES,
          key_usage=["digitalSignature", "Key Agreement"], extended_key_usage=["DVCS", "IPSec User", "biometricInfo"],
          ocsp_must_staple=True, create_subject_key_identifier=False)
    found = module("openssl_csr_info", path=path)
    assert found["subject"] == {"commonName": "www.example.test", "organizationName": "Ö"}
    assert set(NAMES) == {name.replace("2001:DB8:0:0:0:0:0:1", "2001:db8::1") for name in found["subject_alt_name"]}
    assert found["ocsp_must_staple"] and found["signature_valid"]
    assert found["extended_key_usage"] == ["Biometric Info", "IPSec User", "dvcs"]


def test_request_in_a_pipe(files):
    made = module("openssl_csr_pipe", privatekey_path=files["key"], common_name="www.example.test")
    assert made["csr"].startswith("-----BEGIN CERTIFICATE REQUEST-----")
    assert not module("openssl_csr_pipe", privatekey_path=files["key"], common_name="www.example.test", content=made["csr"])["changed"]


def test_names_that_are_none(tmp_path, files):
    module("openssl_csr", path=str(tmp_path / "request"), privatekey_path=files["key"],
           subject_alt_name=["invalid.example.test"], fails="invalid.example.test")


def test_self_signed(tmp_path, files):
    twice("x509_certificate", path=str(tmp_path / "cert"), provider="selfsigned", csr_path=files["request"],
          privatekey_path=files["key"], selfsigned_not_after="+10d")


def test_signed(tmp_path, files):
    twice("x509_certificate", path=str(tmp_path / "cert"), provider="ownca", csr_path=files["request"],
          ownca_path=files["own"], ownca_privatekey_path=files["key"])


def test_certificate_info(files):
    found = module("x509_certificate_info", path=files["signed"], valid_at={"now": "+1h", "late": "+9999d"})
    assert found["issuer"]["commonName"] == found["subject"]["commonName"] == "www.example.test"
    assert found["key_usage"] == ["Digital Signature"] and found["basic_constraints"] == ["CA:TRUE"]
    assert found["basic_constraints_critical"] and found["valid_at"] == {"now": True, "late": False}
    assert base64.b64decode(found["extensions_by_oid"]["2.5.29.17"]["value"])
    assert found["version"] == 3 and not found["expired"]


def test_certificate_asserted(files):
    cert = {"path": files["signed"], "provider": "assertonly"}
    module("x509_certificate", **cert, subject={"CN": "www.example.test"}, key_usage=["digitalSignature"],
           extended_key_usage=["serverAuth"], has_expired=False, version=3, subject_alt_name=NAMES,
           subject_alt_name_strict=True, privatekey_path=files["key"])
    module("x509_certificate", **cert, subject={"CN": "another.test"}, fails="another.test")


def test_signature(tmp_path, files):
    path = tmp_path / "statement"
    path.write_text("what is signed")
    signature = module("openssl_signature", path=str(path), privatekey_path=files["key"])["signature"]
    assert module("openssl_signature_info", path=str(path), signature=signature, certificate_path=files["own"])["valid"]
    path.write_text("another")
    assert not module("openssl_signature_info", path=str(path), signature=signature, certificate_path=files["own"])["valid"]


def test_pkcs12(tmp_path, files):
    path, parsed = str(tmp_path / "bundle"), str(tmp_path / "parsed")
    twice("openssl_pkcs12", path=path, friendly_name="name", passphrase="secret", privatekey_path=files["key"],
          certificate_path=files["signed"], other_certificates=[files["own"]])
    twice("openssl_pkcs12", path=parsed, src=path, passphrase="secret", action="parse")
    module("openssl_pkcs12", path=str(tmp_path / "x"), src=path, passphrase="wrong", action="parse", fails="mac verify failure")
