package wire

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"time"
)

// The flags of CALL.
const (
	CallKeep     = 1 // the caller may send another first frame after the end
	CallNoWait   = 2 // refuse as busy rather than queue
	CallAnnounce = 4 // send ACCEPTED, and start after CONTINUED
	CallConfirm  = 8 // as CallAnnounce, where the call is bridged
)

const magic = "RPCD"

// MarkLen is how many bytes of a first frame's payload CheckFirst looks at.
const MarkLen = 6

// Mode says how a stream of a call travels (PROTOCOL.md, section 4).
type Mode uint8

// The modes.
const (
	Closed     Mode = 0
	Passed     Mode = 1
	Relayed    Mode = 2
	Same       Mode = 3
	Probe      Mode = 4
	Directory  Mode = 5 // from rpcd to its resident workers alone
	OnTerminal Mode = 6 // streams 0 and 1 of a call with a Terminal
	Connection Mode = 7 // as Directory, of LEND: the caller's connection
	Notes      Mode = 8 // likewise: the memory in which the worker notes how far it is
)

// nobodys says whether a descriptor of this mode is no stream of the procedure's.
func (m Mode) nobodys() bool { return m == Probe || m.IsWorkers() }

// IsWorkers says whether rpcd alone may say this, to its resident workers.
func (m Mode) IsWorkers() bool { return m == Directory || m == Connection || m == Notes }

// The flags of a stream.
const (
	StreamOutput = 1 // the procedure writes it
	StreamLine   = 2 // read from a terminal, a line a grant
	StreamPages  = 4 // the caller splices frames with DataPages into a pipe
	StreamJoined = 8 // of stream 2: the same as stream 1, if the call is bridged
	// StreamInput is of streams over 2: the procedure reads it. With StreamOutput it
	// is a socket. A stream with neither of them can't be relayed.
	StreamInput = 16
)

// MaxStream is the highest number that a stream may have.
const MaxStream = 252

// MaxDescriptors is the most that one frame can carry: the kernel's
// SCM_MAX_FD (unix(7)).
const MaxDescriptors = 253

// Stream is what a CALL says of one descriptor of the procedure.
type Stream struct {
	Number uint8
	Mode   Mode
	Index  uint8 // passed, probe and from directory on: of the frame's descriptors; same: a stream's number
	Flags  uint8
	Window uint32 // output, relayed or a terminal's: the first credit, in bytes
}

// Read reports whether the procedure reads the stream.
func (s Stream) Read() bool { return s.Number == 0 || s.Number > 2 && s.Flags&StreamInput != 0 }

// Written reports whether the procedure writes the stream.
func (s Stream) Written() bool {
	return s.Number == 1 || s.Number == 2 || s.Number > 2 && s.Flags&StreamOutput != 0
}

// relayable reports whether the stream's flags let it be relayed.
func (s Stream) relayable() bool {
	if s.Number > 2 {
		return s.Read() || s.Written()
	}
	return s.Written() == (s.Flags&StreamOutput != 0)
}

// Dir is the directory a call wants to run in.
type Dir struct {
	Name       string // absolute; "": the caller has none
	Proven     bool   // Device and Inode say which directory the name means
	Dev, Inode uint64
}

// dir adds a directory and its identity (tags 4 and 5 of CALL and PING).
func (f *fields) dir(d Dir) {
	f.text(4, d.Name)
	if d.Proven {
		f.bytes(5, binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, d.Dev), d.Inode))
	}
}

// dir reads what fields.dir wrote, and says whether the tag was one of it.
func (r *reader) dir(tag uint16, v []byte, d *Dir) bool {
	switch tag {
	case 4:
		d.Name = r.path(tag, v, "a directory's name")
	case 5:
		if r.sized(tag, v, 16) {
			d.Proven, d.Dev, d.Inode = true, binary.BigEndian.Uint64(v), binary.BigEndian.Uint64(v[8:])
		}
	default:
		return false
	}
	return true
}

// path takes v as a directory's absolute name, of tag's only field; it may be
// empty.
func (r *reader) path(tag uint16, v []byte, what string) string {
	name := r.limited(tag, v, NoDirectory, what, MaxPath)
	if r.err == nil && name != "" && name[0] != '/' {
		r.err = protocolError("the directory %q isn't absolute", name)
	}
	return name
}

