// Package duration reads durations as timeout(1) writes them. It knows no
// other form: Go's "1h30m" is refused, so that one flag means one thing in
// every option, variable and rule file.
package duration

import (
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"
	"time"
)

// units in nanoseconds; a bare number is seconds.
var units = map[string]uint64{
	"":   uint64(time.Second),
	"ms": uint64(time.Millisecond),
	"s":  uint64(time.Second),
	"m":  uint64(time.Minute),
	"h":  uint64(time.Hour),
	"d":  uint64(24 * time.Hour),
}

// fracDigits of a fraction count; further ones only round up.
const fracDigits = 18

// Parse reads a number, with or without a fraction, and one unit of ms, s, m,
// h, d (timeout(1), and ms); without a unit it is seconds. What is more than
// zero stays more than zero (0 often means "no limit"): a part of a
// nanosecond is rounded up. Signs, exponents, NaN, infinity and anything over
// 292 years are refused.
func Parse(s string) (time.Duration, error) {
	number := s[:numberLen(s)]
	whole, frac, _ := strings.Cut(number, ".")
	if whole+frac == "" {
		return 0, refuse(s, "it doesn't begin with a digit")
	}
	unit, ok := units[s[len(number):]]
	if !ok {
		return 0, refuse(s, "after the number stands no unit of ms, s, m, h, d")
	}
	if whole == "" {
		whole = "0"
	}
	count, err := strconv.ParseUint(whole, 10, 64)
	if err != nil {
		return 0, refuse(s, "it is over 292 years")
	}
	over, total := bits.Mul64(count, unit)
	total, carry := bits.Add64(total, fraction(frac, unit), 0)
	if over != 0 || carry != 0 || total > math.MaxInt64 {
		return 0, refuse(s, "it is over 292 years")
	}
	return time.Duration(total), nil
}

// numberLen is the length of the digits, with at most one point, that s
// begins with.
func numberLen(s string) int {
	points := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
		case c == '.' && points == 0:
			points++
		default:
			return i
		}
	}
	return len(s)
}

// fraction is 0.DIGITS of unit, rounded up.
func fraction(digits string, unit uint64) uint64 {
	rest := ""
	if len(digits) > fracDigits {
		digits, rest = digits[:fracDigits], digits[fracDigits:]
	}
	digits += strings.Repeat("0", fracDigits-len(digits))
	n, _ := strconv.ParseUint(digits, 10, 64) // 18 digits always fit
	hi, lo := bits.Mul64(n, unit)
	quo, rem := bits.Div64(hi, lo, 1e18)
	if rem != 0 || strings.Trim(rest, "0") != "" {
		quo++
	}
	return quo
}

func refuse(s, why string) error {
	if len(s) > 40 {
		s = s[:40] + "..."
	}
	return fmt.Errorf("%q is no duration: %s (write 90, 1.5h or 200ms)", s, why)
}
