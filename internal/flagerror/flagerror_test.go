package flagerror

import (
	"errors"
	"testing"

	"github.com/spf13/pflag"
)

type odd struct{}

func (odd) Set(string) error { return errors.New("it is odd") }
func (odd) String() string   { return "" }
func (odd) Type() string     { return "odd" }

func TestValue(t *testing.T) {
	for _, r := range []struct {
		arg, want string
		ok        bool
	}{
		{"--count=x", `cannot use --count "x": it is a number`, true},
		{"-nx", `cannot use --count "x": it is a number`, true},
		{"--count=99999999999999999999", `cannot use --count "99999999999999999999": that number is too large`, true},
		{"--keep=perhaps", `cannot use --keep "perhaps": it is true or false`, true},
		{"--odd=x", `cannot use --odd "x": it is odd`, true},
		{"--nope", `unknown flag: --nope`, false},
		{"--count", `flag needs an argument: --count`, false},
	} {
		f := pflag.NewFlagSet("x", pflag.ContinueOnError)
		f.IntP("count", "n", 0, "")
		f.Bool("keep", false, "")
		f.Var(odd{}, "odd", "")
		err, ok := Value(f.Parse([]string{r.arg}))
		if err == nil || err.Error() != r.want || ok != r.ok {
			t.Errorf("%s: %v, %v", r.arg, err, ok)
		}
	}
}
