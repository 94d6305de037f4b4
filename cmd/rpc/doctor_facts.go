package main

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/client"
	"rpcd/client/replica"
	"rpcd/internal/reach"
	"rpcd/internal/version"
)

// doctorAnswerTime is how long doctor waits for each answer: longer than the
// other verbs, so that a slow worker isn't called frozen.
const doctorAnswerTime = 2 * time.Second

// facts are what doctor knows of the way to a worker, and then of one of its
// sockets. They judge nothing: doctor's rules are functions of them.
type facts struct {
	worker    string
	named     bool   // the worker is a name in RPC_DIR, not a path
	verb      bool   // that name is also one of rpc's verbs
	path      string // where it is looked for
	folder    bool   // path is one
	others    []string
	othersErr error // why the others aren't known
	findErr   error // nil: sockets were found
	sockets   []string

	optionErr error // of the variables that stand for a call's options
	self      identity
	selinux   bool // may forbid what mode bits admit
	pass      string
	wanted    string // RPC_SERVER_UID

	socket   string
	place    reach.Place  // the socket, or the folder on the way to it that can't be passed
	cause    *reach.Cause // nil: the socket can be reached
	admits   bool         // the mode bits of place admit us
	sharedOn string       // file system that several kernels share, or ""
	served   int          // behind how many of the worker's sockets a worker answers
	probe    *replica.Probed
}

// findWorker looks for the worker's sockets, and at what decides about every
// call from here.
func findWorker(worker string) facts {
	f := facts{worker: worker, path: worker, self: ownIdentity(), selinux: selinuxEnforces(),
		pass: os.Getenv("RPC_PASS"), wanted: os.Getenv("RPC_SERVER_UID"), probe: &replica.Probed{}}
	o := newCallOptions()
	if f.optionErr = o.environment(noOption); f.optionErr == nil {
		f.optionErr = o.apply(client.Command("", ""))
	}
	if f.named = !strings.Contains(worker, "/"); f.named {
		f.path = filepath.Join(client.Dir(), worker)
		f.verb = slices.Contains(version.Verbs, worker)
		f.others, f.othersErr = client.Workers()
	}
	f.sockets, f.findErr = replica.Sockets(worker)
	info, err := os.Stat(f.path)
	f.folder = err == nil && info.IsDir()
	if f.findErr != nil {
		f.explain(f.path, f.findErr)
	}
	return f
}

// explain learns why path can't be reached.
func (f *facts) explain(path string, err error) {
	f.cause = reach.Explain(f.worker, path, err)
	f.place = f.cause.Place
	f.admits = f.self.admitted(f.place)
}

// askAll asks each socket, side by side, and gives the facts of each.
func (f *facts) askAll(dir string) []*facts {
	asked := make([]*facts, len(f.sockets))
	var all sync.WaitGroup
	for i, socket := range f.sockets {
		one := *f
		asked[i] = &one
		all.Go(func() { one.ask(socket, dir) })
	}
	all.Wait()
	served := 0
	for _, one := range asked {
		if one.probe.Pong != nil {
			served++
		}
	}
	for _, one := range asked {
		one.served = served
	}
	return asked
}

// ask learns what can be learned of a socket. Nothing is sent to a file that is
// no socket: it may be a FIFO or a device.
func (f *facts) ask(socket, dir string) {
	f.socket, f.sharedOn = socket, sharedFileSystem(socket)
	f.probe, f.cause = &replica.Probed{}, nil
	f.place = reach.Nearest(socket)
	f.admits = f.self.admitted(f.place)
	if f.place.Path == socket && f.place.Mode.Type() != fs.ModeSocket {
		f.explain(socket, unix.ENOTSOCK)
		return
	}
	f.probe = replica.Probe(context.Background(), f.worker, socket, dir, doctorAnswerTime)
	if !f.probe.Connected && f.probe.Err != nil {
		f.explain(socket, f.probe.Err)
	}
}

// pong is what the worker says, empty where it says nothing.
func (f *facts) pong() client.Info {
	if f.probe.Pong == nil {
		return client.Info{}
	}
	return *f.probe.Pong
}

// way is how the worker sees us, empty where it doesn't say.
func (f *facts) way() replica.Way {
	if w := f.pong().Way; w != nil {
		return *w
	}
	return replica.Way{}
}

// err is the error that a rule may quote: the first on the way.
func (f *facts) err() error {
	for _, err := range []error{f.findErr, f.probe.Err} {
		if err != nil {
			return err
		}
	}
	return f.probe.ListErr
}
