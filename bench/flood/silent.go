package main

import (
	"time"

	"rpcd/rpcd/wire"
)

const (
	silentConnections = 1000
	silentRate        = 250 // new connections a second, at most
)

// silent holds connections that send nothing, or a byte of a CALL each second:
// half of them each. It makes a dropped connection anew, at most silentRate times
// a second, since the flooder must not take the processors.
func silent(f *flooder) {
	pace := time.NewTicker(time.Second / silentRate)
	defer pace.Stop()
	places := make(chan bool, silentConnections) // true for a connection that sends bytes
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
				f.stay(trickles)
				places <- trickles
			}()
		}
	}
}

// stay makes one connection and returns when the worker closes it. The end of the
// process closes those that are left.
func (f *flooder) stay(trickles bool) {
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
