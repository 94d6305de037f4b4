package replica

import (
	"context"
	"time"

	"rpcd/client/internal/caller"
	"rpcd/rpcd/talk"
	"rpcd/rpcd/wire"
)

// Probed is what Probe found out about a socket, to explain why calls fail. Its
// errors wrap the cause: an errno of connect(2), io.EOF, os.ErrDeadlineExceeded, a
// *wire.Refused or wire.ErrProtocol.
type Probed struct {
	Connected        bool
	OwnerUID         uint32 // of the process that called listen(2), when connected
	Pong             *Info  // nil: Err says why
	Err              error
	Procedures       []Entry // that this caller may call
	ListErr          error
	Directory        string // that was asked for; "": DirectoryErr says why there is none
	DirectoryErr     error
	DirectoryByName  bool   // its identity wasn't sent, as with client.Cmd.Dir
	DescriptorsAsked uint32 // how many rode on the question
}

// Probe asks a socket of a worker all that can be asked without a call, and waits for at most
// d for each answer. It asks whether the worker answers, whether a descriptor
// arrives, whether dir (as client.Cmd.Dir) is there, and what may be called.
func Probe(ctx context.Context, worker, socket, dir string, d time.Duration) *Probed {
	where, err := caller.Directory(dir)
	p := &Probed{Directory: where.Dir.Name, DirectoryErr: err, DirectoryByName: !where.Dir.Proven}
	q, release, err := withDescriptor(talk.Question{Frame: wire.Ping(where.Dir), Answer: wire.TypePong})
	if err == nil {
		defer release()
		p.DescriptorsAsked = 1
	}
	a := ask(ctx, worker, socket, q, d)
	p.Pong, p.Err = a.info()
	p.Connected, p.OwnerUID = a.connected, a.owner
	if p.Err != nil {
		return p
	}
	listed := ask(ctx, worker, socket, plain(wire.TypeList, wire.TypeListing), d)
	listing, err := listed.info()
	if err != nil {
		p.ListErr = err
		return p
	}
	p.Procedures = listing.Procedures
	return p
}
