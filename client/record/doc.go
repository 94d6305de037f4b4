// Package record cuts a stream of bytes into records: lines, NUL-ended texts, texts
// behind their length, or NumPy arrays. It knows nothing of calls. `rpc map` stands
// on it, and who publishes records can.
package record

import "fmt"

// Framing says where a record ends.
type Framing uint8

// The framings.
const (
	Lines Framing = iota // a newline ends it; the last may lack it
	NUL                  // a NUL byte ends it; the last may lack it
	U32                  // its length stands before it: 4 bytes, big-endian
	NPY                  // an array as np.save writes it: its header says how long it is
)

var framings = map[string]Framing{"lines": Lines, "nul": NUL, "u32": U32, "npy": NPY}

// ParseFraming reads a framing's name.
func ParseFraming(name string) (Framing, error) {
	f, ok := framings[name]
	if !ok {
		return 0, fmt.Errorf("write lines, nul, u32 or npy")
	}
	return f, nil
}

// IsText says whether records are texts, which can stand in an argument.
func (f Framing) IsText() bool { return f == Lines || f == NUL }

// Limit is the most bytes of one record, as of the Python package's arrays.
const Limit = 1 << 30

// MaxInline is the most bytes of a record that is kept in this process's memory: what
// the kernel takes for an argument (MAX_ARG_STRLEN, execve(2)). A longer one is shared
// memory from the start.
const MaxInline = 128 << 10

// Error is input that is no whole record. It ends the stream.
type Error struct {
	Number uint64 // of the record, from 1
	Text   string
}

// Error gives one line.
func (e *Error) Error() string { return fmt.Sprintf("record %d %s", e.Number, e.Text) }
