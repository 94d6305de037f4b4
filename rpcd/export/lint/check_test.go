package lint

import (
	"os"
	"slices"
	"strings"
	"testing"

	"rpcd/rpcd/export"
	"rpcd/rpcd/export/internal/exporttest"
)

// The helpers of exporttest, by short names.
var tree, clean = exporttest.Tree, exporttest.Clean

// me is rpcd in these tests: the user who runs them.
var me = export.Owner{UID: uint32(os.Geteuid()), GID: uint32(os.Getegid()), PATH: "/usr/bin:/bin"}

// Each row is one thing wrong in a directory that is good without it. Check
// names the file and the cure, and nothing else.
// fault: 64 106
func TestCheck(t *testing.T) {
	exec := func(name string) map[string]string { return map[string]string{name + "/run:x": "#!/bin/sh\n"} }
	with := func(file, text string) map[string]string {
		m := exec("p")
		m["p/"+file] = text
		return m
	}
	for _, tt := range []struct {
		title string
		files map[string]string
		file  string // at fault; "": nothing is wrong
		words []string
	}{
		{"good scripts", map[string]string{
			"env:x": "#!/usr/bin/env sh\n", "env-S:x": "#!/usr/bin/env -S nosuch -u\n", "env=:x": "#!/usr/bin/env A=1\n",
			"args:x": "#! \t/bin/sh  -e -u \n", "no newline:x": "#!/bin/sh", "nested:x": "#!/bin/../bin/sh\n", "link": ">env",
			"p/run:x": "#!/usr/bin/env nosuch\n", "p/env": "PATH\n", // the caller's PATH
			"q/run:x": "#!/usr/bin/env nosuch\n", "q/env": "PATH=/opt/bin:relative\n", "q/args": "-a\n\n",
		}, "", nil},
		{"rule that admits nobody", with("allow", "uid 65534"), "p/allow", []string{"unmapped", "any"}},
		{"missing workdir", with("workdir", "/none/such\n"), "p/workdir", []string{"/none/such", "make the directory"}},
		{"workdir is a file", with("workdir", "/etc/passwd"), "p/workdir", []string{"not a directory"}},
		{"no interpreter", map[string]string{"a:x": "#!/none/python\n"}, "a", []string{"interpreter", "/none/python", "first line"}},
		{"CRLF", map[string]string{"a:x": "#!/bin/sh\r\n"}, "a", []string{"carriage return"}},
		{"env without the program", map[string]string{"a:x": "#!/usr/bin/env nosuch\n"}, "a", []string{"nosuch", "PATH", "install it"}},
		{"env with a PATH of its own", map[string]string{"p/run:x": "#!/usr/bin/env sh\n", "p/env": "PATH=/none\n"}, "p/run", []string{`"sh"`, "PATH"}},
		{"a relative interpreter", map[string]string{"a:x": "#!bin/sh\n"}, "a", []string{"each directory", "first line"}},
		{"an interpreter that can't run", map[string]string{"a:x": "#!/etc/passwd -x\n"}, "a", []string{"/etc/passwd", "may not be executed", "first line"}},
		{"interpreter is a directory", map[string]string{"a:x": "#!/usr\n"}, "a", []string{`"/usr" is a directory`, "first line"}},
		{"text", map[string]string{"a:x": "echo x\n"}, "a", []string{"text without #!", "put #!/bin/sh"}},
		{"UTF-16", map[string]string{"a:x": "\xff\xfe#\x00!\x00"}, "a", []string{"byte order mark", "UTF-8"}},
		{"CRLF behind an argument", map[string]string{"a:x": "#!/bin/sh -e\r\n"}, "a", []string{"carriage return", "first line"}},
		{"an argument that is cut off", map[string]string{"a:x": "#!/bin/sh -e " + strings.Repeat("x", 300) + "\n"}, "a", []string{"255 bytes", "shorten"}},
		{"neither ELF nor script", map[string]string{"a:x": "MZ\x90\x00\x03"}, "a", []string{"neither ELF nor a script", "a script that starts it"}},
		{"env sets a call's own", with("env", "RPC_DIR=/run\nRPC_WORKER=x\n"), "p/env", []string{"RPC_WORKER", "remove that line"}},
	} {
		t.Run(tt.title, func(t *testing.T) {
			dir := tree(t, tt.files)
			procedures, problems := Check(dir, me)
			if len(procedures) == 0 {
				t.Error("no procedure, though the look-up lets it pass")
			}
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

// What export refuses is told as well, in the order of the entries. A directory
// that is refused has no procedures.
func TestCheckAll(t *testing.T) {
	dir := tree(t, map[string]string{"a:x": "echo no interpreter\n", "b": "no run bit", "c:x": "", "d/run:x": "", "d/env": "PWD=/"})
	names := func(procedures []*export.Procedure) (names []string) {
		for _, p := range procedures {
			names = append(names, p.Name)
		}
		return names
	}
	procedures, problems := Check(dir, me)
	if got := names(procedures); !slices.Equal(got, []string{"a", "c", "d"}) {
		t.Errorf("procedures %q", got)
	}
	if len(problems) != 3 {
		t.Fatalf("problems %q", problems)
	}
	for i, words := range [][]string{{`/a" `, "text without #!"}, {`/b" `, "chmod +x"}, {`/d/env" `, "PWD"}} {
		clean(t, problems[i].String(), words...)
	}
	exporttest.Chmod("", 0o777|os.ModeSticky)(t, dir) // an entry in it is safe by itself
	if procedures, problems := Check(dir, me); len(procedures) > 0 || len(problems) != 4 {
		t.Errorf("writable by others: procedures %q, problems %q", names(procedures), problems)
	}
}
