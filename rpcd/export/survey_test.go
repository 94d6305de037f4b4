package export

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"rpcd/rpcd/export/internal/exporttest"
)

// Each row is one thing wrong in a directory that is good without it. Survey
// names the file and the cure, and nothing else.
func TestSurvey(t *testing.T) {
	chmod := exporttest.Chmod
	exec := func(name string) map[string]string { return map[string]string{name + "/run:x": "#!/bin/sh\n"} }
	with := func(file, text string) map[string]string {
		m := exec("p")
		m["p/"+file] = text
		return m
	}
	for _, tt := range []struct {
		title string
		files map[string]string
		do    func(t *testing.T, dir string)
		file  string // at fault; "": nothing is wrong
		words []string
	}{
		{"good", map[string]string{"a": ">/bin/sh", "s:x": "#!/bin/sh -e\n", ".git/config": "", ".x": ""}, nil, "", nil},
		{"good folder", with("allow", "any"), nil, "", nil},
		{"empty", nil, nil, "", nil},
		{"directory writable by others", nil, chmod("", 0o777), "exports", []string{"chmod o-w"}},
		{"directory sticky", nil, chmod("", 0o777|os.ModeSticky), "exports", []string{"chmod o-w"}},
		{"file writable by others", map[string]string{"a:x": ""}, chmod("a", 0o757), "a", []string{"chmod o-w"}},
		{"rule writable by others", with("allow", "any"), chmod("p/allow", 0o646), "p/allow", []string{"chmod o-w"}},
		{"folder writable by others", exec("p"), chmod("p", 0o757), "p", []string{"chmod o-w"}},
		{"dangling symlink", map[string]string{"a": ">/none/such"}, nil, "a", []string{"dangling", "/none", "rm "}},
		{"dangling run", map[string]string{"p/run": ">/none/such"}, nil, "p/run", []string{"dangling", "rm "}},
		{"dangling rule", with("allow", ">nowhere"), nil, "p/allow", []string{"dangling", "rm "}},
		{"circle", map[string]string{"a": ">a"}, nil, "a", []string{"circle", "rm "}},
		{"link through a file", map[string]string{"f:x": "", "a": ">f/x"}, nil, "f/x", []string{"not a directory"}},
		{"up from a file", map[string]string{"f:x": "", "a": ">f/../f"}, nil, "f", []string{"not a directory"}},
		{"up from another's folder", map[string]string{"tool:x": "", "a": ">../lib/../exports/tool"}, func(t *testing.T, dir string) {
			needRoot(t)
			lib := filepath.Join(filepath.Dir(dir), "lib")
			must(t, os.Mkdir(lib, 0o755))
			must(t, os.Chown(lib, 4242, 4242))
		}, "lib", []string{"belongs to uid 4242", "chown"}},
		{"setuid", map[string]string{"a:x": ""}, chmod("a", 0o755|os.ModeSetuid), "a", []string{"setuid", "chmod ug-s"}},
		{"setgid", map[string]string{"a:x": ""}, chmod("a", 0o755|os.ModeSetgid), "a", []string{"setgid", "chmod ug-s"}},
		{"not executable", map[string]string{"README.md": "x"}, nil, "README.md", []string{"chmod +x", "move it"}},
		{"run not executable", map[string]string{"p/run": ""}, nil, "p/run", []string{"chmod +x"}},
		{"name with a newline", map[string]string{"a\nb:x": ""}, nil, `a\nb`, []string{"control byte", "rename"}},
		{"name with an escape of one byte", map[string]string{"\u009b2J:x": ""}, nil, `\u009b2J`, []string{"control byte", "rename"}},
		{"name with an escape", map[string]string{"\x1b[2J:x": ""}, nil, `\x1b[2J`, []string{"rename"}},
		{"no program named run", map[string]string{"p/summary": "x"}, nil, "p", []string{"has no program named run", "ln -s"}},
		{"run and topic", with("topic", ""), nil, "p/run", []string{"stands beside a file topic", "remove one"}},
		{"topic alone", map[string]string{"p/topic": ""}, nil, "", nil},
		{"topic with all", map[string]string{"p/topic": "# slow ones\ndrop-newest 65536\nretain", "p/publish": "uid 1\n", "p/allow": "any", "p/summary": "x"}, nil, "", nil},
		{"topic with arguments", map[string]string{"p/topic": "", "p/args": "x"}, nil, "p/args", []string{"a topic's folder", "allow, publish, summary, topic"}},
		{"two policies", map[string]string{"p/topic": "block\ndrop-oldest 1"}, nil, "p/topic", []string{"line 2", "second policy"}},
		{"no policy", map[string]string{"p/topic": "drop 5"}, nil, "p/topic", []string{"line 1", "no policy", "drop-oldest N"}},
		{"policy without its number", map[string]string{"p/topic": "drop-oldest"}, nil, "p/topic", []string{"no policy", "drop-oldest N"}},
		{"number of none", map[string]string{"p/topic": "drop-oldest 0"}, nil, "p/topic", []string{"from 1 to 65536"}},
		{"number too large", map[string]string{"p/topic": "drop-newest 65537"}, nil, "p/topic", []string{"from 1 to 65536"}},
		{"publish without topic", with("publish", "any"), nil, "p", []string{"no file named topic", "remove publish"}},
		{"publish alone", map[string]string{"p/publish": "any"}, nil, "p", []string{"no file named topic", "remove publish"}},
		{"bad publish rule", map[string]string{"p/topic": "", "p/publish": "bob"}, nil, "p/publish", []string{"line 1", "bob"}},
		{"max-uses", with("max-uses", "no"), nil, "p/max-uses", []string{"number from 1 to 1000000", "remove the file"}},
		{"unknown file", with("alow", "any"), nil, "p/alow", []string{"remove or rename", "allow, args, env"}},
		{"unknown folder", with("sub/x", ""), nil, "p/sub", []string{"remove or rename"}},
		{"bad rule", with("allow", "# who\n\nuser 5"), nil, "p/allow", []string{"line 3", "user 5", "uid N"}},
		{"bad variable", with("env", "export A=1"), nil, "p/env", []string{"line 1", "space", "NAME=VALUE"}},
		{"bad timeout", with("timeout", "-1"), nil, "p/timeout", []string{"no duration", "1.5h"}},
		{"bad number", with("max-calls", "0"), nil, "p/max-calls", []string{"from 1 to", "remove"}},
		{"workers", with("workers", "two"), nil, "p/workers", []string{"number from 1 to 1024", "remove the file"}},
		{"flag that says no", with("keep", "no\n"), nil, "p/keep", []string{"isn't empty", "remove"}},
		{"two lines of summary", with("summary", "a\nb"), nil, "p/summary", []string{"one line"}},
		{"NUL in args", with("args", "a\x00b"), nil, "p/args", []string{"NUL", "remove"}},
		{"relative workdir", with("workdir", "tmp"), nil, "p/workdir", []string{"slash"}},
		{"over-long rules", with("allow", strings.Repeat("\n", maxRuleFile+1)), nil, "p/allow", []string{"64 KiB", "shorten"}},
		{"FIFO", nil, func(t *testing.T, dir string) { must(t, syscall.Mkfifo(dir+"/a", 0o755)) }, "a", []string{"FIFO"}},
		{"rule is a FIFO", exec("p"), func(t *testing.T, dir string) { must(t, syscall.Mkfifo(dir+"/p/env", 0o644)) },
			"p/env", []string{"FIFO", "plain file"}},
		{"rule is a folder", with("allow/x", ""), nil, "p/allow", []string{"a directory", "plain file"}},
		{"run is a folder", map[string]string{"p/run/x": ""}, nil, "p/run", []string{"a directory"}},
		{"device", map[string]string{"a": ">/dev/null"}, nil, "/dev/null", []string{"exports/a", "device"}},
		{"socket", nil, func(t *testing.T, dir string) {
			t.Chdir(dir)
			l, err := net.Listen("unix", "a")
			must(t, err)
			t.Cleanup(func() { l.Close() })
			must(t, os.Chmod("a", 0o755))
		}, "a", []string{"a socket"}},
		{"args with CRLF", with("args", "-a\n-b\r\n"), nil, "p/args", []string{"line 2", "carriage return", "newlines"}},
		{"through procfs", map[string]string{"a": ">/proc/self/exe"}, nil, "a", []string{"/proc/self", "link to the file itself"}},
		{"link to a file of the system", map[string]string{"a": ">/etc/passwd"}, nil, "a", []string{"leads to no program", "/etc/passwd", "rm "}},
		{"link to a file of ours", map[string]string{"a": ">p/args", "p/run:x": "", "p/args": ""}, nil, "p/args", []string{"chmod +x"}},
		{"no directory", nil, func(t *testing.T, dir string) { must(t, os.Remove(dir)) }, "exports", []string{"mkdir -p"}},
		{"not a directory", nil, func(t *testing.T, dir string) {
			must(t, os.Remove(dir))
			must(t, os.WriteFile(dir, nil, 0o644))
		}, "exports", []string{"not a directory"}},
	} {
		t.Run(tt.title, func(t *testing.T) {
			dir := tree(t, tt.files)
			if tt.do != nil {
				tt.do(t, dir)
			}
			problems := allProblems(dir, me)
			if tt.file == "" {
				if len(problems) > 0 {
					t.Errorf("problems %q", problems)
				}
				return
			}
			if len(problems) != 1 {
				t.Fatalf("problems %q", problems)
			}
			clean(t, problems[0].String(), append(tt.words, tt.file+`" `)...)
			if problems[0].Cure == "" || problems[0].Reason == 0 {
				t.Errorf("no cure or reason: %+v", problems[0])
			}
		})
	}
}

