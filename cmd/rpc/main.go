// Command rpc calls procedures of workers as if they were local commands. What
// a call is and does stands in package client; here are the words of the
// command line.
package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"rpcd/internal/printable"
	"rpcd/rpcd/fdconn"
)

func main() {
	takeSignals()
	hideTraces()
	defer func() {
		if crash := recover(); crash != nil {
			os.Exit(printError(afterCrash(crash)))
		}
	}()
	// Most calls only wait, and Go wakes threads for each further processor. A
	// call that relays streams takes all processors later.
	runtime.GOMAXPROCS(1)
	os.Exit(printError(run(os.Args)))
}

// run does what the command line asks for.
func run(argv []string) error {
	form, words := dispatch(argv)
	if err := fdconn.CheckDescriptors(); err != nil {
		return &exitError{form.ownFailure(), err}
	}
	switch form {
	case plainCall, partialCall:
		return newCallOptions().run(noOption, words)
	case optionCall:
		return callWithOptions(words)
	case shimCall:
		return runShim(words)
	case remoteShell:
		return runRemoteShell(words)
	}
	return runVerb(words)
}

// printError writes an error as one line, whatever bytes its words hold, and
// gives the exit status.
func printError(err error) int {
	if err == nil {
		return 0
	}
	var exit *exitError
	if !errors.As(err, &exit) {
		exit = &exitError{1, err}
	}
	if text := exit.Error(); text != "" {
		fmt.Fprintln(os.Stderr, "rpc: "+printable.Line(text))
	}
	return exit.status
}
