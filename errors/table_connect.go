package ocserr

// connectRows holds the causes on the way to a server: configuration, discovery, connection, proxy,
// TLS. A fault of the configuration is found before anything is sent, and is a usage error too.
var connectRows = []Row{
	{
		CauseInvalidConfig, StageConfig, SideClient, Unexpected, InvalidArg, false,
		"a setting is not valid",
		"Correct the setting that the message names.",
	},
	{
		CauseInvalidSignInName, StageConfig, SideClient, Unexpected, InvalidAddressFormat, false,
		"the sign-in name is not an address of the form name@domain",
		"Give the sign-in name as name@domain, with or without sip: before it.",
	},
	{
		CauseInvalidCredentials, StageConfig, SideClient, Unexpected, InvalidArg, false,
		"user name or password is malformed",
		"Give user name and password without line breaks and within their limits of length.",
	},
	{
		CauseNoServerAddress, StageConfig, SideClient, InvalidServerName, NoServerAddressSpecified, false,
		"the server is to be configured by hand, and no address is given",
		"Give the server as host or host:port, or let it be discovered.",
	},
	{
		CauseInvalidServerAddress, StageConfig, SideClient, InvalidServerName, InvalidArg, false,
		"the configured server is not of the form host or host:port",
		"Correct the server's address; an IPv6 address with a port needs brackets.",
	},
	{
		CauseInvalidProxy, StageConfig, SideClient, Connect, InvalidProxyName, false,
		"the configured proxy is not a usable URL",
		"Give the proxy as http://host:port, https://host:port or socks5://host:port.",
	},

	{
		CauseNoServerFound, StageResolve, SideClient, InvalidServerName, DNSSRVFail, false,
		"DNS knows none of the domain's service and host names",
		"Publish _sipinternaltls._tcp or _sip._tls as SRV record in the domain of the sign-in name, or configure the server by hand.",
	},
	{
		CauseServiceNotOffered, StageResolve, SideClient, InvalidServerName, DNSSRVFail, false,
		"the domain's SRV records say that it offers no such service (target \".\")",
		"Correct the SRV records of the domain, or check the domain in the sign-in name.",
	},
	{
		CauseSRVTargetNotFound, StageResolve, SideClient, InvalidServerName, DNSAResFail, false,
		"the host that an SRV record names has no address",
		"Create the A or AAAA record of the SRV record's target, or correct the target.",
	},
	{
		CauseSRVRecordInvalid, StageResolve, SideClient, InvalidServerName, DNSSRVFail, false,
		"the domain's SRV records are there, but name no usable server",
		"Correct the SRV record: its target is the name of a host that has an A or AAAA record, not an address, and its port is not 0.",
	},
	{
		CauseHostNotFound, StageResolve, SideClient, InvalidServerName, DNSAResFail, false,
		"the server's name has no address",
		"Check the spelling of the server's name, and that this machine's DNS server knows it.",
	},
	{
		CauseDNSFailure, StageResolve, SideClient, InvalidServerName, DNSSRVFail, true,
		"the DNS server answered with a server failure, not with a name's absence",
		"Check the DNS server's forwarding and the zone's health; the records themselves may be right.",
	},
	{
		CauseDNSTimeout, StageResolve, SideClient, InvalidServerName, DNSSRVFail, true,
		"the DNS server did not answer in time",
		"Check that the DNS server runs and that UDP and TCP port 53 to it are open.",
	},
	{
		CauseDNSUnreachable, StageResolve, SideClient, InvalidServerName, DNSSRVFail, true,
		"the DNS server could not be reached",
		"Check the address of the DNS server and the network between.",
	},
	{
		CauseDNSBadAnswer, StageResolve, SideClient, InvalidServerName, DNSSRVFail, false,
		"the DNS answer is malformed, or its aliases run in a circle",
		"Correct the CNAME records on the way, or ask another DNS server.",
	},
	{
		CauseAutodiscoverFailed, StageResolve, SideServer, InvalidServerName, DNSSRVFail, false,
		"the autodiscover service gave no usable server",
		"Check what lyncdiscover and lyncdiscoverinternal of the domain answer, or publish SRV records.",
	},
	{
		CauseStrictNamingRefused, StageResolve, SideClient, Connect, 0, false,
		"discovery led to a server whose name does not belong to the domain of the sign-in name",
		"Publish a server name inside the SIP domain, or allow other names if this one is really yours.",
	},
	{
		CauseStrictNamingRefused, StageRegister, SideClient, Connect, 0, false,
		"a redirect led to a server whose name does not belong to the domain of the sign-in name",
		"Give the home server a name inside the SIP domain, or allow other names if this one is really yours.",
	},
	{
		CauseCancelled, StageResolve, SideClient, Cancel, 0, true,
		"the attempt was cancelled before a server had accepted it",
		"",
	},
	{
		CauseInsecureTransport, StageResolve, SideClient, Connect, SIPHighSecuritySetTLS, false,
		"only an unencrypted way to the server is offered, and TLS is demanded",
		"Let the server listen for TLS and publish that, or choose the transport tcp on purpose.",
	},
	{
		CauseInsecureTransport, StageRegister, SideClient, Connect, SIPHighSecuritySetTLS, false,
		"a redirect leads to an unencrypted transport, and TLS is demanded",
		"Let the home server listen for TLS, or choose the transport tcp on purpose.",
	},

	{
		CauseConnectionRefused, StageDial, SideServer, Connect, TCPError, true,
		"nothing listens on the server's port",
		"Check that the front-end service runs, and that host and port are those of the server (5061 for TLS, 5060 for TCP).",
	},
	{
		CauseHostUnreachable, StageDial, SideClient, Connect, TCPError, true,
		"there is no route to the server's address",
		"Check the network, the VPN and the address that DNS gives for the server.",
	},
	{
		CauseConnectTimeout, StageDial, SideClient, Connect, SIPTimeout, true,
		"the server's address did not answer the attempt to connect",
		"Check that the server is up and that no firewall drops packets to its port.",
	},
	{
		CauseConnectionReset, StageDial, SideServer, Connect, TCPError, true,
		"the connection was reset while it was being opened",
		"Look for a firewall or load balancer that resets connections to the server's port.",
	},
	{
		CauseConnectFailed, StageDial, SideClient, Connect, TCPError, true,
		"the connection could not be opened",
		"See the system's message for the reason; it arose on this machine or its network.",
	},
	{
		CauseLogonTimeout, StageDial, SideClient, LogonTimeout, SIPTimeout, true,
		"15 seconds passed and no connection to a server was open",
		"Check that the server's port is reachable; a firewall that drops packets silently looks like this.",
	},

	{
		CauseProxyNotFound, StageDial, SideClient, InvalidServerName, InvalidProxyName, false,
		"the proxy's own name could not be resolved",
		"Check the proxy's name in the settings and in DNS.",
	},
	{
		CauseProxyUnreachable, StageDial, SideClient, Connect, ConnectProxy, true,
		"no connection to the proxy could be opened",
		"Check that the proxy runs and that its host and port are right.",
	},
	{
		CauseProxyRefused, StageDial, SideProxy, Connect, SSLTunnelFailed, false,
		"the proxy refuses to connect to the server",
		"Allow the server's host and port in the proxy's rules; many proxies allow port 443 only.",
	},
	{
		CauseProxyCannotResolve, StageDial, SideProxy, Connect, DNSAResFail, false,
		"the proxy cannot resolve the server's name",
		"Make the server's name known to the DNS that the proxy uses.",
	},
	{
		CauseProxyCannotConnect, StageDial, SideProxy, Connect, SSLTunnelFailed, true,
		"the proxy could not connect to the server",
		"Check that the server listens and that the proxy's own network reaches it.",
	},
	{
		CauseProxyFailed, StageDial, SideProxy, Connect, SSLTunnelFailed, true,
		"the proxy reported a failure of its own",
		"Look up the quoted status in the proxy's log.",
	},
	{
		CauseProxyAuthRequired, StageDial, SideProxy, Connect, ProxyAuthRequired, false,
		"the proxy demands a user name and password, and none are configured",
		"Configure the credentials of the proxy; they are not those of the sign-in.",
	},
	{
		CauseProxyPassword, StageDial, SideProxy, Connect, ProxyPasswordIncorrect, false,
		"the proxy rejected the proxy's user name or password",
		"Correct the proxy's credentials; the sign-in's own password was not tested.",
	},
	{
		CauseProxyAuthUnsupported, StageDial, SideProxy, Connect, ProxyAuthType, false,
		"the proxy demands an authentication scheme that the client does not have",
		"Enable Basic, Digest or NTLM at the proxy for this client.",
	},
	{
		CauseProxyAuthFailed, StageDial, SideProxy, Connect, ProxyAuth, false,
		"the authentication with the proxy broke off",
		"Look into the proxy's log for the reason; the sign-in's own password was not tested.",
	},
	{
		CauseProxyBadAnswer, StageDial, SideProxy, Connect, ConnectProxy, false,
		"what answers at the proxy's address does not speak the proxy protocol",
		"Check kind, host and port of the configured proxy.",
	},
	{
		CauseProxyClosed, StageDial, SideProxy, Connect, ConnectProxy, true,
		"the proxy closed the connection instead of answering",
		"Check the kind of the configured proxy, and look into its log.",
	},
	{
		CauseProxySilent, StageDial, SideProxy, LogonTimeout, ConnectProxy, true,
		"15 seconds passed and the proxy had not answered",
		"Check that the proxy can reach the server; it accepted the connection and then said nothing.",
	},

	{
		CauseTLSUntrusted, StageSecure, SideClient, Connect, InvalidCertificate, false,
		"the server's certificate comes from an authority that is not trusted here",
		"Add the root certificate of the server's authority to the system's store, or give it as CA file.",
	},
	{
		CauseTLSExpired, StageSecure, SideClient, Connect, InvalidCertificate, false,
		"a certificate of the server has expired",
		"Renew the certificate, or correct this machine's clock.",
	},
	{
		CauseTLSNotYetValid, StageSecure, SideClient, Connect, InvalidCertificate, false,
		"a certificate of the server is not valid yet",
		"Correct this machine's clock, or the start date of the certificate.",
	},
	{
		CauseTLSWrongName, StageSecure, SideClient, Connect, InvalidCertificate, false,
		"the server's certificate does not carry the name under which the server was reached",
		"Add the server's name to the certificate's subject alternative names, or use a name that is on it.",
	},
	{
		CauseTLSNoSAN, StageSecure, SideClient, Connect, InvalidCertificate, false,
		"the server's certificate has its name in the common name only, without subject alternative names",
		"Issue the certificate with subject alternative names, or allow legacy TLS for this server.",
	},
	{
		CauseTLSSHA1, StageSecure, SideClient, Connect, InvalidCertificate, false,
		"the server's certificate chain is signed with SHA-1",
		"Issue the chain with SHA-256, or allow legacy TLS for this server.",
	},
	{
		CauseTLSBadCertificate, StageSecure, SideClient, Connect, InvalidCertificate, false,
		"the server's certificate is malformed, missing or not meant for servers",
		"Issue a server certificate with its whole chain.",
	},
	{
		CauseTLSIncompatible, StageSecure, SideServer, Connect, IncompatibleEncryption, false,
		"client and server have no TLS version or cipher suite in common",
		"Enable TLS 1.2 at the server, or allow legacy TLS for servers of 2007.",
	},
	{
		CauseTLSClientRefused, StageSecure, SideServer, Connect, TLSFail, false,
		"the server demands a client certificate, or refuses the one it was given",
		"Let the server's listener not demand a client certificate, or configure one that it trusts.",
	},
	{
		CauseTLSNotTLS, StageSecure, SideServer, Connect, TLSFail, false,
		"what answers at the server's port does not speak TLS",
		"Check the port: 5061 is customary for TLS, and 5060 for TCP without it.",
	},
	{
		CauseTLSHandshakeFailed, StageSecure, SideServer, Connect, TLSFail, false,
		"the TLS handshake failed",
		"See the quoted alert, and the server's system event log (source Schannel).",
	},
	{
		CauseConnectionReset, StageSecure, SideServer, Connect, TLSFail, true,
		"the connection was reset during the TLS handshake",
		"Check that the port expects TLS and that no device on the way inspects it.",
	},
	{
		CauseConnectionClosed, StageSecure, SideServer, Connect, TLSFail, true,
		"the server closed the connection during the TLS handshake",
		"Check that the port expects TLS, and look into the server's system event log (source Schannel).",
	},
	{
		CauseLogonTimeout, StageSecure, SideClient, LogonTimeout, TLSFail, true,
		"15 seconds passed and the server had not finished the TLS handshake",
		"Check that the port expects TLS; the server accepted the connection and then said too little.",
	},
}
