package batch

import (
	"context"
	"errors"
	"slices"
	"time"

	"rpcd/client"
)

// lookEvery is how soon a replica that has come, or come again, is noticed. One that
// is lost is looked at once.
const lookEvery = time.Second

// answerTime is how long a replica may take to say what it is. A slower one counts as
// down for now.
const answerTime = time.Second

// start looks at the replicas from now on.
func (p *pool) start() {
	p.noneFrom = time.Now()
	go func() {
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		go func() {
			<-p.over
			cancel()
		}()
		for {
			p.lookNow(ctx)
			select {
			case <-p.kick:
			case <-tick.C:
			case <-p.over:
				return
			}
		}
	}()
}

// look asks for a look, soon.
func (p *pool) look() {
	select {
	case p.kick <- struct{}{}:
	default:
	}
}

// lookNow lists the replicas, and asks those that are new or down.
func (p *pool) lookNow(ctx context.Context) {
	sockets, err := client.Sockets(p.worker)
	answers := client.Survey(ctx, p.worker, p.toAsk(sockets), answerTime)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lookErr = err
	p.sites = slices.DeleteFunc(p.sites, func(s *site) bool {
		gone := !slices.Contains(sockets, s.socket)
		if gone {
			s.conn.Close() // calls that run go on
		}
		return gone
	})
	for _, a := range answers {
		p.answered(a)
	}
	if len(p.up()) > 0 {
		p.noneFrom = time.Time{}
	} else if p.noneFrom.IsZero() {
		p.noneFrom = time.Now()
	}
	p.looks++
	p.changed.Broadcast()
}

// toAsk gives the sockets whose replicas aren't known to be up.
func (p *pool) toAsk(sockets []string) (ask []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, socket := range sockets {
		if s := p.at(socket); s == nil || s.state == siteDown {
			ask = append(ask, socket)
		}
	}
	return ask
}

// at gives the replica at a socket, or nil. mu is held.
func (p *pool) at(socket string) *site {
	for _, s := range p.sites {
		if s.socket == socket {
			return s
		}
	}
	return nil
}

// answered notes what a replica said. mu is held.
func (p *pool) answered(a client.Answer) {
	s := p.at(a.Socket)
	if s == nil {
		s = newSite(p.worker, a.Socket)
		p.sites = append(p.sites, s)
	}
	switch {
	case a.Err != nil && (client.Retryable(a.Err) || errors.Is(a.Err, client.ErrLost)):
		s.state, s.err = siteDown, a.Err
	case a.Err != nil:
		s.state, s.err = siteUnfit, a.Err
	case a.Info.State != "up":
		s.state = siteDown
		s.err = &client.Error{Outcome: client.ErrDraining, Worker: p.worker, Text: p.worker + " is draining"}
	default:
		s.state, s.capacity, s.fullUntil = siteUp, capacityOf(a.Info, p.procedure), time.Time{}
	}
}
