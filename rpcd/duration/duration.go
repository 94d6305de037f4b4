// Package duration reads durations as timeout(1) writes them: a number, with or
// without a fraction, and one unit. Go's "1h30m" is refused, so that a duration
// means the same in every option, variable and rule file.
package duration

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// Parse reads a number and one unit of ms, s, m, h, d; without a unit it is
// seconds. Signs, exponents and anything over 292 years are refused. A fraction of
// a nanosecond is dropped, but what is more than zero doesn't become zero, which
// often means "no limit".
func Parse(s string) (time.Duration, error) {
	number := s[:numberLen(s)]
	if !strings.ContainsAny(number, "0123456789") {
		return 0, refuse(s, "it doesn't begin with a digit")
	}
	unit, times := s[len(number):], time.Duration(1)
	switch unit {
	case "ms", "s", "m", "h":
	case "":
		unit = "s"
	case "d":
		unit, times = "h", 24
	default:
		return 0, refuse(s, "after the number stands no unit of ms, s, m, h, d")
	}
	d, err := time.ParseDuration(number + unit)
	if err != nil || d > math.MaxInt64/times {
		return 0, refuse(s, "it is over 292 years")
	}
	if d == 0 && strings.ContainsAny(number, "123456789") {
		return 1, nil
	}
	return d * times, nil
}

// numberLen is how many bytes of digits, with at most one point, s begins with.
func numberLen(s string) int {
	n := len(s) - len(strings.TrimLeft(s, "0123456789"))
	if rest, point := strings.CutPrefix(s[n:], "."); point {
		return len(s) - len(strings.TrimLeft(rest, "0123456789"))
	}
	return n
}

func refuse(s, why string) error {
	if len(s) > 40 {
		s = s[:40] + "..."
	}
	return fmt.Errorf("%q is no duration: %s (write 90, 1.5h or 200ms)", s, why)
}
