package export

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// entryCase is one entry of an exports directory, and what a caller gets for it.
type entryCase struct {
	name   string
	files  map[string]string // below the directory, as exporttest.Tree takes them
	path   string            // what runs, below the directory
	reason Reason            // why the caller is refused; 0: it isn't
	words  []string          // of the refusal
}

// runs are entries that anybody may call.
var runs = []entryCase{
	{name: "sort", files: map[string]string{"sort": ">/bin/sh"}, path: "sort"},
	{name: "flatten", files: map[string]string{"flatten:x": "#!/bin/sh\n"}, path: "flatten"},
	{name: "relative", files: map[string]string{"relative": ">../exports/./flatten"}, path: "relative"},
	{name: "-x", files: map[string]string{"-x:x": ""}, path: "-x"},
	{name: "caf\xe9", files: map[string]string{"caf\xe9:x": ""}, path: "caf\xe9"},
	{name: "full", path: "full/run", files: map[string]string{ // an allow file of the longest length
		"full/run:x": "", "full/allow": strings.Repeat("# x\n", maxRuleFile/4-1) + "any\n",
	}},
}

// denies are good entries whose allow file doesn't admit myself.
var denies = []entryCase{
	{name: "detect", reason: Denied, words: []string{"detect/allow", "does not admit uid 4242, gid 4242"}, files: map[string]string{
		"detect/run:x":     "#!/bin/sh\n",
		"detect/summary":   "find boxes \n",
		"detect/args":      "--model\n\n a b \nlast",
		"detect/allow":     "# us\nuid 1001\ngid 100\n",
		"detect/env":       "LC_*\nTZ\nA=1\nA=2\n",
		"detect/workdir":   "/tmp\n",
		"detect/timeout":   "1.5m\n",
		"detect/max-calls": "4\n",
		"detect/keep":      "",
		"detect/log-args":  "\n",
		"detect/.note":     "ignored",
	}},
	{name: "linked", files: map[string]string{"linked": ">detect"}, reason: Denied, words: []string{"linked/allow"}},
	{name: "nobody", files: map[string]string{"nobody/run:x": "", "nobody/allow": ""}, reason: Denied, words: []string{"nobody/allow"}},
}

// broken are entries that nobody can call until they are repaired.
var broken = []entryCase{
	{name: "README", files: map[string]string{"README": "read me"}, reason: NotExecutable, words: []string{"is not executable", "chmod +x"}},
	{name: "gone", files: map[string]string{"gone": ">/nonexistent/tool"}, reason: NotExecutable, words: []string{"dangling", "/nonexistent"}},
	{name: "circle", files: map[string]string{"circle": ">circle"}, reason: NotExecutable, words: []string{"in a circle"}},
	{name: "proc", files: map[string]string{"proc": ">/proc/self/exe"}, reason: Unsafe, words: []string{"procfs"}},
	{name: "null", files: map[string]string{"null": ">/dev/null"}, reason: NotExecutable, words: []string{"/dev/null", "a device"}},
	{name: "both", files: map[string]string{"both/run:x": "", "both/topic": ""}, reason: NotExecutable, words: []string{"both/run", "stands beside a file topic", "remove one"}},
	{name: "half", files: map[string]string{"half/run:x": "", "half/publish": "any"}, reason: NotExecutable, words: []string{"half", "no file named topic", "remove publish"}},
	{name: "resident", files: map[string]string{"resident/run:x": "", "resident/workers": "0"}, reason: Denied, words: []string{"resident/workers", "from 1 to 1024"}},
	{name: "neither", files: map[string]string{"neither/": ""}, reason: NotExecutable, words: []string{"has no program named run"}},
	{name: "unknown", files: map[string]string{"unknown/run:x": "", "unknown/alow": "uid 0\n"}, reason: Denied, words: []string{"alow", "allow, args, env, keep"}},
	{name: "badrule", files: map[string]string{"badrule/run:x": "", "badrule/allow": "any\nuid alice\n"}, reason: Denied, words: []string{"badrule/allow", "line 2", "uid alice"}},
	{name: "badnumber", files: map[string]string{"badnumber/run:x": "", "badnumber/timeout": "soon"}, reason: Denied, words: []string{"badnumber/timeout", "soon"}},
	{name: "noexec", files: map[string]string{"noexec/run": ""}, reason: NotExecutable, words: []string{"noexec/run", "not executable"}},
	{name: "large", reason: Denied, words: []string{"large/allow", "64 KiB"}, files: map[string]string{
		"large/run:x": "", "large/allow": strings.Repeat("# x\n", maxRuleFile/4) + "any\n",
	}},
	// TestLookup makes the FIFOs.
	{name: "fifo", reason: NotExecutable, words: []string{"a FIFO"}},
	{name: "fiforule", files: map[string]string{"fiforule/run:x": ""}, reason: Denied, words: []string{"fiforule/allow", "FIFO"}},
}

