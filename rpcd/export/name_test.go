package export

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// FuzzName: whatever name is asked for, only an entry of the directory is
// found, and the refusal is one short, clean line.
func FuzzName(f *testing.F) {
	for _, name := range nameSeeds(f) {
		f.Add(name)
	}
	dir := f.TempDir()
	if err := exec.Command("sh", "-c", `chmod 755 "$1" && printf '#!/bin/sh\n' >"$1/there" && chmod 755 "$1/there" && : >"$1/.hidden"`, "sh", dir).Run(); err != nil {
		f.Fatal(err)
	}
	d, _, err := Open(dir, me)
	if err != nil {
		f.Fatal(err)
	}
	all := Commands("/none")
	f.Fuzz(func(t *testing.T, name string) {
		p, err := d.Lookup(name, myself)
		switch {
		case name == "there":
			if err != nil || p.Path != filepath.Join(d.path, name) {
				t.Fatalf("%+v, %v", p, err)
			}
		case err == nil:
			t.Fatalf("%q is %+v", name, p)
		default:
			line(t, name, err)
		}
		if isName(name) && (strings.Contains(name, "/") || strings.ContainsFunc(name, unicode.IsControl) || name[0] == '.' || filepath.Base(name) != name) {
			t.Fatalf("%q passes as a name", name)
		}
		p, err = all.Lookup(name, myself)
		if err == nil {
			err = p.LookIn(here(dir))
		}
		if err != nil {
			line(t, name, err)
		} else if p.Path != name || !strings.Contains(name, "/") {
			t.Fatalf("%q runs %q", name, p.Path)
		}
	})
}

func line(t *testing.T, what string, err error) {
	t.Helper()
	if msg := err.Error(); strings.ContainsFunc(msg, unicode.IsControl) || !utf8.ValidString(msg) || len(msg) > 3000+4*len(what) {
		t.Fatalf("%q: no short, clean line: %q", what, msg)
	}
}

// FuzzRule: a rule's text reads as the same rule, and a rule admits those whom its
// text names.
func FuzzRule(f *testing.F) {
	for _, seed := range ruleSeeds(f) {
		f.Add(seed[1], uint32(5), uint32(7))
	}
	for _, s := range []string{"any", "uid 0", "gid 4294967294", "uid 4294967295", "uid +5", "uid 0x5", "uid\u00a05", "gid 7 "} {
		f.Add(s, uint32(0), uint32(7))
	}
	f.Add("uid 65534", uint32(65534), uint32(7))
	f.Add("gid 65534", uint32(5), uint32(65534))
	f.Fuzz(func(t *testing.T, s string, uid, gid uint32) {
		r, err := ParseRule(s)
		if err != nil {
			if r.admit(Caller{UID: uid, GID: gid}) {
				t.Fatalf("%q, refused, admits", s)
			}
			line(t, s, err)
			return
		}
		if again, err := ParseRule(r.String()); err != nil || again != r {
			t.Fatalf("%q reads as %v, then %v, %v", s, r, again, err)
		}
		admits := r.admit(Caller{UID: uid, GID: gid})
		wanted := r.String() == "any" || uid != Overflow && (r.String() == fmt.Sprint("uid ", uid) || gid != Overflow && r.String() == fmt.Sprint("gid ", gid))
		if admits != wanted {
			t.Fatalf("%v admits %d:%d: %v", r, uid, gid, admits)
		}
	})
}
