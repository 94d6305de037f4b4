package wire

// Code is why a call was refused (PROTOCOL.md, section 3).
type Code uint16

// The codes.
const (
	Denied        Code = 1
	Unknown       Code = 2
	NotExecutable Code = 3
	TooLong       Code = 4
	NoDirectory   Code = 5
	Busy          Code = 6
	Draining      Code = 7
	Canceled      Code = 8
	Protocol      Code = 9
	Failed        Code = 10
)

// Reason says more of a code, where a program may want to know it.
type Reason uint16

// The reasons.
const (
	// NotShared is one of NoDirectory: the worker has no directory of that name, or
	// another one. Without it, the directory is there and can't be entered.
	NotShared Reason = 1
	// CanceledByKill is one of Canceled: somebody sent KILL for the waiting call.
	CanceledByKill Reason = 2
)

// Refused is the message of REFUSED: no process was started.
type Refused struct {
	Code   Code
	Reason Reason // 0: the code says it all
	Text   string // one line for people, to be read after the worker's name
	By     uint32 // with CanceledByKill: the uid that sent KILL, or NoUID if it isn't known; else 0
	ID     string // of the call; a resident worker's alone
}

// Error makes a refusal an error. One without a text says what its code says.
func (m *Refused) Error() string {
	if m.Text == "" {
		return texts[m.Code]
	}
	return m.Text
}

// texts stand for a Refused.Text that is missing.
var texts = map[Code]string{
	Denied:        "refuses you",
	Unknown:       "has no such procedure",
	NotExecutable: "cannot run that procedure",
	TooLong:       "refuses: argument list too long",
	NoDirectory:   "has no such directory",
	Busy:          "is busy",
	Draining:      "is draining",
	Canceled:      "gave up the waiting call",
	Protocol:      "refuses: it speaks another protocol",
	Failed:        "failed and doesn't say why",
}

// Append gives the message as a frame.
func (m *Refused) Append() []byte {
	f := answer()
	f.u16(1, uint16(m.Code))
	f.text(2, cut(m.Text, 32<<10))
	if m.Reason != 0 {
		f.u16(3, uint16(m.Reason))
	}
	if m.Reason == CanceledByKill && m.By != NoUID {
		f.u32(4, m.By)
	}
	f.text(5, m.ID)
	return f.frame(TypeRefused, 0, 0)
}

// cut bounds a text of our own to n bytes, which its frame has room for.
func cut(s string, n int) string { return s[:min(len(s), n)] }

// ParseRefused reads a REFUSED's payload. Codes of later versions become Failed.
func ParseRefused(payload []byte) (*Refused, error) {
	m := &Refused{}
	r := newReader(payload)
	for tag, v, ok := r.next(); ok; tag, v, ok = r.next() {
		switch tag {
		case 1:
			m.Code = Code(r.u16(tag, v))
		case 2:
			m.Text = r.text(tag, v)
		case 3:
			m.Reason = Reason(r.u16(tag, v))
		case 4:
			m.By = r.u32(tag, v)
		case 5:
			m.ID = r.text(tag, v)
		default:
			r.unknown(tag)
		}
	}
	m.By = by(m.By, r.seen[4], m.Reason == CanceledByKill)
	if m.Code < Denied || m.Code > Failed {
		m.Code = Failed
	}
	return m, r.err
}
