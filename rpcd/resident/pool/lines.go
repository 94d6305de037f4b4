package pool

import (
	"bufio"
	"errors"
	"strings"
	"time"

	"rpcd/internal/printable"
)

// What one worker may log: PROTOCOL.md, section 7.
const (
	linesAtOnce    = 200
	linesPerSecond = 20
	lineSize       = 4096 // bytes of a line that are looked at; the rest is dropped
)

// log logs what the worker prints, until its pipe is closed. It always reads, since
// a worker must not wait for the log.
func (w *worker) log() {
	r := bufio.NewReaderSize(w.lines, lineSize)
	allowed, last, left := float64(linesAtOnce), time.Now(), 0
	for {
		line, err := r.ReadSlice('\n')
		rest := errors.Is(err, bufio.ErrBufferFull)
		if len(line) > 0 {
			now := time.Now()
			allowed = min(linesAtOnce, allowed+now.Sub(last).Seconds()*linesPerSecond)
			last = now
			if allowed < 1 {
				left++
			} else {
				allowed--
				w.say(string(line), &left)
			}
		}
		for rest {
			_, err = r.ReadSlice('\n')
			rest = errors.Is(err, bufio.ErrBufferFull)
		}
		if err != nil {
			if left > 0 {
				w.say("", &left)
			}
			return
		}
	}
}

// say logs a line, and how many were left out before it.
func (w *worker) say(line string, left *int) {
	for len(line) > 0 && (line[len(line)-1] == '\n' || line[len(line)-1] == '\r') {
		line = line[:len(line)-1]
	}
	if line != "" {
		w.mu.Lock()
		w.said = line
		w.mu.Unlock()
	}
	words := []any{"procedure", printable.Escaped(w.pool.name), "pid", w.pid(), "text", printable.Escaped(line)}
	if *left > 0 {
		words = append(words, "left_out", *left)
		*left = 0
	}
	w.pool.set.Log.Info("a resident worker says", words...)
}

// mostSaid bounds, in bytes, what an error shows of a worker's last line.
const mostSaid = 60

// lastWords is the last line that it printed, as far as an error has room for it.
func (w *worker) lastWords() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return printable.Line(strings.ToValidUTF8(w.said[:min(len(w.said), mostSaid)], ""))
}
