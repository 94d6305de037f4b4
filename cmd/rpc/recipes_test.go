package main_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"rpcd/internal/proc"
	"rpcd/internal/rig"
	"rpcd/internal/testbin"
	"rpcd/internal/testkit"
)

// TestRecipes runs each recipe of docs/recipes.md, passed and through a bridge. What
// its scripts print is what "# prints:" says in them. Then testdata/recipes/NAME/
// promises.sh, in the same way, tries what the recipe promises. A recipe's folder has
// the files that it finds (files), and what makes others (setup.sh). Stand-ins for
// tools lie in the folders worker and caller.
func TestRecipes(t *testing.T) {
	testkit.Need(t, "make", "git", "python3", "tar", "gzip", "flock", "setpriv", "setsid", "pgrep")
	recipes := readRecipes(t, "../../docs/recipes.md")
	if len(recipes) != 10 {
		t.Fatalf("docs/recipes.md has %d recipes", len(recipes))
	}
	for _, r := range recipes {
		for _, transport := range []string{"passed", "bridge"} {
			if transport == "bridge" && slices.Contains([]string{"3-a-sidecar-in-a-test-suite", "6-an-r-step-in-a-makefile"}, r.name) {
				continue // it starts its own worker; the jobserver doesn't cross
			}
			t.Run(r.name+"/"+transport, func(t *testing.T) {
				t.Parallel()
				r.run(t, transport)
			})
		}
	}
}

// kitchen is where one recipe runs: a folder for each worker, one for the caller (work),
// one for the sockets (run).
type kitchen struct {
	dir, transport string
	workers        []*rig.Process
	env, workerEnv []string
}

func (r recipe) run(t *testing.T, transport string) {
	k := newKitchen(t, transport)
	own := "testdata/recipes/" + r.name
	if _, err := os.Stat(own + "/files"); err == nil {
		k.must(t, os.CopyFS(k.dir+"/work", os.DirFS(own+"/files")))
	}
	if setup, err := os.ReadFile(own + "/setup.sh"); err == nil {
		k.script(t, "setup.sh", string(setup), k.dir+"/work", k.env)
	}
	replicas := map[string]int{}
	for _, b := range r.blocks {
		folder, env := k.dir+"/work", k.env
		if b.worker != "" {
			folder, env = k.dir+"/"+b.worker, k.workerEnv
			k.must(t, os.MkdirAll(folder, 0o755))
			replicas[b.worker] = max(replicas[b.worker], b.replicas)
		}
		switch {
		case b.file != "":
			k.write(t, folder+"/"+b.file, b.text)
		case b.worker != "":
			k.script(t, "the worker's block", b.text, folder, env)
		default:
			for _, name := range slices.Sorted(maps.Keys(replicas)) {
				k.serve(t, name, replicas[name])
			}
			clear(replicas)
			env = k.env
			k.write(t, k.dir+"/recipe.sh", "set -euo pipefail\n"+b.text) // for promises.sh
			k.script(t, "the recipe", b.text, folder, env)
		}
	}
	promises, err := os.ReadFile(own + "/promises.sh")
	if err != nil {
		t.Fatalf("nothing tries what the recipe promises: %v", err)
	}
	k.script(t, "promises.sh", prelude+"\n"+string(promises), k.dir+"/work", k.env)
	k.idle(t)
}

func newKitchen(t *testing.T, transport string) *kitchen {
	t.Helper()
	k := &kitchen{dir: testkit.Folder(t), transport: transport}
	for _, folder := range []string{"work", "run", "far", "bin"} {
		k.must(t, os.Mkdir(k.dir+"/"+folder, 0o755))
	}
	// As copies they belong to this user, as what is exported has to.
	for _, side := range []string{"worker", "caller"} {
		k.must(t, os.CopyFS(k.dir+"/bin/"+side, os.DirFS("testdata/recipes/"+side)))
	}
	bin := testbin.Dir(t)
	k.must(t, os.Symlink(bin+"/rpc", k.dir+"/bin/caller/rpc-rsh"))
	client, err := filepath.Abs("../../client/python")
	k.must(t, err)
	common := append(testbin.Environment(), "HOME="+k.dir+"/work", "PYTHONDONTWRITEBYTECODE=1")
	k.workerEnv = append(slices.Clone(common), "PATH="+k.dir+"/bin/worker:"+testbin.Path(t), "PYTHONPATH="+client)
	k.env = append(common, "PATH="+k.dir+"/bin/caller:"+testbin.Path(t), "RPC_DIR="+k.dir+"/run", "D="+k.dir, "BIN="+bin,
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@x", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@x")
	return k
}

