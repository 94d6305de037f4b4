package main

import (
	"encoding/json"
	"errors"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/client"
)

// statusReport is the line of --status-fd.
type statusReport struct {
	Outcome string  `json:"outcome"`
	Started bool    `json:"started"` // false: safe to repeat
	Status  int     `json:"status"`  // rpc's own exit status
	Signal  string  `json:"signal"`
	Worker  string  `json:"worker"`
	Call    string  `json:"call"`
	Seconds float64 `json:"seconds"`
	User    float64 `json:"user_seconds"`
	System  float64 `json:"system_seconds"`
	MaxRSS  uint64  `json:"max_rss_kb"`
}

// statusLine describes the end of a call; died is the signal, if any, by which
// rpc itself is going to end.
func statusLine(cmd *client.Cmd, took time.Duration, err error, died syscall.Signal) []byte {
	r := statusReport{Outcome: string(client.Exited), Started: true, Worker: cmd.Worker, Call: cmd.ID(), Seconds: took.Seconds()}
	if s := cmd.ProcessState; s != nil {
		r.Status, r.User, r.System, r.MaxRSS = s.ExitCode(), s.UserTime().Seconds(), s.SystemTime().Seconds(), s.MaxRSS()
		if !s.Exited() {
			sig := s.Sys().Signal()
			r.Outcome, r.Status, r.Signal = string(client.Signaled), 128+int(sig), unix.SignalName(sig)
		}
	}
	var failed *client.Error
	switch {
	case errors.As(err, &failed):
		r.Outcome, r.Started, r.Status = string(failed.Outcome), failed.Started, 125
		if s := statuses[failed.Outcome]; s != 0 {
			r.Status = s
		}
	case err != nil && cmd.ProcessState == nil: // of a pipe, or the context
		r.Outcome, r.Status = string(client.ErrLost), 125
	}
	if died != 0 {
		r.Status, r.Signal = 128+int(died), unix.SignalName(died)
	}
	return r.line()
}

// line is JSON and a newline, whatever bytes the words hold: what isn't UTF-8
// becomes U+FFFD.
func (r statusReport) line() []byte {
	line, _ := json.Marshal(r) // no value of these types can fail
	return append(line, '\n')
}
