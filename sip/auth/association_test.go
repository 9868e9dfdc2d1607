package auth

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWindow(t *testing.T) {
	type step struct {
		n    uint32
		want bool
	}
	for _, tc := range []struct {
		name  string
		steps []step
	}{
		{"in order", []step{{1, true}, {2, true}, {3, true}}},
		{"the first is any", []step{{4000, true}, {4001, true}}},
		{"zero", []step{{0, true}, {0, false}, {1, true}}},
		{"replay", []step{{1, true}, {1, false}, {2, true}, {1, false}, {2, false}}},
		{"gap, then what is missing", []step{{1, true}, {9, true}, {5, true}, {5, false}, {2, true}, {9, false}}},
		{"the last that is not too old", []step{{300, true}, {45, true}, {45, false}, {44, false}}},
		{"too old", []step{{1000, true}, {744, false}, {1, false}}},
		{"a leap of the whole window forgets nothing new", []step{{10, true}, {266, true}, {10, false}, {11, true}, {266, false}}},
		{"a leap beyond the window", []step{{10, true}, {5000, true}, {4999, true}, {10, false}}},
		{"a bit left from the round before", []step{{1, true}, {2, true}, {257, true}, {258, true}, {256, true}, {3, true}, {2, false}}},
		{"the end of the numbers", []step{{1<<32 - 1, true}, {1<<32 - 1, false}, {1<<32 - 2, true}, {0, false}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var w window
			for i, s := range tc.steps {
				require.Equal(t, s.want, w.accept(s.n), "step %d: %d", i, s.n)
			}
		})
	}
}

// Every number is accepted at most once, whatever the order.
func FuzzWindow(f *testing.F) {
	f.Add([]byte{1, 2, 3, 3, 250, 0})
	f.Fuzz(func(t *testing.T, deltas []byte) {
		var w window
		seen := map[uint32]bool{}
		n := uint32(1000)
		for i, d := range deltas {
			if i%2 == 0 {
				n += uint32(d)
			} else {
				n -= uint32(d)
			}
			if w.accept(n) {
				require.False(t, seen[n])
				seen[n] = true
			} else {
				require.True(t, seen[n] || w.highest-n >= windowSize)
			}
		}
	})
}
