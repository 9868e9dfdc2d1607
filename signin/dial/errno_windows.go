package dial

import "syscall"

// The error numbers with which Windows Sockets explains a connection that failed. The constants of package
// syscall that bear the Unix names have other values there.
const (
	connectionRefused  = syscall.Errno(10061) // WSAECONNREFUSED
	connectionReset    = syscall.Errno(10054) // WSAECONNRESET
	connectionAborted  = syscall.Errno(10053) // WSAECONNABORTED
	hostUnreachable    = syscall.Errno(10065) // WSAEHOSTUNREACH
	networkUnreachable = syscall.Errno(10051) // WSAENETUNREACH
	hostDown           = syscall.Errno(10064) // WSAEHOSTDOWN
	networkDown        = syscall.Errno(10050) // WSAENETDOWN
	timedOut           = syscall.Errno(10060) // WSAETIMEDOUT
)
