package export

import (
	"strings"
	"testing"

	"rpcd/internal/names"
)

// fault: 57
func TestAdmit(t *testing.T) {
	var (
		alice    = Caller{UID: 1001, GID: 1001, Groups: []uint32{27, 100}}
		root     = Caller{}
		stranger = Caller{UID: 65534, GID: 65534}
		half     = Caller{UID: 1001, GID: 65534, Groups: []uint32{65534}}
		oddGroup = Caller{UID: 65534, GID: 100}
	)
	for _, tt := range []struct {
		allow  string
		caller Caller
		want   bool
	}{
		{"", root, false},
		{"", alice, false},
		{"# nobody\n\n", root, false},
		{"any", alice, true},
		{"any", stranger, true},
		{"uid 1001", alice, true},
		{"uid 1001", root, false}, // root has no privileges
		{"uid 0", root, true},
		{"uid 0", alice, false},
		{"gid 1001", alice, true},
		{"gid 100", alice, true}, // supplementary
		{"gid 101", alice, false},
		{"uid 100", alice, false}, // a gid is no uid
		{"uid 65534", stranger, false},
		{"gid 65534", stranger, false},
		{"gid 65534", half, false},
		{"uid 1001", half, true},
		{"gid 100", oddGroup, false}, // the groups of an unmapped uid don't count
		{"uid 5\ngid 7\n  uid\t1001 \n", alice, true},
		{"uid 5\ngid 7", alice, false},
	} {
		rules, faults := parseAllow(tt.allow)
		if len(faults) > 0 {
			t.Errorf("%q: %v", tt.allow, faults)
		}
		if got := rules.Admit(tt.caller); got != tt.want {
			t.Errorf("%q admits %v: %v, want %v", tt.allow, tt.caller, got, tt.want)
		}
	}
	if (Rules{{}}).Admit(root) {
		t.Error("the zero rule admits root")
	}
}

func TestParseRule(t *testing.T) {
	for s, want := range map[string]string{
		"any": "any", " any ": "any", "uid 0": "uid 0", "gid 4294967294": "gid 4294967294", "uid\t007": "uid 7",
	} {
		if r, err := ParseRule(s); err != nil || r.String() != want {
			t.Errorf("ParseRule(%q) = %v, %v", s, r, err)
		}
	}
	for _, s := range []string{
		"", "Any", "any any", "all", "uid", "uid alice", "uid -1", "uid +1", "uid 4294967295", "uid 4294967296",
		"uid=5", "uid 5 6", "uid 0x5", "user 5", "5", "uid 5#x", "uid 5\x00", strings.Repeat("u", 1<<17), "\x1b[2J",
	} {
		r, err := ParseRule(s)
		if err == nil {
			t.Errorf("ParseRule(%q) = %v, want an error", s, r)
		} else if msg := err.Error(); len(msg) > 500 || names.HasControl(msg) {
			t.Errorf("ParseRule(%q): no short, clean line: %q", s, msg)
		}
		if r.admit(Caller{}) {
			t.Errorf("ParseRule(%q) gives a rule that admits root", s)
		}
	}
}

func FuzzAllow(f *testing.F) {
	for _, s := range []string{"any", "uid 5\n# x\n\ngid 4294967294", "uid alice", "uid 65534\r\n", "\x00"} {
		f.Add(s, uint32(5), uint32(7))
	}
	for _, seed := range ruleSeeds(f) {
		f.Add(seed[1], uint32(5), uint32(7))
	}
	f.Fuzz(func(t *testing.T, text string, uid, gid uint32) {
		rules, faults := parseAllow(text)
		for _, x := range faults {
			if names.HasControl(x.what + x.cure) {
				t.Fatalf("control byte in %q", x)
			}
		}
		for _, r := range rules { // its text reads as the same rule
			if again, err := ParseRule(r.String()); err != nil || again != r {
				t.Fatalf("%v reads as %v, %v", r, again, err)
			}
		}
		if rules.Admit(Caller{UID: uid, GID: gid}) && !strings.Contains(text, "any") && !strings.Contains(text, "id") {
			t.Fatalf("%q admits %d:%d", text, uid, gid)
		}
	})
}
