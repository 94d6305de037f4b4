package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"reflect"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/client"
)

// openStatus checks --status-fd, and replaces it by a copy, since rpc closes its
// own stdout early. A descriptor that is closed on exec wasn't inherited: it is
// one of Go's runtime.
func (o *callOptions) openStatus(given func(option string) bool) error {
	if !given("status-fd") {
		return nil
	}
	n := o.statusFD
	o.statusFD, o.statusNumber = -1, n
	refuse := func(why string) error { return fmt.Errorf("cannot use --status-fd %d: %s", n, why) }
	if n < 0 || n > math.MaxInt32 {
		return refuse("that is no descriptor")
	}
	flags, err := unix.FcntlInt(uintptr(n), unix.F_GETFD, 0)
	if err != nil || flags&unix.FD_CLOEXEC != 0 {
		return refuse("that descriptor isn't open")
	}
	if mode, err := unix.FcntlInt(uintptr(n), unix.F_GETFL, 0); err != nil || mode&unix.O_ACCMODE == unix.O_RDONLY {
		return refuse("that descriptor isn't open for writing")
	}
	fd, err := unix.FcntlInt(uintptr(n), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return refuse(err.Error())
	}
	o.statusFD = fd
	return nil
}

// report writes the line of --status-fd, if it was given.
func (o *callOptions) report(cmd *client.Cmd, took time.Duration, err error, killedBy syscall.Signal) {
	if o.statusFD < 0 {
		return
	}
	line := statusLine(cmd, took, err, killedBy)
	for len(line) > 0 {
		n, err := unix.Write(o.statusFD, line)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "rpc: cannot write to --status-fd: %v\n", err)
			return
		}
		line = line[n:]
	}
}

// statusReport is the line of --status-fd.
type statusReport struct {
	Outcome string  `json:"outcome"`
	Started bool    `json:"started"` // false: safe to repeat
	Status  int     `json:"status"`  // rpc's own exit status
	Signal  string  `json:"signal"`
	Reason  string  `json:"reason,omitempty"` // who or what ended the call
	By      *uint32 `json:"by,omitempty"`     // the uid behind rpc kill
	Worker  string  `json:"worker"`
	Call    string  `json:"call"`
	Seconds float64 `json:"seconds"`
	User    float64 `json:"user_seconds"`
	System  float64 `json:"system_seconds"`
	MaxRSS  uint64  `json:"max_rss_kb,omitempty"` // absent: not known
}

// statusLine describes the end of a call. killedBy is the signal by which
// rpc itself is going to end, or 0.
func statusLine(cmd *client.Cmd, took time.Duration, err error, killedBy syscall.Signal) []byte {
	r := statusReport{Outcome: string(client.Exited), Started: true, Worker: cmd.Worker, Call: cmd.ID(), Seconds: took.Seconds()}
	if s := cmd.ProcessState; s != nil {
		r.Status, r.User, r.System, r.MaxRSS = s.ExitCode(), s.UserTime().Seconds(), s.SystemTime().Seconds(), s.MaxRSS()
		if !s.Exited() {
			sig := s.Sys().Signal()
			r.Outcome, r.Status, r.Signal = string(client.Signaled), 128+int(sig), unix.SignalName(sig)
		}
		r.because(s.Reason(), s.By())
	}
	var failed *client.Error
	switch {
	case errors.As(err, &failed):
		r.Outcome, r.Started, r.Status = string(failed.Outcome), failed.Started, statusOwnFailure
		if s := statuses[failed.Outcome]; s != 0 {
			r.Status = s
		}
		if failed.Reason != "" {
			r.because(failed.Reason, failed.By)
		}
	case err != nil && cmd.ProcessState == nil: // of a pipe, or the context
		r.Outcome, r.Status = string(client.ErrLost), statusOwnFailure
	}
	if killedBy != 0 {
		r.Status, r.Signal = 128+int(killedBy), unix.SignalName(killedBy)
	}
	return r.line()
}

// because says who or what ended the call.
func (r *statusReport) because(reason client.Reason, by uint32) {
	r.Reason, r.By = string(reason), nil
	if reason == client.ReasonKill && by != client.NoUID {
		r.By = &by
	}
}

// line is JSON and a newline. Bytes that aren't UTF-8 become U+FFFD.
func (r statusReport) line() []byte {
	var line bytes.Buffer
	j := jsonWriter{bufio.NewWriter(&line)}
	j.value(reflect.ValueOf(r), "")
	_ = j.b.WriteByte('\n')
	_ = j.b.Flush() // a Buffer takes all
	return line.Bytes()
}
