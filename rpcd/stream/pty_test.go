package stream

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"rpcd/internal/testkit"
	"rpcd/rpcd/wire"
)

// openTerminal opens a terminal for a child, and gives the child's side as a file.
func openTerminal(t *testing.T, terminal *wire.Terminal) (*pty, *os.File) {
	t.Helper()
	p, err := openPTY(terminal, -1)
	if err != nil {
		testkit.Lack(t, "no pseudoterminals: %v", err)
	}
	t.Cleanup(func() { p.master.Close() })
	slave := os.NewFile(uintptr(p.slave), "slave")
	t.Cleanup(func() { slave.Close() })
	return p, slave
}

// A terminal has size and modes before anybody has it, and is blocking.
func TestTerminalAsAskedFor(t *testing.T) {
	modes := &wire.Modes{Input: unix.ICRNL | unix.IUTF8, Output: unix.OPOST, Local: unix.ICANON}
	modes.Characters[unix.VINTR] = 'x'
	p, slave := openTerminal(t, &wire.Terminal{Window: wire.Window{Rows: 7, Columns: 70, Width: 3, Height: 4}, Modes: modes})
	size, err := unix.IoctlGetWinsize(p.slave, unix.TIOCGWINSZ)
	if err != nil || *size != (unix.Winsize{Row: 7, Col: 70, Xpixel: 3, Ypixel: 4}) {
		t.Errorf("the size is %+v, %v", size, err)
	}
	got, err := unix.IoctlGetTermios(p.slave, unix.TCGETS)
	if err != nil || got.Iflag != modes.Input || got.Oflag != modes.Output || got.Lflag != modes.Local || got.Cc[unix.VINTR] != 'x' {
		t.Errorf("the modes are %+v, %v", got, err)
	}
	if flags, err := unix.FcntlInt(uintptr(p.slave), unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK != 0 {
		t.Errorf("the child's side has the flags %#x, %v", flags, err)
	}
	_ = slave
}

// shownBy runs a terminal's output over a relay whose frames it collects.
func shownBy(t *testing.T, window uint32) (*shown, *os.File, func() string) {
	t.Helper()
	p, slave := openTerminal(t, &wire.Terminal{Modes: &wire.Modes{Local: unix.ICANON}}) // no OPOST
	frames := make(chan []byte, 1000)
	r := wire.NewRelay(func(b []byte) error { frames <- bytes.Clone(b); return nil })
	s := newShown(r, wire.Stream{Number: 1, Mode: wire.OnTerminal, Flags: wire.StreamOutput, Window: window}, p.master)
	go s.run()
	return s, slave, func() string {
		var all strings.Builder
		for {
			select {
			case b := <-frames:
				for len(b) > 0 {
					h, err := wire.ParseHeader(b)
					if err != nil {
						t.Fatal(err)
					}
					if h.Type == wire.TypeData {
						all.Write(b[wire.HeaderLen : wire.HeaderLen+h.Length])
					}
					b = b[wire.HeaderLen+h.Length:]
				}
			default:
				return all.String()
			}
		}
	}
}

// What a terminal holds is sent when flush returns, and all of it when finish was
// called, though another process has the terminal still.
func TestTerminalFlushAndFinish(t *testing.T) {
	testkit.Within(t, "the terminal", func() {
		s, slave, sent := shownBy(t, 1<<20)
		for range 20 {
			if _, err := slave.WriteString("a line\n"); err != nil {
				t.Fatal(err)
			}
			s.flush()
			if got := sent(); got != "a line\n" {
				t.Fatalf("after flush %q was sent", got)
			}
		}
		text := strings.Repeat("x", 3000)
		if _, err := slave.WriteString(text); err != nil {
			t.Fatal(err)
		}
		s.finish()
		if held := s.wait(); !held || sent() != text {
			t.Errorf("held open: %v", held)
		}
		s.flush() // returns
	})
}

// The end of a terminal is no error, and nobody has held it.
func TestTerminalEnds(t *testing.T) {
	testkit.Within(t, "the terminal", func() {
		s, slave, sent := shownBy(t, 1<<20)
		if _, err := slave.WriteString("the last"); err != nil {
			t.Fatal(err)
		}
		slave.Close()
		if held := s.wait(); held || sent() != "the last" {
			t.Errorf("held open: %v", held)
		}
		s.finish()
	})
}

// A caller that gives no credit holds up nothing once it is given up.
func TestTerminalGivenUp(t *testing.T) {
	testkit.Within(t, "the terminal", func() {
		s, slave, _ := shownBy(t, 5)
		if _, err := slave.WriteString("more than five bytes"); err != nil {
			t.Fatal(err)
		}
		s.finish()
		s.giveUp()
		if !s.wait() {
			t.Error("it isn't held open")
		}
	})
}
