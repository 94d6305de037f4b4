package main

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"rpcd/client"
	"rpcd/rpcd/wire"
)

// healthy is a patient without a fault.
func healthy() *patient {
	return &patient{
		worker: "w", path: "/run/rpc/w", named: true, folder: true, sockets: []string{"/run/rpc/w/x.sock"},
		self: person{uid: 1000, gid: 1000}, admits: true,
		socket: "/run/rpc/w/x.sock", at: "/run/rpc/w/x.sock", is: fs.ModeSocket | 0o660,
		probe: &client.Probed{
			Connected: true, Directory: "/work", DescriptorsAsked: 1, Procedures: []wire.Entry{{Name: "sort"}},
			Pong: &client.Info{Info: wire.Info{State: "up", Load: wire.Load{MaxCalls: 1}, Way: &wire.Way{UID: 1000, GID: 1000, OwnUID: 1000, OwnGID: 1000, Descriptors: 1, Dir: wire.DirSame}}},
		},
	}
}

func findings(t *testing.T, p *patient) (found string, isBad bool) {
	t.Helper()
	var b bytes.Buffer
	first, err := judge(&b, p, wayRules)
	second, err2 := judge(&b, p, socketRules)
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	return b.String(), first || second
}

// What no test here can make: other kernels' files, SELinux, older workers.
// The table of broken worlds (testdata/rows/doctor,_*.sh) has the rest.
func TestDoctorsRules(t *testing.T) {
	unreached := func(errno unix.Errno) func(*patient) {
		return func(p *patient) { p.probe = &client.Probed{Err: errno} }
	}
	for _, r := range []struct {
		name string
		make func(*patient)
		want string // a finding and its cure; "": none but ok
	}{
		{"healthy", func(*patient) {}, ""},
		{"SELinux", func(p *patient) { unreached(unix.EACCES)(p); p.selinux = true }, "bad   connect: permission denied though the socket is 0:0 0000, you are 1000:1000: SELinux enforces\n      cure: mount the volume with :z, never :Z"},
		{"SELinux, but the mode forbids", func(p *patient) { unreached(unix.EACCES)(p); p.selinux, p.admits = true, false }, "bad   connect: permission denied: the socket is 0:0 0000, you are 1000:1000\n      cure: run as its user"},
		{"a sandbox", unreached(unix.EACCES), "bad   connect: permission denied though the socket is 0:0 0000, you are 1000:1000\n      cure: look for a sandbox"},
		{"SELinux on the folder", func(p *patient) { p.findErr, p.selinux = unix.EACCES, true }, "bad   folder: permission denied though the socket is 0:0 0000, you are 1000:1000: SELinux enforces\n      cure: mount the volume with :z"},
		{"a VM's bind mount", func(p *patient) { unreached(unix.ECONNREFUSED)(p); p.sharing = "9p" }, "bad   file system: \"/run/rpc/w/x.sock\" lies on 9p, and can't be connected to: a socket there works only within the kernel that made it\n      cure: keep the socket in a volume of the engine"},
		{"a VM's bind mount that works", func(p *patient) { p.sharing = "9p" }, "note  file system: \"/run/rpc/w/x.sock\" lies on 9p: it connects here, but not from another kernel"},
		{"another errno", unreached(unix.ENOMEM), "bad   connect: cannot allocate memory\n      cure: see connect(2)"},
		{"a refusal", func(p *patient) {
			p.probe.Pong, p.probe.Err = nil, &wire.Refused{Code: wire.Busy, Text: "has too many connections"}
		}, "bad   answer: w has too many connections\n      cure: the worker's log"},
		{"an older worker", func(p *patient) { p.probe.Pong.Way = nil }, "note  user: this rpcd doesn't say how it sees you: it is of an older release\nok    procedures: 1: sort\n"},
		{"through a bridge of another user", func(p *patient) { p.probe.Pong.Way.UID, p.probe.Pong.Way.Descriptors = 7, 0 }, "note  user: the worker sees the bridge's user, 7:1000, not you, 1000:1000"},
		{"another directory, but bridged", func(p *patient) { p.probe.Pong.Way.Descriptors, p.probe.Pong.Way.Dir = 0, wire.DirOther }, "note  descriptors: they don't arrive"},
		{"no list", func(p *patient) { p.probe.ListErr = io.EOF }, "bad   procedures: EOF\n      cure: the worker's log"},
	} {
		p := healthy()
		r.make(p)
		found, isBad := findings(t, p)
		if r.want == "" && strings.Contains("\n"+found, "\nbad") || r.want == "" && strings.Contains("\n"+found, "\nnote") || !strings.Contains(found, r.want) {
			t.Errorf("%s:\n%swant\n%s", r.name, found, r.want)
		}
		if isBad != strings.HasPrefix(r.want, "bad") {
			t.Errorf("%s: bad is %v", r.name, isBad)
		}
	}
}

// Each bad finding has a cure, and every word in braces is known.
func TestRulesAreWhole(t *testing.T) {
	words := healthy().words()
	for _, r := range append(append([]rule{}, wayRules...), socketRules...) {
		if r.level == bad && r.cure == "" {
			t.Errorf("%s: %q has no cure", r.subject, r.text)
		}
		if filled := strings.NewReplacer(words...).Replace(r.text + r.cure); strings.Contains(filled, "{") {
			t.Errorf("%s: a word is unknown: %s", r.subject, filled)
		}
	}
}

// What another's words hold reaches no terminal.
func TestDoctorIsClean(t *testing.T) {
	p := healthy()
	p.probe.Pong.Version = "1\x1b[2J"
	p.probe.Procedures = []wire.Entry{{Name: "a\nbad   b: {cure}"}}
	found, _ := findings(t, p)
	if strings.Contains(found, "\x1b") || strings.Contains(found, "\nbad") || !strings.Contains(found, "{cure}") {
		t.Error(found)
	}
}

func TestAdmitted(t *testing.T) {
	st := func(mode uint32) *unix.Stat_t { return &unix.Stat_t{Uid: 1, Gid: 2, Mode: mode} }
	for _, r := range []struct {
		who  person
		mode uint32
		want bool
	}{
		{person{uid: 1}, 0o600, true},
		{person{uid: 1, gid: 2}, 0o066, false}, // its own bits count, though others' admit
		{person{uid: 9, gid: 2}, 0o060, true},
		{person{uid: 9, gid: 9, groups: []uint32{2}}, 0o060, true},
		{person{uid: 9, gid: 2}, 0o606, false},
		{person{uid: 9, gid: 9}, 0o006, true},
		{person{uid: 9, gid: 9}, 0o660, false},
		{person{uid: 9, gid: 9, override: true}, 0o000, true},
	} {
		if got := r.who.admitted(st(r.mode), 2); got != r.want {
			t.Errorf("%v at %04o: %v", r.who, r.mode, got)
		}
	}
	if os.Geteuid() == 0 && newPerson().uid != 0 {
		t.Error("we are root and don't know it")
	}
}
