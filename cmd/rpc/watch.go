package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"rpcd/internal/printable"
	"rpcd/rpcd/duration"
)

// watchPause is between two looks unless --watch=D says otherwise: watch(1)'s.
const watchPause = "2s"

// leastPause keeps a pause from being none: workers answer for others, too.
const leastPause = 100 * time.Millisecond

// watching is the option --watch of a verb.
type watching struct {
	every duration.Value
	flag  *pflag.Flag
}

// add adds the option to f.
func (w *watching) add(f *pflag.FlagSet) {
	w.flag = f.VarPF(&w.every, "watch", "", "show it again each D until Ctrl-C, on a terminal in one place")
	w.flag.NoOptDefVal = watchPause
	w.flag.DefValue = ""
}

// show shows what look writes: once, or again and again. What look tells of workers
// that don't answer goes to its second writer.
//
// On a terminal the block is drawn over the one before it. Nothing of the terminal is
// changed for that, so nothing has to be restored, however rpc ends. Else each block
// follows the last, behind an empty line unless it is JSON.
func (w *watching) show(out io.Writer, isJSON bool, look func(out, told io.Writer, s screen) error) error {
	if !w.flag.Changed {
		return look(out, os.Stderr, stdoutScreen())
	}
	if time.Duration(w.every) < leastPause {
		return usage("cannot use --watch=%v: the pause is %v at least", time.Duration(w.every), leastPause)
	}
	drawn := 0 // lines
	for first := true; ; first = false {
		s := stdoutScreen()
		if isJSON {
			s = screen{}
		}
		var block bytes.Buffer
		if !s.terminal && !isJSON && !first {
			block.WriteByte('\n')
		}
		told := io.Writer(os.Stderr)
		if s.terminal {
			told = &block
		}
		tell(told, look(&block, told, s))
		text := block.Bytes()
		if s.terminal {
			text, drawn = redraw(text, drawn, s)
		}
		if _, err := out.Write(text); err != nil {
			return err
		}
		time.Sleep(time.Duration(w.every))
	}
}

// tell tells an error, unless it has no words.
func tell(to io.Writer, err error) {
	var exit *exitError
	if err == nil || errors.As(err, &exit) && exit.err == nil {
		return
	}
	fmt.Fprintf(to, "rpc: %s\n", printable.Line(err.Error()))
}

// redraw gives what draws a block over the last one, which had so many lines, and the
// number of its own. It is cut to the terminal: what scrolls can't be drawn over.
func redraw(block []byte, before int, s screen) (text []byte, drawn int) {
	lines := strings.Split(strings.TrimSuffix(string(block), "\n"), "\n")
	if room := s.lines - 1; room > 1 && len(lines) > room {
		more := len(lines) - room + 1
		lines = append(lines[:room-1], fmt.Sprintf("... and %d more lines", more))
	}
	if before > 0 {
		text = fmt.Appendf(text, "\x1b[%dA", before) // up (ECMA-48, CUU)
	}
	text = append(text, "\r\x1b[J"...) // clear to the end (ED)
	for _, line := range lines {
		if s.columns > 0 {
			line = shorten(line, s.columns)
		}
		text = append(append(text, line...), '\n')
	}
	return text, len(lines)
}
