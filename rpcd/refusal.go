package rpcd

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/child"
	"rpcd/rpcd/export"
	"rpcd/rpcd/limit"
	"rpcd/rpcd/stream"
	"rpcd/rpcd/wire"
)

// What a caller is told of the limits.
var (
	refusedDraining  = &wire.Refused{Code: wire.Draining, Text: "is draining"}
	refusedLongFrame = &wire.Refused{Code: wire.Busy, Text: "is busy: too many calls with long argument lists are on their way"}
	refusedList      = &wire.Refused{Code: wire.Busy, Text: "is busy: too many ask what there is"}
)

// refusal makes of any error the answer that a caller gets: a text to be read
// after the worker's name.
func refusal(err error) *wire.Refused {
	var refused *wire.Refused
	var version *wire.VersionError
	var exported *export.Error
	var full *limit.FullError
	if r := streamRefusal(err); r != nil {
		return r
	}
	switch {
	case errors.As(err, &refused):
		return refused
	case errors.As(err, &version):
		return &wire.Refused{Code: wire.Protocol, Text: fmt.Sprintf("speaks version %d of the protocol, rpc speaks version %d: use binaries of one release", wire.Version, version.Theirs)}
	case errors.Is(err, wire.ErrProtocol):
		return &wire.Refused{Code: wire.Protocol, Text: "refuses: " + err.Error()}
	case errors.As(err, &exported):
		switch exported.Reason {
		case export.Unknown:
			return &wire.Refused{Code: wire.Unknown, Text: "has " + exported.Error()}
		case export.NotExecutable:
			return &wire.Refused{Code: wire.NotExecutable, Text: exported.Error()}
		case export.Shortage:
			return &wire.Refused{Code: wire.Failed, Text: exported.Error()}
		}
		return &wire.Refused{Code: wire.Denied, Text: exported.Error()}
	case errors.As(err, &full):
		return &wire.Refused{Code: wire.Busy, Text: "is busy: " + full.Error()}
	case errors.Is(err, limit.ErrClosed):
		return refusedDraining
	case errors.Is(err, context.Canceled):
		return &wire.Refused{Code: wire.Canceled, Text: "gave up the waiting call"}
	}
	return &wire.Refused{Code: wire.Failed, Text: "failed: " + err.Error()}
}

// refusalOf explains why a connection that waits for a call is turned away.
func refusalOf(why limit.Reason) *wire.Refused {
	switch why {
	case limit.OutOfDescriptors:
		return &wire.Refused{Code: wire.Busy, Text: "is busy: it is at its limit of open files (ulimit -n)"}
	case limit.TooManyConnections:
		return &wire.Refused{Code: wire.Busy, Text: "is busy: too many connections wait for a call"}
	}
	return refusedDraining
}

// streamRefusal explains why the streams of a call can't be had; nil: err is of
// another room.
func streamRefusal(err error) *wire.Refused {
	var count *stream.CountError
	var bridge *stream.BridgeError
	var unfit *stream.UnfitError
	refuse := func(code wire.Code, format string, args ...any) *wire.Refused {
		return &wire.Refused{Code: code, Text: fmt.Sprintf(format, args...)}
	}
	switch {
	case errors.Is(err, stream.ErrTruncated):
		return refuse(wire.Failed, "couldn't take the descriptors: it is at its limit of open files (ulimit -n)")
	case errors.As(err, &count):
		return refuse(wire.Protocol, "refuses: %d descriptors arrived for %d streams", count.Arrived, count.Named)
	case errors.As(err, &bridge):
		return refuse(wire.Protocol, "can't be given descriptor %d: only streams 0 to 2 cross a bridge", bridge.Number)
	case errors.As(err, &unfit):
		return refuse(wire.Protocol, "refuses descriptor %d: it is %s", unfit.Number, unfit.What)
	}
	return nil
}

// startRefusal explains the errno of a start, as that user (nil: rpcd's own).
func startRefusal(p *export.Procedure, dir string, as *child.Credential, err error) *wire.Refused {
	who := ""
	if as != nil {
		who = fmt.Sprintf(" as %v", as)
	}
	refuse := func(code wire.Code, format string, args ...any) *wire.Refused {
		return &wire.Refused{Code: code, Text: fmt.Sprintf("cannot run %q%s: ", p.Name, who) + fmt.Sprintf(format, args...)}
	}
	var noEntry *child.DirError
	switch {
	case errors.As(err, &noEntry):
		return &wire.Refused{Code: wire.NoDirectory, Text: fmt.Sprintf("cannot enter the directory %q%s: %v", dir, who, noEntry.Err)}
	case errors.Is(err, unix.E2BIG):
		return refuse(wire.TooLong, "argument list too long (the kernel's limit: 131071 bytes an argument, about 2 MiB in all; send more by stdin or by a file)")
	case errors.Is(err, unix.ENOENT):
		return refuse(wire.NotExecutable, "%q, or the interpreter that it names, isn't there", p.Path)
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.ENOEXEC), errors.Is(err, unix.EPERM), errors.Is(err, unix.ELIBBAD), errors.Is(err, unix.EISDIR), errors.Is(err, unix.ENOTDIR):
		return refuse(wire.NotExecutable, "%q: %v", p.Path, err)
	}
	return refuse(wire.Failed, "%v (its limits of processes, descriptors or memory?)", err)
}
