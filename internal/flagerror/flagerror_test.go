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
		{"--count=x", `cannot use --count "x": write a number`, true},
		{"-nx", `cannot use --count "x": write a number`, true},
		{"--count=99999999999999999999", `cannot use --count "99999999999999999999": that number is too large`, true},
		{"--keep=perhaps", `cannot use --keep "perhaps": write true or false`, true},
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

func TestReword(t *testing.T) {
	for arg, want := range map[string]string{
		"--nope":         `unknown option "--nope" (see the help)`,
		"--nope=1":       `unknown option "--nope" (see the help)`,
		"-x":             `unknown option "-x" (see the help)`,
		"-kx":            `unknown option "-x" (see the help)`,
		"-9":             `unknown option "-9" (see the help)`,
		"-\u00fc":        "unknown option \"-\u00fc\" (see the help)",
		"--count":        `no value for the option "--count" (see the help)`,
		"-n":             `no value for the option "-n" (see the help)`,
		"-kn":            `no value for the option "-n" (see the help)`,
		"--=x":           `unknown option "--=x" (see the help)`,
		"---":            `unknown option "---" (see the help)`,
		"--count=x":      `cannot use --count "x": write a number`,
		"--odd=x":        `cannot use --odd "x": it is odd`,
		"--keep=perhaps": `cannot use --keep "perhaps": write true or false`,
	} {
		f := pflag.NewFlagSet("x", pflag.ContinueOnError)
		f.IntP("count", "n", 0, "")
		f.BoolP("keep", "k", false, "")
		f.Var(odd{}, "odd", "")
		err := f.Parse([]string{arg})
		if err == nil || Reword(err, "see the help").Error() != want {
			t.Errorf("%s: %v, want %s", arg, Reword(err, "see the help"), want)
		}
	}
	own := errors.New("no such thing (make it)")
	if got := Reword(own, "see the help"); got != own {
		t.Errorf("a second parenthesis: %v", got)
	}
}
