package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"rpcd/internal/rig"
	"rpcd/internal/testbin"
	"rpcd/internal/testkit"
)

// oddSummary has what a shell, and the completion of one, takes for its own.
const oddSummary = `finds: "faces", it's $(:>made) [all]`

// oddWorld adds to a world names with blanks, colons and quotes, of procedures and of
// files, a topic, and a worker that is frozen. In RPC_DIR the world is hugin.
func oddWorld(t *testing.T, w *world) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, summary := range map[string]string{"detect": oddSummary, "defish": "the other", "two words": "blanks  here", "run;$(:>made) 1": "one", "run;$(:>made) 2": "two"} {
		must(os.Mkdir(filepath.Join(w.dir, "ex", name), 0o755))
		must(os.Symlink("/bin/cat", filepath.Join(w.dir, "ex", name, "run")))
		must(os.WriteFile(filepath.Join(w.dir, "ex", name, "summary"), []byte(summary+"\n"), 0o644))
	}
	must(os.Mkdir(w.dir+"/ex/frames", 0o755))
	must(os.WriteFile(w.dir+"/ex/frames/topic", []byte("block\n"), 0o644))
	for _, name := range []string{"a:b.txt", "my file", "q$(:>made)q"} {
		must(os.WriteFile(filepath.Join(w.dir, "cwd", name), nil, 0o644))
	}
	must(os.MkdirAll(w.dir+"/cwd/some/folder", 0o755))
	must(os.Symlink(w.socket, w.dir+"/hugin.sock"))
	frozen := testbin.Serve(t, rig.Starter{Folder: w.dir, Log: w.dir + "/frozen.log"}, w.dir+"/frozen.sock", "--exports", w.dir+"/ex")
	must(syscall.Kill(frozen.PID(), syscall.SIGSTOP))
	t.Cleanup(func() { _ = syscall.Kill(frozen.PID(), syscall.SIGCONT) })
}

// Each shell completes by the script alone, with names that it has to quote. It runs
// no word of the line, and offers no worker that doesn't answer.
// fault: 206
func TestCompletionInEachShell(t *testing.T) {
	testbin.Dir(t)
	// Zsh takes the slash behind a folder back when the next key needs none.
	for _, shell := range []struct{ name, start, setUp, folder, colon, dollar, common string }{
		{"bash", "exec bash --norc --noprofile -i", `unset -f _get_comp_words_by_ref _filedir; bind "set show-all-if-ambiguous on"; set +o history; PS1="> "; source <(rpc completion bash)`, "some/folder/", `a\:b.txt`, `q\$\(\:\>made\)q`, `run\;\$\(:\>made\)\ `},
		{"zsh", "exec zsh -f", `autoload -Uz compinit; compinit -u -D; PS1="> "; source <(rpc completion zsh)`, "some/folder", "a:b.txt", `q\$\(:\>made\)q`, `run\;\$\(:\>made\)\ `},
		{"fish", "exec fish --no-config", `set -g fish_autosuggestion_enabled 0; function fish_prompt; printf "> "; end; rpc completion fish | source`, "some/folder/", "a:b.txt", `q\$\(:\>made\)q`, `run\;\$\(:\>made\)\ `},
	} {
		t.Run(shell.name, func(t *testing.T) {
			testkit.Need(t, shell.name)
			x := openTerminal(t, "passed")
			oddWorld(t, x.world)
			x.types("RPC_DIR=$D PS1= "+shell.start, "Enter")
			x.untilTyped("echo rea''dy", "ready")
			x.types(shell.setUp+" && clear; echo se''t", "Enter")
			x.has("set\n>")
			for _, r := range []struct{ typed, want string }{
				{"rpc hug", "rpc hugin"},
				{"rpc fro", "rpc fro"},
				{"rpc doc", "rpc doctor"},
				{"rpc --time", "rpc --timeout"},
				{"rpc --pass no", "rpc --pass none"},
				{"rpc --pass=pi", "rpc --pass=pipes"},
				{"rpc -C some/fo", "rpc -C " + shell.folder},
				{"rpc -C some call hug", "rpc -C some call hugin"},
				{"rpc hugin two", `rpc hugin two\ words`},
				{"rpc hugin dete", "rpc hugin detect"},
				{"rpc hugin run", "rpc hugin " + shell.common},
				{"rpc frozen dete", "rpc frozen dete"},
				{"rpc sub hugin fra", "rpc sub hugin frames"},
				{"rpc hugin fra", "rpc hugin fra"},
				{"rpc 'hugin' print", "rpc 'hugin' printf"},
				{"rpc hugin sort my", `rpc hugin sort my\ file`},
				{"rpc hugin sort a", "rpc hugin sort " + shell.colon},
				{"rpc hugin sort q", "rpc hugin sort " + shell.dollar},
				{"rpc $(:>made) hug", "rpc $(:>made) hug"},
			} {
				x.completes(r.typed, r.want)
			}
			var next time.Time
			x.until("the summary is shown", func() bool {
				if time.Now().After(next) { // as completes does
					x.types("C-u", "C-l")
					x.types("-l", "rpc hugin de")
					x.types("Tab")
					next = time.Now().Add(3 * time.Second)
				}
				return strings.Contains(x.screen(), oddSummary)
			})
			if _, err := os.Stat(x.world.dir + "/cwd/made"); err == nil {
				t.Error("a word of the line, or of a summary, was run")
			}
		})
	}
}

// completes types words and a tab, and waits for the line that they become, with or
// without a blank behind it. It does so again where a busy machine has answered too
// late.
func (x *terminal) completes(typed, want string) {
	x.t.Helper()
	var next time.Time
	x.until(typed+" becomes "+want, func() bool {
		if time.Now().After(next) {
			x.types("C-u", "C-l")
			x.types("-l", typed)
			x.types("Tab")
			x.types("-l", "|") // where the cursor is
			next = time.Now().Add(3 * time.Second)
		}
		lines := strings.Split(x.screen(), "\n") // bash shows a list above its line, others below
		return slices.Contains(lines, "> "+want+"|") || slices.Contains(lines, "> "+want+" |")
	})
}

// untilTyped types a line again and again until its output is there: a shell that
// starts loses what comes too soon.
func (x *terminal) untilTyped(line, output string) {
	x.t.Helper()
	next := time.Now()
	x.until(line+" prints "+output, func() bool {
		if time.Now().After(next) {
			x.types(line, "Enter")
			next = time.Now().Add(time.Second)
		}
		return strings.Contains(x.screen(), "\n"+output)
	})
}

// A frozen worker is left out, and holds nobody up: the time is told, not asserted.
// fault: 203
func TestCompletionBesideAFrozenWorker(t *testing.T) {
	w := startWorld(t, "passed")
	oddWorld(t, w)
	for _, r := range []struct{ line, has, hasnt string }{
		{"", "hugin\n", "frozen"},
		{"hugin ", "detect\t" + oddSummary + "\n", "frames"},
		{"frozen ", ":4\n", "detect"},
		{"pub hugin ", "frames\n", "detect"},
	} {
		words := append([]string{"__complete"}, strings.Split(r.line, " ")...)
		cmd := exec.Command(filepath.Join(testbin.Dir(t), "rpc"), words...)
		cmd.Env = append(w.environment(), "RPC_DIR="+w.dir)
		began := time.Now()
		out, err := cmd.Output()
		t.Logf("rpc %s<Tab>: %v", r.line, time.Since(began))
		if err != nil || !strings.Contains(string(out), r.has) || strings.Contains(string(out), r.hasnt) {
			t.Errorf("rpc %s<Tab>: %v\n%s", r.line, err, out)
		}
	}
}
