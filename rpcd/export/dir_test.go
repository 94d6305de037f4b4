package export

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// fault: 55 63
func TestLookup(t *testing.T) {
	dir := tree(t, map[string]string{
		"sort":              ">/bin/sh",
		"flatten:x":         "#!/bin/sh\n",
		"README":            "read me",
		".hidden:x":         "",
		"gone":              ">/nonexistent/tool",
		"circle":            ">circle",
		"proc":              ">/proc/self/exe",
		"null":              ">/dev/null",
		"relative":          ">../exports/./flatten",
		"detect/run:x":      "#!/bin/sh\n",
		"detect/summary":    "find boxes \n",
		"detect/args":       "--model\n\n a b \nlast",
		"detect/allow":      "# us\nuid 1001\ngid 100\n",
		"detect/env":        "LC_*\nTZ\nA=1\nA=2\n",
		"detect/workdir":    "/tmp\n",
		"detect/timeout":    "1.5m\n",
		"detect/max-calls":  "4\n",
		"detect/keep":       "",
		"detect/log-args":   "\n",
		"detect/workers":    "2",
		"detect/max-uses":   "100\n",
		"detect/.note":      "ignored",
		"linked":            ">detect",
		"nobody/run:x":      "",
		"nobody/allow":      "",
		"frames/topic":      "retain\n",
		"both/run:x":        "",
		"both/topic":        "",
		"neither/":          "",
		"unknown/run:x":     "",
		"unknown/alow":      "uid 0\n",
		"badrule/run:x":     "",
		"badrule/allow":     "any\nuid alice\n",
		"badnumber/run:x":   "",
		"badnumber/timeout": "soon",
		"noexec/run":        "",
		"fiforule/run:x":    "",
		"large/run:x":       "",
		"large/allow":       strings.Repeat("# x\n", maxRuleFile/4) + "any\n",
		"full/run:x":        "",
		"full/allow":        strings.Repeat("# x\n", maxRuleFile/4-1) + "any\n",
		"-x:x":              "",
		"caf\xe9:x":         "",
	})
	must(t, syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o755))
	must(t, syscall.Mkfifo(filepath.Join(dir, "fiforule/allow"), 0o644))
	d, warnings, err := Open(dir, me)
	must(t, err)
	if len(warnings) != 14 {
		t.Errorf("%d warnings: %q", len(warnings), warnings)
	}
	ok := map[string]string{ // name, path
		"sort": "sort", "flatten": "flatten", "relative": "relative", "full": "full/run",
		"-x": "-x", "caf\xe9": "caf\xe9", "frames": "",
	}
	for name, path := range ok {
		p, err := d.Lookup(name, myself)
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		if path != "" {
			path = filepath.Join(dir, path)
		}
		if p.Name != name || p.Path != path || p.Topic != (name == "frames") || p.HasAllow != (name == "full") {
			t.Errorf("%q: %+v", name, p)
		}
	}
	for _, name := range []string{
		"rm", "", ".", "..", "/", "/bin/sh", "../exports/sort", "./sort", "sort/", "detect/run", ".hidden", "sort\n", "sort\x00",
		"so\x00rt", "\x1b[2J", "SORT", "-rf", strings.Repeat("n", 255), strings.Repeat("n", 256), strings.Repeat("/", 1<<17), "detect/",
	} {
		_, err := d.Lookup(name, myself)
		refused(t, err, Unknown, "no procedure", "it has: -x, ", "flatten, frames, full, relative, sort)")
	}
	for _, tt := range []struct {
		name  string
		kind  Kind
		words []string
	}{
		{"README", NotExecutable, []string{"README", "is not executable", "chmod +x"}},
		{"gone", NotExecutable, []string{"gone", "dangling", "/nonexistent"}},
		{"circle", NotExecutable, []string{"circle", "in a circle"}},
		{"proc", Unsafe, []string{"procfs"}},
		{"null", NotExecutable, []string{"/dev/null", "a device", "null"}},
		{"fifo", NotExecutable, []string{"a FIFO"}},
		{"detect", Denied, []string{"detect/allow", "does not admit uid 4242, gid 4242"}},
		{"linked", Denied, []string{"linked/allow"}},
		{"nobody", Denied, []string{"nobody/allow"}},
		{"both", Denied, []string{"run and topic"}},
		{"neither", NotExecutable, []string{"neither", "run"}},
		{"unknown", Denied, []string{"alow", "allow, args, env, keep"}},
		{"badrule", Denied, []string{"badrule/allow", "line 2", "uid alice"}},
		{"badnumber", Denied, []string{"badnumber/timeout", "soon"}},
		{"noexec", NotExecutable, []string{"noexec/run", "not executable"}},
		{"fiforule", Denied, []string{"fiforule/allow", "FIFO"}},
		{"large", Denied, []string{"large/allow", "64 KiB"}},
	} {
		_, err := d.Lookup(tt.name, myself)
		refused(t, err, tt.kind, append(tt.words, strings.TrimSuffix(tt.name, "\n"))...)
	}

	p, err := d.Lookup("detect", Caller{UID: 5, GID: 5, Groups: []uint32{100}})
	must(t, err)
	if p.Path != dir+"/detect/run" || p.Summary != "find boxes" || p.Workdir != "/tmp" || p.Timeout != 90*time.Second ||
		p.MaxCalls != 4 || !p.Keep || !p.LogArgs || p.Workers != 2 || p.MaxUses != 100 || p.Topic || !p.HasAllow ||
		!slices.Equal(p.Args, []string{"--model", "", " a b ", "last"}) || !slices.Equal(p.Set, []string{"A=1", "A=2"}) ||
		!p.AdmitEnv("LC_ALL") || p.AdmitEnv("LANG") || p.EnvFile() != dir+"/detect/env" {
		t.Errorf("%+v", p)
	}
	p, err = d.Lookup("linked", Caller{UID: 1001})
	must(t, err)
	if p.Path != dir+"/linked/run" { // scripts see the grant, not its target
		t.Errorf("%+v", p)
	}
	if p, _ = d.Lookup("flatten", myself); p.AdmitEnv("TZ") || !strings.HasPrefix(p.EnvFile(), dir+"/flatten/env (") {
		t.Errorf("%+v, %q", p, p.EnvFile())
	}
}

