// Package peers tests ocs against real programs that nobody here wrote.
//
// A test of a whole sign-in is a black box: it builds the ocs program, runs it as a user would, and
// reads its exit status and its JSON lines; what happened on the wire it takes from the other program.
// The tests have the build tag "peers", because they need Linux and the programs of the Debian packages
// that the file "packages" lists:
//
//	apt-get install --no-install-recommends $(grep -v '^#' conformance/peers/packages)
//	make peers
//
// Each test starts the programs it needs on loopback, with a scratch folder, and stops them again; it
// needs no root and no network. A program that is missing is a failure and not a skip.
//
//   - process_test.go starts and stops a program
//   - certificate_test.go makes the certificates it serves
//   - ocs_test.go runs ocs and reads what it says
//   - kamailio_test.go, kamailio.cfg: Kamailio, a SIP registrar with Digest over TCP and TLS
//   - dns_test.go, nsd_test.go, unbound_test.go: NSD and Unbound, DNS servers to discover by
//   - judge_test.go speaks to a judge of tokens and signatures
//   - krb5_test.go, krb5_judge.py: MIT Kerberos, as KDC and as judge of tokens
//   - ntlm_gssntlmssp_test.go, ntlm_judge.py: gss-ntlmssp, as judge of NTLM as SIP uses it
//   - ntlm_samba_test.go: Samba, as judge of NTLM as HTTP uses it
//   - tlsdsk_openssl_test.go: OpenSSL, as judge of TLS-DSK's handshake
//   - tls_test.go judges our TLS policy; openssl_test.go and gnutls_test.go: OpenSSL's s_server and gnutls-serv, as
//     servers of 2007; tlsnamespace_test.go runs a test in a network namespace of its own
//   - legacy_test.go: ocs signin at such a server, with --legacy-tls and without
//   - junit_test.go: xmllint, as judge of the JUnit report
//   - blackhole_test.go: a server's address that swallows packets, in a network namespace
//   - codes_test.go: each of the ten codes, by the programs here
//   - sipp_test.go, sipp.xml: SIPp, a registrar with one answer to every REGISTER
//   - proxies_test.go dials through a proxy to a TLS server; squid_test.go, tinyproxy_test.go, dante_test.go and
//     microsocks_test.go: the proxies
package peers
