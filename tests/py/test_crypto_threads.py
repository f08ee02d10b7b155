"""Several threads on the same objects: nobody crashes, nobody waits for ever."""

import threading
import time

import pytest
from crypto_support import authority, certificate, name_of, rsa_key

from OpenSSL import SSL, _pyossl, crypto

ROUNDS = 30


def together(*functions, each=2):
    """Run the functions at the same time; what one raises, this raises."""
    barrier = threading.Barrier(len(functions) * each)
    raised = []

    def run(function):
        barrier.wait(30)
        try:
            for number in range(ROUNDS):
                function(number)
        except Exception as error:  # noqa: BLE001
            raised.append(error)

    threads = [threading.Thread(target=run, args=(f,)) for f in functions for _ in range(each)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive()
    if raised:
        raise raised[0]


def test_na_080_generating_lets_others_run():
    """While another thread makes a key this one never waits for most of that time."""
    for _ in range(5):
        key = crypto.PKey()
        thread = threading.Thread(target=key.generate_key, args=(crypto.TYPE_RSA, 3072))
        began = last = time.monotonic()
        longest = 0
        thread.start()
        while thread.is_alive():
            time.sleep(0)
            now = time.monotonic()
            longest = max(longest, now - last)
            last = now
        assert key.bits() == 3072
        if longest < (last - began) / 2:
            return
    raise AssertionError(f"waited for {longest} s of {last - began}")


def test_one_key_for_all():
    key, cert = rsa_key(), certificate()

    def use(number):
        signature = crypto.sign(key, b"%d" % number, "sha256")
        crypto.verify(cert, signature, b"%d" % number, "sha256")
        assert key.check() is True

    together(use)


def test_na_164_a_key_is_replaced_while_in_use():
    key = crypto.PKey()
    key.generate_key(crypto.TYPE_RSA, 512)

    def replace(number):
        key.generate_key(crypto.TYPE_RSA, 512)

    def use(number):
        assert len(crypto.sign(key, b"x", "sha1")) == 64
        assert key.bits() == 512
        crypto.dump_privatekey(crypto.FILETYPE_PEM, key)

    together(replace, use)


def test_a_certificate_is_signed_and_changed():
    cert = certificate()

    def sign(number):
        cert.sign(rsa_key(), "sha256")

    def change(number):
        cert.get_subject().CN = f"number {number}"
        cert.set_serial_number(number)
        cert.gmtime_adj_notAfter(number)

    def replace(number):
        cert.set_subject(name_of(f"name {number}"))

    def read(number):
        name = cert.get_subject()
        try:
            name.CN, name.get_components(), repr(name)
        except crypto.Error:
            pass  # replaced meanwhile
        cert.get_notAfter()
        cert.has_expired()
        crypto.dump_certificate(crypto.FILETYPE_ASN1, cert)

    def change_twice(number):
        try:
            change(number)
        except crypto.Error:
            pass

    together(sign, change_twice, replace, read, each=1)


def test_store_is_changed_while_it_judges():
    root, key = authority()
    leaf = certificate("leaf", rsa_key(), root, key)
    store = crypto.X509Store()
    store.add_cert(root)
    context = crypto.X509StoreContext(store, leaf)
    others = [certificate(f"other {i}", key) for i in range(5)]

    def judge(number):
        context.verify_certificate()
        assert len(context.get_verified_chain()) == 2

    def add(number):
        store.add_cert(others[number % 5])
        context.set_store(store)

    together(judge, add)


def test_objects_are_initialised_while_in_use():
    cert, p12, context = certificate(), crypto.PKCS12(), None
    context = crypto.X509StoreContext(crypto.X509Store(), cert)

    def restart(number):
        cert.__init__()
        context.__init__(crypto.X509Store(), cert)
        p12.set_certificate(cert)
        p12.set_friendlyname(b"x%d" % number)

    def use(number):
        cert.get_version()
        cert.get_subject()
        p12.get_certificate()
        p12.get_friendlyname()
        try:
            context.verify_certificate()
        except (crypto.Error, crypto.X509StoreContextError):
            pass

    together(restart, use)


def test_passphrase_callbacks_of_two_threads():
    """Each callback runs on the thread that called, and may do what it likes."""
    pem = crypto.dump_privatekey(crypto.FILETYPE_PEM, rsa_key(), "aes-128-cbc", b"secret")

    def load(number):
        mine = threading.get_ident()

        def ask(writing):
            assert threading.get_ident() == mine
            time.sleep(0.001)
            crypto.load_privatekey(crypto.FILETYPE_PEM, pem, lambda inner: b"secret")
            return b"secret"

        assert crypto.load_privatekey(crypto.FILETYPE_PEM, pem, ask).bits() == 2048

    together(load)


def test_errors_belong_to_their_thread():
    def fail(number):
        with pytest.raises(crypto.Error) as info:
            crypto.load_certificate(crypto.FILETYPE_PEM, b"nonsense")
        assert "no start line" in str(info.value)

    def other(number):
        with pytest.raises(crypto.Error) as info:
            crypto.load_certificate(crypto.FILETYPE_ASN1, b"nonsense")
        assert "no start line" not in str(info.value)

    together(fail, other)


def test_the_last_reference_goes_while_others_judge():
    root, key = authority()

    def work(number):
        store = crypto.X509Store()
        store.add_cert(root)
        subject = certificate("leaf", rsa_key(), root, key).get_subject()
        context = crypto.X509StoreContext(store, root)
        del store
        context.verify_certificate()
        assert subject.CN == "leaf"

    together(work, each=3)


def test_a_certificate_becomes_another_while_it_is_read():
    adopt = getattr(_pyossl, "private.adopt")
    certs = [certificate("one", serial=1), certificate("two", serial=2)]
    dumps = {crypto.dump_certificate(crypto.FILETYPE_ASN1, cert) for cert in certs}
    cert = crypto.X509()
    adopt(cert, certs[0])

    def replace(number):
        adopt(cert, certs[number % 2])

    def read(number):
        assert crypto.dump_certificate(crypto.FILETYPE_ASN1, cert) in dumps
        assert cert.get_serial_number() in (1, 2)
        assert cert.get_subject().CN in ("one", "two")

    together(replace, read)
    for other in certs:
        adopt(cert, other)
        assert crypto.dump_certificate(crypto.FILETYPE_ASN1, cert) == crypto.dump_certificate(crypto.FILETYPE_ASN1, other)
        assert cert.get_serial_number() == other.get_serial_number()
        assert cert.get_subject().CN == other.get_subject().CN


def test_what_objects_show_is_replaced_meanwhile():
    curve = crypto.get_elliptic_curve("prime256v1")
    stores = [crypto.X509Store(), crypto.X509Store()]
    context = crypto.X509StoreContext(stores[0], certificate())
    bundle, names = crypto.PKCS12(), {f"name {number}".encode() for number in range(ROUNDS)} | {None}

    def replace(number):
        type(curve).__init__(curve, None, 0, "prime256v1".lower())
        context.set_store(stores[number % 2])
        bundle.set_friendlyname(f"name {number}".encode())

    def show(number):
        assert curve.name == "prime256v1" and curve._nid == 415 and "prime256v1" in repr(curve)
        assert context._store in stores
        assert bundle.get_friendlyname() in names
        with pytest.raises(crypto.X509StoreContextError):
            context.verify_certificate()

    together(replace, show)


def test_lists_change_while_they_are_taken():
    context = SSL.Context(SSL.TLS_METHOD)
    protocols, names = [b"h2"], [certificate().get_subject()]

    def change(number):
        protocols[:] = [b"x%d" % number] * (1 + number % 7)
        names[:] = names[:1] * (1 + number % 7)

    def take(number):
        context.set_alpn_protos(protocols)
        context.set_client_ca_list(names)

    together(change, take)
