"""Every function of pyOpenSSL 26.4 with the types that it declares, called and assigned, for mypy --strict.

It is checked, not run: a program that was written for those types has to pass with ours.
"""

from __future__ import annotations

import os
import socket
import typing
from collections.abc import Sequence
from typing import Any, Callable, Literal, Optional, TypeVar, Union

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa

from OpenSSL import SSL, crypto
from OpenSSL.crypto import PKey, X509, X509Name, X509Store
from OpenSSL.SSL import Connection, Context, Session

_T = TypeVar("_T")
_Path = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]
_Buffer = Union[bytes, bytearray, memoryview]
_PrivateKey = Union[
    dsa.DSAPrivateKey, ec.EllipticCurvePrivateKey, ed25519.Ed25519PrivateKey, ed448.Ed448PrivateKey, rsa.RSAPrivateKey
]
_ALPNSelectCallback = Callable[[Connection, list[bytes]], Union[bytes, SSL._NoOverlappingProtocols]]
_CookieGenerateCallback = Callable[[Connection], bytes]
_CookieVerifyCallback = Callable[[Connection, bytes], bool]
_OCSPClientCallback = Callable[[Connection, bytes, Optional[_T]], bool]
_OCSPServerCallback = Callable[[Connection, Optional[_T]], bytes]
_PassphraseCallback = Callable[[int, bool, Optional[_T]], bytes]
_VerifyCallback = Callable[[Connection, X509, int, int, int], bool]


def ssl_OpenSSL_version(type_: int) -> bytes:
    return SSL.OpenSSL_version(type_)


def ssl_context_init(method_: int) -> SSL.Context:
    return SSL.Context(method_)


def ssl_context_set_min_proto_version(o: SSL.Context, version_: int) -> None:
    o.set_min_proto_version(version_)


def ssl_context_set_max_proto_version(o: SSL.Context, version_: int) -> None:
    o.set_max_proto_version(version_)


def ssl_context_load_verify_locations(o: SSL.Context, cafile_: _Path | None, capath_: _Path | None) -> None:
    o.load_verify_locations(cafile_, capath_)


def ssl_context_load_verify_locations_short(o: SSL.Context, cafile_: _Path | None) -> None:
    o.load_verify_locations(cafile_)


def ssl_context_set_passwd_cb(o: SSL.Context, callback_: _PassphraseCallback[_T], userdata_: _T | None) -> None:
    o.set_passwd_cb(callback_, userdata_)


def ssl_context_set_passwd_cb_short(o: SSL.Context, callback_: _PassphraseCallback[_T]) -> None:
    o.set_passwd_cb(callback_)


def ssl_context_set_default_verify_paths(o: SSL.Context) -> None:
    o.set_default_verify_paths()


def ssl_context_use_certificate_chain_file(o: SSL.Context, certfile_: _Path) -> None:
    o.use_certificate_chain_file(certfile_)


def ssl_context_use_certificate_file(o: SSL.Context, certfile_: _Path, filetype_: int) -> None:
    o.use_certificate_file(certfile_, filetype_)


def ssl_context_use_certificate_file_short(o: SSL.Context, certfile_: _Path) -> None:
    o.use_certificate_file(certfile_)


def ssl_context_use_certificate(o: SSL.Context, cert_: X509 | x509.Certificate) -> None:
    o.use_certificate(cert_)


def ssl_context_add_extra_chain_cert(o: SSL.Context, certobj_: X509 | x509.Certificate) -> None:
    o.add_extra_chain_cert(certobj_)


def ssl_context_use_privatekey_file(o: SSL.Context, keyfile_: _Path, filetype_: int) -> None:
    o.use_privatekey_file(keyfile_, filetype_)


def ssl_context_use_privatekey_file_short(o: SSL.Context, keyfile_: _Path) -> None:
    o.use_privatekey_file(keyfile_)


def ssl_context_use_privatekey(o: SSL.Context, pkey_: _PrivateKey | PKey) -> None:
    o.use_privatekey(pkey_)


def ssl_context_check_privatekey(o: SSL.Context) -> None:
    o.check_privatekey()


def ssl_context_load_client_ca(o: SSL.Context, cafile_: bytes) -> None:
    o.load_client_ca(cafile_)