// Call is the message of a CALL frame.
type Call struct {
	Flags     uint16
	Procedure string
	Args      []string
	Env       []string // NAME=VALUE
	Dir       Dir
	Logical   string // absolute: another name of the directory; "": none
	Umask     uint32
	Label     string
	Streams   []Stream
	Timeout   time.Duration // 0: none
	Heartbeat time.Duration // 0: DefaultHeartbeat
	Terminal  *Terminal     // what the procedure's streams 0 and 1 are; nil: it has none
}

// DefaultHeartbeat is how soon a bridged call notices that the other side is
// gone.
const DefaultHeartbeat = 30 * time.Second

// LeastHeartbeat keeps either side from asking for a flood.
const LeastHeartbeat = 100 * time.Millisecond

// HeartbeatOf gives the interval that both sides take for what a caller asked.
func HeartbeatOf(asked time.Duration) time.Duration {
	if asked == 0 {
		return DefaultHeartbeat
	}
	return max(asked, LeastHeartbeat)
}

// FirstTimeout bounds the wait for a whole first frame, and for its answer.
const FirstTimeout = 10 * time.Second

// Append gives the call as a frame.
func (c *Call) Append() []byte {
	f := first()
	c.fields(&f)
	return f.frame(TypeCall, 0, c.Flags)
}

// fields adds the call's fields.
func (c *Call) fields(f *fields) {
	f.text(1, c.Procedure)
	for _, a := range c.Args {
		f.bytes(2, []byte(a))
	}
	for _, e := range c.Env {
		f.bytes(3, []byte(e))
	}
	f.dir(c.Dir)
	f.u32(6, c.Umask)
	f.text(7, c.Label)
	for _, s := range c.Streams {
		f.bytes(8, binary.BigEndian.AppendUint32([]byte{s.Number, byte(s.Mode), s.Index, s.Flags}, s.Window))
	}
	if c.Timeout > 0 {
		f.u64(9, uint64(c.Timeout))
	}
	if c.Heartbeat > 0 {
		f.u64(10, uint64(c.Heartbeat))
	}
	f.text(11, c.Logical)
	f.terminal(c.Terminal)
}

// first begins a first frame, whose payload begins with the mark and the
// version.
func first() fields {
	f := answer()
	f.b = append(f.b, magic...)
	f.b = binary.BigEndian.AppendUint16(f.b, Version)
	return f
}

// VersionError says that the other side speaks another version.
type VersionError struct{ Theirs uint16 }

func (e *VersionError) Error() string {
	return protocolError("the caller speaks version %d of the protocol, this rpcd speaks version %d: use binaries of one release", e.Theirs, Version).Error()
}

// Unwrap makes it an ErrProtocol.
func (e *VersionError) Unwrap() error { return ErrProtocol }

// CheckFirst checks magic and version of a first frame's payload and gives the
// fields after them.
func CheckFirst(payload []byte) ([]byte, error) {
	if len(payload) < MarkLen || string(payload[:4]) != magic {
		return nil, protocolError("no rpc call (the first frame lacks its mark)")
	}
	if v := binary.BigEndian.Uint16(payload[4:]); v != Version {
		return nil, &VersionError{v}
	}
	return payload[MarkLen:], nil
}

// PeekMark is CheckFirst of a first frame whose payload is still in br. So noise
// costs no memory and no copies.
func PeekMark(br *bufio.Reader, h Header) error {
	b, err := br.Peek(int(min(h.Length, MarkLen)))
	if err == nil {
		_, err = CheckFirst(b)
	}
	return err
}

