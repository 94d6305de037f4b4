package main

import (
	"slices"
	"strings"
	"testing"
)

func TestParseShell(t *testing.T) {
	for line, want := range map[string]sshWords{
		"w":                                {worker: "w"},
		"w a b":                            {worker: "w", command: "a b"},
		"u@w -n -l me a -n":                {worker: "w", command: "a -n", user: "me", stdinNull: true},
		"-nT -p22 -- w -- -s":              {worker: "w", command: "-s", port: "22", stdinNull: true, terminal: -1},
		"-np 22 w":                         {worker: "w", port: "22", stdinNull: true},
		"-s w sftp":                        {worker: "w", command: "sftp", subsystem: true},
		"w -tts sftp":                      {worker: "w", command: "sftp", subsystem: true, terminal: 2},
		"-oSendEnv=A w":                    {worker: "w", variables: []string{"A"}},
		"-osendenv=A -o SETENV=B=c=d w":    {worker: "w", variables: []string{"A", "B=c=d"}},
		"-oSendEnv=LC* -oSendEnv=-A w":     {worker: "w"},
		"-oSetEnv=A=1_B=2 w":               {worker: "w", variables: []string{"A=1", "B=2"}},
		`-oSetEnv_"A=x_y"__B='"'_C w`:      {worker: "w", variables: []string{"A=x y", `B="`}},
		`-oSendEnv="A"_B w`:                {worker: "w", variables: []string{"A", "B"}},
		`-oPort="7" w`:                     {worker: "w", port: "7"},
		"-oPort=7 -oUser=u w":              {worker: "w", port: "7", user: "u"},
		"-oRemoteCommand=none w x":         {worker: "w", command: "x"},
		"ssh://u@w:7/ x":                   {worker: "w", command: "x", user: "u", port: "7"},
		"-G w":                             {worker: "w", settings: true},
		"-vvV":                             {verbose: true, version: true},
		"w -V":                             {worker: "w", version: true},
		"- x":                              {worker: "-"},
		"a:b x":                            {worker: "a:b", command: "x"},
		"-e none -F /dev/null -i k w -- -": {worker: "w", command: "-"},
	} {
		words := strings.Fields(line)
		for i := range words {
			words[i] = strings.ReplaceAll(words[i], "_", " ")
		}
		got, err := parseShell(words)
		if line == "- x" {
			if err == nil {
				t.Errorf("%s: is taken: %+v", line, got)
			}
			continue
		}
		if err != nil || got.worker != want.worker || got.command != want.command || got.user != want.user || got.port != want.port || !slices.Equal(got.variables, want.variables) ||
			got.subsystem != want.subsystem || got.stdinNull != want.stdinNull || got.verbose != want.verbose || got.terminal != want.terminal || got.version != want.version || got.settings != want.settings {
			t.Errorf("%s: %+v, %v; want %+v", line, got, err, want)
		}
	}
}

// FuzzParseShell checks that every list of words is understood or refused in words, and
// that the command is made of the last ones.
func FuzzParseShell(f *testing.F) {
	for _, lines := range []string{"w", "-n\nw\na b\n\n-x", "-oSendEnv A\n-p22\nu@w\n--\nls", "-o\n=\nw", "-\nw", "-p", "--", "-L\n1\nw", "ssh://@:/", "-s\nw", "-\xff\nw"} {
		f.Add(lines)
	}
	f.Fuzz(func(t *testing.T, lines string) {
		w, err := parseShell(strings.Split(lines, "\n"))
		switch {
		case err != nil && err.Error() == "":
			t.Error("an error without words")
		case err == nil && !w.version && w.worker == "":
			t.Errorf("no worker in %q", lines)
		case err == nil && !strings.HasSuffix(strings.ReplaceAll(lines, "\n", " "), w.command):
			t.Errorf("the command of %q is %q", lines, w.command)
		}
	})
}
