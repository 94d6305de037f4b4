package main

import (
	"math/rand/v2"
	"sync"
	"time"

	"rpcd/rpcd/wire"
)

// noise sends three kinds of nonsense in turn. The first is a CALL whose payload
// is noise, the second a CALL whose payload turns into noise, the third noise
// alone.
func noise(f *flooder) {
	const size = 1 << 20
	random := make([]byte, size)
	source := rand.NewChaCha8([32]byte{1})
	_, _ = source.Read(random)
	begun := append([]byte("RPCD\x00\x01"), random[6:]...)
	kinds := [][]byte{
		wire.Frame(wire.TypeCall, 0, 0, random),
		wire.Frame(wire.TypeCall, 0, 0, begun),
		random,
	}
	var both sync.WaitGroup
	for lane := range 2 {
		both.Go(func() {
			for i := lane; !f.isOver(); i++ {
				f.sendOnce(kinds[i%len(kinds)])
				f.inForce()
			}
		})
	}
	both.Wait()
}

func (f *flooder) sendOnce(what []byte) {
	conn := f.dial()
	if conn == nil {
		return
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(answerLimit))
	_ = conn.WriteFrame(what) // the worker may close in the middle of it
	f.answer(conn)
}
