package wire

import "encoding/binary"

// Window is the size of a terminal (TIOCGWINSZ, ioctl_tty(2)). 0: not known.
type Window struct {
	Rows, Columns uint16
	Width, Height uint16 // in pixels
}

// windowLen is the length in bytes of a Window.
const windowLen = 8

func (w Window) append(b []byte) []byte {
	for _, n := range [...]uint16{w.Rows, w.Columns, w.Width, w.Height} {
		b = binary.BigEndian.AppendUint16(b, n)
	}
	return b
}

// parseWindow reads windowLen bytes.
func parseWindow(b []byte) (w Window) {
	for i, n := range [...]*uint16{&w.Rows, &w.Columns, &w.Width, &w.Height} {
		*n = binary.BigEndian.Uint16(b[2*i:])
	}
	return w
}

// Append gives the size as a WINDOW frame.
func (w Window) Append() []byte { return Frame(TypeWindow, 0, 0, w.append(nil)) }

// ParseWindow reads a WINDOW's payload.
func ParseWindow(payload []byte) (Window, error) {
	if len(payload) != windowLen {
		return Window{}, protocolError("a WINDOW of %d bytes", len(payload))
	}
	return parseWindow(payload), nil
}

// Terminal is what a CALL says of the terminal that its procedure is to have.
type Terminal struct {
	Window Window
	Type   string // the variable TERM; "": none
	Modes  *Modes // nil: as the worker's kernel makes a terminal
}

// Modes is how a terminal treats bytes: three members of struct termios, and its
// special characters (termios(3)). The numbers are those of Linux on x86.
type Modes struct {
	Input, Output, Local uint32 // c_iflag, c_oflag, c_lflag
	Characters           [ControlCharacters]uint8
}

// ControlCharacters is how many special characters Linux's struct termios has
// (NCCS, include/uapi/asm-generic/termbits.h).
const ControlCharacters = 19

// modesLen is the length in bytes of Modes.
const modesLen = 3*4 + ControlCharacters

// MaxTerminalType bounds a terminal's type, in bytes.
const MaxTerminalType = 255

// terminal adds a terminal (tag 12 of CALL).
func (f *fields) terminal(t *Terminal) {
	if t == nil {
		return
	}
	var in fields
	in.bytes(1, t.Window.append(nil))
	in.text(2, t.Type)
	if m := t.Modes; m != nil {
		var b []byte
		for _, n := range [...]uint32{m.Input, m.Output, m.Local} {
			b = binary.BigEndian.AppendUint32(b, n)
		}
		in.bytes(3, append(b, m.Characters[:]...))
	}
	f.bytes(12, in.b)
}

// terminal reads what fields.terminal wrote.
func (r *reader) terminal(tag uint16, v []byte) *Terminal {
	t := &Terminal{}
	if !r.once(tag) {
		return t
	}
	in := newReader(v)
	for tag, v, ok := in.next(); ok; tag, v, ok = in.next() {
		switch tag {
		case 1:
			if in.sized(tag, v, windowLen) {
				t.Window = parseWindow(v)
			}
		case 2:
			t.Type = in.limited(tag, v, Protocol, "a terminal's type", MaxTerminalType)
		case 3:
			if in.sized(tag, v, modesLen) {
				t.Modes = parseModes(v)
			}
		default:
			in.unknown(tag)
		}
	}
	r.take(in, in.seen[1], "a terminal without its size")
	return t
}

// parseModes reads modesLen bytes.
func parseModes(b []byte) *Modes {
	m := &Modes{Characters: [ControlCharacters]uint8(b[3*4:])}
	for i, n := range [...]*uint32{&m.Input, &m.Output, &m.Local} {
		*n = binary.BigEndian.Uint32(b[4*i:])
	}
	return m
}

// checkTerminal holds that a call has a terminal exactly if its streams 0 and 1 are
// that.
func checkTerminal(streams []Stream, terminal bool) error {
	var at [2]bool
	for _, s := range streams {
		if s.Mode != OnTerminal {
			continue
		}
		if s.Number > 1 || (s.Number == 1) != (s.Flags&StreamOutput != 0) {
			return protocolError("stream %d can't be a terminal that way", s.Number)
		}
		at[s.Number] = true
	}
	if at != [2]bool{terminal, terminal} {
		return protocolError("a terminal is streams 0 and 1, and has a size")
	}
	return nil
}
