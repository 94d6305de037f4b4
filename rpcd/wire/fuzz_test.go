package wire

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"testing"
)

// seed adds the payloads of the golden frames of these types, the calls that
// are none, and nonsense.
func seed(f *testing.F, types ...Type) {
	for _, m := range messages() {
		for _, t := range types {
			if m.header.Type == t {
				f.Add(m.header.Flags, golden(f, m.name)[HeaderLen:])
			}
		}
	}
	for _, fields := range callsThatAreNone {
		f.Add(uint16(0), []byte(fields))
		f.Add(uint16(0), []byte(mark+fields))
	}
	for _, b := range []string{"", "\x00", "RPCD\x00\x01", "RPCD\x00\x02", "\x00\x01\x00\x00\x00\x01x\x80\x00\x00\x00\x00\x00", "\x00\x05\xff\xff\xff\xff"} {
		f.Add(uint16(1), []byte(b))
	}
}

// bounded checks that a message holds no more bytes than its payload had, and
// no more parts than it had room for fields.
func bounded(t *testing.T, payload []byte, message any) {
	t.Helper()
	texts, parts := 0, 0
	var count func(v reflect.Value)
	count = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Pointer:
			if !v.IsNil() {
				count(v.Elem())
			}
		case reflect.String:
			texts += v.Len()
		case reflect.Slice:
			parts += v.Cap() / 2 // append may double
			for i := range v.Len() {
				count(v.Index(i))
			}
		case reflect.Struct:
			for i := range v.NumField() {
				count(v.Field(i))
			}
		}
	}
	count(reflect.ValueOf(message))
	if texts > len(payload) || parts > 4+len(payload)/6 {
		t.Fatalf("%d bytes of text and about %d parts out of %d bytes", texts, parts, len(payload))
	}
}

// again checks that what was read, written out, reads the same.
func again[T any](t *testing.T, payload []byte, got T, err error, frame func() []byte, parse func(flags uint16, b []byte) (T, error)) {
	t.Helper()
	if err != nil {
		if !errors.Is(err, ErrProtocol) {
			t.Errorf("%v isn't a protocol error", err)
		}
		return
	}
	bounded(t, payload, got)
	b := frame()
	h, err := ParseHeader(b)
	if err != nil {
		// Our own writing adds what was left out: a message at its cap grows.
		if len(payload) < 32<<10 {
			t.Fatalf("wrote a bad frame: %v", err)
		}
		return
	}
	if int(h.Length) != len(b)-HeaderLen {
		t.Fatalf("wrote %d bytes as %d", len(b)-HeaderLen, h.Length)
	}
	if twice, err := parse(h.Flags, b[HeaderLen:]); err != nil || !reflect.DeepEqual(got, twice) {
		t.Errorf("read  %+v\nagain %+v, %v", got, twice, err)
	}
}

// fault: 22
func FuzzFrame(f *testing.F) {
	for _, m := range messages() {
		f.Add(golden(f, m.name))
	}
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < HeaderLen {
			if _, err := ReadHeader(bytes.NewReader(b)); err != io.EOF && err != io.ErrUnexpectedEOF {
				t.Errorf("half a header: %v", err)
			}
			return
		}
		r := bytes.NewReader(b)
		h, err := ReadHeader(r)
		if err != nil {
			if !errors.Is(err, ErrProtocol) || r.Len() != len(b)-HeaderLen {
				t.Errorf("%v, %d bytes left", err, r.Len())
			}
			return
		}
		payload, err := ReadPayload(r, h)
		if int(h.Length) > len(b)-HeaderLen {
			if err != io.ErrUnexpectedEOF {
				t.Errorf("half a payload: %v", err)
			}
			return
		}
		if err != nil || !bytes.Equal(Frame(h.Type, h.Stream, h.Flags, payload), b[:HeaderLen+int(h.Length)]) {
			t.Errorf("%+v isn't written as it was read (%v)", h, err)
		}
	})
}

// fault: 22
func FuzzCall(f *testing.F) {
	seed(f, TypeCall, TypePing)
	f.Fuzz(func(t *testing.T, flags uint16, payload []byte) {
		c, err := ParseCall(flags&^mustUnderstand, payload)
		again(t, payload, c, err, func() []byte { return c.Append() }, ParseCall)
		if err == nil && Descriptors(c.Streams) > MaxDescriptors {
			t.Errorf("%d descriptors", Descriptors(c.Streams))
		}
	})
}

func FuzzWindow(f *testing.F) {
	seed(f, TypeWindow)
	f.Fuzz(func(t *testing.T, _ uint16, payload []byte) {
		m, err := ParseWindow(payload)
		again(t, payload, m, err, m.Append, func(_ uint16, b []byte) (Window, error) { return ParseWindow(b) })
	})
}

