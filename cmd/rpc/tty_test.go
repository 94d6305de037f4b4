package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rpcd/internal/testkit"
)

// TestTerminal checks that a call in a terminal reacts to keys as a local command
// does.
// fault: 38 43 83
func TestTerminal(t *testing.T) {
	for _, transport := range []string{"passed", "bridge"} {
		t.Run(transport, func(t *testing.T) {
			if transport == "bridge" {
				testkit.Need(t, "socat")
			}
			for name, test := range map[string]func(*terminal){
				"reads":      terminalReads,
				"ctrl-z":     terminalStops,
				"background": terminalBackground,
				"ctrl-c":     terminalInterrupts,
				"ctrl-c cat": terminalInterruptsReader,
				"ctrl-d":     terminalEnds,
				"next":       terminalNext,
				"modes":      terminalModes,
				"names":      terminalNames,
				"beyond 2":   terminalBeyond2,
			} {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					test(openTerminal(t, transport))
				})
			}
		})
	}
}

// terminalBeyond2 checks that a terminal beyond 2 is written as stdout is, in order,
// and that nothing is read from it: what is typed is for stdin.
func terminalBeyond2(x *terminal) {
	x.types("rpc --fd 3 $W sh -c '[ ! -t 3 ] && for i in $(seq 20); do echo three $i >&3; echo one $i; done; read x; echo got $x >&3' 3>&1", "Enter")
	var lines []string
	for i := 1; i <= 20; i++ {
		lines = append(lines, fmt.Sprintf("three %d\none %d", i, i))
	}
	x.shows(strings.Join(lines, "\n"))
	x.types("typed", "Enter")
	x.shows("got typed")
	x.prompted()
	x.types("rpc --fd 3 $W sh -c 'read x <&3; [ -t 3 ] || echo got $x' 3</dev/tty >/dev/tty </dev/null", "Enter")
	x.calling()
	x.types("more", "Enter")
	x.shows("got more")
	x.prompted()
	// What is typed ahead is read by lines, so that one is taken at most.
	x.types("rpc --fd 3 $W sh -c 'read x <&3; : >up; while [ ! -e go ]; do sleep 0.05; done' 3</dev/tty </dev/null", "Enter")
	x.calling()
	x.types("read", "Enter")
	x.exists("up")
	x.types(": taken, perhaps", "Enter", ": >left", "Enter")
	if err := os.WriteFile(filepath.Join(x.world.dir, "cwd", "go"), nil, 0o644); err != nil {
		x.t.Fatal(err)
	}
	x.exists("left")
}

func terminalReads(x *terminal) {
	x.types(`rpc $W sh -c 'echo ask; read a; echo got $a; echo err >&2; [ -t 0 ] || echo no terminal'`, "Enter")
	x.shows("ask")
	x.types("an answer", "Enter")
	x.shows("got an answer")
	x.shows("err")
	x.shows("no terminal")
}

func terminalStops(x *terminal) {
	x.types(`rpc $W sh -c 'echo ask; read a; echo got $a'; echo "status $?"`, "Enter")
	x.shows("ask")
	x.stops()
	x.types("echo shell is back", "Enter")
	x.shows("shell is back")
	x.prompted()
	x.types("fg", "Enter")
	x.calling()
	x.types("again", "Enter")
	x.shows("got again")
	// A call that writes behaves alike.
	x.prompted()
	x.types("clear; rpc $W sh -c ': >up; while [ ! -e go ]; do sleep 0.05; done; echo went on'", "Enter")
	x.exists("up")
	x.stops()
	x.types("touch go; sleep 0.3; clear", "Enter")
	x.prompted()
	x.types("fg", "Enter")
	x.shows("went on")
}

func terminalBackground(x *terminal) {
	x.types("rpc $W sh -c 'echo up; : >up; while [ ! -e go ]; do sleep 0.05; done; read a; echo got $a; : >end' &", "Enter")
	x.exists("up") // the call runs in the background, though it may not read the terminal
	x.types("", "Enter")
	x.types("clear; touch go; sleep 0.5; jobs", "Enter")
	x.has("Running")
	x.prompted()
	x.types("fg", "Enter")
	x.calling()
	x.types("text", "Enter")
	x.shows("got text")
	x.prompted()
	x.types("clear; rpc $W sh -c 'sleep 0.2; echo done by itself; : >self' &", "Enter")
	x.exists("self")
	x.has("done by itself")
	x.until("bash says Done", func() bool { // bash prints it before a prompt, once rpc has ended
		x.types("", "Enter")
		return strings.Contains(x.screen(), "Done")
	})
}

