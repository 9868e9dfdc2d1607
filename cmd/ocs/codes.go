package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	ocserr "github.com/ocsgo/ocs/errors"
)

// codesCommand is "ocs codes".
type codesCommand struct {
	Code string `arg:"" optional:"" help:"A code by name (MSGR_E_ may be left out), in hexadecimal or in decimal. Default: list all."`

	outputFlag
}

// Help is what "ocs codes --help" says beyond the flags.
func (codesCommand) Help() string {
	return `Without a code: every result code, the ten that OnSignin can carry first. With one: what it means, when it
appears, what causes it and what to do about it.

Examples:

    ocs codes
    ocs codes MSGR_E_INVALID_PASSWORD
    ocs codes 0x81000306
    ocs codes -2130705658 --output json`
}

// jsonCode is the line of a code in "ocs codes --output json".
type jsonCode struct {
	Schema  string       `json:"schema"`
	Event   string       `json:"event"`
	HR      ocserr.Code  `json:"hr"`
	Hex     string       `json:"hex"`
	Code    string       `json:"code"`
	Class   ocserr.Class `json:"class"`
	Meaning string       `json:"meaning"`
	Signin  bool         `json:"signin"` // OnSignin can carry it
	Causes  []jsonCause  `json:"causes,omitempty"`
}

// jsonCause is a cause of a code.
type jsonCause struct {
	Cause   ocserr.Cause `json:"cause"`
	Stage   ocserr.Stage `json:"stage"`
	Side    ocserr.Side  `json:"side"`
	Code    string       `json:"code"`
	Detail  string       `json:"detail,omitempty"`
	Retry   bool         `json:"retry"`
	Meaning string       `json:"meaning"`
	Remedy  string       `json:"remedy,omitempty"`
}

// Run lists the codes, or explains one.
func (c *codesCommand) Run(std *streams) error {
	list := sortedCodes()
	if c.Code != "" {
		info, err := findCode(c.Code)
		if err != nil {
			return err
		}
		list = []ocserr.Info{info}
	}
	switch {
	case c.Output == "json":
		for _, info := range list {
			writeJSON(std.out, codeLine(info))
		}
	case c.Code != "":
		explainCode(std.out, list[0])
	default:
		listCodes(std.out, list)
	}
	return nil
}

// findCode finds a known code by what a person typed.
func findCode(text string) (ocserr.Info, error) {
	known, text := ocserr.Codes(), strings.TrimSpace(text)
	code, err := ocserr.Parse(text)
	if err == nil {
		if i := slices.IndexFunc(known, func(i ocserr.Info) bool { return i.Code == code }); i >= 0 {
			return known[i], nil
		}
		remedy := "\"ocs codes\" lists all"
		if hex, err := ocserr.Parse("0x" + text); err == nil && slices.ContainsFunc(known, func(i ocserr.Info) bool { return i.Code == hex }) {
			remedy = "did you mean " + hex.Hex() + "?"
		}
		return ocserr.Info{}, usagef("no known code has the value %s (%d): %s", code.Hex(), code, remedy)
	}
	names := make([]string, len(known))
	for i, info := range known {
		names[i] = info.Name
	}
	remedy := "\"ocs codes\" lists all"
	if near := nearest(text, names); len(near) > 0 {
		remedy = "did you mean " + strings.Join(near, " or ") + "?"
	}
	return ocserr.Info{}, usagef("unknown code %q: %s", text, remedy)
}

// sortedCodes are all codes, those of OnSignin first; else in the order of the header.
func sortedCodes() []ocserr.Info {
	list := ocserr.Codes()
	slices.SortStableFunc(list, func(a, b ocserr.Info) int { return cmp.Compare(rank(a.Code), rank(b.Code)) })
	return list
}

func rank(c ocserr.Code) int {
	if c.Signin() {
		return 0
	}
	return 1
}

func listCodes(w io.Writer, list []ocserr.Info) {
	before := -1
	for _, i := range list {
		if r := rank(i.Code); r != before {
			before = r
			fmt.Fprintln(w, [...]string{"What OnSignin can carry:", "\nAll others: details of a failure, values of OnMyStatusChange, results of other calls:"}[r])
		}
		fmt.Fprintf(w, "  %-40s %s %11d  %s: %s\n", i.Name, i.Code.Hex(), i.Code, i.Class, i.Meaning)
	}
}

// explainCode tells a person all that is known of a code.
func explainCode(w io.Writer, i ocserr.Info) {
	rows := rowsOf(i.Code)
	fmt.Fprintf(w, "%s  %s  %d\n%s\n\n", i.Name, i.Code.Hex(), i.Code, i.Meaning)
	switch {
	case i.Code.Signin():
		fmt.Fprintf(w, "OnSignin can carry it. ocs signin then exits with %d.\n", i.Code.ExitStatus())
	case i.Code == ocserr.Disconnected:
		fmt.Fprintln(w, "OnMyStatusChange carries it when a session ends, or an attempt fails; OnSignin never does.")
	case i.Class == ocserr.ClassReturn:
		fmt.Fprintln(w, "Calls return it at once; no event carries it.")
	case i.Code == ocserr.UserNotFound:
		fmt.Fprintln(w, "OnSignin never carries it: a user who is unknown is told as MSGR_E_INVALID_PASSWORD.")
	case len(rows) == 0:
		fmt.Fprintln(w, "OnSignin never carries it, and no failure has it as its detail.")
	default:
		fmt.Fprintln(w, "OnSignin never carries it. It is the detail of a failure.")
	}
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s (%d):\n", choose(i.Code.Success(), "What may come with it", "Causes"), len(rows))
	for _, r := range rows {
		fmt.Fprintf(w, "\n  %s\n    stage %s, said by the %s%s\n", r.Meaning, r.Stage, r.Side, alsoKnown(i.Code, r))
		if r.Remedy != "" {
			fmt.Fprintf(w, "    %s\n", r.Remedy)
		}
	}
}

// alsoKnown is the other code of a row, seen from one of its two.
func alsoKnown(c ocserr.Code, r ocserr.Row) string {
	switch {
	case r.Code != c:
		return "; reported as " + r.Code.Name()
	case r.Detail != 0:
		return "; detail " + r.Detail.Name()
	}
	return ""
}

// rowsOf are the causes that a code stands for, as the code or as the detail.
func rowsOf(c ocserr.Code) []ocserr.Row {
	return slices.DeleteFunc(ocserr.Table(), func(r ocserr.Row) bool {
		return r.Code != c && (r.Detail == 0 || r.Detail != c)
	})
}

func codeLine(i ocserr.Info) jsonCode {
	line := jsonCode{
		Schema: schema, Event: "Code", HR: i.Code, Hex: i.Code.Hex(), Code: i.Name,
		Class: i.Class, Meaning: i.Meaning, Signin: i.Code.Signin(),
	}
	for _, r := range rowsOf(i.Code) {
		cause := jsonCause{
			Cause: r.Cause, Stage: r.Stage, Side: r.Side, Code: r.Code.Name(),
			Retry: r.Retry, Meaning: r.Meaning, Remedy: r.Remedy,
		}
		if r.Detail != 0 {
			cause.Detail = r.Detail.Name()
		}
		line.Causes = append(line.Causes, cause)
	}
	return line
}