def ssl_context_set_session_id(o: SSL.Context, buf_: bytes) -> None:
    o.set_session_id(buf_)


def ssl_context_set_session_cache_mode(o: SSL.Context, mode_: int) -> int:
    return o.set_session_cache_mode(mode_)


def ssl_context_get_session_cache_mode(o: SSL.Context) -> int:
    return o.get_session_cache_mode()


def ssl_context_set_verify(o: SSL.Context, mode_: int, callback_: _VerifyCallback | None) -> None:
    o.set_verify(mode_, callback_)


def ssl_context_set_verify_short(o: SSL.Context, mode_: int) -> None:
    o.set_verify(mode_)


def ssl_context_set_verify_depth(o: SSL.Context, depth_: int) -> None:
    o.set_verify_depth(depth_)


def ssl_context_get_verify_mode(o: SSL.Context) -> int:
    return o.get_verify_mode()


def ssl_context_get_verify_depth(o: SSL.Context) -> int:
    return o.get_verify_depth()


def ssl_context_load_tmp_dh(o: SSL.Context, dhfile_: _Path) -> None:
    o.load_tmp_dh(dhfile_)


def ssl_context_set_tmp_ecdh(o: SSL.Context, curve_: Any | ec.EllipticCurve) -> None:
    o.set_tmp_ecdh(curve_)


def ssl_context_set_cipher_list(o: SSL.Context, cipher_list_: bytes) -> None:
    o.set_cipher_list(cipher_list_)


def ssl_context_set_tls13_ciphersuites(o: SSL.Context, ciphersuites_: bytes) -> None:
    o.set_tls13_ciphersuites(ciphersuites_)


def ssl_context_set_client_ca_list(o: SSL.Context, certificate_authorities_: Sequence[X509Name]) -> None:
    o.set_client_ca_list(certificate_authorities_)


def ssl_context_add_client_ca(o: SSL.Context, certificate_authority_: X509 | x509.Certificate) -> None:
    o.add_client_ca(certificate_authority_)


def ssl_context_set_timeout(o: SSL.Context, timeout_: int) -> None:
    o.set_timeout(timeout_)


def ssl_context_get_timeout(o: SSL.Context) -> int:
    return o.get_timeout()


def ssl_context_set_info_callback(o: SSL.Context, callback_: Callable[[Connection, int, int], None]) -> None:
    o.set_info_callback(callback_)


def ssl_context_set_keylog_callback(o: SSL.Context, callback_: Callable[[Connection, bytes], None]) -> None:
    o.set_keylog_callback(callback_)


def ssl_context_get_app_data(o: SSL.Context) -> Any:
    return o.get_app_data()


def ssl_context_set_app_data(o: SSL.Context, data_: Any) -> None:
    o.set_app_data(data_)


def ssl_context_get_cert_store(o: SSL.Context) -> X509Store | None:
    return o.get_cert_store()


def ssl_context_set_options(o: SSL.Context, options_: int) -> int:
    return o.set_options(options_)


def ssl_context_set_mode(o: SSL.Context, mode_: int) -> int:
    return o.set_mode(mode_)


def ssl_context_clear_mode(o: SSL.Context, mode_to_clear_: int) -> int:
    return o.clear_mode(mode_to_clear_)


def ssl_context_set_tlsext_servername_callback(o: SSL.Context, callback_: Callable[[Connection], None]) -> None:
    o.set_tlsext_servername_callback(callback_)


def ssl_context_set_tlsext_use_srtp(o: SSL.Context, profiles_: bytes) -> None:
    o.set_tlsext_use_srtp(profiles_)


def ssl_context_set_alpn_protos(o: SSL.Context, protos_: list[bytes]) -> None:
    o.set_alpn_protos(protos_)


def ssl_context_set_alpn_select_callback(o: SSL.Context, callback_: _ALPNSelectCallback) -> None:
    o.set_alpn_select_callback(callback_)


def ssl_context_set_ocsp_server_callback(o: SSL.Context, callback_: _OCSPServerCallback[_T], data_: _T | None) -> None:
    o.set_ocsp_server_callback(callback_, data_)