func terminalInterrupts(x *terminal) {
	x.types(`rpc $W sh -c 'trap "echo cleaned; exit 40" INT; echo up; sleep 99 & wait'; echo "status $?"`, "Enter")
	x.shows("up")
	x.types("C-c")
	x.has("cleaned")
	x.has("status 40")
	x.prompted()
	// If the procedure dies of the signal, bash sees that and stops its list.
	x.types("clear", "Enter")
	x.until("the screen is clear", func() bool { return !strings.Contains(x.screen(), "cleaned") }) // so the first "up" is gone, too
	x.types(`rpc $W sh -c 'echo $$ >pid; echo up; exec sleep 99'; echo "not reached"`, "Enter")
	x.shows("up")
	x.types("C-c")
	x.prompted()
	x.types(`echo "status $?"`, "Enter")
	x.shows("status 130")
	if strings.Contains(strings.ReplaceAll(x.screen(), `echo "not reached"`, ""), "not reached") {
		x.t.Errorf("bash goes on after Ctrl-C:\n%s", x.screen())
	}
}

func terminalInterruptsReader(x *terminal) {
	x.types(`rpc $W sh -c 'echo up; exec cat'`, "Enter")
	x.shows("up")
	x.types("line", "Enter")
	x.until("the line came back", func() bool { return strings.Count(x.screen(), "\nline") == 2 })
	x.types("C-c")
	x.prompted()
	x.types(`echo "status $?"`, "Enter")
	x.shows("status 130")
}

func terminalEnds(x *terminal) {
	x.types(`rpc $W sh -c 'echo up; exec cat'; echo "status $?"`, "Enter")
	x.shows("up")
	x.types("line", "Enter")
	x.until("the line came back", func() bool { return strings.Count(x.screen(), "\nline") == 2 })
	x.types("C-d")
	x.shows("status 0")
}

// terminalNext checks that a call doesn't take the line that is typed for the next
// command.
func terminalNext(x *terminal) {
	x.types(`rpc $W sh -c 'echo ask; read a; echo got $a; : >up; while [ ! -e go ]; do sleep 0.05; done'`, "Enter")
	x.shows("ask")
	x.types("first", "Enter")
	x.exists("up")
	x.types("echo ahead; : >ahead", "Enter")
	if err := os.WriteFile(filepath.Join(x.world.dir, "cwd", "go"), nil, 0o644); err != nil {
		x.t.Fatal(err)
	}
	x.prompted()
	x.types("echo and after", "Enter")
	x.shows("and after")
	if _, err := os.Stat(filepath.Join(x.world.dir, "cwd", "ahead")); err != nil {
		x.t.Logf("what was typed during a call that doesn't read was taken by it: at most a line, since rpc reads a terminal by lines\n%s", x.screen())
	}
}

// terminalModes checks that a call leaves the terminal's modes as they were, even
// if rpcd dies.
func terminalModes(x *terminal) {
	// All of it is one command line, since bash repairs the modes when it prompts.
	x.types(`look() { { stty -g; grep flags /proc/$$/fdinfo/0; } >$1; }; same() { look after; cmp before after && echo "$1"; }`, "Enter")
	x.prompted()
	x.types(`clear; look before; rpc $W sh -c 'echo up; exec cat'; same unchanged`, "Enter")
	x.shows("up")
	x.types("line", "Enter")
	x.until("the line came back", func() bool { return strings.Count(x.screen(), "\nline") == 2 })
	x.types("C-d")
	x.shows("unchanged")
	x.prompted()
	x.types(`clear; look before; rpc $W sh -c 'echo up again; exec cat'; echo "status $?"; same "still unchanged"`, "Enter")
	x.shows("up again")
	x.world.daemon.Kill()
	x.shows("status 125")
	x.shows("still unchanged")
}

// terminalNames checks that a terminal is one thing under each of its names, so that
// what is written to two of them keeps its order.
func terminalNames(x *terminal) {
	const both = `rpc $W sh -c 'i=0; while [ $i -lt 40 ]; do echo out $i; echo err $i >&2; i=$((i+1)); done; echo end'`
	for _, names := range []string{">/dev/tty", "2>/dev/tty", ">/dev/tty 2>$(tty)", ">$(tty) 2>$(tty)"} {
		x.types("clear; "+both+" "+names, "Enter")
		x.shows("end")
		x.prompted()
		var want strings.Builder // the screen has 50 lines, so these are the last
		for i := 20; i < 40; i++ {
			fmt.Fprintf(&want, "out %d\nerr %d\n", i, i)
		}
		if !strings.Contains(x.screen(), want.String()+"end") {
			x.t.Errorf("%s: the order isn't kept:\n%s", names, x.screen())
		}
	}
}
