package ocserr

// Cause names one reason for which a sign-in can fail: the key of the table of causes. The same
// cause may arise in several stages, with a row for each where meaning or code differ.
type Cause string

// Configuration: nothing was sent to anybody.
const (
	CauseInvalidConfig        Cause = "invalid-config"
	CauseInvalidSignInName    Cause = "invalid-sign-in-name"
	CauseInvalidCredentials   Cause = "invalid-credentials"
	CauseNoServerAddress      Cause = "no-server-address"
	CauseInvalidServerAddress Cause = "invalid-server-address"
	CauseInvalidProxy         Cause = "invalid-proxy"
)

// The attempt as a whole.
const (
	CauseCancelled    Cause = "cancelled"
	CauseLogonTimeout Cause = "logon-timeout"
)

// Discovery.
const (
	CauseNoServerFound       Cause = "no-server-found"
	CauseServiceNotOffered   Cause = "service-not-offered"
	CauseSRVTargetNotFound   Cause = "srv-target-not-found"
	CauseSRVRecordInvalid    Cause = "srv-record-invalid"
	CauseHostNotFound        Cause = "host-not-found"
	CauseDNSFailure          Cause = "dns-failure"
	CauseDNSTimeout          Cause = "dns-timeout"
	CauseDNSUnreachable      Cause = "dns-unreachable"
	CauseDNSBadAnswer        Cause = "dns-bad-answer"
	CauseAutodiscoverFailed  Cause = "autodiscover-failed"
	CauseStrictNamingRefused Cause = "strict-naming-refused"
	CauseInsecureTransport   Cause = "insecure-transport"
)

// The way through a proxy.
const (
	CauseProxyNotFound        Cause = "proxy-not-found"
	CauseProxyUnreachable     Cause = "proxy-unreachable"
	CauseProxyRefused         Cause = "proxy-refused"
	CauseProxyCannotResolve   Cause = "proxy-cannot-resolve"
	CauseProxyCannotConnect   Cause = "proxy-cannot-connect"
	CauseProxyFailed          Cause = "proxy-failed"
	CauseProxyAuthRequired    Cause = "proxy-auth-required"
	CauseProxyAuthUnsupported Cause = "proxy-auth-unsupported"
	CauseProxyPassword        Cause = "proxy-password-rejected"
	CauseProxyAuthFailed      Cause = "proxy-auth-failed"
	CauseProxyBadAnswer       Cause = "proxy-bad-answer"
	CauseProxyClosed          Cause = "proxy-closed"
	CauseProxySilent          Cause = "proxy-silent"
)

// The connection.
const (
	CauseConnectionRefused Cause = "connection-refused"
	CauseHostUnreachable   Cause = "host-unreachable"
	CauseConnectTimeout    Cause = "connect-timeout"
	CauseConnectFailed     Cause = "connect-failed"
	CauseConnectionReset   Cause = "connection-reset"
	CauseConnectionClosed  Cause = "connection-closed"
	CauseConnectionLost    Cause = "connection-lost"
)

// TLS.
const (
	CauseTLSUntrusted       Cause = "tls-untrusted"
	CauseTLSExpired         Cause = "tls-expired"
	CauseTLSNotYetValid     Cause = "tls-not-yet-valid"
	CauseTLSWrongName       Cause = "tls-wrong-name"
	CauseTLSNoSAN           Cause = "tls-no-san"
	CauseTLSSHA1            Cause = "tls-sha1"
	CauseTLSBadCertificate  Cause = "tls-bad-certificate"
	CauseTLSIncompatible    Cause = "tls-incompatible"
	CauseTLSClientRefused   Cause = "tls-client-certificate-refused"
	CauseTLSNotTLS          Cause = "tls-not-tls"
	CauseTLSHandshakeFailed Cause = "tls-handshake-failed"
)

// Versions.
const (
	CauseClientVersionRefused Cause = "client-version-refused"
	CauseClientUpgradeNeeded  Cause = "client-upgrade-needed"
	CauseUpgradeAdvised       Cause = "upgrade-advised"
	CauseServerVersionRefused Cause = "server-version-refused"
	CauseSIPVersion           Cause = "sip-version-unsupported"
)

