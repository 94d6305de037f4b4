package main

import (
	"errors"
	"fmt"

	"rpcd/client"
)

// The exit statuses of rpc itself, beside those of outcomes. A call's are
// those of timeout(1), env(1) and the shell.
const (
	statusFailed      = 1   // a verb other than call failed
	statusUsage       = 2   // a verb other than call was used wrongly
	statusRemoteShell = 255 // of a remote shell: rpc failed, or was used wrongly (ssh(1))
	statusOwnFailure  = 125 // of a call: rpc failed, or was used wrongly
)

// statuses are the exit statuses of a call's outcomes, where it isn't 125.
var statuses = map[client.Outcome]int{
	client.ErrTimeout:       124,
	client.ErrDenied:        126,
	client.ErrNotExecutable: 126,
	client.ErrTooLong:       126,
	client.ErrUnknown:       127,
}

// exitError carries an exit status; its text, if any, is still to be printed.
type exitError struct {
	status int
	err    error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

// usage is an error in the words of a verb other than call.
func usage(format string, args ...any) error {
	return &exitError{statusUsage, fmt.Errorf(format, args...)}
}

// exitLike ends rpc as the call ended: it gives the exit status, or dies by the
// procedure's signal. Where the procedure didn't end by itself, one line says who or
// what ended it.
func exitLike(state *client.ProcessState, err error) error {
	var exit *client.ExitError
	var failed *client.Error
	switch {
	case err == nil:
		return explained(0, state)
	case errors.As(err, &exit) && exit.Exited():
		return explained(exit.ExitCode(), state)
	case errors.As(err, &exit):
		printError(explained(0, state))
		die(exit.Sys().Signal())
	case errors.As(err, &failed) && statuses[failed.Outcome] != 0:
		return &exitError{statuses[failed.Outcome], err}
	}
	return &exitError{statusOwnFailure, err}
}

// explained is a status with the line on who or what ended the procedure, if
// anybody did.
func explained(status int, state *client.ProcessState) error {
	why := state.Explain()
	switch {
	case why != "":
		return &exitError{status, errors.New(why)}
	case status != 0:
		return &exitError{status, nil}
	}
	return nil
}
