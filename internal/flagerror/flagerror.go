// Package flagerror words pflag's errors about values as rpc and rpcd word all
// others: the act first, the cause last.
package flagerror

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/pflag"
)

// Value rewords the error of a flag whose value can't be used. Other errors
// stay as they are, and aren't ok.
func Value(err error) (reworded error, ok bool) {
	var invalid *pflag.InvalidValueError
	if !errors.As(err, &invalid) {
		return err, false
	}
	return fmt.Errorf("cannot use --%s %q: %w", invalid.GetFlag().Name, invalid.GetValue(), Cause(err)), true
}

// Cause gives the reason alone: that of the value's type, or of strconv in
// plain words.
func Cause(err error) error {
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) {
		err = invalid.Unwrap()
	}
	var number *strconv.NumError
	if !errors.As(err, &number) {
		return err
	}
	switch {
	case number.Func == "ParseBool":
		return errors.New("it is true or false")
	case errors.Is(number.Err, strconv.ErrRange):
		return errors.New("that number is too large")
	}
	return errors.New("it is a number")
}
