#!/usr/bin/python3
"""MIT's libgssapi as a judge of Kerberos tokens and message integrity codes, for krb5_test.go.

It reads one command a line from standard input and answers each with one line, "ok" and values or
"error" and a text. Byte strings are in hexadecimal. A context lives until the next accept or initiate.

    accept TOKEN          the acceptor's side, with the keytab of KRB5_KTNAME: ok PRINCIPAL
    initiate SERVICE HOST the initiator's side, with the tickets of KRB5CCNAME: ok TOKEN
    sign MESSAGE          ok MIC
    verify MESSAGE MIC    ok
"""

import sys

import gssapi


def accept(token):
    context = gssapi.SecurityContext(usage="accept", creds=gssapi.Credentials(usage="accept"))
    answer = context.step(bytes.fromhex(token))
    if not context.complete or answer:
        raise ValueError("one token was not enough, or was answered with one")
    return context, str(context.initiator_name)


def initiate(service, host):
    context = gssapi.SecurityContext(
        usage="initiate",
        name=gssapi.Name(f"{service}@{host}", gssapi.NameType.hostbased_service),
        mech=gssapi.MechType.kerberos,
        flags=gssapi.RequirementFlag.integrity,
    )
    token = context.step()
    if not context.complete:
        raise ValueError("one token was not enough")
    return context, token.hex()


def main():
    context = None
    for line in sys.stdin:
        command, *operands = line.split()
        answer = ""
        try:
            if command == "accept":
                context, answer = accept(*operands)
            elif command == "initiate":
                context, answer = initiate(*operands)
            elif command == "sign":
                answer = context.get_signature(bytes.fromhex(*operands)).hex()
            elif command == "verify":
                context.verify_signature(*map(bytes.fromhex, operands))
            print("ok", answer, flush=True)
        except Exception as failure:  # whatever it is, the test must see it
            print("error", *str(failure).split(), flush=True)


main()
