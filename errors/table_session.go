package ocserr

// sessionRows holds the causes after the server accepted the registration: OnSignin(S_OK) is out, and
// OnMyStatusChange carries the code (Code.StatusChange).
var sessionRows = []Row{
	{
		CauseSubscriptionRefused, StagePresence, SideServer, Unexpected, 0, false,
		"the server refused the subscription to the own presence",
		"Look up the quoted status in the server's log; the sign-in itself was accepted.",
	},
	{
		CausePublicationRefused, StagePresence, SideServer, Unexpected, 0, false,
		"the server refused the publication of the own presence",
		"Look up the quoted status in the server's log; the sign-in itself was accepted.",
	},
	{
		CausePresenceUnanswered, StagePresence, SideClient, ServerUnavailable, 0, true,
		"the server accepted the sign-in and then did not answer about presence",
		"Check the server's user services and their database.",
	},
	{
		CausePresenceUnreadable, StagePresence, SideClient, Unexpected, ServerProtocol, false,
		"what the server sent about presence is malformed",
		"Report the transcript: this client and this server disagree about presence.",
	},
	{
		CauseCancelled, StagePresence, SideClient, Cancel, UserCancelled, true,
		"the attempt was cancelled after a server had accepted it, and the client signed out",
		"",
	},
	{
		CauseConnectionLost, StagePresence, SideClient, Disconnected, TCPError, true,
		"the connection was lost after the server had accepted the sign-in",
		"Sign in again; if it comes back, check the network and the server's log.",
	},
	{
		CauseConnectionClosed, StagePresence, SideServer, Disconnected, TCPError, true,
		"the server closed the connection after it had accepted the sign-in",
		"Look into the server's log for the reason, and sign in again.",
	},
	{
		CauseConnectionReset, StagePresence, SideServer, Disconnected, TCPError, true,
		"the connection was reset after the server had accepted the sign-in",
		"Look for a crash of the server or a device that resets connections, and sign in again.",
	},

	{
		CauseConnectionLost, StageLive, SideClient, Disconnected, TCPError, true,
		"the connection of a signed-in client was lost",
		"Sign in again; if it comes back, check the network and its idle timeouts.",
	},
	{
		CauseConnectionClosed, StageLive, SideServer, Disconnected, TCPError, true,
		"the server closed the connection of a signed-in client",
		"Sign in again; the server may have been restarted, or a device on the way has an idle timeout.",
	},
	{
		CauseConnectionReset, StageLive, SideServer, Disconnected, TCPError, true,
		"the connection of a signed-in client was reset",
		"Sign in again; the server may have been restarted, or a device on the way has an idle timeout.",
	},
	{
		CauseRefreshFailed, StageLive, SideServer, Disconnected, 0, true,
		"the registration could not be renewed",
		"See the wrapped answer, and sign in again.",
	},
	{
		CauseRemovedUnregistered, StageLive, SideServer, Disconnected, RemoteLogin, false,
		"the server signed the client out: another endpoint or an administrator asked for it (4140)",
		"Find out who signs this user out, then sign in again.",
	},
	{
		CauseRemovedRejected, StageLive, SideServer, Disconnected, SIPLoginForbidden, false,
		"the server signed the client out: the user is disabled (4141)",
		"Enable the user for the server.",
	},
	{
		CauseRemovedDeactivated, StageLive, SideServer, Disconnected, 0, true,
		"the server signed the client out: the user was moved to another server (4142)",
		"Sign in again, so that the new home server is found.",
	},
	{
		CauseRemovedByServer, StageLive, SideServer, Disconnected, ServerShutdown, true,
		"the server signed the client out",
		"Sign in again; the diagnostics give the server's reason.",
	},

	{
		CauseSignoutUnanswered, StageSignout, SideClient, Disconnected, 0, false,
		"the server did not confirm the sign-out in time",
		"Nothing is left to do here: the client is signed out, and the server drops the registration when it expires.",
	},
	{
		CauseSignoutRefused, StageSignout, SideServer, Disconnected, 0, false,
		"the server refused the sign-out",
		"Nothing is left to do here: the client is signed out, and the server drops the registration when it expires.",
	},
}
