// Package refusal words what a caller is told whom the daemon refuses. It decides
// nothing: it makes the answer of an error that another room found.
package refusal

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"rpcd/internal/printable"
	"rpcd/rpcd/child"
	"rpcd/rpcd/directory"
	"rpcd/rpcd/export"
	"rpcd/rpcd/limit"
	"rpcd/rpcd/resident/pool"
	"rpcd/rpcd/stream"
	"rpcd/rpcd/talk"
	"rpcd/rpcd/topic"
	"rpcd/rpcd/wire"
)

// All refusals of the daemon are made here. Their texts are read after the worker's
// name.

// Draining answers a caller that comes too late for this rpcd.
var Draining = &wire.Refused{Code: wire.Draining, Text: "is draining"}

// Refusals that are always the same.
var (
	TooManyFrames    = &wire.Refused{Code: wire.Busy, Text: "is busy: too many calls with long argument lists are on their way"}
	TooManyQuestions = &wire.Refused{Code: wire.Busy, Text: "is busy: too many ask what there is"}
	TooManyDiscards  = &wire.Refused{Code: wire.Busy, Text: "is busy: too many descriptors of yours can't be closed (does a file system not answer?)"}
	UnknownQuestion  = &wire.Refused{Code: wire.Protocol, Text: "doesn't know this kind of question (is it an older rpcd?)"}
)

// Of makes of any error the answer that a caller gets.
func Of(err error) *wire.Refused {
	var refused *wire.Refused
	var version *wire.VersionError
	var length *wire.LengthError
	var exported *export.Error
	var variable *export.VariableError
	var full *limit.FullError
	var stuck *limit.StuckError
	if r := refuseStreams(err); r != nil {
		return r
	}
	if r := refuseDirectory(err); r != nil {
		return r
	}
	switch {
	case errors.As(err, &refused):
		return refused
	case errors.As(err, &version):
		return &wire.Refused{Code: wire.Protocol, Text: fmt.Sprintf("speaks version %d of the protocol, rpc speaks version %d: use binaries of one release", wire.Version, version.Theirs)}
	case errors.As(err, &length):
		return &wire.Refused{Code: length.Code, Text: "refuses " + length.Error()}
	case errors.Is(err, wire.ErrProtocol):
		return &wire.Refused{Code: wire.Protocol, Text: "refuses: " + err.Error()}
	case errors.As(err, &exported):
		return refuseExport(exported)
	case errors.As(err, &variable):
		return &wire.Refused{Code: wire.Denied, Text: variable.Error()}
	case errors.As(err, &full):
		return &wire.Refused{Code: wire.Busy, Text: "is busy: " + full.Error()}
	case errors.As(err, &stuck):
		return &wire.Refused{Code: wire.Busy, Text: "is busy: " + stuck.Error()}
	case errors.Is(err, limit.ErrClosed), errors.Is(err, topic.ErrClosed):
		return Draining
	case errors.Is(err, topic.ErrTooMany):
		return &wire.Refused{Code: wire.Busy, Text: "is busy: there are " + err.Error()}
	case errors.Is(err, talk.ErrUnproceeded):
		return &wire.Refused{Code: wire.Protocol, Text: "waited in vain for the answer to ACCEPTED"}
	case errors.Is(err, context.Canceled):
		return &wire.Refused{Code: wire.Canceled, Text: "gave up the waiting call"}
	}
	return &wire.Refused{Code: wire.Failed, Text: "failed: " + err.Error()}
}

// Killed answers a call that a KILL of this uid has canceled.
func Killed(by uint32) *wire.Refused {
	return &wire.Refused{Code: wire.Canceled, Reason: wire.CanceledByKill, By: by, Text: fmt.Sprintf("was told by rpc kill (uid %d) to give up the waiting call", by)}
}

// refuseExport answers a look-up that found nothing to run.
func refuseExport(err *export.Error) *wire.Refused {
	switch err.Reason {
	case export.Unknown:
		return &wire.Refused{Code: wire.Unknown, Text: "has " + err.Error()}
	case export.NotExecutable:
		return &wire.Refused{Code: wire.NotExecutable, Text: err.Error()}
	case export.Shortage:
		return &wire.Refused{Code: wire.Failed, Text: err.Error()}
	}
	return &wire.Refused{Code: wire.Denied, Text: err.Error()}
}

// refuseStreams answers a call whose streams can't be had; nil: err says nothing
// of streams.
func refuseStreams(err error) *wire.Refused {
	var count *stream.CountError
	var bridge *stream.BridgeError
	var unfit *stream.UnfitError
	var over *stream.LimitError
	switch {
	case errors.Is(err, stream.ErrTruncated):
		return &wire.Refused{Code: wire.Failed, Text: "couldn't take the descriptors: it is at its limit of open files (ulimit -n)"}
	case errors.As(err, &count):
		return &wire.Refused{Code: wire.Protocol, Text: fmt.Sprintf("refuses: %d descriptors arrived for %d streams", count.Arrived, count.Named)}
	case errors.As(err, &bridge):
		return &wire.Refused{Code: wire.Protocol, Text: fmt.Sprintf("can't be given descriptor %d through a bridge: it is no stream of one direction, nor a stream socket", bridge.Number)}
	case errors.As(err, &over):
		return &wire.Refused{Code: wire.Failed, Text: fmt.Sprintf("can't be given descriptor %d with its limit of %d open files (ulimit -n)", over.Number, over.Limit)}
	case errors.As(err, &unfit):
		return &wire.Refused{Code: wire.Protocol, Text: fmt.Sprintf("refuses descriptor %d: it is %s", unfit.Number, unfit.What)}
	}
	return nil
}

