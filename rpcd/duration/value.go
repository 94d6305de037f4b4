package duration

import (
	"strconv"
	"time"
)

// Value is a duration as a flag: flag.Value, and pflag's.
type Value time.Duration

// Set reads what Parse reads.
func (v *Value) Set(s string) error {
	d, err := Parse(s)
	if err == nil {
		*v = Value(d)
	}
	return err
}

// String writes what Parse reads.
func (v *Value) String() string {
	d := time.Duration(*v)
	if d > 0 && d < time.Second {
		return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', -1, 64) + "ms"
	}
	return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + "s"
}

// Type is the word for it in a help text.
func (v *Value) Type() string { return "D" }
