package wire

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

func TestAroundArguments(t *testing.T) {
	p, a, b, e, d := field(1, "p"), field(2, "a"), field(2, ""), field(3, "A=1"), field(4, "/")
	for name, c := range map[string]struct {
		payload        string
		before, behind string
		args           []string
		ok             bool
	}{
		"usual":               {mark + p + a + b + e + d, mark + p, e + d, []string{"a", ""}, true},
		"none":                {mark + p + e + d, mark + p, e + d, nil, true},
		"none, and none else": {mark + p, mark + p, "", nil, true},
		"nothing":             {mark, mark, "", nil, true},
		"behind a higher one": {mark + p + d + a, "", "", nil, false},
		"behind none":         {mark + a + p, mark, p, []string{"a"}, true},
		"apart":               {mark + p + a + e + b, "", "", nil, false},
		"apart later":         {mark + p + a + b + e + d + a, "", "", nil, false},
		"half a head":         {mark + p + "\x00\x02\x00", "", "", nil, false},
		"half a value":        {mark + p + a[:len(a)-1], "", "", nil, false},
		"a huge length":       {mark + p + "\x00\x02\xff\xff\xff\xff", "", "", nil, false},
		"no mark":             {"RPC", "", "", nil, false},
		"empty":               {"", "", "", nil, false},
	} {
		before, behind, ok := AroundArguments([]byte(c.payload))
		if ok != c.ok {
			t.Errorf("%s: %v, want %v", name, ok, c.ok)
			continue
		}
		if !ok {
			continue
		}
		args := c.payload[len(before) : len(c.payload)-len(behind)]
		if string(before) != c.before || string(behind) != c.behind || !slices.Equal(Arguments([]byte(args)), c.args) {
			t.Errorf("%s: %q and %q around %q, want %q and %q around %q", name, before, behind, args, c.before, c.behind, c.args)
		}
	}
}

func TestArguments(t *testing.T) {
	a := field(2, "a")
	for name, c := range map[string]struct {
		b    string
		want []string
	}{
		"none":          {"", nil},
		"two":           {a + field(2, "b c"), []string{"a", "b c"}},
		"another ends":  {a + field(3, "b") + a, []string{"a"}},
		"half a field":  {a + a[:4], []string{"a"}},
		"half a value":  {a + a[:len(a)-1], []string{"a"}},
		"a huge length": {a + "\x00\x02\xff\xff\xff\xff", []string{"a"}},
		"zeros":         {strings.Repeat("\x00", 100), nil},
	} {
		if got := Arguments([]byte(c.b)); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// What stands around the arguments, and these, are the payload. Whoever puts other
// arguments there has a CALL that differs in nothing else.
func FuzzAroundArguments(f *testing.F) {
	seed(f, TypeCall)
	f.Fuzz(func(t *testing.T, flags uint16, payload []byte) {
		before, behind, ok := AroundArguments(payload)
		if !ok {
			return
		}
		args := payload[len(before) : len(payload)-len(behind)]
		if whole := slices.Concat(before, args, behind); !bytes.Equal(whole, payload) {
			t.Fatalf("%q, %q, %q of %q", before, args, behind, payload)
		}
		flags &^= mustUnderstand
		m, err := ParseCall(flags, payload)
		if err != nil {
			return
		}
		if got := Arguments(args); !slices.Equal(got, m.Args) {
			t.Errorf("%q, and ParseCall has %q", got, m.Args)
		}
		other, err := ParseCall(flags, slices.Concat(before, []byte(field(2, "x")+field(2, "")), behind))
		if err != nil {
			t.Fatalf("with other arguments: %v", err)
		}
		if m.Args = []string{"x", ""}; !bytes.Equal(m.Append(), other.Append()) {
			t.Errorf("with other arguments it is %+v, not %+v", other, m)
		}
	})
}
