package wire

// Ready gives a READY frame, a resident worker's first word (PROTOCOL.md, section
// 7): it takes calls now.
func Ready() []byte {
	f := first()
	return f.frame(TypeReady, 0, 0)
}

// ParseReady checks a READY's payload. A *VersionError says that the worker speaks
// another version.
func ParseReady(payload []byte) error {
	b, err := CheckFirst(payload)
	if err != nil {
		return err
	}
	r := newReader(b)
	for tag, _, ok := r.next(); ok; tag, _, ok = r.next() {
		r.unknown(tag)
	}
	return r.err
}