// Many problems are all reported, each once.
func TestSurveyAll(t *testing.T) {
	dir := tree(t, map[string]string{
		"lib/run:x": "", "lib/x": "", "lib/allow": strings.Repeat("bad\n", 100), "lib/env": "a b\n=\n",
		"a": ">lib/x", "b": "", "c": ">/none",
	})
	must(t, os.Chmod(filepath.Dir(dir), 0o777))
	want := 1 /* parent */ + 1 /* a */ + 1 /* b */ + 1 /* c */ + maxFaults + 2 /* env */ + 1 /* x */
	if problems := allProblems(dir, me); len(problems) != want {
		t.Errorf("%d problems, want %d: %q", len(problems), want, problems)
	}
	must(t, os.Chmod(filepath.Dir(dir), 0o755))
	entries, problems := Survey(dir, me)
	var usable []string
	for _, e := range entries {
		if e.Procedure != nil {
			usable = append(usable, e.Procedure.Name)
		}
	}
	if len(problems) > 0 || len(entries) != 4 || len(usable) > 0 {
		t.Errorf("%d entries, of them %q without a problem; of the directory %q", len(entries), usable, problems)
	}
}

// The residents are listed whoever may call them, and the smaller of workers and
// max-calls counts.
func TestResident(t *testing.T) {
	dir := tree(t, map[string]string{
		"a:x": "", "b/run:x": "", "b/workers": "3", "b/allow": "", "c/run:x": "", "c/workers": "3", "c/max-calls": "2", "d/run:x": "", "d/max-calls": "5",
		"e/run:x": "", "e/workers": "1", "e/alow": "",
	})
	d, _, err := Open(dir, me)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range d.Resident() {
		got = append(got, fmt.Sprint(p.Name, p.Places()))
	}
	if strings.Join(got, " ") != "b3 c2" {
		t.Errorf("%q", got)
	}
	if p, err := d.Lookup("d", Caller{}); err != nil || p.Places() != 5 {
		t.Errorf("%+v, %v", p, err)
	}
}
