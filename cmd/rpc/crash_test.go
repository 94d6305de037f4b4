package main

import (
	"strings"
	"testing"
)

// A fault of our own is one line and 125, and a trace where that is asked for.
func TestCrash(t *testing.T) {
	t.Setenv(traceVariable, "")
	crash := func() (err error) {
		defer func() {
			if c := recover(); c != nil {
				err = afterCrash(c)
			}
		}()
		var nothing *callOptions
		nothing.label = "x"
		return nil
	}
	err := crash()
	exit, ok := err.(*exitError)
	if !ok || exit.status != statusOwnFailure || !strings.Contains(err.Error(), "nil pointer") || len(err.Error()) > 160 {
		t.Errorf("%v", err)
	}
	t.Setenv(traceVariable, "1")
	defer func() {
		if recover() == nil {
			t.Error("with the variable it doesn't go on to the runtime")
		}
	}()
	_ = crash()
}
