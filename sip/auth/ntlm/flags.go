package ntlm

import (
	"fmt"
	"strings"
)

// Flags are the negotiate flags of MS-NLMP 2.2.2.5. The names are those of the document without their
// NTLMSSP_ prefix.
type Flags uint32

// The flags that SIP, or a signature of the older kind, makes use of.
const (
	NegotiateUnicode                 Flags = 0x00000001
	NegotiateOEM                     Flags = 0x00000002
	RequestTarget                    Flags = 0x00000004
	NegotiateSign                    Flags = 0x00000010
	NegotiateSeal                    Flags = 0x00000020
	NegotiateDatagram                Flags = 0x00000040
	NegotiateLMKey                   Flags = 0x00000080
	NegotiateNTLM                    Flags = 0x00000200
	NegotiateAlwaysSign              Flags = 0x00008000
	TargetTypeDomain                 Flags = 0x00010000
	TargetTypeServer                 Flags = 0x00020000
	NegotiateExtendedSessionSecurity Flags = 0x00080000
	NegotiateIdentify                Flags = 0x00100000
	RequestNonNTSessionKey           Flags = 0x00400000
	NegotiateTargetInfo              Flags = 0x00800000
	NegotiateVersion                 Flags = 0x02000000
	Negotiate128                     Flags = 0x20000000
	NegotiateKeyExchange             Flags = 0x40000000
	Negotiate56                      Flags = 0x80000000
)

// required is what a server must offer for its messages to be signed at all.
const required = NegotiateSign | NegotiateDatagram | NegotiateNTLM | NegotiateAlwaysSign

// requiredV2 is what it must offer besides for NTLMv2 and its signatures.
const requiredV2 = NegotiateExtendedSessionSecurity | NegotiateTargetInfo

// understood is everything a client takes up when the server offers it.
const understood = required | requiredV2 | NegotiateUnicode | NegotiateOEM | RequestTarget | NegotiateIdentify |
	NegotiateVersion | NegotiateKeyExchange | Negotiate128 | Negotiate56

// offered is what a server offers, as Office Communications Server 2007 R2 does (0xE2988273).
const offered = required | requiredV2 | NegotiateUnicode | NegotiateOEM | NegotiateSeal | NegotiateIdentify |
	NegotiateVersion | NegotiateKeyExchange | Negotiate128 | Negotiate56

// answered is what a client must take up of what the server offers.
const answered = required | requiredV2 | NegotiateUnicode | NegotiateIdentify | NegotiateKeyExchange

// has reports whether all bits of want are set.
func (f Flags) has(want Flags) bool { return f&want == want }

// String lists the names of the bits that are set, for error texts: "UNICODE SIGN DATAGRAM".
func (f Flags) String() string {
	names := [...]struct {
		bit  Flags
		name string
	}{
		{NegotiateUnicode, "UNICODE"},
		{NegotiateOEM, "OEM"},
		{RequestTarget, "REQUEST_TARGET"},
		{NegotiateSign, "SIGN"},
		{NegotiateSeal, "SEAL"},
		{NegotiateDatagram, "DATAGRAM"},
		{NegotiateLMKey, "LM_KEY"},
		{NegotiateNTLM, "NTLM"},
		{NegotiateAlwaysSign, "ALWAYS_SIGN"},
		{TargetTypeDomain, "TARGET_TYPE_DOMAIN"},
		{TargetTypeServer, "TARGET_TYPE_SERVER"},
		{NegotiateExtendedSessionSecurity, "EXTENDED_SESSIONSECURITY"},
		{NegotiateIdentify, "IDENTIFY"},
		{RequestNonNTSessionKey, "REQUEST_NON_NT_SESSION_KEY"},
		{NegotiateTargetInfo, "TARGET_INFO"},
		{NegotiateVersion, "VERSION"},
		{Negotiate128, "128"},
		{NegotiateKeyExchange, "KEY_EXCH"},
		{Negotiate56, "56"},
	}
	var set []string
	for _, n := range names {
		if f.has(n.bit) {
			set = append(set, n.name)
			f &^= n.bit
		}
	}
	if f != 0 {
		set = append(set, fmt.Sprintf("%#08x", uint32(f)))
	}
	return strings.Join(set, " ")
}
