package wire

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

// pieces gives bytes in the pieces that cuts tells, and keeps how much more
// than what had come was asked for at once.
type pieces struct {
	b, cuts      []byte
	given, worst int
}

func (p *pieces) Read(to []byte) (int, error) {
	p.worst = max(p.worst, len(to)-p.given)
	if len(p.b) == 0 {
		return 0, io.EOF
	}
	n := min(len(to), len(p.b))
	if len(p.cuts) > 0 {
		n = min(n, 1+int(p.cuts[0]))
		p.cuts = p.cuts[1:]
	}
	copy(to, p.b[:n])
	p.b = p.b[n:]
	p.given += n
	return n, nil
}

// frames reads frames until the first error; joined are the whole ones, as
// they stood.
func frames(r io.Reader) (joined []byte, err error) {
	for {
		h, err := ReadHeader(r)
		if err != nil {
			return joined, err
		}
		payload, err := ReadPayload(r, h)
		if err != nil {
			return joined, err
		}
		joined = append(joined, Frame(h.Type, h.Stream, h.Flags, payload)...)
	}
}

// FuzzStream: however a connection splits and joins its bytes, the same frames
// come out of them, up to the same error; and memory is taken for what has
// come.
func FuzzStream(f *testing.F) {
	all, _ := stream(f)
	f.Add(all, []byte{0, 7, 200})
	f.Add(all[:len(all)/2], []byte{})
	f.Add(append(bytes.Clone(all[:300]), all...), []byte{255, 0, 0, 0, 255}) // out of step
	for _, m := range messages() {
		f.Add(golden(f, m.name), []byte{3, 3, 0})
	}
	for kind, limit := range caps {
		f.Add(header(kind, 0, limit), []byte{})
		f.Add(header(kind, 0, limit+1), []byte{})
		f.Add(header(kind, 0, 1<<32-1), []byte{})
	}
	for _, s := range []string{"", "\x00", "GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "\xff\xff\xff\xff\xff\xff\xff\xff\xff"} {
		f.Add([]byte(s), []byte{1})
	}
	f.Fuzz(func(t *testing.T, b, cuts []byte) {
		whole := &pieces{b: b}
		want, wantErr := frames(whole)
		if !bytes.HasPrefix(b, want) {
			t.Fatalf("%x isn't what came", want)
		}
		switch {
		case wantErr == io.EOF && len(want) != len(b):
			t.Fatalf("an end between two frames, after %d of %d bytes", len(want), len(b))
		case wantErr != io.EOF && wantErr != io.ErrUnexpectedEOF && !errors.Is(wantErr, ErrProtocol):
			t.Fatalf("the error %v", wantErr)
		}
		if whole.worst > growStep {
			t.Fatalf("%d bytes were asked for that had not come", whole.worst)
		}
		for what, r := range map[string]io.Reader{
			"in pieces":          &pieces{b: b, cuts: cuts},
			"a byte a read":      iotest.OneByteReader(bytes.NewReader(b)),
			"EOF with the bytes": iotest.DataErrReader(bytes.NewReader(b)),
		} {
			got, err := frames(r)
			if !bytes.Equal(got, want) || err.Error() != wantErr.Error() {
				t.Fatalf("%s: %d bytes of frames, %v; whole: %d, %v", what, len(got), err, len(want), wantErr)
			}
		}
	})
}
