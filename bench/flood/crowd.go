package main

import (
	"io"
	"sync"
	"time"

	"rpcd/rpcd/wire"
)

const (
	crowdSize = 10_000
	crowdRate = 500 // renewals a second, at most
)

// held makes crowdSize connections at once, asks on each, and holds it. A
// connection that is dropped is made anew and asks again, crowdRate a second at
// most.
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

// hold makes one connection and asks on it, until the worker closes it.
func (f *flooder) hold() {
	conn := f.dial()
	if conn == nil {
		return
	}
	defer conn.Close()
	_ = conn.WriteFrame(wire.Question(wire.TypePing)) // a failure shows in the answer
	if f.answer(conn) {
		_, _ = io.Copy(io.Discard, conn)
	}
}

// waves makes crowdSize connections at once, each with one question, and waits
// for all answers. It does so again and again, until the flood is over.
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
				_ = conn.WriteFrame(question) // a failure shows in the answer
				f.answer(conn)
			})
		}
		close(begin)
		f.inForce()
		all.Wait()
	}
}

// callOfTrue is a call without streams, which counts as bridged.
func callOfTrue() []byte {
	c := wire.Call{Procedure: "true", Dir: wire.Dir{Name: "/"}, Umask: 0o022}
	return c.Append()
}
