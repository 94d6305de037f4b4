package main

import (
	"time"

	"rpcd/rpcd/wire"
)

const (
	silentConnections = 1000
	silentRate        = 250 // new connections a second, at most
)

// silent holds connections that say nothing; every second one begins a CALL
// and trickles a byte of it a second. One that is dropped is made anew, at a
// bounded rate: the flooder shall not be what takes the cores.
func silent(f *flooder) {
	pace := time.NewTicker(time.Second / silentRate)
	defer pace.Stop()
	places := make(chan bool, silentConnections) // true: trickles
	for i := range silentConnections {
		places <- i%2 == 0
	}
	for made := 0; ; made++ {
		if made == silentConnections {
			f.inForce()
		}
		select {
		case <-f.over:
			return
		case <-pace.C:
		}
		select {
		case <-f.over:
			return
		case trickles := <-places:
			go func() {
				f.loris(trickles)
				places <- trickles
			}()
		}
	}
}

// loris is one connection, until the worker has enough of it. Those that stand
// at the end die with the process.
func (f *flooder) loris(trickles bool) {
	conn := f.dial()
	if conn == nil {
		return
	}
	defer conn.Close()
	if trickles {
		stop := make(chan struct{})
		defer close(stop)
		go func() {
			frame := wire.Frame(wire.TypeCall, 0, 0, make([]byte, 1000))
			tick := time.NewTicker(time.Second)
			defer tick.Stop()
			for i := range frame {
				select {
				case <-stop:
					return
				case <-tick.C:
				}
				if conn.WriteFrame(frame[i:i+1]) != nil {
					return
				}
			}
		}()
	}
	f.answer(conn)
}
