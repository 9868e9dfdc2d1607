// Package ocserr is the vocabulary of outcomes: the HRESULT codes of the Office Communicator 2007
// Automation API, the Error that carries one of them with its reason, and the one table that maps
// every cause to its code.
//
//   - code.go: the type Code, its forms, Parse;
//   - codes.go, codeinfo.go: the values, and their names, classes and meanings;
//   - cause.go: the names of the causes;
//   - table.go and table_*.go: the table of causes, in the order in which a sign-in passes them;
//   - response.go: the mapping of a SIP response to REGISTER to its cause;
//   - error.go: the type Error.
//
// The documents of the Automation API name ten values for OnSignin and leave most causes to "any
// other failure". Which cause gets which of the ten is this project's choice, made in the table and
// listed in docs/error-map.md, which is generated from it.
package ocserr
