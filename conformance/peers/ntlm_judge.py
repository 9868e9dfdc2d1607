#!/usr/bin/python3
"""gss-ntlmssp as a judge of connectionless NTLM, for ntlm_gssntlmssp_test.go.

It reads one command a line from standard input and answers each with one line, "ok" and values or
"error" and a text. Byte strings are in hexadecimal, "-" is the empty one. A context lives until the next
challenge or initiate.

    challenge                    the acceptor's side, with the users of NTLM_USER_FILE: ok CHALLENGE
    accept AUTHENTICATE          the acceptor's side, continued: ok USER
    initiate USER PASSWORD       the initiator's side; both in hexadecimal: ok
    authenticate CHALLENGE       the initiator's side, continued: ok AUTHENTICATE
    sign MESSAGE                 ok SIGNATURE
    verify MESSAGE SIGNATURE     ok

The plug-in is called directly: MIT's libgssapi gives an empty first token to SPNEGO. Every signature has
sequence number 100, as in SIP.
"""

import ctypes
import sys
from ctypes import POINTER, byref, c_char_p, c_size_t, c_uint32, c_void_p

PLUGIN = "/usr/lib/x86_64-linux-gnu/gssntlmssp/gssntlmssp.so"
CONTINUE_NEEDED = 1
ACCEPT, INITIATE = 2, 1
INTEGRITY, DATAGRAM = 0x20, 0x10000
SEQUENCE = 100


class Buffer(ctypes.Structure):
    _fields_ = [("length", c_size_t), ("value", c_void_p)]

    def bytes(self):
        return ctypes.string_at(self.value, self.length) if self.length else b""


class OID(ctypes.Structure):
    _fields_ = [("length", c_uint32), ("elements", c_char_p)]


MECHANISM = OID(10, b"\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a")
USER_NAME = OID(10, b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x01")
SET_SEQUENCE = OID(11, b"\x2b\x06\x01\x04\x01\xb7\x7d\x85\x0f\x01\x01")

library = ctypes.CDLL(PLUGIN)


def call(function, *arguments):
    """Calls a GSS function, whose first argument is always the minor status, and returns the major status."""
    minor = c_uint32()
    major = getattr(library, function)(byref(minor), *arguments) & 0xFFFFFFFF
    if major not in (0, CONTINUE_NEEDED):
        raise ValueError(f"{function}: major {major:#x} minor {minor.value:#x}")
    return major


def buffer(content):
    b = Buffer(len(content), ctypes.cast(ctypes.create_string_buffer(content), c_void_p))
    b.content = content
    return b


class Acceptor:
    def __init__(self):
        self.handle, self.credential = c_void_p(), c_void_p()
        call("gss_acquire_cred", None, 0, None, ACCEPT, byref(self.credential), None, None)

    def step(self, token):
        answer, source, flags = Buffer(), c_void_p(), c_uint32()
        major = call(
            "gss_accept_sec_context", byref(self.handle), self.credential, byref(buffer(token)), None,
            byref(source), None, byref(answer), byref(flags), None, None,
        )
        return major, answer.bytes(), source

    def challenge(self):
        major, token, _ = self.step(b"")
        if major != CONTINUE_NEEDED:
            raise ValueError("no client message was waited for")
        return token.hex()

    def accept(self, token):
        major, _, source = self.step(token)
        if major != 0:
            raise ValueError("one token was not enough")
        name, kind = Buffer(), c_void_p()
        call("gss_display_name", source, byref(name), byref(kind))
        return name.bytes().decode().rstrip("\0")  # it counts the terminator


class Initiator:
    def __init__(self, user, password):
        self.handle, self.credential, name = c_void_p(), c_void_p(), c_void_p()
        call("gss_import_name", byref(buffer(user)), byref(USER_NAME), byref(name))
        call(
            "gssspi_acquire_cred_with_password", name, byref(buffer(password)), 0, None, INITIATE,
            byref(self.credential), None, None,
        )
        if self.step(b"") != (CONTINUE_NEEDED, b""):
            raise ValueError("the first message is not empty")

    def step(self, token):
        answer, flags = Buffer(), c_uint32()
        major = call(
            "gss_init_sec_context", self.credential, byref(self.handle), None, byref(MECHANISM),
            INTEGRITY | DATAGRAM, 0, None, byref(buffer(token)), None, byref(answer), byref(flags), None,
        )
        return major, answer.bytes()

    def authenticate(self, token):
        major, answer = self.step(token)
        if major != 0:
            raise ValueError("one token was not enough")
        return answer.hex()


def set_sequence(context):
    number = SEQUENCE.to_bytes(4, sys.byteorder)
    call("gss_set_sec_context_option", byref(context.handle), byref(SET_SEQUENCE), byref(buffer(number)))


def sign(context, message):
    set_sequence(context)
    signature = Buffer()
    call("gss_get_mic", context.handle, 0, byref(buffer(message)), byref(signature))
    return signature.bytes().hex()


def verify(context, message, signature):
    set_sequence(context)
    call("gss_verify_mic", context.handle, byref(buffer(message)), byref(buffer(signature)), None)


def main():
    context = None
    for line in sys.stdin:
        command, *operands = line.split()
        operands = [b"" if o == "-" else bytes.fromhex(o) for o in operands]
        answer = ""
        try:
            if command == "challenge":
                context = Acceptor()
                answer = context.challenge()
            elif command == "accept":
                answer = context.accept(*operands)
            elif command == "initiate":
                context = Initiator(*operands)
            elif command == "authenticate":
                answer = context.authenticate(*operands)
            elif command == "sign":
                answer = sign(context, *operands)
            elif command == "verify":
                verify(context, *operands)
            print("ok", answer, flush=True)
        except Exception as failure:  # whatever it is, the test must see it
            print("error", " ".join(str(failure).split()), flush=True)


main()
