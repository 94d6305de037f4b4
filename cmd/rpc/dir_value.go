package main

import "errors"

// dirValue is the value of --chdir. An empty one, as an unset variable makes it, is
// refused, as env -C does: the call would run elsewhere than was meant.
type dirValue string

func (d *dirValue) String() string { return string(*d) }

// Type is shown in no help: the option's text names its value.
func (d *dirValue) Type() string { return "string" }

func (d *dirValue) Set(s string) error {
	if s == "" {
		return errors.New("it names no directory (leave it out for the one here)")
	}
	*d = dirValue(s)
	return nil
}