// unknowns are names that no entry has, or that no entry may have.
var unknowns = []string{
	"rm", "", ".", "..", "/", "/bin/sh", "../exports/sort", "./sort", "sort/", "detect/run", ".hidden", "sort\n", "sort\x00",
	"so\x00rt", "\x1b[2J", "SORT", "-rf", strings.Repeat("n", 255), strings.Repeat("n", 256), strings.Repeat("/", 1<<17), "detect/",
}

// lookupDir makes an exports directory with all of these entries.
func lookupDir(t *testing.T) (string, *Dir) {
	t.Helper()
	files := map[string]string{".hidden:x": ""}
	for _, e := range slices.Concat(runs, denies, broken) {
		maps.Copy(files, e.files)
	}
	dir := tree(t, files)
	must(t, syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o755))
	must(t, syscall.Mkfifo(filepath.Join(dir, "fiforule/allow"), 0o644))
	d, warnings, err := Open(dir, me)
	must(t, err)
	if len(warnings) != len(broken) {
		t.Errorf("%d warnings, want %d: %q", len(warnings), len(broken), warnings)
	}
	return dir, d
}

// fault: 55 63
func TestLookup(t *testing.T) {
	dir, d := lookupDir(t)
	for _, e := range runs {
		p, err := d.Lookup(e.name, myself)
		if err != nil {
			t.Errorf("%q: %v", e.name, err)
			continue
		}
		if p.Name != e.name || p.Path != filepath.Join(dir, e.path) || p.HasAllow != (e.name == "full") {
			t.Errorf("%q: %+v", e.name, p)
		}
	}
	for _, e := range slices.Concat(denies, broken) {
		_, err := d.Lookup(e.name, myself)
		refused(t, err, e.reason, append(e.words, e.name)...)
	}
	for _, name := range unknowns {
		_, err := d.Lookup(name, myself)
		refused(t, err, Unknown, "no procedure", "it has: -x, ", "flatten, full, relative, sort)")
	}
}

// Each rule file of an entry is read into its field.
func TestLookupReadsRules(t *testing.T) {
	dir, d := lookupDir(t)
	got, err := d.Lookup("detect", Caller{UID: 5, GID: 5, Groups: []uint32{100}})
	must(t, err)
	want := &Procedure{
		Name: "detect", Path: dir + "/detect/run", Summary: "find boxes",
		Args:  []string{"--model", "", " a b ", "last"},
		Allow: Rules{{"uid", 1001}, {"gid", 100}}, HasAllow: true,
		Set:     []string{"A=1", "A=2"},
		Workdir: "/tmp", Timeout: 90 * time.Second, MaxCalls: 4,
		Keep: true, LogArgs: true,
		folder: dir + "/detect",
		env:    admitted{names: []string{"TZ"}, patterns: []string{"LC_*"}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got.EnvFile() != dir+"/detect/env" || got.Folder() != dir+"/detect" {
		t.Errorf("its env file is %q, its folder %q", got.EnvFile(), got.Folder())
	}
	linked, err := d.Lookup("linked", Caller{UID: 1001})
	must(t, err)
	if linked.Path != dir+"/linked/run" { // a script sees the operator's link, not its target
		t.Errorf("%+v", linked)
	}
	flatten, err := d.Lookup("flatten", myself)
	must(t, err)
	if flatten.AdmitEnv("TZ") || !strings.HasPrefix(flatten.EnvFile(), dir+"/flatten/env (") {
		t.Errorf("%+v, %q", flatten, flatten.EnvFile())
	}
}

func TestList(t *testing.T) {
	dir := tree(t, map[string]string{
		"b:x": "", "a:x": "", "c/run:x": "", "c/allow": "uid 7", "bad": "", "d:x": "", ".x:x": "",
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

// A change of a file counts from the next look-up on.
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
		dir + "/a":         {`/a": it is a file, not a directory`},
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

// A chain of as many links as the kernel follows is good; with one more it isn't.
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

// However many procedures there are, the error line stays short, and says that
// there are more.
func TestUnknownAmongMany(t *testing.T) {
	short := (&Error{Reason: Unknown, Name: "x", Have: []string{"cat", "sort"}}).Error()
	if short != `no procedure "x" (it has: cat, sort)` {
		t.Errorf("%q", short)
	}
	many := (&Error{Reason: Unknown, Name: "x", Have: slices.Repeat([]string{"procedure"}, 20)}).Error()
	if len(many) > 120 || !strings.HasSuffix(many, "procedure, ...)") {
		t.Errorf("%q", many)
	}
	one := (&Error{Reason: Unknown, Name: "x", Have: []string{strings.Repeat("y", 255)}}).Error()
	if !strings.HasSuffix(one, "(it has: ...)") {
		t.Errorf("%q", one)
	}
}
