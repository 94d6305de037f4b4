package main

import (
	"fmt"
	"os"
	"runtime/debug"
)

// traceVariable shows the stack of a fault in rpc itself, for who reports it.
const traceVariable = "RPC_TRACE"

// hideTraces keeps the stacks of Go's runtime from the user, who can't do anything
// with them, unless they are asked for.
func hideTraces() {
	if os.Getenv(traceVariable) == "" {
		debug.SetTraceback("none")
	}
}

// afterCrash gives the error of a fault in rpc itself. crash is what recover gave;
// where the stacks are asked for, it goes on.
func afterCrash(crash any) error {
	if os.Getenv(traceVariable) != "" {
		panic(crash)
	}
	return &exitError{statusOwnFailure, fmt.Errorf("a fault of rpc's own: %.80v (with %s=1 it says more: please report that)", crash, traceVariable)}
}
