package batch

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"rpcd/client/internal/caller"
	"rpcd/client/record"
)

// run is a Map that runs.
//
//	read --records--> dispatch --a goroutine each--> work --results--> collect
//
// dispatch begins a record when there is a slot, and room to hold its result back.
type run struct {
	*Map
	words  *template
	log    *joblog // nil: none is kept
	pool   *pool
	calls  calls
	out    *collector
	reader *record.Reader
	began  time.Time

	records chan *record.Record
	results chan *result
	works   sync.WaitGroup
	teller  sync.WaitGroup
	stopped chan struct{} // closed: no record is begun any more
	over    chan struct{} // closed: Run returns

	long [2]atomic.Bool // the last stdout, and stderr, was long

	mu       sync.Mutex
	why      error // the first that stopped it
	begun    uint64
	taken    int64
	readAll  bool
	stopOnce sync.Once
}

func newRun(m *Map) (*run, error) {
	r := &run{
		Map: m, words: parseTemplate(m.Args), began: time.Now(),
		records: make(chan *record.Record), results: make(chan *result),
		stopped: make(chan struct{}), over: make(chan struct{}),
	}
	if !m.Framing.IsText() && (r.words.used || m.Tag) {
		return nil, errNoText
	}
	if m.Jobs > mostSlots() {
		return nil, &Usage{fmt.Sprintf("cannot make %d calls at once: the limit of open files (ulimit -n) allows %d", m.Jobs, mostSlots())}
	}
	if m.Resume && m.Joblog == "" {
		return nil, errNoLog
	}
	var err error
	if r.log, err = openJoblog(m.Joblog, m.Resume); err != nil {
		return nil, err
	}
	if m.Call.Umask == nil { // to ask for it costs as much as a call
		mask := caller.Umask()
		m.Call.Umask = &mask
	}
	r.reader = record.NewReader(m.Stdin, m.Framing)
	r.reader.KeepEnd = m.Framing == record.Lines
	r.pool = newPool(m.Worker, m.Procedure, m.Jobs, m.Wait)
	r.out = newCollector(r)
	return r, nil
}

// begin starts what goes on beside dispatch.
func (r *run) begin() {
	r.pool.start()
	go r.read()
	go r.out.collect()
	if r.Progress != nil {
		r.teller.Go(r.tell)
	}
}

// read gives the records to dispatch.
func (r *run) read() {
	defer close(r.records)
	for {
		rec, err := r.reader.Next()
		if err != nil {
			if bad := (*record.Error)(nil); err != io.EOF && !errors.As(err, &bad) {
				err = fmt.Errorf("cannot read the records: %w", err)
			}
			if err != io.EOF {
				r.note(err) // the records before it are begun
			}
			return
		}
		select {
		case r.records <- rec:
		case <-r.stopped:
			rec.Close()
			return
		}
	}
}

// dispatch begins the records, until there are no more or none may be begun.
func (r *run) dispatch() {
	turn := uint64(0)
	for {
		var rec *record.Record
		select {
		case rec = <-r.records:
		case <-r.stopped:
			return
		}
		if rec == nil {
			r.mu.Lock()
			r.readAll = true
			r.mu.Unlock()
			return
		}
		j := r.newJob(rec)
		skip, err := r.log.has(r, j)
		if err != nil {
			r.stop(err)
		}
		if skip || err != nil || !r.pool.begin() {
			rec.Close()
			continue
		}
		j.turn = turn
		turn++
		r.mu.Lock()
		r.begun++
		r.taken = rec.Until
		r.mu.Unlock()
		r.works.Go(func() { r.work(j) })
	}
}

// end waits for the calls and for their results to be written. It is bounded only
// once the run is canceled.
func (r *run) end() {
	written := make(chan struct{})
	go func() {
		r.works.Wait()
		close(r.results)
		<-r.out.done
		close(written)
	}()
	select {
	case <-written:
	case <-r.calls.hopeless():
		select {
		case <-written:
		case <-time.After(lastWait):
		}
	}
}

// close frees what the run has. Calls that run on lose their connections.
func (r *run) close() {
	r.stop(nil)
	close(r.over)
	r.pool.close()
	r.log.close()
	if r.teller.Wait(); r.Progress != nil {
		p := r.progress()
		p.Over = true
		r.Progress(p)
	}
}

// stop lets no more records begin. The first error counts.
func (r *run) stop(err error) {
	r.note(err)
	r.stopOnce.Do(func() {
		close(r.stopped)
		r.pool.stop()
	})
}

// note notes why not all records are taken.
func (r *run) note(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.why == nil {
		r.why = err
	}
}

// cancel stops the run, and ends its calls.
func (r *run) cancel(err error) {
	r.stop(err)
	r.pool.cancel()
	r.calls.cancel()
}

func (r *run) failure() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.why
}

func (r *run) summary() Summary { return r.out.summary() }

func (r *run) progress() Progress {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Progress{Summary: r.summary(), Begun: r.begun, Elapsed: time.Since(r.began), Read: r.taken, Ended: r.readAll}
}

// tell tells the progress each second.
func (r *run) tell() {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			r.Progress(r.progress())
		case <-r.over:
			return
		}
	}
}

// halt is what a failed record does.
func (r *run) halt(number uint64) {
	switch r.Halt {
	case HaltSoon:
		r.stop(&HaltError{number})
	case HaltNow:
		r.cancel(&HaltError{number})
	}
}
