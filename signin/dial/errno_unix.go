//go:build unix

package dial

import "syscall"

// The error numbers with which the system explains a connection that failed.
const (
	connectionRefused  = syscall.ECONNREFUSED
	connectionReset    = syscall.ECONNRESET
	connectionAborted  = syscall.ECONNABORTED
	hostUnreachable    = syscall.EHOSTUNREACH
	networkUnreachable = syscall.ENETUNREACH
	hostDown           = syscall.EHOSTDOWN
	networkDown        = syscall.ENETDOWN
	timedOut           = syscall.ETIMEDOUT
)