// Authentication and authorization.
const (
	CausePasswordRejected         Cause = "password-rejected"
	CauseUserUnknown              Cause = "user-unknown"
	CauseDomainUnknown            Cause = "domain-unknown"
	CauseIdentityRefused          Cause = "identity-refused"
	CauseNoCredentials            Cause = "no-credentials"
	CauseNoCommonScheme           Cause = "no-common-scheme"
	CauseSchemeFailed             Cause = "scheme-failed"
	CauseBadChallenge             Cause = "bad-challenge"
	CauseChallengeUnanswered      Cause = "challenge-unanswered"
	CauseChallengeLoop            Cause = "challenge-loop"
	CauseServerSignatureWrong     Cause = "server-signature-wrong"
	CauseServerSignatureMissing   Cause = "server-signature-missing"
	CauseClockSkew                Cause = "clock-skew"
	CauseKDCUnreachable           Cause = "kdc-unreachable"
	CauseKDCSilent                Cause = "kdc-silent"
	CauseKerberosNoTicket         Cause = "kerberos-no-ticket"
	CauseKerberosTicketExpired    Cause = "kerberos-ticket-expired"
	CauseKerberosUserUnknown      Cause = "kerberos-user-unknown"
	CauseKerberosServerUnknown    Cause = "kerberos-server-unknown"
	CauseKerberosFailed           Cause = "kerberos-failed"
	CauseCertificateProvisioning  Cause = "certificate-provisioning-failed"
	CauseSigningCertificateDenied Cause = "signing-certificate-refused"
	CauseRemoteAccessRefused      Cause = "remote-access-refused"
	CauseExternalRefused          Cause = "external-refused"
	CauseUserDisabled             Cause = "user-disabled"
	CauseForbidden                Cause = "forbidden"
)

// The server's state and its other answers to REGISTER.
const (
	CauseServerTooBusy          Cause = "server-too-busy"
	CauseServerBusy             Cause = "server-busy"
	CauseServiceUnavailable     Cause = "service-unavailable"
	CauseTemporarilyUnavailable Cause = "temporarily-unavailable"
	CauseRoutingFailed          Cause = "routing-failed"
	CauseServerTimeout          Cause = "server-timeout"
	CauseRequestTimeout         Cause = "request-timeout"
	CauseServerError            Cause = "server-internal-error"
	CauseBadRequest             Cause = "bad-request"
	CauseEndpointRefused        Cause = "endpoint-refused"
	CauseUnsupportedMedia       Cause = "unsupported-media-type"
	CauseBadExtension           Cause = "bad-extension"
	CauseExtensionRequired      Cause = "extension-required"
	CauseIntervalTooBrief       Cause = "interval-too-brief"
	CauseNotAcceptable          Cause = "not-acceptable"
	CauseBadEvent               Cause = "bad-event"
	CauseDeclined               Cause = "declined"
	CauseRedirectInvalid        Cause = "redirect-invalid"
	CauseRedirectLoop           Cause = "redirect-loop"
	CauseUnexpectedStatus       Cause = "unexpected-status"
	CauseRegistrationNotMade    Cause = "registration-not-granted"
	CauseAnswerUnreadable       Cause = "answer-unreadable"
	CauseAnswerTooLarge         Cause = "answer-too-large"
)

// Presence, the live session and the sign-out.
const (
	CauseSubscriptionRefused Cause = "subscription-refused"
	CausePublicationRefused  Cause = "publication-refused"
	CausePresenceUnanswered  Cause = "presence-unanswered"
	CausePresenceUnreadable  Cause = "presence-unreadable"
	CauseRefreshFailed       Cause = "refresh-failed"
	CauseRemovedUnregistered Cause = "removed-unregistered"
	CauseRemovedRejected     Cause = "removed-rejected"
	CauseRemovedDeactivated  Cause = "removed-deactivated"
	CauseRemovedByServer     Cause = "removed-by-server"
	CauseSignoutUnanswered   Cause = "signout-unanswered"
	CauseSignoutRefused      Cause = "signout-refused"
	CauseUnexpected          Cause = "unexpected"
)
