package main

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"rpcd/client/replica"
	"rpcd/internal/names"
	"rpcd/internal/reach"
	"rpcd/rpcd/wire"
)

// The conditions of doctor's rules.

func all(conditions ...func(*facts) bool) func(*facts) bool {
	return func(f *facts) bool {
		for _, c := range conditions {
			if !c(f) {
				return false
			}
		}
		return true
	}
}

// because is a reason why no socket was found, or none can be connected to.
func because(reason reach.Reason) func(*facts) bool {
	return func(f *facts) bool { return f.cause != nil && f.cause.Reason == reason }
}

// failedWith is a cause why no answer came.
func failedWith(causes ...error) func(*facts) bool {
	return func(f *facts) bool {
		return slices.ContainsFunc(causes, func(c error) bool { return errors.Is(f.probe.Err, c) })
	}
}

func refusedWith(code wire.Code) func(*facts) bool {
	return func(f *facts) bool {
		var r *wire.Refused
		return errors.As(f.probe.Err, &r) && r.Code == code
	}
}

func directoryIs(any ...replica.Sameness) func(*facts) bool {
	return func(f *facts) bool { return slices.Contains(any, f.way().Dir) }
}

// On the way to a socket.
var (
	badOptions  = func(f *facts) bool { return f.optionErr != nil }
	misnamed    = func(f *facts) bool { return isMisnamed(f.findErr) }
	named       = func(f *facts) bool { return f.named }
	isVerb      = func(f *facts) bool { return f.verb }
	notFound    = func(f *facts) bool { return f.findErr != nil }
	inFolder    = func(f *facts) bool { return f.folder }
	atFolder    = func(f *facts) bool { return f.place.Mode.IsDir() }
	admitted    = func(f *facts) bool { return f.admits }
	hasSELinux  = func(f *facts) bool { return f.selinux }
	onSharedFS  = func(f *facts) bool { return f.sharedOn != "" }
	unconnected = func(f *facts) bool { return f.cause != nil }
	othersServe = func(f *facts) bool { return f.served > 0 }
)

// Of what serves the socket.
var (
	anyServer = func(f *facts) bool { return f.wanted == "" }
	silent    = failedWith(os.ErrDeadlineExceeded, context.DeadlineExceeded)
	hungUp    = failedWith(io.EOF, io.ErrUnexpectedEOF, unix.ECONNRESET, unix.EPIPE)
	foreign   = failedWith(wire.ErrProtocol)
	noAnswer  = func(f *facts) bool { return f.probe.Err != nil }
	draining  = func(f *facts) bool { return f.pong().State != "up" }
	full      = func(f *facts) bool { return f.pong().Load.Running >= f.pong().Load.MaxCalls }
	queueFull = func(f *facts) bool { return f.pong().Load.Waiting >= f.pong().Load.MaxQueue }
)

// Of how the worker sees this process.
var (
	wayUnknown = func(f *facts) bool { return f.pong().Way == nil }
	bridged    = func(f *facts) bool { return f.probe.DescriptorsAsked > 0 && f.way().Descriptors == 0 }
	unmapped   = func(f *facts) bool { return f.way().UID == names.Overflow && f.self.uid != names.Overflow }
	seenAs     = func(f *facts) bool { return f.way().UID != f.self.uid } // another uid than here
	otherUser  = func(f *facts) bool { return f.way().UID != f.way().OwnUID }
	otherGroup = func(f *facts) bool { return f.way().GID != f.way().OwnGID }
	passesNone = func(f *facts) bool { return f.pass == "none" }
	nowhere    = func(f *facts) bool { return f.probe.Directory == "" }
	notListed  = func(f *facts) bool { return f.probe.ListErr != nil }
	nothing    = func(f *facts) bool { return len(f.probe.Procedures) == 0 }
)

// Of the directory there.
var (
	sameDirectory = directoryIs(replica.DirSame)
	byHand        = func(f *facts) bool { return f.probe.DirectoryByName } // it is one of -C
	ownDirectory  = func(f *facts) bool { return !f.probe.DirectoryByName }
	noEntry       = func(f *facts) bool { return f.way().Inside.Rights&replica.MayEnter == 0 }
	readOnly      = func(f *facts) bool { return f.way().Inside.Rights&replica.ReadOnly != 0 }
	mayNotAll     = func(f *facts) bool { return f.way().Inside.Mode != 0 && f.may() != "" }
)

// isMisnamed says that no worker can have the name.
func isMisnamed(err error) bool {
	var e *replica.Error
	return errors.As(err, &e) && e.Reason == replica.Usage
}

// rightServer: RPC_SERVER_UID is a number, and the uid of the process that
// listens.
func rightServer(f *facts) bool {
	uid, err := strconv.ParseUint(f.wanted, 10, 32)
	return err == nil && uint32(uid) == f.probe.OwnerUID
}
