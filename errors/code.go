package ocserr

import (
	"fmt"
	"strconv"
	"strings"
)

// Code is an HRESULT as the Office Communicator 2007 Automation API reports it: a signed 32-bit
// value, negative for failure, zero or positive for success. Like syscall.Errno it is an error
// itself, so that errors.Is(err, ocserr.LogonTimeout) works. OK and the other successes are never
// returned as an error.
type Code int32

// Class says where the documents of the Automation API place a code.
type Class string

// The classes of codes.
const (
	ClassSignin       Class = "OnSignin"                   // documented for OnSignin
	ClassSigninStatus Class = "OnSignin, OnMyStatusChange" // documented for both events
	ClassStatus       Class = "OnMyStatusChange"           // documented for OnMyStatusChange only
	ClassReturn       Class = "return value"               // returned by a call at once, never an event
	ClassDetail       Class = "detail"                     // connection, SIP and security codes: an Error's Detail
	ClassReserved     Class = "reserved"                   // listed as unsupported or without a stated origin
	ClassOther        Class = "other"                      // contacts, messages, voice, phone, groups
	ClassInternal     Class = "internal"                   // internal to the original client
	ClassSuccess      Class = "success"                    // MSGR_S_*
)

// Info describes one known code.
type Info struct {
	Code    Code
	Name    string // as in the SDK header: MSGR_E_CONNECT
	Class   Class
	Meaning string
}

// Codes returns every known code in the order of the SDK header.
func Codes() []Info { return append([]Info(nil), codes[:]...) }

// info finds the entry of c.
func (c Code) info() (Info, bool) {
	for _, i := range codes {
		if i.Code == c {
			return i, true
		}
	}
	return Info{}, false
}

// Error returns name, hexadecimal value and meaning: "MSGR_E_CONNECT (0x81000301): ...".
func (c Code) Error() string {
	i, ok := c.info()
	if !ok {
		return c.Hex() + ": unknown code"
	}
	return fmt.Sprintf("%s (%s): %s", i.Name, c.Hex(), i.Meaning)
}

// Name returns the name in the SDK header, or the hexadecimal value of a code that it does not know.
func (c Code) Name() string {
	if i, ok := c.info(); ok {
		return i.Name
	}
	return c.Hex()
}

// Hex returns the value as eight hexadecimal digits: "0x81000301".
func (c Code) Hex() string { return fmt.Sprintf("0x%08X", uint32(c)) }

// Meaning returns what the code stands for, or "" for an unknown one.
func (c Code) Meaning() string {
	i, _ := c.info()
	return i.Meaning
}

// Success reports whether c stands for success: zero or positive (DMessengerEvents::OnSignin).
func (c Code) Success() bool { return c >= 0 }

// Signin reports whether c is one of the ten values that OnSignin is documented to carry.
func (c Code) Signin() bool {
	switch c {
	case OK, InvalidServerName, Connect, Cancel, LogonTimeout, ServerVersion,
		InvalidPassword, ServerTooBusy, ServerUnavailable, Unexpected:
		return true
	}
	return false
}

// StatusChange returns the hr that OnMyStatusChange carries when c ended an attempt or a session:
// c itself where that event is documented to carry it, else Disconnected
// (DMessengerEvents::OnMyStatusChange; LogonTimeout from IMessenger::Signin).
func (c Code) StatusChange() Code {
	switch c {
	case OK, Disconnected, Unexpected, ServerTooBusy, ServerUnavailable, LogonTimeout:
		return c
	}
	return Disconnected
}

// ExitStatus returns the exit status with which the command line reports c.
func (c Code) ExitStatus() int {
	switch {
	case c.Success():
		return 0
	case c == InvalidServerName:
		return 10
	case c == Connect:
		return 11
	case c == LogonTimeout:
		return 12
	case c == ServerVersion:
		return 13
	case c == InvalidPassword:
		return 14
	case c == ServerTooBusy:
		return 15
	case c == ServerUnavailable:
		return 16
	case c == Cancel:
		return 130
	}
	return 1
}

// Parse reads a code as people write it: the header's name in either case, with or without
// MSGR_E_, or the value in hexadecimal (0x...), signed or unsigned decimal. A number need not be a
// known code; a name must be.
func Parse(s string) (Code, error) {
	text := strings.TrimSpace(s)
	name := strings.ToUpper(text)
	for _, i := range codes {
		if name == i.Name || "MSGR_E_"+name == i.Name {
			return i.Code, nil
		}
	}
	if digits, ok := strings.CutPrefix(name, "0X"); ok {
		if v, err := strconv.ParseUint(digits, 16, 32); err == nil {
			return Code(uint32(v)), nil
		}
	} else if v, err := strconv.ParseInt(name, 10, 64); err == nil && v >= -1<<31 && v < 1<<32 {
		return Code(uint32(v)), nil
	}
	return 0, fmt.Errorf("unknown code %q: want a name such as MSGR_E_CONNECT, or its value in hexadecimal or decimal", s)
}
