package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"rpcd/client"
	"rpcd/rpcd/wire"
)

// Questions that rules ask of a patient.

// nobody is what the kernel shows for an id that a namespace doesn't map
// (/proc/sys/kernel/overflowuid).
const nobody = 65534

func all(conditions ...func(*patient) bool) func(*patient) bool {
	return func(p *patient) bool {
		for _, c := range conditions {
			if !c(p) {
				return false
			}
		}
		return true
	}
}

// found is a cause why the worker's sockets weren't found.
func found(cause error) func(*patient) bool {
	return func(p *patient) bool { return errors.Is(p.findErr, cause) }
}

// failed is a cause why the socket couldn't be connected to.
func failed(cause syscall.Errno) func(*patient) bool {
	return func(p *patient) bool { return !p.probe.Connected && errors.Is(p.probe.Err, cause) }
}

// answered is a cause why no answer came.
func answered(causes ...error) func(*patient) bool {
	return func(p *patient) bool {
		for _, c := range causes {
			if errors.Is(p.probe.Err, c) {
				return true
			}
		}
		return false
	}
}

func refusedWith(code wire.Code) func(*patient) bool {
	return func(p *patient) bool {
		var r *wire.Refused
		return errors.As(p.probe.Err, &r) && r.Code == code
	}
}

var (
	unusable   = func(p *patient) bool { return p.unusable != nil }
	named      = func(p *patient) bool { return p.named }
	isVerb     = func(p *patient) bool { return p.verb }
	noDir      = func(p *patient) bool { return p.noDir }
	inFolder   = func(p *patient) bool { return p.folder }
	lost       = func(p *patient) bool { return p.findErr != nil }
	isOther    = func(p *patient) bool { return p.at == p.socket && p.is.Type() != fs.ModeSocket }
	isShared   = func(p *patient) bool { return p.sharing != "" }
	cutOff     = func(p *patient) bool { return !p.probe.Connected && p.probe.Err != nil }
	admitted   = func(p *patient) bool { return p.admits }
	atFolder   = func(p *patient) bool { return p.is.IsDir() }
	hasSELinux = func(p *patient) bool { return p.selinux }
	silent     = answered(os.ErrDeadlineExceeded, context.DeadlineExceeded)
	dropped    = answered(io.EOF, io.ErrUnexpectedEOF, unix.ECONNRESET, unix.EPIPE)
	foreign    = answered(wire.ErrProtocol)
	noAnswer   = func(p *patient) bool { return p.probe.Err != nil }
	anyServer  = func(p *patient) bool { return p.wanted == "" }
	draining   = func(p *patient) bool { return p.pong().State != "up" }
	full       = func(p *patient) bool { return p.pong().Load.Running >= p.pong().Load.MaxCalls }
	queueFull  = func(p *patient) bool { return p.pong().Load.Waiting >= p.pong().Load.MaxQueue }
	untold     = func(p *patient) bool { return p.pong().Way == nil }
	bridged    = func(p *patient) bool { return p.probe.DescriptorsAsked > 0 && p.way().Descriptors == 0 }
	unmapped   = func(p *patient) bool { return p.way().UID == nobody && p.self.uid != nobody }
	renamed    = func(p *patient) bool { return p.way().UID != p.self.uid }
	otherUser  = func(p *patient) bool { return p.way().UID != p.way().OwnUID }
	otherGroup = func(p *patient) bool { return p.way().GID != p.way().OwnGID }
	passesNone = func(p *patient) bool { return p.pass == "none" }
	nowhere    = func(p *patient) bool { return p.probe.Directory == "" }
	byName     = func(p *patient) bool { return p.probe.DirectoryByName || bridged(p) }
	notListed  = func(p *patient) bool { return p.probe.ListErr != nil }
	nothing    = func(p *patient) bool { return len(p.probe.Procedures) == 0 }
)

func directoryIs(any ...wire.Sameness) func(*patient) bool {
	return func(p *patient) bool { return slices.Contains(any, p.way().Dir) }
}

// rightServer: RPC_SERVER_UID is a number, and that of who listens.
func rightServer(p *patient) bool {
	uid, err := strconv.ParseUint(p.wanted, 10, 32)
	return err == nil && uint32(uid) == p.probe.OwnerUID
}

var misnamed = found(client.ErrUsage)
