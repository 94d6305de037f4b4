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
	"rpcd/client/replica"
	"rpcd/internal/reach"
	"rpcd/rpcd/wire"
)

// healthy gives the facts of a worker without a fault.
func healthy() *facts {
	return &facts{
		worker: "w", path: "/run/rpc/w", named: true, folder: true, sockets: []string{"/run/rpc/w/x.sock"},
		self: identity{uid: 1000, gid: 1000}, admits: true,
		socket: "/run/rpc/w/x.sock", place: reach.Place{Path: "/run/rpc/w/x.sock", Mode: fs.ModeSocket | 0o660},
		probe: &replica.Probed{
			Connected: true, Directory: "/work", DescriptorsAsked: 1, Procedures: []client.Entry{{Name: "sort"}},
			Pong: &client.Info{State: "up", Load: client.Load{MaxCalls: 1}, Way: &replica.Way{UID: 1000, GID: 1000, OwnUID: 1000, OwnGID: 1000, Descriptors: 1, Dir: replica.DirSame, Inside: replica.Inside{Rights: 7, UID: 1001, GID: 1002, Mode: 0o40755}}},
		},
	}
}

func findings(t *testing.T, f *facts) (found string, isBad bool) {
	t.Helper()
	var b bytes.Buffer
	first, err := writeFindings(&b, f, workerRules)
	second, err2 := writeFindings(&b, f, socketRules)
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	return b.String(), first || second
}

// The rules find faults that a test can't make here: other kernels' files,
// SELinux and older workers. testdata/rows/doctor,_*.sh has the other faults.
func TestDoctorsRules(t *testing.T) {
	reasons := map[unix.Errno]reach.Reason{unix.EACCES: reach.Denied, unix.ECONNREFUSED: reach.NotServed}
	unreached := func(errno unix.Errno) func(*facts) {
		return func(f *facts) {
			f.probe = &replica.Probed{Err: errno}
			f.cause = &reach.Cause{Reason: reasons[errno], Err: errno}
		}
	}
	for _, r := range []struct {
		name string
		make func(*facts)
		want string // a finding and its cure, or "" if all is well
	}{
		{"healthy", func(*facts) {}, ""},
		{"SELinux", func(f *facts) { unreached(unix.EACCES)(f); f.selinux = true }, "bad   connect: permission denied though the socket is 0:0 0000, you are 1000:1000: SELinux enforces\n      cure: mount the volume with :z, never :Z"},
		{"SELinux, but the mode forbids", func(f *facts) { unreached(unix.EACCES)(f); f.selinux, f.admits = true, false }, "bad   connect: permission denied: the socket is 0:0 0000, you are 1000:1000\n      cure: run as its user"},
		{"a sandbox", unreached(unix.EACCES), "bad   connect: permission denied though the socket is 0:0 0000, you are 1000:1000\n      cure: look for a sandbox"},
		{"SELinux on the folder", func(f *facts) { f.findErr, f.cause, f.selinux = unix.EACCES, &reach.Cause{Reason: reach.Denied}, true }, "bad   folder: permission denied though the socket is 0:0 0000, you are 1000:1000: SELinux enforces\n      cure: mount the volume with :z"},
		{"a VM's bind mount", func(f *facts) { unreached(unix.ECONNREFUSED)(f); f.sharedOn = "9p" }, "bad   file system: \"/run/rpc/w/x.sock\" lies on 9p, and can't be connected to: a socket there works only within the kernel that made it\n      cure: keep the socket in a volume of the engine"},
		{"a VM's bind mount that works", func(f *facts) { f.sharedOn = "9p" }, "note  file system: \"/run/rpc/w/x.sock\" lies on 9p: it connects here, but not from another kernel"},
		{"another errno", unreached(unix.ENOMEM), "bad   connect: cannot allocate memory\n      cure: see connect(2)"},
		{"a refusal", func(f *facts) {
			f.probe.Pong, f.probe.Err = nil, &wire.Refused{Code: wire.Busy, Text: "has too many connections"}
		}, "bad   answer: w has too many connections\n      cure: the worker's log"},
		{"an older worker", func(f *facts) { f.probe.Pong.Way = nil }, "note  user: this rpcd doesn't say how it sees you: it is of an older release\nok    procedures: 1: sort\n"},
		{"through a bridge of another user", func(f *facts) { f.probe.Pong.Way.UID, f.probe.Pong.Way.Descriptors = 7, 0 }, "note  user: the worker sees the bridge's user, 7:1000, not you, 1000:1000"},
		{"no right to write", func(f *facts) { f.probe.Pong.Way.Inside.Rights = 5 }, "note  directory: 1000:1000 may read, not write \"/work\" (1001:1002 0755)\n      cure: "},
		{"a read-only directory", func(f *facts) { f.probe.Pong.Way.Inside.Rights = 5 | replica.ReadOnly }, "note  directory: 1000:1000 may read, not write \"/work\" (1001:1002 0755, read-only there)\n      cure: mount it without :ro"},
		{"a right to enter alone", func(f *facts) { f.probe.Pong.Way.Inside.Rights = 1 }, "note  directory: 1000:1000 may enter, not read or write \"/work\""},
		{"a right to write alone", func(f *facts) { f.probe.Pong.Way.Inside.Rights = 3 }, "note  directory: 1000:1000 may write, not read \"/work\""},
		{"an unknown right", func(f *facts) { f.probe.Pong.Way.Inside = replica.Inside{} }, ""},
		{"no entry", func(f *facts) {
			f.probe.Pong.Way.Dir, f.probe.Pong.Way.Inside.Rights, f.probe.Pong.Way.Inside.Mode = replica.DirNoEntry, 0, 0o40700
		}, "bad   directory: 1000:1000 can't enter \"/work\" (1001:1002 0700)\n      cure: let that user in"},
		{"no entry to a folder on the way", func(f *facts) {
			f.probe.Pong.Way.Dir, f.probe.Pong.Way.Inside = replica.DirNoEntry, replica.Inside{}
		}, "bad   directory: 1000:1000 can't enter \"/work\"\n"},
		{"a workdir that can't be entered", func(f *facts) {
			f.probe.Pong.Way.Dir, f.probe.Pong.Way.Inside = replica.DirWorkdir, replica.Inside{}
		}, "bad   directory: \"/work\" isn't shared, and the worker's --workdir"},
		{"a bridge's directory", func(f *facts) { f.probe.Pong.Way.Descriptors = 0 }, "note  directory: \"/work\" there is another machine's, unless it is shared (calls go by name)\n"},
		{"a bridge's directory, no right to write", func(f *facts) { f.probe.Pong.Way.Descriptors, f.probe.Pong.Way.Inside.Rights = 0, 5 }, "(calls go by name): 1000:1000 may read, not write it (1001:1002 0755)\n"},
		{"a killed replica among others", func(f *facts) { unreached(unix.ECONNREFUSED)(f); f.served = 1 }, "note  connect: nobody listens here, others serve: its rpcd was killed\n      cure: rm \"/run/rpc/w/x.sock\" as 0:0 or as uid 0"},
		{"no list", func(f *facts) { f.probe.ListErr = io.EOF }, "bad   procedures: EOF\n      cure: the worker's log"},
	} {
		f := healthy()
		r.make(f)
		found, isBad := findings(t, f)
		if r.want == "" && strings.Contains("\n"+found, "\nbad") || r.want == "" && strings.Contains("\n"+found, "\nnote") || !strings.Contains(found, r.want) {
			t.Errorf("%s:\n%swant\n%s", r.name, found, r.want)
		}
		if isBad != strings.HasPrefix(r.want, "bad") {
			t.Errorf("%s: bad is %v", r.name, isBad)
		}
	}
}

