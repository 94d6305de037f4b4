package batch

import (
	"slices"
	"time"

	"rpcd/client"
)

// take chooses the replica for a job: of those that take calls the one whose slots
// are the least taken. queue says that the call may wait there. It waits for a
// replica as long as Wait says, and as long as calls run somewhere. Then it gives the
// error of one.
func (p *pool) take(j *job) (s *site, queue bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	looks := p.looks
	for !p.canceled {
		up := p.up()
		if len(up) == 0 {
			if err := p.awaitSite(looks); err != nil {
				return nil, false, err
			}
			continue
		}
		free := slices.DeleteFunc(slices.Clone(up), (*site).isFull)
		switch {
		case len(free) > 0:
			s = leastTaken(free, j.lost)
			queue = len(up) == 1 || s.running >= s.capacity
		case j.refused.IsZero():
			s, queue = leastTaken(up, j.lost), true
		case time.Since(j.refused) >= p.wait && !p.isRunning():
			return nil, false, j.busy
		default:
			p.pause()
			continue
		}
		s.running++
		return s, queue, nil
	}
	return nil, false, errStopped
}

// give takes back a replica, and what a try there says of it.
func (p *pool) give(s *site, v verdict, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.running--
	switch v {
	case busyReplica:
		s.fullUntil = time.Now().Add(fullFor)
	case lostWorker, goneReplica:
		p.down(s, siteDown, err)
		p.look()
	case unfitReplica:
		p.down(s, siteUnfit, err)
	default:
		s.fullUntil = time.Time{}
	}
	p.changed.Broadcast()
}

// down notes that a replica takes no calls. mu is held, here and below.
func (p *pool) down(s *site, state siteState, err error) {
	s.state, s.err = state, err
	if p.noneFrom.IsZero() && len(p.up()) == 0 {
		p.noneFrom = time.Now()
	}
}

func (p *pool) up() (up []*site) {
	for _, s := range p.sites {
		if s.state == siteUp {
			up = append(up, s)
		}
	}
	return up
}

func (p *pool) isRunning() bool {
	return slices.ContainsFunc(p.sites, func(s *site) bool { return s.running > 0 })
}

func (s *site) isFull() bool { return !s.fullUntil.IsZero() && time.Now().Before(s.fullUntil) }

// leastTaken gives the replica with the most room for its size, if possible none
// where the job was lost.
func leastTaken(sites, lost []*site) *site {
	if others := slices.DeleteFunc(slices.Clone(sites), func(s *site) bool { return slices.Contains(lost, s) }); len(others) > 0 {
		sites = others
	}
	best := sites[0]
	for _, s := range sites[1:] {
		if (s.running+1)*best.capacity < (best.running+1)*s.capacity {
			best = s
		}
	}
	return best
}

// awaitSite waits until the replicas were looked at again, since the look before may
// be old. It gives an error when there is none for too long.
func (p *pool) awaitSite(looks int) error {
	if p.looks == looks {
		p.look()
		p.changed.Wait()
		return nil
	}
	unfit := slices.IndexFunc(p.sites, func(s *site) bool { return s.state == siteUnfit })
	onlyUnfit := unfit >= 0 && !slices.ContainsFunc(p.sites, func(s *site) bool { return s.state == siteDown })
	hopeless := onlyUnfit || p.lookErr != nil && !client.Retryable(p.lookErr)
	if !hopeless && time.Since(p.noneFrom) < p.wait {
		p.pause()
		p.look()
		return nil
	}
	switch {
	case unfit >= 0:
		return p.sites[unfit].err
	case len(p.sites) > 0:
		return p.sites[0].err
	}
	return p.lookErr
}

// pauseTime is how long who waits for a replica waits for news of it.
const pauseTime = 100 * time.Millisecond

// pause waits for a change, for at most pauseTime.
func (p *pool) pause() {
	timer := time.AfterFunc(pauseTime, p.changed.Broadcast)
	defer timer.Stop()
	p.changed.Wait()
}
