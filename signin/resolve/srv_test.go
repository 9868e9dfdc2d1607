package resolve

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"
)

// srv makes records of "priority weight" with the targets a, b, c ...
func srv(specs ...string) []*dns.SRV {
	var list []*dns.SRV
	for i, spec := range specs {
		priority, weight, _ := strings.Cut(spec, " ")
		p, _ := strconv.Atoi(priority)
		w, _ := strconv.Atoi(weight)
		list = append(list, &dns.SRV{Priority: uint16(p), Weight: uint16(w), Target: string(rune('a' + i))})
	}
	return list
}

func targets(records []*dns.SRV) string {
	var b strings.Builder
	for _, r := range records {
		b.WriteString(r.Target)
	}
	return b.String()
}

func TestOrder(t *testing.T) {
	lowest := func(int) int { return 0 }
	highest := func(n int) int { return n - 1 }
	for name, test := range map[string]struct {
		records []*dns.SRV
		intn    func(int) int
		want    string
	}{
		"none":                                     {nil, lowest, ""},
		"one":                                      {srv("5 5"), highest, "a"},
		"priority before weight":                   {srv("20 100", "10 1", "10 0"), highest, "bca"},
		"draw of zero takes a record of none":      {srv("0 10", "0 0", "0 20"), lowest, "bac"},
		"draw of the total takes the last":         {srv("0 10", "0 0", "0 20"), highest, "cab"},
		"no weights keep the order":                {srv("0 0", "0 0", "0 0"), highest, "abc"},
		"priorities do not mix":                    {srv("2 9", "1 1", "2 1", "1 9"), highest, "dbac"},
		"largest weights do not overflow":          {srv("0 65535", "0 65535", "0 65535"), highest, "cba"},
		"a random source beyond the range":         {srv("0 1", "0 1"), func(n int) int { return n * 10 }, "ba"},
		"a draw equal to the running sum takes it": {srv("0 1", "0 2", "0 3"), func(int) int { return 1 }, "abc"},
		"a draw beyond the running sum goes on":    {srv("0 1", "0 2", "0 3"), func(int) int { return 2 }, "bca"},
	} {
		t.Run(name, func(t *testing.T) {
			order(test.records, test.intn)
			require.Equal(t, test.want, targets(test.records))
		})
	}
}

func TestOrderGivesEachRecordItsShare(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	first := map[string]int{}
	const draws = 10000
	for range draws {
		records := srv("0 1", "0 3")
		order(records, random.IntN)
		first[records[0].Target]++
	}
	// RFC 2782 draws from 0 to the sum, both included: 2 of 5 and 3 of 5.
	require.InDelta(t, draws*2/5, first["a"], draws/50)
}
