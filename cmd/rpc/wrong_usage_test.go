package main_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"rpcd/internal/testbin"
)

// libraryWords are those of pflag, cobra and strconv. None of them is for people.
var libraryWords = regexp.MustCompile(`(?i)strconv|flag|pflag|cobra|accepts|arg\(s\)|invalid argument|shorthand|parsing|syntax|unknown command|unknown help topic|repeatable|\(default (-1|0s|0)\)|it is (a|an|caller|all)\b|%!`)

// option is a line of help about an option.
var option = regexp.MustCompile(`(?m)^ +(?:-(\w), )?(--[a-z-]+)( \S+)? {2,}`)

// program is rpc or rpcd, with the status of its wrong usage.
type program struct {
	t    *testing.T
	name string
	env  []string
}

// run gives the outputs and the status.
func (p program) run(words ...string) (stdout, stderr string, status int) {
	cmd := exec.Command(p.name, words...)
	cmd.Env = p.env
	var out, err strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &err
	if e, exit := cmd.Run(), (*exec.ExitError)(nil); e != nil && !errors.As(e, &exit) {
		p.t.Fatal(e)
	}
	return out.String(), err.String(), cmd.ProcessState.ExitCode()
}

// wrong checks that words are refused as wrong usage, in one line that is ours.
func (p program) wrong(status int, words ...string) {
	p.t.Helper()
	stdout, stderr, got := p.run(words...)
	line, rest, _ := strings.Cut(stderr, "\n")
	name := p.name[strings.LastIndexByte(p.name, '/')+1:]
	if got != status || stdout != "" || rest != "" || !strings.HasPrefix(line, name+": ") || len(line) > maxErrorLine || libraryWords.MatchString(line) || strings.Contains(line, ") (") {
		p.t.Errorf("%s %q: status %d, want %d; %d bytes: %s%s", name, words, got, status, len(line), stdout, stderr)
	}
}

// verbs are those that the help lists.
func (p program) verbs() []string {
	help, _, _ := p.run("help")
	_, list, _ := strings.Cut(help, "\nVerbs")
	list, _, _ = strings.Cut(list, "\n\n")
	var names []string
	for _, line := range strings.Split(list, "\n")[1:] {
		names = append(names, strings.Fields(line)[0])
	}
	if len(names) < 4 {
		p.t.Fatalf("these verbs only: %q", names)
	}
	return names
}

// options checks wrong usage of each option that the help of a verb names: without
// a value, with one that can't be used, or with one that it doesn't take. free are
// those that take any text.
func (p program) options(status int, verb []string, behind []string, free ...string) {
	p.t.Helper()
	help, _, got := p.run(slices.Concat(verb, []string{"--help"})...)
	if got != 0 || libraryWords.MatchString(strings.ReplaceAll(help, "--label", "")) || strings.Contains(help, "[flags]") {
		p.t.Errorf("the help of %q: status %d, %s: %s", verb, got, libraryWords.FindString(help), help)
	}
	_, help, _ = strings.Cut(help, "\nOptions:\n")
	for _, m := range option.FindAllStringSubmatch(help, -1) {
		letter, name, value := m[1], m[2], m[3]
		if value == "" {
			p.wrong(status, slices.Concat(verb, []string{name + "=perhaps"}, behind)...)
			continue
		}
		if !strings.Contains(value, "[=") { // else it has one unless told
			p.wrong(status, slices.Concat(verb, []string{name})...)
		}
		if letter != "" {
			p.wrong(status, slices.Concat(verb, []string{"-" + letter})...)
		}
		if !slices.Contains(free, name) {
			for _, odd := range []string{"=", "-7.5x", "99999999999999999999999"} {
				p.wrong(status, slices.Concat(verb, []string{name + "=" + odd}, behind)...)
			}
		}
	}
	for _, unknown := range []string{"--nope", "--nope=1", "-9", "-Z", "-Zx", "---", "--=x", "-ü"} {
		p.wrong(status, slices.Concat(verb, []string{unknown}, behind)...)
	}
}

