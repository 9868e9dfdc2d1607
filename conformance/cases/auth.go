package cases

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ocsgo/ocs/conformance"
	"github.com/ocsgo/ocs/conformance/server"
	ocserr "github.com/ocsgo/ocs/errors"
)

// wrongPassword is a client that has the user's name right and the password wrong.
var wrongPassword = conformance.Settings{Password: conformance.WrongPassword}

// rejectedOnce is the outcome of a password that is wrong.
var rejectedOnce = fails(ocserr.InvalidPassword, ocserr.CausePasswordRejected, 0)

// stranger is a client with the name of nobody: a wrong password locks nobody out.
var stranger = conformance.Settings{SignInName: conformance.Unknown, Password: conformance.WrongPassword}

// refusedStranger is what becomes of it: whether the user exists is the server's to tell.
var refusedStranger = slices.Concat(rejectedOnce, fails(ocserr.InvalidPassword, ocserr.CauseUserUnknown, 0))

// onRegister is a fault at REGISTER.
func onRegister(f server.Fault) server.Config {
	f.Stage = server.StageRegister
	return faulty(f)
}

// yes is for matches.
func yes() *bool { b := true; return &b }

// reporting is the body of a case that checks our own engine's report; other clients have none.
func reporting(check func(*conformance.Record) string) func(context.Context, *conformance.World) (*conformance.Record, error) {
	return func(ctx context.Context, w *conformance.World) (*conformance.Record, error) {
		r, err := w.SignIn(ctx)
		if r.Report != nil {
			if wrong := check(r); wrong != "" {
				r.Fail(wrong)
			}
		}
		return r, err
	}
}

// uses: the report, where there is one, says that a scheme was used.
func uses(scheme string) func(context.Context, *conformance.World) (*conformance.Record, error) {
	return reporting(func(r *conformance.Record) string {
		if got := r.Report.Authentication.Scheme; !strings.EqualFold(got, scheme) {
			return fmt.Sprintf("the scheme used is %q", got)
		}
		return ""
	})
}

// proves: likewise, and that the password was tested and the server verified.
func proves(scheme string) func(context.Context, *conformance.World) (*conformance.Record, error) {
	return reporting(func(r *conformance.Record) string {
		switch got := r.Report.Authentication; {
		case !strings.EqualFold(got.Scheme, scheme):
			return fmt.Sprintf("the scheme used is %q", got.Scheme)
		case !got.Challenged || !got.PasswordTested || !got.ServerVerified:
			return fmt.Sprintf("the report says: challenged %t, password tested %t, server verified %t", got.Challenged, got.PasswordTested, got.ServerVerified)
		case got.MessagesVerified == 0 || got.MessagesRefused > 0:
			return fmt.Sprintf("the report says that %d messages were verified and %d refused", got.MessagesVerified, got.MessagesRefused)
		}
		return ""
	})
}

