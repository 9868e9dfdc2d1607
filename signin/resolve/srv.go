package resolve

import (
	"cmp"
	"slices"

	"github.com/miekg/dns"
)

// order sorts SRV records as RFC 2782 wants them tried: by priority, and within one priority by a
// random choice in which a record's chance is its share of the weight.
func order(records []*dns.SRV, intn func(n int) int) {
	// Records without weight come first in each draw, which is what gives them their small chance.
	slices.SortStableFunc(records, func(a, b *dns.SRV) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), cmp.Compare(a.Weight, b.Weight))
	})
	for len(records) > 0 {
		same := 1
		for same < len(records) && records[same].Priority == records[0].Priority {
			same++
		}
		shuffle(records[:same], intn)
		records = records[same:]
	}
}

// shuffle draws one record after the other by weight, the rest keeping its order.
func shuffle(records []*dns.SRV, intn func(n int) int) {
	total := 0
	for _, r := range records {
		total += int(r.Weight)
	}
	for len(records) > 1 {
		draw, i := intn(total+1), 0
		for i < len(records)-1 && draw > int(records[i].Weight) {
			draw -= int(records[i].Weight)
			i++
		}
		chosen := records[i]
		copy(records[1:i+1], records[:i])
		records[0] = chosen
		total -= int(chosen.Weight)
		records = records[1:]
	}
}
