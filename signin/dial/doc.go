// Package dial opens the transport connection to a candidate, straight or through a proxy, and says why it
// cannot be opened.
//
//   - dial.go: Dial; and the way without a proxy
//   - race.go: attempts at several addresses or servers, a little apart (RFC 8305)
//   - proxy.go: Proxy, what a proxy's URL says; environment.go: the URL from the environment
//   - via.go: the way through a proxy, and its record for the report; toproxy.go: the way to the proxy
//   - http.go: HTTP CONNECT over TCP and TLS (RFC 9110 section 9.3.6); login.go and challenge.go: what such a
//     proxy wants to be told first: Basic, Digest or NTLM
//   - logins.go: what proxies think of their passwords, over all tries of an attempt
//   - socks.go: SOCKS 4, 4a and 5 (RFC 1928, RFC 1929)
//   - errno_*.go: how the system explains a failed connect
//
// # Names and proxies
//
// A proxy is asked for the server by name, also where local DNS knows its addresses: a proxy's rules are
// about names, and its own DNS is the one that knows which address its network reaches. Where it does not get
// through to the name, it is asked for the addresses, in order. SOCKS 4 carries no names: it is asked for the
// IPv4 addresses.
package dial
