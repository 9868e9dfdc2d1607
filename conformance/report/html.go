package report

import (
	_ "embed"
	"encoding/json"
	"html/template"
	"io"
	"strings"

	"github.com/ocsgo/ocs/conformance"
)

//go:embed page.html
var page string

// htmlPage is what page.html shows.
type htmlPage struct {
	Reports []*Report
	Rows    []htmlRow
}

// htmlRow is a case across reports.
type htmlRow struct {
	Case  Case // as the first report that has it
	Cells []htmlCell
}

// htmlCell is a case in one report; its Case is empty where the report lacks it.
type htmlCell struct {
	Report   *Report
	Case     Case
	Attempts []attempt
}

// attempt is what the page shows of a conformance.Record.
type attempt struct {
	Name   string `json:"attempt"`
	Events []struct {
		Event  string  `json:"event"`
		TimeMS float64 `json:"t_ms"`
		Code   string  `json:"code"`
		Status string  `json:"status_name"`
		Text   string  `json:"message"`
	} `json:"events"`
	Notes []string `json:"notes"`
	Wire  []struct {
		Kind   string `json:"kind"`
		Sent   bool   `json:"sent"`
		Name   string `json:"name"`
		Type   string `json:"type"`
		Answer string `json:"answer"`
		Error  string `json:"error"`
		Text   string `json:"text"`
	} `json:"wire"`
}

// HTML writes one page of one or more reports: a matrix of cases by subjects, and below it each case with what
// was expected, what happened, the events and the wire. It needs no other file.
func HTML(w io.Writer, reports ...*Report) error {
	t, err := template.New("page").Funcs(template.FuncMap{
		"anchor": func(id string) string { return strings.ReplaceAll(id, "/", "-") },
		"class":  func(v conformance.Verdict) string { return strings.ToLower(string(v)) },
	}).Parse(page)
	if err != nil {
		return err
	}
	p := htmlPage{Reports: reports}
	index := map[string]int{}
	for n, r := range reports {
		for _, c := range r.Cases {
			i, ok := index[c.ID]
			if !ok {
				i = len(p.Rows)
				index[c.ID] = i
				p.Rows = append(p.Rows, htmlRow{Case: c, Cells: make([]htmlCell, len(reports))})
			}
			cell := htmlCell{Report: r, Case: c}
			for _, raw := range c.Attempts {
				var a attempt
				if err := json.Unmarshal(raw, &a); err != nil {
					return err
				}
				cell.Attempts = append(cell.Attempts, a)
			}
			p.Rows[i].Cells[n] = cell
		}
	}
	var b strings.Builder
	if err := t.Execute(&b, p); err != nil {
		return err
	}
	_, err = io.WriteString(w, printable(strings.ReplaceAll(b.String(), "\r\n", "\n"))) // messages on the wire have CRLF
	return err
}