def ssl_context_set_ocsp_server_callback_short(o: SSL.Context, callback_: _OCSPServerCallback[_T]) -> None:
    o.set_ocsp_server_callback(callback_)


def ssl_context_set_ocsp_client_callback(o: SSL.Context, callback_: _OCSPClientCallback[_T], data_: _T | None) -> None:
    o.set_ocsp_client_callback(callback_, data_)


def ssl_context_set_ocsp_client_callback_short(o: SSL.Context, callback_: _OCSPClientCallback[_T]) -> None:
    o.set_ocsp_client_callback(callback_)


def ssl_context_set_cookie_generate_callback(o: SSL.Context, callback_: _CookieGenerateCallback) -> None:
    o.set_cookie_generate_callback(callback_)


def ssl_context_set_cookie_verify_callback(o: SSL.Context, callback_: _CookieVerifyCallback) -> None:
    o.set_cookie_verify_callback(callback_)


def ssl_connection_init(context_: Context, socket_: socket.socket | None) -> SSL.Connection:
    return SSL.Connection(context_, socket_)


def ssl_connection_init_short(context_: Context) -> SSL.Connection:
    return SSL.Connection(context_)


def ssl_connection_get_context(o: SSL.Connection) -> Context:
    return o.get_context()


def ssl_connection_set_context(o: SSL.Connection, context_: Context) -> None:
    o.set_context(context_)


def ssl_connection_set_options(o: SSL.Connection, options_: int) -> int:
    return o.set_options(options_)


def ssl_connection_get_servername(o: SSL.Connection) -> bytes | None:
    return o.get_servername()


def ssl_connection_set_verify(o: SSL.Connection, mode_: int, callback_: _VerifyCallback | None) -> None:
    o.set_verify(mode_, callback_)


def ssl_connection_set_verify_short(o: SSL.Connection, mode_: int) -> None:
    o.set_verify(mode_)


def ssl_connection_get_verify_mode(o: SSL.Connection) -> int:
    return o.get_verify_mode()


def ssl_connection_use_certificate(o: SSL.Connection, cert_: X509 | x509.Certificate) -> None:
    o.use_certificate(cert_)


def ssl_connection_use_privatekey(o: SSL.Connection, pkey_: _PrivateKey | PKey) -> None:
    o.use_privatekey(pkey_)


def ssl_connection_set_ciphertext_mtu(o: SSL.Connection, mtu_: int) -> None:
    o.set_ciphertext_mtu(mtu_)


def ssl_connection_get_cleartext_mtu(o: SSL.Connection) -> int:
    return o.get_cleartext_mtu()


def ssl_connection_set_tlsext_host_name(o: SSL.Connection, name_: bytes) -> None:
    o.set_tlsext_host_name(name_)


def ssl_connection_pending(o: SSL.Connection) -> int:
    return o.pending()


def ssl_connection_send(o: SSL.Connection, buf_: _Buffer, flags_: int) -> int:
    return o.send(buf_, flags_)


def ssl_connection_send_short(o: SSL.Connection, buf_: _Buffer) -> int:
    return o.send(buf_)


def ssl_connection_sendall(o: SSL.Connection, buf_: _Buffer, flags_: int) -> int:
    return o.sendall(buf_, flags_)


def ssl_connection_sendall_short(o: SSL.Connection, buf_: _Buffer) -> int:
    return o.sendall(buf_)


def ssl_connection_recv(o: SSL.Connection, bufsiz_: int, flags_: int | None) -> bytes:
    return o.recv(bufsiz_, flags_)


def ssl_connection_recv_short(o: SSL.Connection, bufsiz_: int) -> bytes:
    return o.recv(bufsiz_)


def ssl_connection_recv_into(o: SSL.Connection, buffer_: Any, nbytes_: int | None, flags_: int | None) -> int:
    return o.recv_into(buffer_, nbytes_, flags_)


def ssl_connection_recv_into_short(o: SSL.Connection, buffer_: Any) -> int:
    return o.recv_into(buffer_)


def ssl_connection_bio_read(o: SSL.Connection, bufsiz_: int) -> bytes:
    return o.bio_read(bufsiz_)


def ssl_connection_bio_write(o: SSL.Connection, buf_: _Buffer) -> int:
    return o.bio_write(buf_)


