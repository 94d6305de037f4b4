// Package flagerror words pflag's errors as rpc and rpcd word all others: the act
// first, the cause last, and what to try in one parenthesis. No word of a library
// is left in them.
package flagerror

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/spf13/pflag"
)

// Reword gives an error of pflag's in our words, with what to try behind it: the
// hint, unless the error says it itself. Errors that aren't pflag's keep their
// words.
func Reword(err error, hint string) error {
	if value, ok := Value(err); ok {
		return value
	}
	var missing *pflag.ValueRequiredError
	var syntax *pflag.InvalidSyntaxError
	name, unknown := Unknown(err)
	switch {
	case unknown:
		err = fmt.Errorf("unknown option %q", name)
	case errors.As(err, &missing):
		err = fmt.Errorf("no value for the option %q", option(missing.GetSpecifiedName(), missing.GetSpecifiedShortnames()))
	case errors.As(err, &syntax):
		err = fmt.Errorf("unknown option %q", syntax.GetSpecifiedFlag())
	}
	return WithHint(err, hint)
}

// Unknown gives an option that doesn't exist, with its dashes.
func Unknown(err error) (name string, ok bool) {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return "", false
	}
	return option(unknown.GetSpecifiedName(), unknown.GetSpecifiedShortnames()), true
}

// option gives an option's name with its dashes. Of a group of letters (-nx) pflag
// names one byte, as a rune: the letter is what begins there.
func option(name, letters string) string {
	if letters == "" {
		return "--" + name
	}
	first, _ := utf8.DecodeRuneInString(name)
	if i := strings.IndexByte(letters, byte(first)); i >= 0 {
		_, size := utf8.DecodeRuneInString(letters[i:])
		name = letters[i : i+size]
	}
	return "-" + name
}

// WithHint puts what to try behind an error that doesn't say so yet: an error line
// ends in one parenthesis.
func WithHint(err error, hint string) error {
	if hint == "" || strings.HasSuffix(err.Error(), ")") {
		return err
	}
	return fmt.Errorf("%w (%s)", err, hint)
}

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
		return errors.New("write true or false")
	case errors.Is(number.Err, strconv.ErrRange):
		return errors.New("that number is too large")
	}
	return errors.New("write a number")
}