// ParseCall reads a CALL's payload. Numbers of descriptors are checked among
// themselves, not against what arrived: that is ParseCall's caller's. With a
// *LengthError comes what was read before it, so that the call is refused and the
// connection stays. Other errors come without a Call.
func ParseCall(flags uint16, payload []byte) (*Call, error) {
	b, err := CheckFirst(payload)
	if err != nil {
		return nil, err
	}
	c := &Call{Flags: flags}
	if err := c.words(b); err != nil {
		return c, err
	}
	r := newReader(b)
	r.whole = string(b)
	for tag, v, ok := r.next(); ok; tag, v, ok = r.next() {
		switch tag {
		case 1:
			c.Procedure = r.procedure(tag, v)
		case 2:
			c.Args = append(c.Args, r.word(tag, v))
		case 3:
			if bytes.IndexByte(v, '=') < 1 {
				return nil, protocolError("a variable without a name")
			}
			c.Env = append(c.Env, r.word(tag, v))
		case 4, 5:
			r.dir(tag, v, &c.Dir)
		case 6:
			c.Umask = r.u32(tag, v) & 0o777
		case 7:
			c.Label = r.limited(tag, v, Protocol, "a label", MaxLabel)
		case 8:
			c.Streams = r.stream(v, c.Streams)
		case 9:
			c.Timeout = duration(r.u64(tag, v))
		case 10:
			c.Heartbeat = duration(r.u64(tag, v))
		case 11:
			c.Logical = r.path(tag, v, "a logical directory's name")
		case 12:
			c.Terminal = r.terminal(tag, v)
		default:
			r.unknown(tag)
		}
	}
	if r.err == nil {
		r.err = c.check()
	}
	if length := (*LengthError)(nil); r.err != nil && !errors.As(r.err, &length) {
		return nil, r.err
	}
	return c, r.err
}

func (c *Call) check() error {
	if c.Procedure == "" {
		return protocolError("no procedure named")
	}
	if err := checkStreams(c.Streams); err != nil {
		return err
	}
	return checkTerminal(c.Streams, c.Terminal != nil)
}

// stream reads one more stream of a CALL.
func (r *reader) stream(v []byte, list []Stream) []Stream {
	switch {
	case len(v) != 8:
		r.fail(protocolError("a stream of %d bytes", len(v)))
	case len(list) == maxStreams:
		r.fail(protocolError("more than %d streams", maxStreams))
	default:
		list = append(list, Stream{v[0], Mode(v[1]), v[2], v[3], binary.BigEndian.Uint32(v[4:])})
	}
	return list
}

// duration takes nanoseconds from the wire; what doesn't fit is for ever.
func duration(v uint64) time.Duration { return time.Duration(min(v, math.MaxInt64)) }

// Descriptors is how many descriptors the call's streams name.
func Descriptors(streams []Stream) int {
	n := 0
	for _, s := range streams {
		if s.Mode == Passed || s.Mode.nobodys() {
			n++
		}
	}
	return n
}

// Bridge gives what the streams of a call are if no descriptor arrived: passed ones
// are relayed, and stream 2 with StreamJoined is the same as stream 1. Pages don't
// cross.
func Bridge(streams []Stream) []Stream {
	bridged := slices.Clone(streams)
	one := false // stream 1 is relayed
	for i := range bridged {
		st := &bridged[i]
		st.Flags &^= StreamPages
		if st.Mode == Passed {
			st.Mode = Relayed
		}
		if st.Number == 1 {
			one = st.Mode == Relayed
		}
		if st.Number == 2 && st.Mode == Relayed && one && st.Flags&StreamJoined != 0 {
			st.Mode, st.Index = Same, 1
		}
	}
	return bridged
}

// checkStreams holds the rules of PROTOCOL.md, section 4, that need no
// descriptors: numbers once, indices complete, "same" pointing down.
func checkStreams(streams []Stream) error {
	var number, index [256]bool
	n := 0
	for _, s := range streams {
		if s.Number > MaxStream {
			return protocolError("stream %d (at most %d)", s.Number, MaxStream)
		}
		switch s.Mode {
		case Closed, OnTerminal:
		case Passed, Probe, Directory, Connection, Notes:
			if index[s.Index] {
				return protocolError("descriptor %d is used twice", s.Index)
			}
			index[s.Index] = true
			n++
		case Relayed:
			if !s.relayable() {
				return protocolError("stream %d can't be relayed that way", s.Number)
			}
		case Same:
			if s.Index >= s.Number || !number[s.Index] {
				return protocolError("stream %d is the same as stream %d, which doesn't stand before it", s.Number, s.Index)
			}
		default:
			return protocolError("unknown mode %d of stream %d", s.Mode, s.Number)
		}
		if s.Mode.nobodys() {
			continue
		}
		if number[s.Number] {
			return protocolError("stream %d stands twice", s.Number)
		}
		number[s.Number] = true
	}
	for i := range n {
		if !index[i] {
			return protocolError("descriptor %d isn't used", i)
		}
	}
	if n > MaxDescriptors {
		return protocolError("%d descriptors (at most %d)", n, MaxDescriptors)
	}
	return nil
}