// TurnedAway answers a caller whose connection is one too many.
func TurnedAway(why limit.Reason) *wire.Refused {
	switch why {
	case limit.OutOfDescriptors:
		return &wire.Refused{Code: wire.Busy, Text: "is busy: it is at its limit of open files (ulimit -n)"}
	case limit.Draining:
		return Draining
	}
	return &wire.Refused{Code: wire.Busy, Text: "is busy: too many connections wait for a call"}
}

// Caller answers a caller that serve's rules don't admit.
func Caller(c export.Caller, rules export.Rules) *wire.Refused {
	return &wire.Refused{Code: wire.Denied, Text: fmt.Sprintf("doesn't serve you (%v): its --allow says %v", c, rules)}
}

// Bridge answers a call without descriptors where calls run as their
// callers: it may come from anybody.
func Bridge(uid, self uint32) *wire.Refused {
	whose := "root"
	if self != 0 {
		whose = fmt.Sprintf("root or uid %d", self)
	}
	return &wire.Refused{Code: wire.Denied, Text: fmt.Sprintf("cannot run your calls as you (--run-as caller): they come through the bridge of uid %d (let %s run it)", uid, whose)}
}

// Unmapped answers a caller whose user can't be taken on.
func Unmapped() *wire.Refused {
	return &wire.Refused{Code: wire.Denied, Text: "cannot run your calls as you (--run-as caller): your uid or gid is 65534, the number of every stranger (a user namespace?)"}
}

// refuseDirectory answers a call whose directory can't be had; nil: err says
// nothing of directories. Only a directory that isn't here, or is another one
// here, isn't shared.
func refuseDirectory(err error) *wire.Refused {
	var callers *directory.CallerError
	var workdir *directory.WorkdirError
	refuse := func(format string, args ...any) *wire.Refused {
		return &wire.Refused{Code: wire.NoDirectory, Text: fmt.Sprintf(format, args...)}
	}
	switch {
	case errors.As(err, &workdir):
		return refuse("cannot enter its workdir %q: %v", workdir.Name, workdir.Err)
	case !errors.As(err, &callers):
		return nil
	}
	name, cause := callers.Dir.Name, callers.Err
	missing := errors.Is(cause, unix.ENOENT) || errors.Is(cause, unix.ENOTDIR) || errors.Is(cause, directory.ErrOther) || errors.Is(cause, directory.ErrNameless)
	switch {
	case missing && callers.Dir.Proven:
		r := refuse("doesn't share the directory %q: %v", name, cause)
		r.Reason = wire.NotShared
		return r
	case missing:
		return refuse("has no directory %q: %v", name, cause)
	case callers.As == nil && errors.Is(cause, unix.EACCES): // else the cause says for whom
		return refuse("cannot enter the directory %q: %v (rpcd runs as %d:%d: let that user in, or give -C DIR)", name, cause, os.Geteuid(), os.Getegid())
	}
	return refuse("cannot enter the directory %q: %v", name, cause)
}

// NoSuchCall answers a KILL.
func NoSuchCall(id string) *wire.Refused {
	return &wire.Refused{Code: wire.Unknown, Text: fmt.Sprintf("has no call %q (rpc ps shows yours)", printable.Escaped(id))}
}

// AnothersCall answers a KILL of a call that isn't the caller's.
func AnothersCall(id string, owner uint32, c export.Caller) *wire.Refused {
	return &wire.Refused{Code: wire.Denied, Text: fmt.Sprintf("won't signal call %s: it belongs to uid %d, you are uid %d", id, owner, c.UID)}
}

// Start explains the errno of a start, as that user (nil: rpcd's own).
func Start(p *export.Procedure, dir string, as *child.Credential, err error) *wire.Refused {
	who := ""
	if as != nil {
		who = fmt.Sprintf(" as %v", as)
	}
	refuse := func(code wire.Code, format string, args ...any) *wire.Refused {
		return &wire.Refused{Code: code, Text: fmt.Sprintf("cannot run %q%s: ", p.Name, who) + fmt.Sprintf(format, args...)}
	}
	var noEntry *child.DirError
	var stuck *child.BusyError
	var refused *wire.Refused
	var full *limit.FullError
	var unfit *pool.Error
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, limit.ErrClosed), errors.As(err, &refused), errors.As(err, &full):
		return Of(err)
	case errors.As(err, &stuck):
		return &wire.Refused{Code: wire.Busy, Text: "is busy: " + stuck.Error()}
	case errors.As(err, &unfit):
		return refuse(wire.Failed, "%s", unfit.Text)
	case errors.As(err, &noEntry):
		return &wire.Refused{Code: wire.NoDirectory, Text: fmt.Sprintf("cannot enter the directory %q%s: %v", dir, who, noEntry.Err)}
	case errors.Is(err, unix.E2BIG):
		return refuse(wire.TooLong, "argument list too long (the kernel's limit: 131071 bytes an argument, about 2 MiB in all; send more by stdin or by a file)")
	}
	if why := p.WhyUnstarted(err, dir, as != nil); why != "" {
		return refuse(wire.NotExecutable, "%s", why)
	}
	return refuse(wire.Failed, "%v (its limits of processes, descriptors or memory?)", err)
}