func auth() []conformance.Case {
	ntlm := conformance.Case{
		ID: "auth/ntlm-ok", Title: "NTLM completes", Level: conformance.Must, Grounds: inVSR, Needs: []conformance.Need{conformance.NeedNTLM},
		Refs: []string{"MS-SIPAE 3.2"}, Purpose: "The scheme that every server of 2007 offers, in all three versions of the protocol around it.",
		Attempts: []conformance.Attempt{{Name: "as the server has it", Client: conformance.Settings{Schemes: []string{"NTLM"}}, Expect: signsIn, Run: proves("NTLM"), Wire: []conformance.Check{signed, risingCSeq}}},
	}
	for version := 2; version <= 4; version++ {
		ntlm.Attempts = append(ntlm.Attempts, conformance.Attempt{
			Name: fmt.Sprintf("version %d", version), Server: server.Config{Version: version}, Expect: signsIn, Run: proves("NTLM"),
			Wire: []conformance.Check{signed, risingCSeq},
		})
	}
	return []conformance.Case{
		ntlm,
		{
			ID: "auth/digest-ok", Title: "Digest completes", Level: conformance.Must, Grounds: inVSR, Needs: []conformance.Need{conformance.NeedDigest},
			Refs: []string{"RFC 7616", "RFC 3261 section 22"}, Purpose: "Plain registrars and edges without NTLM can be signed in to.",
			Attempts: []conformance.Attempt{
				{
					Name:   "as the server has it",
					Server: server.Config{Schemes: []string{"Digest"}}, Claimed: true, Client: conformance.Settings{Schemes: []string{"Digest"}}, Expect: signsIn, Run: uses("Digest"),
				},
				// Not every server proves in turn that it knows the password (RFC 7616 section 3.5).
				{Name: "proof in return", Server: server.Config{Schemes: []string{"Digest"}}, Expect: signsIn, Run: proves("Digest")},
			},
		},
		{
			ID: "auth/krb-ok", Title: "Kerberos completes", Level: conformance.Must, Grounds: inVSR, Needs: []conformance.Need{conformance.NeedKerberos},
			Refs: []string{"MS-SIPAE 3.2", "RFC 4120"}, Purpose: "Inside the domain no password goes to the server at all.",
			Attempts: one(conformance.Attempt{
				Server: server.Config{Schemes: []string{"Kerberos"}}, Claimed: true, Client: conformance.Settings{Schemes: []string{"Kerberos"}},
				Expect: signsIn, Run: proves("Kerberos"), Wire: []conformance.Check{signed},
			}),
		},
		{
			ID: "auth/tlsdsk-ok", Title: "TLS-DSK completes", Level: conformance.Must, Grounds: inVSR, Needs: []conformance.Need{conformance.NeedTLSDSK},
			Refs: []string{"MS-SIPAE 3.2", "MS-OCAUTHWS"}, Purpose: "Lync and Skype for Business prefer it: a certificate is fetched by password once, and proves the user from then on.",
			Attempts: one(conformance.Attempt{
				Server: server.Config{Schemes: []string{"TLS-DSK"}}, Claimed: true, Client: conformance.Settings{Schemes: []string{"TLS-DSK"}},
				Expect: signsIn, Run: proves("TLS-DSK"), Wire: []conformance.Check{signed},
			}),
		},
		{
			ID: "auth/choose-strongest", Title: "The strongest scheme offered is used", Level: conformance.Must, Grounds: inVS,
			Needs: []conformance.Need{conformance.NeedNTLM}, Refs: []string{"MS-SIPAE 3.2.5"}, Purpose: "A server that lists a weak scheme first gets the strong one all the same.",
			Attempts: []conformance.Attempt{
				{Name: "NTLM", Server: server.Config{Schemes: []string{"Digest", "NTLM"}}, Expect: signsIn, Run: uses("NTLM")},
				{
					Name: "Kerberos", Server: server.Config{Schemes: []string{"Digest", "NTLM", "Kerberos"}}, Client: conformance.Settings{Schemes: []string{"Digest", "NTLM", "Kerberos"}},
					Expect: signsIn, Run: uses("Kerberos"),
				},
				{Name: "TLS-DSK", Server: server.Config{Schemes: []string{"Digest", "NTLM", "TLS-DSK"}}, Expect: signsIn, Run: uses("TLS-DSK")},
			},
		},
		{
			ID: "auth/downgrade-when-broken", Title: "A broken scheme gives way to the next", Level: conformance.Should, Grounds: inVS,
			Needs: []conformance.Need{conformance.NeedNTLM}, Refs: []string{"MS-SIPAE 3.2.5"}, Purpose: "A certificate service that fails is no verdict on the password.",
			Attempts: one(conformance.Attempt{
				Server: server.Config{
					Schemes: []string{"TLS-DSK", "NTLM"},
					Faults:  []server.Fault{{Stage: server.StageWeb, Action: server.ActionStatus, Status: 500}},
				},
				Expect: signsIn, Run: uses("NTLM"),
			}),
		},
		{
			ID: "auth/no-downgrade-when-rejected", Title: "A rejected password is not tried in the next scheme", Level: conformance.Must, Grounds: inVS,
			Needs: []conformance.Need{conformance.NeedNTLM}, Refs: []string{"docs/security.md"}, Purpose: "Each scheme that asks again is a step to the account's lock-out.",
			Attempts: one(conformance.Attempt{
				Server: server.Config{Schemes: []string{"NTLM", "Digest"}}, Client: wrongPassword, Expect: rejectedOnce,
			}),
		},
		{
			ID: "auth/no-common-scheme", Title: "No scheme in common", Level: conformance.Should, Grounds: inVS,
			Refs: []string{"contract 1.4"}, Purpose: "It is not the password: it was never sent.",
			Attempts: one(conformance.Attempt{
				Server: server.Config{Schemes: []string{"Digest"}}, Client: conformance.Settings{Schemes: []string{"NTLM"}},
				Expect: fails(ocserr.Unexpected, ocserr.CauseNoCommonScheme, ocserr.InvalidAuthPackages), Wire: []conformance.Check{rejected(0)},
				Run: reporting(func(r *conformance.Record) string {
					if got := r.Report.Authentication.Offered; !slices.Equal(got, []string{"Digest"}) {
						return fmt.Sprintf("the report says that %v was offered", got)
					}
					return ""
				}),
			}),
		},
		{
			ID: "auth/bad-password", Title: "A wrong password", Level: conformance.Must, Grounds: inVSR, Risk: conformance.RiskLockout,
			Refs: []string{"OnSignin: MSGR_E_INVALID_PASSWORD"}, Purpose: "The one code that people see most.",
			Attempts: one(conformance.Attempt{Client: wrongPassword, Expect: rejectedOnce}),
		},
		{
			ID: "auth/unknown-user-404", Title: "An unknown user", Level: conformance.Must, Grounds: inVSR,
			Refs: []string{"OnSignin: MSGR_E_INVALID_PASSWORD"}, Purpose: "Whether a user exists is nobody's business: it looks as a wrong password does.",
			Attempts: []conformance.Attempt{
				{
					Name: "404", Server: server.Config{RevealUnknownUsers: true}, Client: conformance.Settings{SignInName: "nobody@ocs.test"},
					Expect: fails(ocserr.InvalidPassword, ocserr.CauseUserUnknown, 0),
				},
				{Name: "challenge", Client: stranger, Expect: refusedStranger},
			},
		},
		{
			ID: "auth/never-user-not-found", Title: "MSGR_E_USER_NOT_FOUND never appears", Level: conformance.Must, Grounds: inVSR,
			Refs: []string{"OnSignin: MSGR_E_USER_NOT_FOUND"}, Purpose: "The documents exclude this value by name. Checked on every attempt of every case.",
			Attempts: []conformance.Attempt{
				{Name: "revealed", Server: server.Config{RevealUnknownUsers: true}, Client: stranger, Expect: refusedStranger},
				{Name: "as the server has it", Client: stranger, Expect: refusedStranger},
			},
		},
		{
			ID: "auth/disabled-user", Title: "A disabled user", Level: conformance.Info, Grounds: inVSR, Needs: []conformance.Need{conformance.NeedDisabledUser}, Risk: conformance.RiskLockout,
			Refs: []string{"MS-OCER 4141"}, Purpose: "The documents name no code for it.",
			Attempts: []conformance.Attempt{
				{Name: "ms-diagnostics", Server: answering(403, diagnostics(4141, "User is disabled")), Expect: fails(ocserr.Unexpected, ocserr.CauseUserDisabled, ocserr.SIPLoginForbidden)},
				{
					Name: "as the server has it", Only: conformance.Real, Client: conformance.Settings{SignInName: conformance.Disabled},
					Expect: []conformance.Outcome{{Code: ocserr.Unexpected}, {Code: ocserr.InvalidPassword}}, Run: noting(func(r *conformance.Record) {
						if e := r.Report.Error; e != nil {
							r.Note(e.Error())
						}
					}),
				},
			},
		},
		{
			ID: "auth/no-retry-after-reject", Title: "A rejected password is sent once", Level: conformance.Must, Grounds: inVS,
			Refs: []string{"design: lock-out"}, Purpose: "A client that tries again locks the account.",
			Attempts: []conformance.Attempt{
				{Name: "NTLM", Client: wrongPassword, Expect: rejectedOnce, Wire: []conformance.Check{rejected(1)}},
				{
					Name: "Digest", Server: server.Config{Schemes: []string{"Digest"}}, Client: wrongPassword, Expect: rejectedOnce,
					Wire: []conformance.Check{rejected(1)},
				},
				{
					Name: "two schemes", Server: server.Config{Schemes: []string{"NTLM", "Digest"}}, Client: wrongPassword, Expect: rejectedOnce,
					Wire: []conformance.Check{rejected(1)},
				},
			},
		},
		{
			ID: "auth/stale-nonce", Title: "A stale nonce is not a wrong password", Level: conformance.Must, Grounds: inVS, Needs: []conformance.Need{conformance.NeedDigest},
			Refs: []string{"RFC 7616 section 3.3"}, Purpose: "The answer to a stale nonce is the same password with the new one.",
			Attempts: one(conformance.Attempt{
				Server: server.Config{Schemes: []string{"Digest"}, Faults: []server.Fault{{
					Stage: server.StageRegister, Action: server.ActionChallenge, How: "stale", Match: server.Match{Authenticated: yes()}, Count: 1,
				}}},
				Expect: signsIn, Wire: []conformance.Check{rejected(0)},
			}),
		},
		{
			ID: "auth/challenge-loop", Title: "Challenges without end", Level: conformance.Must, Grounds: inVS,
			Refs: []string{"design: bounded"}, Purpose: "A server that never gives its verdict gets a bounded number of answers.",
			Attempts: []conformance.Attempt{
				{
					Name: "anew", Server: onRegister(server.Fault{Action: server.ActionChallenge}), Expect: []conformance.Outcome{
						{Code: ocserr.Unexpected, Cause: ocserr.CauseSchemeFailed, Detail: ocserr.InvalidAuthPackages}, {Code: ocserr.InvalidPassword, Note: "the second challenge counts as the verdict"},
					},
					Wire: []conformance.Check{registers(1, 12)},
				},
				{
					Name:   "stale nonces",
					Server: server.Config{Schemes: []string{"Digest"}, Faults: []server.Fault{{Stage: server.StageRegister, Action: server.ActionChallenge, How: "stale"}}},
					Expect: append(fails(ocserr.Unexpected, ocserr.CauseChallengeLoop, ocserr.InvalidAuthPackages), conformance.Outcome{Code: ocserr.InvalidPassword}),
					Wire:   []conformance.Check{registers(2, 12)},
				},
			},
		},
		{
			ID: "auth/unchallenged-200", Title: "A server that does not ask for the password", Level: conformance.Must, Grounds: inVS,
			Refs: []string{"design: report"}, Purpose: "The sign-in succeeds, and the report must not claim that the password was tested.",
			Attempts: one(conformance.Attempt{
				Server: server.Config{PlainRegistrar: true, Faults: []server.Fault{{Stage: server.StageRegister, Action: server.ActionUnchallenged}}},
				Run: reporting(func(r *conformance.Record) string {
					switch got := r.Report.Authentication; {
					case got.PasswordTested || got.PasswordSent || got.Challenged:
						return "the report claims that the password was tested"
					case got.ServerVerified:
						return "the report claims that the server was verified"
					}
					return ""
				}),
				Expect: signsIn,
			}),
		},
		{
			ID: "auth/server-bad-signature", Title: "A wrong signature is not trusted", Level: conformance.Must, Grounds: inVS, Needs: []conformance.Need{conformance.NeedNTLM},
			Refs: []string{"MS-SIPAE 3.2.5.2"}, Purpose: "Whoever forges the 200 must not be taken for the server.",
			Attempts: one(conformance.Attempt{
				Server: onRegister(server.Fault{Action: server.ActionCorruptSignature}), Expect: fails(ocserr.Unexpected, ocserr.CauseServerSignatureWrong, 0),
			}),
		},
		{
			ID: "auth/server-missing-signature", Title: "A missing signature is not trusted", Level: conformance.Must, Grounds: inVS, Needs: []conformance.Need{conformance.NeedNTLM},
			Refs: []string{"MS-SIPAE 3.2.5.2"}, Purpose: "Leaving a signature out must not be easier than forging it.",
			Attempts: one(conformance.Attempt{
				Server: onRegister(server.Fault{Action: server.ActionDropSignature}), Expect: fails(ocserr.Unexpected, ocserr.CauseServerSignatureMissing, 0),
				Run: reporting(func(r *conformance.Record) string {
					switch got := r.Report.Authentication; {
					case got.PasswordTested:
						return "the report claims that the password was tested, on a word that nobody signed"
					case !got.PasswordSent:
						return "the report conceals that the server was given the password's proof"
					}
					return ""
				}),
			}),
		},
		{
			ID: "auth/forged-redirect", Title: "A forged 301 is not followed", Level: conformance.Must, Grounds: inVS, Needs: []conformance.Need{conformance.NeedNTLM},
			Refs: []string{"MS-SIPAE 3.2.5.2"}, Purpose: "Who cannot sign must not be able to send the user to another server.",
			Attempts: one(conformance.Attempt{
				Server: faulty(
					server.Fault{Stage: server.StageRegister, Match: server.Match{Authenticated: yes()}, Action: server.ActionRedirect},
					server.Fault{Stage: server.StageRegister, Match: server.Match{Authenticated: yes()}, Action: server.ActionDropSignature},
				),
				Expect: fails(ocserr.Unexpected, ocserr.CauseServerSignatureMissing, 0),
			}),
		},
		{
			ID: "auth/forged-refusal", Title: "A forged 403 decides nothing", Level: conformance.Must, Grounds: inVS, Needs: []conformance.Need{conformance.NeedNTLM},
			Refs: []string{"MS-SIPAE 3.2.5.2"}, Purpose: "Who cannot sign must not be able to say that the user may not sign in.",
			Attempts: one(conformance.Attempt{
				Server: faulty(
					server.Fault{Stage: server.StageRegister, Match: server.Match{Authenticated: yes()}, Action: server.ActionStatus, Status: 403},
					server.Fault{Stage: server.StageRegister, Match: server.Match{Authenticated: yes()}, Action: server.ActionDropSignature},
				),
				Expect: fails(ocserr.Unexpected, ocserr.CauseServerSignatureMissing, 0),
			}),
		},
		{
			ID: "auth/clock-skew", Title: "Clocks that differ", Level: conformance.Info, Grounds: inVS,
			Refs: []string{"MS-OCER 1013"}, Purpose: "The documents name no code for it.",
			Attempts: one(conformance.Attempt{
				Server: onRegister(server.Fault{
					Action: server.ActionRewrite, Match: server.Match{Status: 401}, Headers: diagnostics(1013, "Significant time skew detected during authentication"),
				}),
				Client: wrongPassword,
				Expect: fails(ocserr.Unexpected, ocserr.CauseClockSkew, ocserr.AuthTimeSkew),
			}),
		},
		{
			ID: "auth/utf8-name", Title: "A user name beyond ASCII", Level: conformance.Should, Grounds: inVS,
			Refs: []string{"MS-NLMP 2.2.1.3"}, Purpose: "Names with umlauts sign in.",
			Attempts: one(conformance.Attempt{
				Server: server.Config{Users: []server.User{{Name: "jürgen", Password: conformance.Password}}}, Client: conformance.Settings{SignInName: "jürgen@ocs.test"},
				Expect: signsIn,
			}),
		},
		{
			ID: "auth/long-password", Title: "A password of 256 characters", Level: conformance.Should, Grounds: inVS,
			Refs: []string{"contract 3.3"}, Purpose: "The longest password that the Automation API takes works.",
			Attempts: one(conformance.Attempt{
				Server: server.Config{Users: []server.User{{Name: "carol", Password: longPassword}}}, Client: conformance.Settings{SignInName: "carol@ocs.test", Password: longPassword},
				Expect: signsIn,
			}),
		},
		{
			ID: "auth/proxy-authenticate-407", Title: "407 is handled as 401 is", Level: conformance.Must, Grounds: inVS,
			Refs: []string{"RFC 3261 section 22.3"}, Purpose: "A director or edge challenges as a proxy does.",
			Attempts: one(conformance.Attempt{
				Server: onRegister(server.Fault{Action: server.ActionRewrite, Match: server.Match{Status: 401}, Status: 407}), Expect: signsIn,
			}),
		},
	}
}

// longPassword has 256 characters, the limit of IMessenger::Signin.
var longPassword = "pA55-long-" + strings.Repeat("0123456789abcdef", 15) + "012345"
