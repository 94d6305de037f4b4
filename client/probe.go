package client

import (
	"context"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/fdconn"
	"rpcd/rpcd/wire"
)

// Probed is what one socket shows to who wants to know why calls fail. Its
// errors are the causes as they came: an errno of connect(2), io.EOF,
// os.ErrDeadlineExceeded, a *wire.Refused, wire.ErrProtocol.
type Probed struct {
	Connected        bool
	OwnerUID         uint32 // who called listen, when connected
	Pong             *Info  // nil: Err says why
	Err              error
	Procedures       []wire.Entry // that this caller may call
	ListErr          error
	Directory        string // that was asked for; "": the caller has none
	DirectoryByName  bool   // not proven, as with Cmd.Dir
	DescriptorsAsked uint32 // how many rode on the question
}

// Sockets gives the sockets of a worker, in the order of their names.
func Sockets(worker string) ([]string, error) { return resolve(worker) }

// Probe asks a socket all that can be asked without a call, for at most d
// each: whether it answers, whether a descriptor arrives, whether dir (as
// Cmd.Dir) is there, and what may be called.
func Probe(ctx context.Context, socket, dir string, d time.Duration) *Probed {
	where := directory(dir)
	p := &Probed{Directory: where.Name, DirectoryByName: !where.Proven}
	q := question{frame: wire.Ping(where), answer: wire.TypePong}
	if null, err := unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0); err == nil {
		defer unix.Close(null)
		q.fds, p.DescriptorsAsked = []int{null}, 1
	}
	var peer fdconn.Peer
	q.peer = &peer
	a := ask(ctx, socket, q, d)
	p.Pong, p.Err = a.info()
	_, unreached := a.err.(*dialError)
	p.Connected, p.OwnerUID = !unreached, peer.UID
	if p.Err != nil {
		return p
	}
	listing, err := ask(ctx, socket, plain(wire.TypeList, wire.TypeListing), d).info()
	if err != nil {
		p.ListErr = err
		return p
	}
	p.Procedures = listing.Procedures
	return p
}
