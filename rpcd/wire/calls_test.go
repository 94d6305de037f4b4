package wire

import (
	"slices"
	"strings"
	"testing"
)

// Of a call's arguments a worker keeps and shows the first bytes alone.
func TestFirstArgs(t *testing.T) {
	for _, r := range []struct{ args, want []string }{
		{nil, nil},
		{[]string{"-o", "", "out.png"}, []string{"-o", "", "out.png"}},
		{[]string{strings.Repeat("x", 1<<20), "y"}, []string{strings.Repeat("x", 252)}},
		{slices.Repeat([]string{""}, 10000), slices.Repeat([]string{""}, 63)},
	} {
		if got := FirstArgs(r.args); !slices.Equal(got, r.want) {
			t.Errorf("%d of %d arguments: %.300q", len(got), len(r.args), got)
		}
	}
}