// TestWrongUsage uses every verb and option of rpc and rpcd wrongly. Each time the
// answer is one line in our own words, and the status of usage.
func TestWrongUsage(t *testing.T) {
	dir := testbin.Dir(t)
	env := append(os.Environ(), "RPC_DIR="+t.TempDir(), "LC_ALL=C")
	rpc, rpcd := program{t, dir + "/rpc", env}, program{t, dir + "/rpcd", env}

	free := []string{"--chdir", "--label", "--joblog"}
	rpc.options(125, nil, []string{"w", "true"}, free...)
	rpc.options(125, []string{"call"}, []string{"w", "true"}, free...)
	counts := map[string][]int{"call": nil, "ls": nil, "ps": nil, "completion": {0, 2}, "doctor": {0, 2}, "help": {2}, "kill": {0, 1, 4}, "map": {0, 1}, "ping": {0}, "pub": {0, 1, 3}, "rsh": {0}, "shim": {0, 1}, "sub": {0, 1, 3}, "version": {1}}
	for _, verb := range rpc.verbs() {
		status := 2
		if slices.Contains([]string{"map", "pub", "sub"}, verb) { // their statuses are a call's
			status = 125
		}
		if verb == "rsh" { // ssh's
			status = 255
		}
		words, known := counts[verb]
		if !known {
			t.Errorf("the verb %s isn't tested", verb)
		}
		for _, n := range words {
			rpc.wrong(status, append([]string{verb}, slices.Repeat([]string{"w"}, n)...)...)
		}
		if verb != "call" {
			rpc.options(status, []string{verb}, nil, free...)
		}
	}
	for _, words := range [][]string{{"help", "nosuch"}, {"help", "exec"}, {"help", "init"}, {"shim", "w", "--dir", ""}, {"shim", "w", "--dir", "d", "--rpc", "rpc"}, {"shim", "w", "--dir", "d", "--rpc", "/a b/rpc"}, {"shim", "", "--dir", "d"}, {"shim", "w ", "--dir", "d"}, {"completion", "tcsh"}, {"kill", "w", "3", "NOPE"}, {"kill", "w", ""}} {
		rpc.wrong(2, words...)
	}
	for _, words := range [][]string{{}, {"w"}, {"w", "--"}, {"call"}, {"list"}, {"exec", "w", "x"}, {"map", "w"}, {"map", "--resume", "w", "x"},
		{"map", "--framing", "u32", "w", "x", "{}"}, {"map", "-0", "--framing", "npy", "w", "x"}, {"map", "--tag", "--framing=npy", "w", "x"},
		{"map", "--jobs", "0", "w", "x"}, {"map", "--halt", "", "w", "x"}, {"map", "--joblog", "", "w", "x"}, {"map", "--retries", "-1", "w", "x"},
		{"pub", "--subscribers", "-1", "w", "x"}, {"pub", "-0", "--framing", "npy", "w", "x"}, {"sub", "--count", "0", "w", "x"}, {"sub", "--framing", "csv", "w", "x"}, {"-n", "ls"}, {"-n"}, {"--shim=w"}, {"--shim="}, {"--shim", "w", "x"}} {
		rpc.wrong(125, words...)
	}
	for _, words := range [][]string{{"-p"}, {"-n"}, {"-s", "w"}, {"-L", "1:h:2", "w", "x"}, {"-f", "w", "x"}, {"-N", "w"}, {"-W", "h:1", "w"}, {"-J", "h", "w", "x"}, {"-O", "exit", "w"},
		{"-Q", "cipher"}, {"-o", "RemoteCommand=ls", "w"}, {"u@"}, {"ssh://"}, {"-u", "w"}, {"--", "-x"}, {"w", "-p"}} {
		rpc.wrong(255, append([]string{"rsh"}, words...)...)
	}

	counts = map[string][]int{"serve": {0, 2}, "check": {2}, "completion": {0, 2}, "help": {2}, "version": {1}}
	for _, verb := range rpcd.verbs() {
		words, known := counts[verb]
		if !known {
			t.Errorf("the verb %s of rpcd isn't tested", verb)
		}
		for _, n := range words {
			rpcd.wrong(2, append([]string{verb}, slices.Repeat([]string{"w"}, n)...)...)
		}
		rpcd.options(2, []string{verb}, []string{"w"}[:min(1, len(words)-1)], "--listen", "--exports")
	}
	for _, words := range [][]string{{}, {"nosuch"}, {"nosuch", "x"}, {"help", "nosuch"}, {"completion", "tcsh"}} {
		rpcd.wrong(2, words...)
	}
}

// TestHelpFitsAScreen checks the length of rpc's help.
func TestHelpFitsAScreen(t *testing.T) {
	help, _, _ := program{t, testbin.Dir(t) + "/rpc", os.Environ()}.run("help")
	if n := strings.Count(help, "\n"); n > 40 {
		t.Error(fmt.Sprint(n, " lines"), "\n"+help)
	}
}
