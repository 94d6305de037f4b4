package main

import (
	"io"
	"sync"
	"time"

	"rpcd/rpcd/wire"
)

const (
	crowdSize = 10_000
	crowdRate = 500 // new connections a second for dropped ones, at most
)

// held makes crowdSize connections at once. Each of them asks a question and
// stays open. A dropped connection is made anew and asks again, at most
// crowdRate times a second.
func held(f *flooder) {
	pace := time.NewTicker(time.Second / crowdRate)
	defer pace.Stop()
	for range crowdSize {
		go func() {
			for {
				f.hold()
				<-pace.C
			}
		}()
	}
	f.inForce()
	<-f.over
}

// hold makes one connection, asks a question, and returns when the worker closes
// the connection.
func (f *flooder) hold() {
	conn := f.dial()
	if conn == nil {
		return
	}
	defer conn.Close()
	_ = conn.WriteFrame(wire.Question(wire.TypePing)) // after a failure no answer comes
	if f.answer(conn) {
		_, _ = io.Copy(io.Discard, conn)
	}
}

// waves makes crowdSize connections at once, asks one question on each, and waits
// for all answers. It repeats this until the flood is over.
func (f *flooder) waves(question []byte) {
	for first := true; first || !f.isOver(); first = false {
		var all sync.WaitGroup
		begin := make(chan struct{})
		for range crowdSize {
			all.Go(func() {
				<-begin
				conn := f.dial()
				if conn == nil {
					return
				}
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(answerLimit))
				_ = conn.WriteFrame(question) // after a failure no answer comes
				f.answer(conn)
			})
		}
		close(begin)
		f.inForce()
		all.Wait()
	}
}

// callOfTrue gives the CALL of `true`. It brings no descriptors, so the call is
// bridged.
func callOfTrue() []byte {
	c := wire.Call{Procedure: "true", Dir: wire.Dir{Name: "/"}, Umask: 0o022}
	return c.Append()
}
