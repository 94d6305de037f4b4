package rpcd

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/export"
	"rpcd/rpcd/wire"
)

// refusal makes of any error the answer that a caller gets: a text to be read
// after the worker's name.
func refusal(err error) *wire.Refused {
	var refused *wire.Refused
	var version *wire.VersionError
	var exported *export.Error
	switch {
	case errors.As(err, &refused):
		return refused
	case errors.As(err, &version):
		return &wire.Refused{Code: wire.Protocol, Text: fmt.Sprintf("speaks version %d of the protocol, rpc speaks version %d: use binaries of one release", wire.Version, version.Theirs)}
	case errors.Is(err, wire.ErrProtocol):
		return &wire.Refused{Code: wire.Protocol, Text: "refuses: " + err.Error()}
	case errors.As(err, &exported):
		switch exported.Kind {
		case export.Unknown:
			return &wire.Refused{Code: wire.Unknown, Text: "has " + exported.Error()}
		case export.NotExecutable:
			return &wire.Refused{Code: wire.NotExecutable, Text: exported.Error()}
		}
		return &wire.Refused{Code: wire.Denied, Text: exported.Error()}
	case errors.Is(err, context.Canceled):
		return &wire.Refused{Code: wire.Canceled, Text: "gave up the waiting call"}
	}
	return &wire.Refused{Code: wire.Failed, Text: "failed: " + err.Error()}
}

// startRefusal explains the errno of a start.
func startRefusal(name, path string, err error) *wire.Refused {
	switch {
	case errors.Is(err, unix.E2BIG):
		return &wire.Refused{Code: wire.TooLong, Text: fmt.Sprintf("cannot run %q: argument list too long (the kernel's limit: 131071 bytes an argument, about 2 MiB in all; send more by stdin or by a file)", name)}
	case errors.Is(err, unix.ENOENT):
		return &wire.Refused{Code: wire.NotExecutable, Text: fmt.Sprintf("cannot run %q: the interpreter named in the first line of %q isn't there", name, path)}
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.ENOEXEC), errors.Is(err, unix.EPERM), errors.Is(err, unix.ELIBBAD), errors.Is(err, unix.EISDIR), errors.Is(err, unix.ENOTDIR):
		return &wire.Refused{Code: wire.NotExecutable, Text: fmt.Sprintf("cannot run %q: %q: %v", name, path, err)}
	}
	return &wire.Refused{Code: wire.Failed, Text: fmt.Sprintf("cannot start %q: %v (its limits of processes, descriptors or memory?)", name, err)}
}
