package batch

import (
	"errors"
	"fmt"
	"syscall"
	"time"

	"rpcd/client"
	"rpcd/client/record"
)

// job is a record that is begun.
type job struct {
	*record.Record
	turn uint64 // among those that are begun, from 0
	args []string

	lost    []*site   // where it was lost
	refused time.Time // when a replica first refused it that might have queued it, or zero
	busy    error     // what it said
}

func (r *run) newJob(rec *record.Record) *job {
	return &job{Record: rec, args: r.words.fill(rec.Data, rec.Number)}
}

// sent is how many bytes of the record travel as stdin.
func (r *run) sent(j *job) int64 {
	if r.words.used {
		return 0
	}
	return j.Size + int64(len(r.behind(j)))
}

// behind is what stands behind the record on stdin: a line keeps its newline, if it
// had one.
func (r *run) behind(j *job) string {
	if r.Framing == record.Lines {
		return j.End
	}
	return ""
}

// result is what became of a job.
type result struct {
	*job
	outputs [2]*capture // stdout and stderr; nil where there are none
	host    string      // the replica that ran it, or ""
	began   time.Time
	ran     time.Duration

	status  int            // 0-255
	signal  syscall.Signal // that ended the procedure, or 0
	err     error          // of the call; nil: the procedure has ended by itself
	untried bool           // the run was ended before the job had a result
}

func (x *result) failed() bool { return x.status != 0 || x.signal != 0 || x.err != nil }

func (x *result) close() {
	for _, o := range x.outputs {
		o.close()
	}
	x.Record.Close()
}

// work tries a job until it has a result.
func (r *run) work(j *job) {
	x := r.tries(j)
	if !x.untried && x.failed() {
		r.halt(j.Number) // before another gets the slot
	}
	r.pool.end()
	r.results <- x
}

func (r *run) tries(j *job) *result {
	if err := r.checkWords(j); err != nil {
		return &result{job: j, began: time.Now(), status: statusFailed, err: err}
	}
	for again := 0; ; {
		s, queue, err := r.pool.take(j)
		if err != nil {
			if err != errStopped {
				r.stop(err)
			}
			return &result{job: j, untried: true}
		}
		x := r.try(j, s, queue)
		next := judge(x)
		if r.calls.isCanceled() { // it was told to end: 0 doesn't say that it did all
			x.untried = true
			return x
		}
		r.pool.give(s, next, x.err)
		switch {
		case next == final, next == countedTry && again == r.Retries, next == lostWorker && again == r.Retries:
			return x
		case next == countedTry, next == lostWorker:
			j.lost = append(j.lost, s)
			again++
		case next == busyReplica && queue:
			if j.busy = x.err; j.refused.IsZero() {
				j.refused = time.Now()
			}
		}
		x.closeOutputs()
	}
}

func (x *result) closeOutputs() {
	for i, o := range x.outputs {
		o.close()
		x.outputs[i] = nil
	}
}

// checkWords refuses a record that is too long for where it is to stand.
func (r *run) checkWords(j *job) error {
	if j.Large() && (r.words.used || r.Tag) {
		return fmt.Errorf("cannot put %d bytes into an argument or before a line (at most %d): let it be stdin", j.Size, record.MaxInline)
	}
	return nil
}

// verdict is what a try says of the next one.
type verdict uint8

const (
	final         verdict = iota // a status came, or no other try would give one
	countedTry                   // lost with its resident worker, or for want of processes
	lostWorker                   // lost with its replica
	goneReplica                  // not started: nobody serves there now
	busyReplica                  // not started: full
	unfitReplica                 // not started: this replica won't run it
	statusFailed  = 125          // of a record whose call failed, as rpc's
	statusTimeout = 124
)

// judge says what a try means, and gives the result the status of rpc for it.
func judge(x *result) verdict {
	var e *client.Error
	if x.err == nil {
		return final
	}
	x.status = statusFailed
	if !errors.As(x.err, &e) {
		return final
	}
	switch e.Outcome {
	case client.ErrTimeout:
		x.status = statusTimeout
		return final
	case client.ErrBusy:
		return busyReplica
	case client.ErrProtocol:
		if e.Started {
			return lostWorker
		}
		return unfitReplica
	case client.ErrDenied, client.ErrUnknown, client.ErrNotExecutable, client.ErrNoDirectory:
		return unfitReplica
	case client.ErrFailed:
		return countedTry
	case client.ErrDraining, client.ErrUnreachable:
		return goneReplica
	case client.ErrLost:
		switch {
		case e.Reason == client.ReasonCrash:
			return countedTry
		case e.Started:
			return lostWorker
		}
		return goneReplica
	}
	return final // too long, cancelled by rpc kill
}
