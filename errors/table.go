package ocserr

import "slices"

// Row is one row of the table of causes.
type Row struct {
	Cause   Cause
	Stage   Stage
	Side    Side
	Code    Code   // what OnSignin reports; after the sign-in was accepted, what OnMyStatusChange reports
	Detail  Code   // the finer MSGR_E_* code, or 0
	Retry   bool   // whether the same attempt may succeed later without a change
	Meaning string // what happened, a phrase
	Remedy  string // what to do, one sentence; "" where there is nothing to do
}

// rows is the whole table in the order of the stages. Read only.
var rows = slices.Concat(connectRows, registerRows, sessionRows)

// Table returns every cause with its code, in the order of the stages: what the Automation API
// leaves open ("any other failure") is decided here and nowhere else. A few rows are successes, so
// that each of the ten values of OnSignin has its causes.
func Table() []Row { return slices.Clone(rows) }

// Lookup finds the row of a cause in a stage; where there is none for that stage, or stage is "", the
// first row of the cause.
func Lookup(cause Cause, stage Stage) (Row, bool) {
	is := func(r Row) bool { return r.Cause == cause && r.Stage == stage }
	i := slices.IndexFunc(rows, is)
	if i < 0 {
		i = slices.IndexFunc(rows, func(r Row) bool { return r.Cause == cause })
	}
	if i < 0 {
		return Row{}, false
	}
	return rows[i], true
}
