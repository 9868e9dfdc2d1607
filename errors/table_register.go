package ocserr

// registerRows holds the causes between the open connection and the server's final answer to
// REGISTER.
var registerRows = []Row{
	{
		CauseLogonTimeout, StageRegister, SideClient, LogonTimeout, SIPTimeout, true,
		"15 seconds passed and the server had not answered the registration",
		"Check the server's load and its front-end service: the connection was open and REGISTER stayed unanswered.",
	},
	{
		CauseConnectionReset, StageRegister, SideServer, Connect, TCPError, true,
		"the connection was reset before the server had answered the registration",
		"Look into the server's log; a load balancer or a crash of the front-end service looks like this.",
	},
	{
		CauseConnectionClosed, StageRegister, SideServer, Connect, TCPError, true,
		"the server closed the connection before it had answered the registration",
		"Look into the server's log for the reason; it may not accept this client's address or transport.",
	},
	{
		CauseConnectionLost, StageRegister, SideClient, Connect, TCPError, true,
		"the connection failed before the server had answered the registration",
		"See the system's message for the reason, and check the network between.",
	},

	{
		CauseUpgradeAdvised, StageRegister, SideServer, OK, NewerClientAvailable, false,
		"the sign-in was accepted, and the server advises a newer client (Warning 310 to 314 with 200 OK)",
		"Set a newer user agent, or relax the server's client version filter.",
	},
	{
		CauseClientVersionRefused, StageRegister, SideServer, ServerVersion, ClientDisallowed, false,
		"the server's version filter blocks this client (403 with 17002 or Warning 310)",
		"Allow this user agent in the server's client version filter, or set one that it allows.",
	},
	{
		CauseClientUpgradeNeeded, StageRegister, SideServer, ServerVersion, NewerClientAvailable, false,
		"the server's version filter blocks this client and points to a newer one (403 with 17003 or Warning 312 to 314)",
		"Set a user agent that the server's client version filter allows, or allow this one there.",
	},
	{
		CauseServerVersionRefused, StageRegister, SideClient, ServerVersion, InvalidServerVersion, false,
		"the server's product version is not among those that the client accepts",
		"Add the quoted version to the accepted ones, or switch the check off.",
	},
	{
		CauseSIPVersion, StageRegister, SideServer, ServerVersion, ServerProtocol, false,
		"the server does not accept this version of SIP (505)",
		"Check that the port belongs to a SIP server of this product line.",
	},

	{
		CausePasswordRejected, StageRegister, SideServer, InvalidPassword, 0, false,
		"the server rejected user name and password",
		"Check user name, domain and password by hand before trying again: repeated attempts may lock the account.",
	},
	{
		CauseUserUnknown, StageRegister, SideServer, InvalidPassword, 0, false,
		"the server knows no user of this sign-in name (404)",
		"Check the sign-in name, and that the user is enabled for the server.",
	},
	{
		CauseDomainUnknown, StageRegister, SideServer, InvalidPassword, InvalidDomain, false,
		"the server does not serve the domain of the sign-in name (404 with 1005)",
		"Check the domain in the sign-in name, and the server's list of SIP domains.",
	},
	{
		CauseIdentityRefused, StageRegister, SideServer, InvalidPassword, SIPLoginForbidden, false,
		"the credentials are valid, but belong to the user of another sign-in name (403 with 4004)",
		"Use the sign-in name of the account whose credentials are given, or the other way round.",
	},
	{
		CauseNoCredentials, StageRegister, SideClient, InvalidPassword, 0, false,
		"the server asks for credentials, and none are configured",
		"Give user name and password.",
	},
	{
		CauseNoCommonScheme, StageRegister, SideClient, Unexpected, InvalidAuthPackages, false,
		"the server offers no authentication scheme that the client can or may use",
		"Compare the schemes that the server offers with those that are allowed and for which there are credentials.",
	},
	{
		CauseSchemeFailed, StageRegister, SideClient, Unexpected, InvalidAuthPackages, false,
		"the authentication broke off before user name and password were judged",
		"See the quoted reason; the password was not tested.",
	},
	{
		CauseBadChallenge, StageRegister, SideClient, Unexpected, InvalidAuthPackages, false,
		"the server's challenge is malformed",
		"Check that nothing between changes the server's headers; the password was not tested.",
	},
	{
		CauseChallengeUnanswered, StageRegister, SideServer, Unexpected, InvalidAuthPackages, false,
		"the server asks for authentication that the client did not answer",
		"Give credentials and a scheme that the server offers.",
	},
	{
		CauseChallengeLoop, StageRegister, SideClient, Unexpected, InvalidAuthPackages, false,
		"the server went on to ask for authentication without end",
		"Look into the server's security log; each answer to it was met with a new challenge.",
	},
	{
		CauseServerSignatureWrong, StageRegister, SideClient, Unexpected, 0, false,
		"the server's answer carries a wrong signature",
		"Find out what changes messages on the way; the answer may be forged and was not trusted.",
	},
	{
		CauseServerSignatureMissing, StageRegister, SideClient, Unexpected, 0, false,
		"the server's answer carries no signature where one is due",
		"Find out what strips headers on the way; the answer may be forged and was not trusted.",
	},
	{
		CauseClockSkew, StageRegister, SideServer, Unexpected, AuthTimeSkew, false,
		"the clocks of client and server differ too much to authenticate (1013)",
		"Set the clocks of this machine, of the server and of the domain controller.",
	},
	{
		CauseKDCUnreachable, StageRegister, SideClient, Unexpected, AuthServerUnavailable, true,
		"no Kerberos key distribution centre could be found or reached",
		"Check the realm's KDC addresses (krb5.conf or _kerberos SRV records) and port 88.",
	},
	{
		CauseKDCSilent, StageRegister, SideClient, LogonTimeout, AuthServerUnavailable, true,
		"15 seconds passed and the Kerberos key distribution centre had not answered",
		"Check that the KDC runs and that no firewall drops packets to its port 88.",
	},
	{
		CauseKerberosNoTicket, StageRegister, SideClient, Unexpected, 0, false,
		"there is no Kerberos ticket, keytab or password to use",
		"Run kinit, or give a keytab or password.",
	},
	{
		CauseKerberosTicketExpired, StageRegister, SideClient, Unexpected, ChangedCredentials, false,
		"the Kerberos ticket has expired",
		"Run kinit again.",
	},
	{
		CauseKerberosUserUnknown, StageRegister, SideServer, InvalidPassword, 0, false,
		"the Kerberos realm does not know the user",
		"Check the user name and the realm.",
	},
	{
		CauseKerberosServerUnknown, StageRegister, SideServer, Unexpected, AuthServerUnavailable, false,
		"the Kerberos realm does not know the server's service principal",
		"Register the principal sip/ followed by the server's full name for its service account.",
	},
	{
		CauseKerberosFailed, StageRegister, SideClient, Unexpected, 0, false,
		"the Kerberos exchange failed",
		"See the quoted reason.",
	},
	{
		CauseCertificateProvisioning, StageRegister, SideServer, Unexpected, InvalidCertificate, true,
		"the certificate for TLS-DSK could not be obtained from the server's web service",
		"Check that the quoted web service is reachable and trusted, or use another scheme.",
	},
	{
		CauseSigningCertificateDenied, StageRegister, SideServer, Unexpected, InvalidCertificate, false,
		"the server does not accept the certificate for TLS-DSK",
		"Remove the cached certificate, so that a new one is obtained.",
	},
	{
		CauseRemoteAccessRefused, StageRegister, SideServer, Unexpected, SIPLoginForbidden, false,
		"the user is not enabled for remote access (403 with 4003)",
		"Enable remote access for the user, or sign in from the inner network.",
	},
	{
		CauseExternalRefused, StageRegister, SideServer, Unexpected, SIPLoginForbidden, false,
		"the user may not communicate outside the enterprise (403 with 1012)",
		"Enable the user for external access, or sign in through an inner server.",
	},
	{
		CauseUserDisabled, StageRegister, SideServer, Unexpected, SIPLoginForbidden, false,
		"the user is disabled (403 with 4141)",
		"Enable the user for the server.",
	},
	{
		CauseForbidden, StageRegister, SideServer, Unexpected, SIPLoginForbidden, false,
		"the server forbids the sign-in (403)",
		"Look up the quoted ms-diagnostics, or the server's log; some servers answer so to unknown user agents.",
	},

	{
		CauseServerTooBusy, StageRegister, SideServer, ServerTooBusy, 0, true,
		"the server is overloaded (Retry-After, or 17000)",
		"Try again after the time that the server asks for, and check its load.",
	},
	{
		CauseServerBusy, StageRegister, SideServer, ServerUnavailable, 0, true,
		"the server says that it is busy (486 or 600), not for how long",
		"Try again later.",
	},
	{
		CauseServiceUnavailable, StageRegister, SideServer, ServerUnavailable, 0, true,
		"the service is unavailable (503)",
		"Check that the server's services run and that its database is reachable.",
	},
	{
		CauseTemporarilyUnavailable, StageRegister, SideServer, ServerUnavailable, 0, true,
		"the user's home server is temporarily unavailable (480)",
		"Check the pool on which the user is homed.",
	},
	{
		CauseRoutingFailed, StageRegister, SideServer, ServerUnavailable, 0, true,
		"the server cannot pass the registration on to the next one (1005, 1007 to 1010, 1014)",
		"Check DNS, certificates and reachability between the servers; the diagnostics name the fault.",
	},
	{
		CauseServerTimeout, StageRegister, SideServer, ServerUnavailable, 0, true,
		"a server behind the one reached did not answer it (504)",
		"Check the user's home pool and the network between the servers.",
	},
	{
		CauseRequestTimeout, StageRegister, SideServer, ServerUnavailable, 0, true,
		"the server gave up on the registration (408)",
		"Check the load of the server and of the user's home pool.",
	},

	{
		CauseServerError, StageRegister, SideServer, Unexpected, ServerError, true,
		"the server failed internally (500)",
		"Look into the server's event log at the time of the attempt.",
	},
	{
		CauseBadRequest, StageRegister, SideServer, Unexpected, ServerProtocol, false,
		"the server found the registration malformed (400)",
		"Report the transcript: this client and this server disagree about the protocol.",
	},
	{
		CauseEndpointRefused, StageRegister, SideServer, Unexpected, ServerProtocol, false,
		"the server does not accept the endpoint identifier (400 with 4010, 4011 or 4012)",
		"Report the transcript: this client and this server disagree about the epid.",
	},
	{
		CauseUnsupportedMedia, StageRegister, SideServer, Unexpected, ServerProtocol, false,
		"the server does not accept the content type (415)",
		"Report the transcript: this client and this server disagree about the protocol.",
	},
	{
		CauseBadExtension, StageRegister, SideServer, Unexpected, ServerProtocol, false,
		"the server lacks an extension that was demanded (420)",
		"Check that the port belongs to a server of this product line.",
	},
	{
		CauseExtensionRequired, StageRegister, SideServer, Unexpected, ServerProtocol, false,
		"the server demands an extension that was not offered (421)",
		"Report the transcript: this client and this server disagree about Supported.",
	},
	{
		CauseIntervalTooBrief, StageRegister, SideServer, Unexpected, ServerProtocol, false,
		"the server found the registration's lifetime too short, the raised one too (423)",
		"Check the server's limits for Expires.",
	},
	{
		CauseNotAcceptable, StageRegister, SideServer, Unexpected, ServerProtocol, false,
		"the server finds the registration not acceptable (488 or 606)",
		"Look up the quoted diagnostics in the server's log.",
	},
	{
		CauseBadEvent, StageRegister, SideServer, Unexpected, ServerProtocol, false,
		"the server does not know the event package (489)",
		"Check that the port belongs to a server of this product line.",
	},
	{
		CauseDeclined, StageRegister, SideServer, Unexpected, 0, false,
		"the server declines (603)",
		"Look into the server's log for the reason.",
	},
	{
		CauseRedirectInvalid, StageRegister, SideServer, Unexpected, AccountErrorRedirect, false,
		"the server redirects to no usable address",
		"Check the home server's name and port in the server's configuration.",
	},
	{
		CauseRedirectLoop, StageRegister, SideServer, Unexpected, AccountErrorRedirect, false,
		"the servers redirect to each other without end",
		"Check on which pool the user is homed; the servers disagree about it.",
	},
	{
		CauseUnexpectedStatus, StageRegister, SideServer, Unexpected, 0, false,
		"the server answered with a status that a registration does not expect",
		"Look up the quoted status and diagnostics in the server's log.",
	},
	{
		CauseRegistrationNotMade, StageRegister, SideServer, Unexpected, ServerProtocol, false,
		"the server accepted the registration but granted no lifetime for this endpoint",
		"Look into the server's log; it dropped the registration at once.",
	},
	{
		CauseAnswerUnreadable, StageRegister, SideClient, Unexpected, ServerProtocol, false,
		"what the server sent is no SIP message",
		"Check that the port belongs to a SIP server and that nothing between changes its messages.",
	},
	{
		CauseAnswerTooLarge, StageRegister, SideClient, Unexpected, ServerProtocol, false,
		"the server sent a message larger than the limit",
		"Check that the port belongs to a SIP server; raise the limit if the message is genuine.",
	},
	{
		CauseUnexpected, StageRegister, SideClient, Unexpected, 0, false,
		"something unforeseen went wrong",
		"Report the message and the transcript.",
	},
}
