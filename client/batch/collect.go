package batch

import (
	"bufio"
	"fmt"
	"sync/atomic"
)

// collector writes the results, each whole: in the order of their turns, or as they
// come. It has a goroutine of its own.
type collector struct {
	*run
	stdout, stderr *bufio.Writer // nil: nobody wants it
	next           uint64        // the turn to write
	held           map[uint64]*result
	gap            bool  // a result is missing for good: what is behind it isn't written
	broken         error // of a write

	pending int // results that are written, and may still be in a buffer
	count   struct{ done, failed atomic.Uint64 }
	done    chan struct{}
}

// outRoom is the room of an output's buffer in bytes. It is written when no result
// waits.
const outRoom = 64 << 10

func newCollector(r *run) *collector {
	c := &collector{run: r, held: map[uint64]*result{}, done: make(chan struct{})}
	if r.Stdout != nil {
		c.stdout = bufio.NewWriterSize(r.Stdout, outRoom)
	}
	if r.Stderr != nil {
		c.stderr = bufio.NewWriterSize(r.Stderr, outRoom)
	}
	return c
}

func (c *collector) summary() Summary {
	return Summary{Done: c.count.done.Load(), Failed: c.count.failed.Load()}
}

// collect takes results until there are no more.
func (c *collector) collect() {
	defer close(c.done)
	for {
		var x *result
		var more bool
		select {
		case x, more = <-c.results:
		default:
			c.flush()
			x, more = <-c.results
		}
		if !more {
			break
		}
		if c.Unordered {
			c.write(x)
			continue
		}
		c.held[x.turn] = x
		for x := c.held[c.next]; x != nil; x = c.held[c.next] {
			delete(c.held, c.next)
			c.next++
			c.gap = c.gap || x.untried
			c.write(x)
		}
	}
	c.flush()
}

// write writes one result, and frees it.
func (c *collector) write(x *result) {
	defer x.close()
	c.pending++
	switch {
	case x.untried, c.broken != nil, c.gap && !x.failed():
		return
	case c.gap: // it may say why the run is halted
		x.outputs[0].close()
		x.outputs[0] = nil
		c.fail(c.writeStream(x, 1))
		return
	}
	if err := c.check(x); err != nil && x.err == nil {
		x.err, x.status = err, max(x.status, 1)
	}
	if c.fail(c.writeOutputs(x)) {
		return
	}
	c.count.done.Add(1)
	if x.failed() {
		c.count.failed.Add(1)
	}
	if x.err != nil && c.Complain != nil {
		c.flushOutputs()
		c.Complain(&RecordError{x.Number, x.err})
	}
	c.log.add(c.run, x)
}

// flush writes what is in the buffers: outputs first, since a line in the log says
// that they are written.
func (c *collector) flush() {
	c.flushOutputs()
	if c.broken == nil {
		if err := c.log.flush(); err != nil {
			c.broken = err
			c.stop(err)
		}
	}
	c.pool.written(c.pending)
	c.pending = 0
}

func (c *collector) flushOutputs() {
	for _, w := range []*bufio.Writer{c.stdout, c.stderr} {
		if w == nil || c.broken != nil {
			continue
		}
		c.fail(w.Flush())
	}
}

// fail stops the run for an error of a write, and says whether there is one.
func (c *collector) fail(err error) bool {
	if err != nil {
		c.broken = fmt.Errorf("cannot write the results: %w", err)
		c.stop(c.broken)
	}
	return err != nil
}