// Each bad finding has a cure, and every word in braces is one that doctor fills
// in.
func TestRulesAreWhole(t *testing.T) {
	words := healthy().words()
	for _, r := range append(append([]rule{}, workerRules...), socketRules...) {
		if r.level.word() == string(bad) && r.cure == "" {
			t.Errorf("%s: %q has no cure", r.subject, r.text)
		}
		if filled := strings.NewReplacer(words...).Replace(r.text + r.cure); strings.Contains(filled, "{") {
			t.Errorf("%s: a word is unknown: %s", r.subject, filled)
		}
	}
}

// TestCausesHaveFindings checks that every cause for which a socket can't be found
// or connected to gives a bad finding with a cure.
func TestCausesHaveFindings(t *testing.T) {
	for _, reason := range reach.Reasons {
		cause := &reach.Cause{Reason: reason, Path: "/run/rpc/w", Err: unix.EIO}
		for _, named := range []bool{false, true} {
			f := healthy()
			f.named, f.cause, f.findErr = named, cause, cause
			if found, isBad := findings(t, f); !isBad || !strings.Contains(found, "cure: ") {
				t.Errorf("not found for reason %d:\n%s", reason, found)
			}
			f = healthy()
			f.named, f.cause, f.probe = named, cause, &replica.Probed{Err: cause}
			if found, isBad := findings(t, f); !isBad || !strings.Contains(found, "cure: ") || strings.Contains(found, "answer: ") {
				t.Errorf("not connected for reason %d:\n%s", reason, found)
			}
		}
	}
}

// Control bytes in a worker's texts don't reach the terminal.
func TestDoctorIsClean(t *testing.T) {
	f := healthy()
	f.probe.Pong.Version = "1\x1b[2J"
	f.probe.Procedures = []client.Entry{{Name: "a\nbad   b: {cure}"}}
	found, _ := findings(t, f)
	if strings.Contains(found, "\x1b") || strings.Contains(found, "\nbad") || !strings.Contains(found, "{cure}") {
		t.Error(found)
	}
}

func TestAdmitted(t *testing.T) {
	at := func(mode uint32) reach.Place { return reach.Place{UID: 1, GID: 2, Bits: mode} }
	for _, r := range []struct {
		who  identity
		mode uint32
		want bool
	}{
		{identity{uid: 1}, 0o600, true},
		{identity{uid: 1, gid: 2}, 0o066, false}, // only the owner's bits count for the owner
		{identity{uid: 9, gid: 2}, 0o060, true},
		{identity{uid: 9, gid: 9, groups: []uint32{2}}, 0o060, true},
		{identity{uid: 9, gid: 2}, 0o606, false},
		{identity{uid: 9, gid: 9}, 0o006, true},
		{identity{uid: 9, gid: 9}, 0o660, false},
		{identity{uid: 9, gid: 9, override: true}, 0o000, true},
	} {
		if got := r.who.admitted(at(r.mode)); got != r.want {
			t.Errorf("%v at %04o: %v", r.who, r.mode, got)
		}
	}
	if os.Geteuid() == 0 && ownIdentity().uid != 0 {
		t.Error("we are root and don't know it")
	}
}