func (k *kitchen) must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// write makes a file of a block, which may be run if it names its interpreter.
func (k *kitchen) write(t *testing.T, path, text string) {
	t.Helper()
	mode := os.FileMode(0o644)
	if strings.HasPrefix(text, "#!") {
		mode = 0o755
	}
	k.must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	k.must(t, os.WriteFile(path, []byte(text), mode))
}

// serve checks a worker's exports and starts it. Several replicas have a folder.
func (k *kitchen) serve(t *testing.T, name string, replicas int) {
	t.Helper()
	exports := k.dir + "/" + name + "/exports"
	check := exec.Command(testbin.Dir(t)+"/rpcd", "check", exports)
	check.Env = k.workerEnv
	if out, err := check.CombinedOutput(); err != nil {
		t.Fatalf("rpcd check: %v\n%s", err, out)
	}
	for n := range replicas {
		path := "/" + name + ".sock"
		if replicas > 1 {
			path = fmt.Sprintf("/%s/%d.sock", name, n)
			k.must(t, os.MkdirAll(k.dir+"/run/"+name, 0o755))
			k.must(t, os.MkdirAll(k.dir+"/far/"+name, 0o755))
		}
		socket := k.dir + "/run" + path
		if k.transport == "bridge" {
			socket = k.dir + "/far" + path
		}
		s := rig.Starter{Folder: k.dir, Log: fmt.Sprintf("%s/%s-%d.log", k.dir, name, n), Env: k.workerEnv}
		worker, err := s.Serve(testbin.Dir(t)+"/rpcd", socket, "--exports", exports, "--grace", "1s")
		k.must(t, err)
		t.Cleanup(worker.Stop)
		k.workers = append(k.workers, worker)
		k.env = append(k.env, fmt.Sprintf("RPCD_%d=%d", n, worker.PID()))
		if k.transport == "bridge" {
			testbin.Bridge(t, rig.Starter{Folder: k.dir}, k.dir+"/run"+path, socket)
		}
	}
}

// says is what a script prints by its own words.
var says = regexp.MustCompile(`(?m)# prints: (.*)$`)

// script runs a script as the document says. It has to succeed, and to print its own
// words: "..." at a line's end stands for any rest.
func (k *kitchen) script(t *testing.T, what, text, folder string, env []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", "set -euo pipefail\n"+text, "recipe")
	cmd.Dir, cmd.Env = folder, env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.CombinedOutput()
	var want strings.Builder
	for _, line := range says.FindAllStringSubmatch(text, -1) {
		want.WriteString(line[1] + "\n")
	}
	pattern := strings.ReplaceAll(regexp.QuoteMeta(want.String()), `\.\.\.`+"\n", ".*\n")
	if err != nil || !regexp.MustCompile(`\A`+pattern+`\z`).MatchString(notices.ReplaceAllString(string(out), "")) {
		t.Errorf("%s: %v, and it prints\n%s\nwhere it says\n%s", what, err, out, want.String())
		for _, worker := range k.workers {
			t.Logf("rpcd says:\n%s", worker.Log())
		}
		t.FailNow()
	}
}

// idle waits until the workers have no process but rpcd's own and the resident ones:
// nothing that a recipe started runs on.
func (k *kitchen) idle(t *testing.T) {
	t.Helper()
	resident, err := filepath.Glob(k.dir + "/*/exports/*/workers")
	k.must(t, err)
	for _, worker := range k.workers {
		testkit.Eventually(t, "nothing is left running", func() bool {
			n := 0
			for _, child := range proc.Children(worker.PID()) {
				if line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", child)); !strings.HasPrefix(string(line), "rpcd ") {
					n++
				}
			}
			select {
			case <-worker.Done(): // killed on purpose
				return true
			default:
				return n == len(resident)
			}
		})
	}
}
