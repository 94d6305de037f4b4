package duration

import (
	"math"
	"strings"
	"testing"
	"time"
	"unicode"
)

func TestParse(t *testing.T) {
	good := map[string]time.Duration{
		"0": 0, "0.0s": 0, "5": 5 * time.Second, "05": 5 * time.Second,
		"1.5": 1500 * time.Millisecond, ".5s": 500 * time.Millisecond, "2.": 2 * time.Second,
		"200ms": 200 * time.Millisecond, "0.5ms": 500 * time.Microsecond,
		"90s": 90 * time.Second, "1.5m": 90 * time.Second, "2h": 2 * time.Hour, "1d": 24 * time.Hour,
		"0.1d": 144 * time.Minute, "1.5d": 36 * time.Hour, "0.00001d": 864 * time.Millisecond,
		"0.000000000000000001":   1, // not 0, which often means "no limit"
		"0.00000000000000000001": 1,
		"1.0000000000000000000":  time.Second,
		"9223372036.854775807":   math.MaxInt64,
		"106751d":                106751 * 24 * time.Hour,
	}
	for s, want := range good {
		if got, err := Parse(s); err != nil || got != want {
			t.Errorf("Parse(%q) = %v, %v; want %v", s, got, err, want)
		}
	}
	bad := []string{
		"", " ", "s", ".", ".s", "-1", "+1", "-0", "1 s", " 1", "1\n", "1S", "1us", "1w", "1h30m", "1.2.3",
		"1e3", "0x10", "nan", "NaN", "inf", "infinity", "1,5", "1\x00", "١",
		"9223372036.854775808", "18446744074", "106752d", "99999999999999999999", "18446744073709551615d",
		strings.Repeat("9", 1000),
	}
	for _, s := range bad {
		got, err := Parse(s)
		if err == nil {
			t.Errorf("Parse(%q) = %v, want an error", s, got)
		} else if len(err.Error()) > 400 || strings.ContainsAny(err.Error(), "\n\x00") {
			t.Errorf("Parse(%q): the error is no short line: %q", s, err)
		}
	}
}

// FuzzParse: an error is one short line, zero is zero and nothing else, and what
// String writes is read again.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"0", "1.5h", "200ms", ".5", "9223372036.854775807", "1e3", "-1", "0.0000000000000000001d"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := Parse(s)
		if err != nil {
			if msg := err.Error(); len(msg) > 400 || strings.ContainsFunc(msg, unicode.IsControl) {
				t.Fatalf("Parse(%q): the error is no short line: %q", s, msg)
			}
			return
		}
		if d < 0 {
			t.Fatalf("Parse(%q) = %d", s, d)
		}
		if zero := !strings.ContainsAny(s, "123456789"); zero != (d == 0) {
			t.Fatalf("Parse(%q) = %d", s, d)
		}
		v := Value(d)
		again, err := Parse(v.String())
		// String writes a float64, which has 53 bits: 1 in 1e15.
		if diff := (again - d).Abs(); err != nil && d < math.MaxInt64/2 || err == nil && float64(diff) > 1+1e-15*float64(d) {
			t.Fatalf("Parse(%q) = %d, written %q, reads as %d, %v", s, d, v.String(), again, err)
		}
	})
}
