package wire

// ReadyBorrows is the flag of READY's field 1: the worker understands LEND.
const ReadyBorrows = 1

// Ready gives a READY frame, a resident worker's first word (PROTOCOL.md, section
// 7): it takes calls now. knows has flags; 0: it knows CALL and SIGNAL alone.
func Ready(knows uint32) []byte {
	f := first()
	if knows != 0 {
		f.u32(1, knows)
	}
	return f.frame(TypeReady, 0, 0)
}

// ParseReady reads a READY's payload. A *VersionError says that the worker speaks
// another version.
func ParseReady(payload []byte) (knows uint32, err error) {
	b, err := CheckFirst(payload)
	if err != nil {
		return 0, err
	}
	r := newReader(b)
	for tag, v, ok := r.next(); ok; tag, v, ok = r.next() {
		if tag == 1 {
			knows = r.u32(tag, v)
		} else {
			r.unknown(tag)
		}
	}
	return knows, r.err
}
