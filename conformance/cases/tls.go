package cases

import (
	gotls "crypto/tls"
	"time"

	"github.com/ocsgo/ocs/conformance"
	"github.com/ocsgo/ocs/conformance/server"
	ocserr "github.com/ocsgo/ocs/errors"
)

// profile is an attempt at a server with another TLS.
func profile(p server.TLSProfile) conformance.Attempt {
	return conformance.Attempt{Server: server.Config{TLSProfile: p}}
}

func tls() []conformance.Case {
	refused := func(id, title, purpose string, certificate conformance.Certificate, cause ocserr.Cause) conformance.Case {
		return conformance.Case{
			ID: id, Title: title, Level: conformance.Must, Grounds: inVS, Refs: []string{"contract 1.4", "RFC 5280", "RFC 6125"}, Purpose: purpose,
			Attempts: one(conformance.Attempt{
				Certificate: &certificate, Expect: fails(ocserr.Connect, cause, ocserr.InvalidCertificate),
				Wire: []conformance.Check{onlyTLS, registers(0, 0)},
			}),
		}
	}
	legacy := func(id, title, purpose string, a conformance.Attempt, cause ocserr.Cause, detail ocserr.Code) conformance.Case {
		byDefault, allowed := a, a
		byDefault.Name, byDefault.Expect, byDefault.Wire = "by default", fails(ocserr.Connect, cause, detail), []conformance.Check{onlyTLS, registers(0, 0)}
		allowed.Name, allowed.Expect, allowed.Client.LegacyTLS = "legacy TLS allowed", signsIn, true
		return conformance.Case{
			ID: id, Title: title, Level: conformance.Should, Grounds: inVS, Needs: []conformance.Need{conformance.NeedLegacyTLS},
			Refs: []string{"contract 1.4", "RFC 8996"}, Purpose: purpose, Attempts: []conformance.Attempt{byDefault, allowed},
		}
	}
	return []conformance.Case{
		{
			ID: "tls/ok", Title: "Chain and name are verified", Level: conformance.Must, Grounds: inVSR,
			Refs: []string{"RFC 5280", "RFC 6125"}, Purpose: "The certificate of the server is good, and the sign-in goes on.",
			Attempts: one(conformance.Attempt{Expect: signsIn, Wire: []conformance.Check{onlyTLS}}),
		},
		refused("tls/untrusted", "The authority is not trusted", "Anybody can issue a certificate for any name.",
			conformance.Certificate{Untrusted: true}, ocserr.CauseTLSUntrusted),
		refused("tls/expired", "The certificate has expired", "The commonest fault of all, and the quickest to mend when it is named.",
			conformance.Certificate{Begins: -48 * time.Hour, Ends: -24 * time.Hour}, ocserr.CauseTLSExpired),
		refused("tls/not-yet-valid", "The certificate is not valid yet", "Often it is the client's clock that is wrong.",
			conformance.Certificate{Begins: 24 * time.Hour}, ocserr.CauseTLSNotYetValid),
		refused("tls/name-mismatch", "The certificate is for another name", "A good certificate for somebody else proves nothing.",
			conformance.Certificate{Names: []string{"server.example.test"}}, ocserr.CauseTLSWrongName),
		legacy("tls/cn-only", "The name is in the common name only", "Certificates of 2007 look so; the report must say what is missing.",
			conformance.Attempt{Certificate: &conformance.Certificate{CommonName: true}}, ocserr.CauseTLSNoSAN, ocserr.InvalidCertificate),
		legacy("tls/sha1-leaf", "The certificate is signed with SHA-1", "The report must not call the authority unknown.",
			conformance.Attempt{Certificate: &conformance.Certificate{SHA1: true}}, ocserr.CauseTLSSHA1, ocserr.InvalidCertificate),
		legacy("tls/only-10", "TLS 1.0 and nothing newer", "OCS 2007 on Windows Server 2003 has no other.",
			profile(server.TLSProfile{MaxVersion: gotls.VersionTLS10}), ocserr.CauseTLSIncompatible, ocserr.IncompatibleEncryption),
		legacy("tls/rsa-kex-only", "RSA key exchange and no other", "Schannel of 2003 has nothing with forward secrecy.",
			profile(server.TLSProfile{Suites: []uint16{gotls.TLS_RSA_WITH_AES_128_CBC_SHA}}), ocserr.CauseTLSIncompatible, ocserr.IncompatibleEncryption),
		legacy("tls/rc4-or-3des-only", "3DES and nothing better", "Schannel of 2003 has no AES. RC4 is refused whatever is allowed (RFC 7465).",
			profile(server.TLSProfile{Suites: []uint16{gotls.TLS_RSA_WITH_3DES_EDE_CBC_SHA}}), ocserr.CauseTLSIncompatible, ocserr.IncompatibleEncryption),
		{
			ID: "tls/client-cert", Title: "A client certificate is shown to who asks", Level: conformance.Should, Grounds: inVS,
			Refs: []string{"RFC 5246 section 7.4.6", "MS-SIPAE"}, Purpose: "Edges and reverse proxies ask for one. The certificate of TLS-DSK is shown in SIP: auth/tlsdsk-ok.",
			Attempts: one(conformance.Attempt{Certificate: &conformance.Certificate{Mutual: true}, Expect: signsIn}),
		},
		{
			ID: "tls/handshake-stall", Title: "15 s: the handshake does not end", Level: conformance.Must, Grounds: inVS,
			Refs: []string{"OnSignin: MSGR_E_LOGON_TIMEOUT"}, Purpose: "A half-done handshake is not a connection.",
			Attempts: one(conformance.Attempt{
				Server: faulty(server.Fault{Stage: server.StageAccept, Action: server.ActionSilent, Bytes: 700}), Expect: timesOut(ocserr.TLSFail),
			}),
		},
		{
			ID: "tls/reset-in-handshake", Title: "The connection is reset in the handshake", Level: conformance.Must, Grounds: inVS,
			Refs: []string{"OnSignin: MSGR_E_CONNECT"}, Purpose: "A reset is told at once.",
			Attempts: one(conformance.Attempt{
				Server: faulty(server.Fault{Stage: server.StageTLS, Action: server.ActionReset}), Expect: fails(ocserr.Connect, ocserr.CauseConnectionReset, ocserr.TLSFail),
			}),
		},
		{
			ID: "tls/plain-server-on-tls-port", Title: "The port does not speak TLS", Level: conformance.Should, Grounds: inVS,
			Refs: []string{"OnSignin: MSGR_E_CONNECT"}, Purpose: "5060 given for 5061 is a common mistake: the report must say \"not TLS\".",
			Attempts: one(conformance.Attempt{
				Server: faulty(server.Fault{Stage: server.StageAccept, Action: server.ActionBanner, Text: "SIP/2.0 400 Bad Request\r\n\r\n"}),
				Expect: fails(ocserr.Connect, ocserr.CauseTLSNotTLS, ocserr.TLSFail),
			}),
		},
		{
			ID: "tls/sni-is-hostname", Title: "SNI is the host name that is verified", Level: conformance.Must, Grounds: inVS,
			Refs: []string{"RFC 6066 section 3"}, Purpose: "Reverse proxies and edges choose the certificate by it; an address never is one.",
			Attempts: []conformance.Attempt{
				{Name: "discovered", Expect: signsIn, Wire: []conformance.Check{sni("server.ocs.test")}},
				{Name: "address", Client: conformance.Settings{Server: "$ip:5061", InsecureSkipVerify: true}, Expect: signsIn, Wire: []conformance.Check{sni("")}},
			},
		},
		{
			ID: "tls/no-downgrade-to-tcp", Title: "A TLS failure never leads to clear TCP", Level: conformance.Must, Grounds: inVS,
			Refs: []string{"contract 4.1"}, Purpose: "Who breaks TLS must not get the sign-in in clear.",
			Attempts: one(conformance.Attempt{
				Server: faulty(server.Fault{Stage: server.StageTLS, Action: server.ActionClose}), Expect: fails(ocserr.Connect, ocserr.CauseConnectionClosed, ocserr.TLSFail),
				Wire: []conformance.Check{onlyTLS},
			}),
		},
	}
}