def ssl_connection_renegotiate(o: SSL.Connection) -> bool:
    return o.renegotiate()


def ssl_connection_do_handshake(o: SSL.Connection) -> None:
    o.do_handshake()


def ssl_connection_renegotiate_pending(o: SSL.Connection) -> bool:
    return o.renegotiate_pending()


def ssl_connection_total_renegotiations(o: SSL.Connection) -> int:
    return o.total_renegotiations()


def ssl_connection_connect(o: SSL.Connection, addr_: Any) -> None:
    o.connect(addr_)


def ssl_connection_connect_ex(o: SSL.Connection, addr_: Any) -> int:
    return o.connect_ex(addr_)


def ssl_connection_accept(o: SSL.Connection) -> tuple[Connection, Any]:
    return o.accept()


def ssl_connection_DTLSv1_listen(o: SSL.Connection) -> None:
    o.DTLSv1_listen()


def ssl_connection_DTLSv1_get_timeout(o: SSL.Connection) -> int | None:
    return o.DTLSv1_get_timeout()


def ssl_connection_DTLSv1_handle_timeout(o: SSL.Connection) -> bool:
    return o.DTLSv1_handle_timeout()


def ssl_connection_bio_shutdown(o: SSL.Connection) -> None:
    o.bio_shutdown()


def ssl_connection_shutdown(o: SSL.Connection) -> bool:
    return o.shutdown()


def ssl_connection_get_cipher_list(o: SSL.Connection) -> list[str]:
    return o.get_cipher_list()


def ssl_connection_get_client_ca_list(o: SSL.Connection, as_cryptography_: typing.Literal[True]) -> list[x509.Name]:
    return o.get_client_ca_list(as_cryptography=as_cryptography_)


def ssl_connection_get_client_ca_list_2(o: SSL.Connection, as_cryptography_: typing.Literal[False]) -> list[X509Name]:
    return o.get_client_ca_list(as_cryptography=as_cryptography_)


def ssl_connection_get_client_ca_list_3(o: SSL.Connection, as_cryptography_: typing.Literal[True] | typing.Literal[False]) -> list[X509Name] | list[x509.Name]:
    return o.get_client_ca_list(as_cryptography=as_cryptography_)


def ssl_connection_get_app_data(o: SSL.Connection) -> Any:
    return o.get_app_data()


def ssl_connection_set_app_data(o: SSL.Connection, data_: Any) -> None:
    o.set_app_data(data_)


def ssl_connection_get_shutdown(o: SSL.Connection) -> int:
    return o.get_shutdown()


def ssl_connection_set_shutdown(o: SSL.Connection, state_: int) -> None:
    o.set_shutdown(state_)


def ssl_connection_get_state_string(o: SSL.Connection) -> bytes:
    return o.get_state_string()


def ssl_connection_server_random(o: SSL.Connection) -> bytes | None:
    return o.server_random()


def ssl_connection_client_random(o: SSL.Connection) -> bytes | None:
    return o.client_random()


def ssl_connection_master_key(o: SSL.Connection) -> bytes | None:
    return o.master_key()


def ssl_connection_export_keying_material(o: SSL.Connection, label_: bytes, olen_: int, context_: bytes | None) -> bytes:
    return o.export_keying_material(label_, olen_, context_)


def ssl_connection_export_keying_material_short(o: SSL.Connection, label_: bytes, olen_: int) -> bytes:
    return o.export_keying_material(label_, olen_)


def ssl_connection_get_certificate(o: SSL.Connection, as_cryptography_: typing.Literal[True]) -> x509.Certificate | None:
    return o.get_certificate(as_cryptography=as_cryptography_)


def ssl_connection_get_certificate_2(o: SSL.Connection, as_cryptography_: typing.Literal[False]) -> X509 | None:
    return o.get_certificate(as_cryptography=as_cryptography_)


def ssl_connection_get_certificate_3(o: SSL.Connection, as_cryptography_: typing.Literal[True] | typing.Literal[False]) -> X509 | x509.Certificate | None:
    return o.get_certificate(as_cryptography=as_cryptography_)


def ssl_connection_get_peer_certificate(o: SSL.Connection, as_cryptography_: typing.Literal[True]) -> x509.Certificate | None:
    return o.get_peer_certificate(as_cryptography=as_cryptography_)