func FuzzStarted(f *testing.F) {
	seed(f, TypeAccepted, TypeStarted)
	f.Fuzz(func(t *testing.T, flags uint16, payload []byte) {
		m, err := ParseStarted(flags&^mustUnderstand, payload)
		if len(m.Text) > 16<<10 {
			return // cut when it is written
		}
		again(t, payload, m, err, func() []byte { return m.Append(TypeStarted) }, ParseStarted)
	})
}

func FuzzRefused(f *testing.F) {
	seed(f, TypeRefused)
	f.Fuzz(func(t *testing.T, _ uint16, payload []byte) {
		m, err := ParseRefused(payload)
		if len(m.Text) > 32<<10 {
			return // cut when it is written
		}
		again(t, payload, m, err, m.Append, func(_ uint16, b []byte) (*Refused, error) { return ParseRefused(b) })
	})
}

func FuzzExit(f *testing.F) {
	seed(f, TypeExit)
	f.Fuzz(func(t *testing.T, flags uint16, payload []byte) {
		m, err := ParseExit(flags&^mustUnderstand, payload)
		again(t, payload, m, err, func() []byte { return m.Append() }, ParseExit)
	})
}

func FuzzInfo(f *testing.F) {
	seed(f, TypePong, TypeListing)
	f.Fuzz(func(t *testing.T, _ uint16, payload []byte) {
		m, err := ParseInfo(payload)
		if err == nil {
			for _, p := range m.Procedures {
				if len(p.Name) > 4096 || len(p.Summary) > 4096 || len(p.Workers.Trouble) > 4096 || len(p.Topic.Policy) > 4096 {
					return // cut when it is written
				}
			}
		}
		again(t, payload, m, err, func() []byte { return m.Append(TypeListing) }, func(_ uint16, b []byte) (*Info, error) { return ParseInfo(b) })
	})
}

func FuzzReady(f *testing.F) {
	seed(f, TypeReady, TypePing)
	f.Fuzz(func(t *testing.T, _ uint16, payload []byte) {
		if _, err := ParseReady(payload); err != nil && !errors.Is(err, ErrProtocol) {
			t.Error(err)
		}
	})
}

func FuzzReturned(f *testing.F) {
	seed(f, TypeReturned)
	f.Fuzz(func(t *testing.T, flags uint16, payload []byte) {
		m, err := ParseReturned(flags&^mustUnderstand, payload)
		again(t, payload, m, err, func() []byte { return m.Append() }, ParseReturned)
	})
}

func FuzzPing(f *testing.F) {
	seed(f, TypePing)
	f.Fuzz(func(t *testing.T, _ uint16, payload []byte) {
		d, err := ParsePing(payload)
		again(t, payload, d, err, func() []byte { return Ping(d) }, func(_ uint16, b []byte) (Dir, error) { return ParsePing(b) })
	})
}

// A question without fields, and the mark of every first frame.
func FuzzFirst(f *testing.F) {
	seed(f, TypePing, TypeList, TypePS, TypeCall)
	f.Fuzz(func(t *testing.T, _ uint16, payload []byte) {
		rest, err := CheckFirst(payload)
		var version *VersionError
		switch {
		case err == nil && string(payload) != mark+string(rest):
			t.Errorf("%x is left of %x", rest, payload)
		case errors.As(err, &version) && (len(payload) < 6 || version.Theirs == Version):
			t.Errorf("%v", err)
		case err != nil && !errors.Is(err, ErrProtocol):
			t.Errorf("%v isn't a protocol error", err)
		}
	})
}

func FuzzSignal(f *testing.F) {
	seed(f, TypeSignal)
	f.Fuzz(func(t *testing.T, flags uint16, payload []byte) {
		sig, err := ParseSignal(payload)
		if err == nil && (sig < 1 || sig > MaxSignal) {
			t.Errorf("signal %d", sig)
		}
		again(t, payload, sig, err, func() []byte { return Signal(sig, flags&^mustUnderstand) }, func(_ uint16, b []byte) (uint8, error) { return ParseSignal(b) })
	})
}

func FuzzKill(f *testing.F) {
	seed(f, TypeKill)
	f.Fuzz(func(t *testing.T, _ uint16, payload []byte) {
		m, err := ParseKill(payload)
		again(t, payload, m, err, func() []byte { return m.Append() }, func(_ uint16, b []byte) (*Kill, error) { return ParseKill(b) })
	})
}

func FuzzCalls(f *testing.F) {
	seed(f, TypeCalls)
	f.Fuzz(func(t *testing.T, _ uint16, payload []byte) {
		m, err := ParseCalls(payload)
		if err == nil {
			for _, c := range m.Calls {
				if len(c.ID) > 4096 || len(c.Procedure) > 4096 || len(c.Label) > 4096 {
					return // cut when it is written
				}
			}
		}
		again(t, payload, m, err, func() []byte { return m.Append() }, func(_ uint16, b []byte) (*Calls, error) { return ParseCalls(b) })
	})
}
