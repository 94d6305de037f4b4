// Package cause finds out what ended a call that didn't end by itself. It is told
// what is done to a call, and judges once the call's process has ended. It neither
// signals nor waits.
package cause

import (
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/wire"
)

// Record is what was done to one call. The zero value is nothing. Its methods may be
// called at the same time.
type Record struct {
	mu    sync.Mutex
	begun wire.End
	kills map[syscall.Signal]kill
	last  *kill
}

// kill is a signal that somebody sent by KILL.
type kill struct {
	by uint32
	at time.Time
}

// Begin says that rpcd begins to end the call for that reason. The first one
// counts: a time limit that runs out in the grace of a drain has ended nothing.
func (r *Record) Begin(e wire.End) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.begun.Reason == "" {
		r.begun = e
	}
}

// Begun gives the reason for which rpcd has begun to end the call; "": it hasn't.
func (r *Record) Begun() wire.EndReason {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.begun.Reason
}

// Kill says that the uid by sent a signal at that time, by KILL.
func (r *Record) Kill(sig syscall.Signal, by uint32, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.kills == nil {
		r.kills = map[syscall.Signal]kill{}
	}
	k := kill{by, at}
	r.kills[sig], r.last = k, &k
}

// Canceler gives the uid that sent the last KILL, if there was one.
func (r *Record) Canceler() (by uint32, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last == nil {
		return 0, false
	}
	return r.last.by, true
}

// Judge says what ended a process that ended with that status at that time. grace
// is how long what gets TERM may take to end. outOfMemory is asked only where the
// status may be the kernel's doing.
func (r *Record) Judge(status syscall.WaitStatus, at time.Time, grace time.Duration, outOfMemory func() bool) wire.End {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.begun.Reason != "" {
		return r.begun
	}
	if k, ok := r.killer(status, at.Add(-grace)); ok {
		return wire.End{Reason: wire.ByKill, By: k.by}
	}
	if (status.Signal() == unix.SIGKILL || status.ExitStatus() == shellsKilled) && outOfMemory() {
		return wire.End{Reason: wire.OutOfMemory}
	}
	return wire.End{}
}

// A shell whose command died by a signal exits with the signal's number and this
// (POSIX, Shell Command Language, 2.8.2), and so do programs that end by a handler.
const (
	shellsSignal = 128
	shellsKilled = shellsSignal + int(unix.SIGKILL)
)

// ends are the signals that mean "end" to a program which handles them. HUP means
// "read your configuration" to many, and USR1 anything.
var ends = []syscall.Signal{unix.SIGTERM, unix.SIGINT, unix.SIGQUIT}

// killer gives the KILL that ended a process: of the signal that it died by, or of
// the one that its exit status names. A program that catches a signal which asks
// it to end may exit with any status, but soon: since is when its grace began.
func (r *Record) killer(status syscall.WaitStatus, since time.Time) (kill, bool) {
	sig := status.Signal() // -1 of one that exited
	if status.Exited() {
		sig = syscall.Signal(status.ExitStatus() - shellsSignal)
	}
	if k, ok := r.kills[sig]; ok || !status.Exited() {
		return k, ok
	}
	for _, sig := range ends {
		if k, ok := r.kills[sig]; ok && !k.at.Before(since) {
			return k, true
		}
	}
	return kill{}, false
}

// Limit gives the time limit that holds, as the end that it brings: the smallest of
// the caller's and the worker's own, where 0 is none.
func Limit(callers time.Duration, own ...time.Duration) wire.End {
	e := wire.End{Reason: wire.CallerTimeout, Limit: callers}
	for _, limit := range own {
		if limit > 0 && (e.Limit == 0 || limit < e.Limit) {
			e = wire.End{Reason: wire.WorkerTimeout, Limit: limit}
		}
	}
	return e
}

// Words are what a log's line says of an end: keys and values.
func Words(e wire.End) (words []any) {
	if e.Reason != "" {
		words = append(words, "reason", string(e.Reason))
	}
	if e.Reason == wire.ByKill {
		words = append(words, "by_uid", e.By)
	}
	return words
}
