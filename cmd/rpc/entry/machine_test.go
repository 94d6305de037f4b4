//go:build amd64

package entry

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// allowed are the functions of the runtime that run may reach: they are pure
// assembly, and morestack never runs, since g's stack has no bound.
var allowed = []string{"runtime.memmove", "runtime.memequal", "runtime.duffzero", "runtime.duffcopy", "runtime.morestack_noctxt", "runtime.morestack"}

// stackRoom is how many bytes of stack the entry may use. The kernel gives a new
// program 128 KiB at once, where no limit forbids it (setup_arg_pages).
const stackRoom = 4 << 10

// function is what the machine code of one says.
type function struct {
	calls []string
	frame int // bytes of its stack
}

// functions disassembles the entry of a program that is linked as the release.
func functions(t *testing.T) map[string]*function {
	t.Helper()
	program := filepath.Join(t.TempDir(), "rpc")
	for _, argv := range [][]string{
		{"go", "build", "-o", program, "-ldflags", "-E rpcd/cmd/rpc/entry.start", "rpcd/cmd/rpc"},
		{"go", "tool", "objdump", "-s", `^rpcd/cmd/rpc/entry\.`, program},
	} {
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%q: %v\n%s", argv, err, out)
		}
		if argv[1] == "tool" {
			return parse(string(out))
		}
	}
	return nil
}

var (
	head  = regexp.MustCompile(`^TEXT (\S+)\(SB\)`)
	jump  = regexp.MustCompile(`\t(CALL|JMP) ([^0-9\s]\S*)\(SB\)`)
	frame = regexp.MustCompile(`\tSUBQ \$(0x[0-9a-f]+), SP`)
	add   = regexp.MustCompile(`\tADDQ \$-(0x[0-9a-f]+), SP`)
)

func parse(text string) map[string]*function {
	all := map[string]*function{}
	var f *function
	for line := range strings.Lines(text) {
		if m := head.FindStringSubmatch(line); m != nil {
			f = &function{frame: 16} // return address and frame pointer
			all[m[1]] = f
		}
		for _, pattern := range []*regexp.Regexp{frame, add} {
			if m := pattern.FindStringSubmatch(line); m != nil {
				n, _ := strconv.ParseInt(m[1], 0, 32)
				f.frame += int(n)
			}
		}
		if m := jump.FindStringSubmatch(line); m != nil {
			f.calls = append(f.calls, m[2])
		}
		if strings.Contains(line, "\tCALL ") && !jump.MatchString(line) {
			f.calls = append(f.calls, "what it computes: "+strings.TrimSpace(line))
		}
	}
	return all
}

// What runs before Go's runtime calls nothing of it, has no loop of calls, and needs
// little stack. In no other way can it panic, allocate, or grow its stack.
func TestBeforeTheRuntime(t *testing.T) {
	all := functions(t)
	reached := map[string]int{} // the stack that is needed below
	var visit func(name string, path []string) int
	visit = func(name string, path []string) int {
		if deep, ok := reached[name]; ok {
			return deep
		}
		if slices.Contains(path, name) {
			t.Fatalf("%s calls itself: %q", name, path)
		}
		f := all[name]
		if f == nil {
			if !slices.Contains(allowed, strings.TrimSuffix(name, ".abi0")) {
				t.Errorf("the entry calls %s, by %s", name, strings.Join(path, " > "))
			}
			return 64
		}
		deepest := 0
		for _, called := range f.calls {
			if called != name { // behind morestack it begins again
				deepest = max(deepest, visit(called, append(slices.Clone(path), name)))
			}
		}
		reached[name] = f.frame + deepest
		return reached[name]
	}
	deep := visit("rpcd/cmd/rpc/entry.run.abi0", nil)
	t.Logf("%d functions, %d bytes of stack", len(reached), deep)
	if deep > stackRoom {
		t.Errorf("the entry needs %d bytes of stack, more than %d", deep, stackRoom)
	}
	if len(reached) < 20 {
		t.Errorf("only %d functions were found: has Go's disassembly changed?", len(reached))
	}
}
