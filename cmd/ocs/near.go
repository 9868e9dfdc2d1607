package main

import (
	"cmp"
	"slices"
	"strings"
)

// maxNear bounds how many names are suggested.
const maxNear = 4

// nearest finds the code names that text may have meant: those that contain it, and those that few typing
// errors, in the whole or in one word of it, lead to; the nearest first.
func nearest(text string, names []string) []string {
	text = bareName(text)
	if text == "" {
		return nil
	}
	type candidate struct {
		name     string
		distance int
	}
	var near []candidate
	for _, name := range names {
		bare := bareName(name)
		d := editDistance(text, bare)
		for word := range strings.SplitSeq(bare, "_") {
			d = min(d, editDistance(text, word))
		}
		if strings.Contains(bare, text) {
			d = 0
		}
		if d <= min(3, len(text)/3) {
			near = append(near, candidate{name, d})
		}
	}
	slices.SortStableFunc(near, func(a, b candidate) int { return cmp.Compare(a.distance, b.distance) })
	var found []string
	for _, c := range near[:min(len(near), maxNear)] {
		found = append(found, c.name)
	}
	return found
}

// bareName is a code's name without what many names begin with.
func bareName(name string) string {
	name = strings.ReplaceAll(strings.ToUpper(strings.TrimSpace(name)), "-", "_")
	return strings.TrimPrefix(strings.TrimPrefix(name, "MSGR_E_"), "MSGR_S_")
}

// editDistance is the number of bytes to insert, delete or replace to make b of a (Levenshtein).
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