func TestList(t *testing.T) {
	dir := tree(t, map[string]string{
		"b:x": "", "a:x": "", "c/run:x": "", "c/allow": "uid 7", "bad": "", "d/topic": "", ".x:x": "",
	})
	d, _, err := Open(dir, me)
	must(t, err)
	for uid, want := range map[uint32]string{7: "a b c d", 8: "a b d"} {
		ps, errs := d.List(Caller{UID: uid})
		var names []string
		for _, p := range ps {
			names = append(names, p.Name)
		}
		if strings.Join(names, " ") != want || len(errs) != 1 {
			t.Errorf("uid %d: %q, %v; want %s", uid, names, errs, want)
		}
		for _, err := range errs {
			refused(t, err, NotExecutable, "bad")
		}
	}
	for i := range maxHave {
		put(t, dir, fmt.Sprintf("n%02d:x", i), "")
	}
	_, err = d.Lookup("zz", myself)
	if e, ok := err.(*Error); !ok || len(e.Have) != maxHave+1 || e.Have[0] != "a" || e.Have[maxHave] != "..." {
		t.Errorf("has %q", err)
	}
}

// What changes counts at the next look-up.
func TestFresh(t *testing.T) {
	dir := tree(t, map[string]string{"a/run:x": ""})
	d, _, err := Open(dir, me)
	must(t, err)
	_, err = d.Lookup("a", myself)
	must(t, err)
	put(t, dir, "a/allow", "uid 7")
	_, err = d.Lookup("a", myself)
	refused(t, err, Denied, "allow")
	must(t, os.RemoveAll(filepath.Join(dir, "a")))
	_, err = d.Lookup("a", myself)
	refused(t, err, Unknown, `no procedure "a"`, "none that you may call")
	must(t, os.Remove(dir))
	_, err = d.Lookup("a", myself)
	refused(t, err, Unsafe, "does not exist", "mkdir")
	if ps, errs := d.List(myself); len(ps) != 0 || len(errs) != 1 {
		t.Errorf("lists %v, %v", ps, errs)
	}
}

func TestOpen(t *testing.T) {
	dir := tree(t, map[string]string{"a:x": "", "sub/run:x": "", "b\n:x": ""})
	link := filepath.Join(filepath.Dir(dir), "link")
	must(t, os.Symlink("exports", link))
	d, _, err := Open(link, me)
	must(t, err)
	if p, err := d.Lookup("a", myself); err != nil || p.Path != link+"/a" {
		t.Errorf("through a symlink: %+v, %v", p, err)
	}
	_, err = d.Lookup("zz", myself)
	refused(t, err, Unknown, "it has: a, sub")
	t.Chdir(filepath.Dir(dir))
	if d, _, err := Open("./exports/", me); err != nil || d.path != dir {
		t.Errorf("relative: %+v, %v", d, err)
	}
	for path, words := range map[string][]string{
		dir + "/none":      {"none", "does not exist", "mkdir -p"},
		dir + "/a":         {"/a", "no directory"},
		dir + "/a/b":       {"a"},
		link + "/b\n":      {`b\n`},
		dir + "/\x1b[2J\n": {"does not exist"},
	} {
		_, _, err := Open(path, me)
		if err == nil {
			t.Errorf("opened %q", path)
			continue
		}
		clean(t, err.Error(), append(words, "cannot export")...)
	}
}

// As many links as the kernel follows, and one more.
// fault: 64
func TestChain(t *testing.T) {
	dir := tree(t, map[string]string{"tool:x": "", "l1": ">tool"})
	for i := 2; i <= maxLinks+1; i++ {
		put(t, dir, fmt.Sprintf("l%d", i), fmt.Sprintf(">l%d", i-1))
	}
	d, _, err := Open(dir, me)
	must(t, err)
	for i, good := range map[int]bool{maxLinks: true, maxLinks + 1: false} {
		name := fmt.Sprintf("l%d", i)
		_, kernel := os.Stat(filepath.Join(dir, name))
		_, err := d.Lookup(name, myself)
		if good != (err == nil) || good != (kernel == nil) {
			t.Errorf("%d links: %v, kernel %v", i, err, kernel)
		}
	}
}