def ssl_connection_get_peer_certificate_2(o: SSL.Connection, as_cryptography_: typing.Literal[False]) -> X509 | None:
    return o.get_peer_certificate(as_cryptography=as_cryptography_)


def ssl_connection_get_peer_certificate_3(o: SSL.Connection, as_cryptography_: typing.Literal[True] | typing.Literal[False]) -> X509 | x509.Certificate | None:
    return o.get_peer_certificate(as_cryptography=as_cryptography_)


def ssl_connection_get_peer_cert_chain(o: SSL.Connection, as_cryptography_: typing.Literal[True]) -> list[x509.Certificate] | None:
    return o.get_peer_cert_chain(as_cryptography=as_cryptography_)


def ssl_connection_get_peer_cert_chain_2(o: SSL.Connection, as_cryptography_: typing.Literal[False]) -> list[X509] | None:
    return o.get_peer_cert_chain(as_cryptography=as_cryptography_)


def ssl_connection_get_peer_cert_chain_3(o: SSL.Connection, as_cryptography_: typing.Literal[True] | typing.Literal[False]) -> list[X509] | list[x509.Certificate] | None:
    return o.get_peer_cert_chain(as_cryptography=as_cryptography_)


def ssl_connection_get_verified_chain(o: SSL.Connection, as_cryptography_: typing.Literal[True]) -> list[x509.Certificate] | None:
    return o.get_verified_chain(as_cryptography=as_cryptography_)


def ssl_connection_get_verified_chain_2(o: SSL.Connection, as_cryptography_: typing.Literal[False]) -> list[X509] | None:
    return o.get_verified_chain(as_cryptography=as_cryptography_)


def ssl_connection_get_verified_chain_3(o: SSL.Connection, as_cryptography_: typing.Literal[True] | typing.Literal[False]) -> list[X509] | list[x509.Certificate] | None:
    return o.get_verified_chain(as_cryptography=as_cryptography_)


def ssl_connection_want_read(o: SSL.Connection) -> bool:
    return o.want_read()


def ssl_connection_want_write(o: SSL.Connection) -> bool:
    return o.want_write()


def ssl_connection_set_accept_state(o: SSL.Connection) -> None:
    o.set_accept_state()


def ssl_connection_set_connect_state(o: SSL.Connection) -> None:
    o.set_connect_state()


def ssl_connection_get_session(o: SSL.Connection) -> Session | None:
    return o.get_session()


def ssl_connection_set_session(o: SSL.Connection, session_: Session) -> None:
    o.set_session(session_)


def ssl_connection_get_finished(o: SSL.Connection) -> bytes | None:
    return o.get_finished()


def ssl_connection_get_peer_finished(o: SSL.Connection) -> bytes | None:
    return o.get_peer_finished()


def ssl_connection_get_cipher_name(o: SSL.Connection) -> str | None:
    return o.get_cipher_name()


def ssl_connection_get_cipher_bits(o: SSL.Connection) -> int | None:
    return o.get_cipher_bits()


def ssl_connection_get_cipher_version(o: SSL.Connection) -> str | None:
    return o.get_cipher_version()


def ssl_connection_get_protocol_version_name(o: SSL.Connection) -> str:
    return o.get_protocol_version_name()


def ssl_connection_get_protocol_version(o: SSL.Connection) -> int:
    return o.get_protocol_version()


def ssl_connection_set_alpn_protos(o: SSL.Connection, protos_: list[bytes]) -> None:
    o.set_alpn_protos(protos_)


def ssl_connection_get_alpn_proto_negotiated(o: SSL.Connection) -> bytes:
    return o.get_alpn_proto_negotiated()


def ssl_connection_get_selected_srtp_profile(o: SSL.Connection) -> bytes:
    return o.get_selected_srtp_profile()


def ssl_connection_get_group_name(o: SSL.Connection) -> str | None:
    return o.get_group_name()


def ssl_connection_request_ocsp(o: SSL.Connection) -> None:
    o.request_ocsp()


def ssl_connection_set_info_callback(o: SSL.Connection, callback_: Callable[[Connection, int, int], None]) -> None:
    o.set_info_callback(callback_)
