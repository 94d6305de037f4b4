package batch

import (
	"errors"
	"os"
	"time"

	"rpcd/client"
)

// try makes the call of a job at a replica.
func (r *run) try(j *job, s *site, queue bool) *result {
	x := &result{job: j, host: s.name, began: time.Now()}
	x.err = r.call(x, s, queue)
	x.ran = time.Since(x.began)
	var exit *client.ExitError
	if errors.As(x.err, &exit) {
		x.err = nil
		if exit.Exited() {
			x.status = exit.ExitCode()
		} else {
			x.signal = exit.Sys().Signal()
		}
		if exit.Reason() != "" {
			x.err = errors.New(exit.Explain())
		}
	}
	for i, o := range x.outputs {
		if err := o.finish(); err != nil && x.err == nil {
			x.err = err
		}
		if o != nil && o.isLong() != r.long[i].Load() {
			r.long[i].Store(o.isLong())
		}
	}
	return x
}

// call makes the call, with pipes for its outputs.
func (r *run) call(x *result, s *site, queue bool) error {
	cmd := s.conn.Command(r.Procedure, x.args...)
	kept := cmd.Connections
	cmd.Options = r.Call
	cmd.Connections, cmd.NoQueue, cmd.RetryFor = kept, !queue, 0
	cmd.Env, cmd.Dir = r.Env, r.Dir
	var ours [3]*os.File // the call's ends, which it has once it is started
	defer func() {
		for _, f := range ours {
			f.Close() // of nil it does nothing
		}
	}()
	var err error
	if !r.words.used {
		if ours[0], err = x.File(r.behind(x.job)); err != nil {
			return err
		}
		cmd.Stdin = ours[0]
	}
	for i := range x.outputs {
		if x.outputs[i], ours[1+i], err = newCapture(!r.long[i].Load()); err != nil {
			return err
		}
	}
	cmd.Stdout, cmd.Stderr = ours[1], ours[2]
	if !r.calls.add(cmd) {
		return errStopped
	}
	defer r.calls.remove(cmd)
	if err = cmd.Start(); err != nil {
		return err
	}
	for i, f := range ours {
		f.Close()
		ours[i] = nil
	}
	r.calls.started(cmd)
	return cmd.Wait()
}
