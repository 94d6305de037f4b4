// Package arrows tests who may import whom.
package arrows

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "rpcd/"

const socketModule = "github.com/mdlayher/socket"

const hclogModule = "github.com/hashicorp/go-hclog"

// packages gives the direct imports of every package of the module. Tests may
// import what they like.
func packages(t *testing.T) map[string][]string {
	t.Helper()
	imports := map[string][]string{}
	for _, line := range goList(t, "-f", `{{.ImportPath}} {{join .Imports " "}}`, module+"...") {
		words := strings.Fields(line)
		imports[words[0]] = words[1:]
	}
	for _, needed := range []string{"rpcd/client", "rpcd/rpcd", "rpcd/rpcd/wire", "rpcd/rpcd/fdconn", "rpcd/cmd/rpc", "rpcd/cmd/rpcd"} {
		if _, ok := imports[needed]; !ok {
			t.Fatalf("go list doesn't know %q: it was asked wrongly, or the layout changed", needed)
		}
	}
	return imports
}

// dependencies gives all that a package stands on, itself included.
func dependencies(t *testing.T, path string) []string {
	t.Helper()
	return goList(t, "-deps", "-f", "{{.ImportPath}}", path)
}

func goList(t *testing.T, args ...string) []string {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list"}, args...)...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %q: %v\n%s", args, err, &stderr)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

// under says whether a path is that of a package, or of one below it.
func under(path, root string) bool { return path == root || strings.HasPrefix(path, root+"/") }

func inModule(path string) bool { return strings.HasPrefix(path, module) }

// standard says whether a path is of the standard library, whose first element
// has no dot; what it vendors counts as its own.
func standard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !inModule(path) && !strings.Contains(first, ".")
}

func TestArrowsFall(t *testing.T) {
	// daemon is what lies under rpcd/ and isn't shared with the client.
	daemon := func(path string) bool {
		return under(path, "rpcd/rpcd") && path != "rpcd/rpcd/wire" && path != "rpcd/rpcd/fdconn" && path != "rpcd/rpcd/talk" && path != "rpcd/rpcd/duration"
	}
	for path, imports := range packages(t) {
		for _, imported := range imports {
			wrong := ""
			switch {
			case under(imported, "rpcd/cmd"):
				wrong = "nobody imports cmd"
			case under(path, "rpcd/client") && daemon(imported):
				wrong = "the client doesn't stand on the daemon"
			case under(path, "rpcd/rpcd") && under(imported, "rpcd/client"):
				wrong = "the daemon doesn't stand on the client"
			case path != "rpcd/rpcd" && under(path, "rpcd/rpcd") && imported == "rpcd/rpcd":
				wrong = "a joint doesn't stand on the daemon"
			case under(path, "rpcd/rpcd/limit") && !standard(imported) && !strings.HasPrefix(imported, "golang.org/x/"):
				wrong = "limit stands on the standard library and golang.org/x alone"
			case imported == "rpcd/rpcd/export/lint" && path != "rpcd/cmd/rpcd":
				wrong = "a call is decided without lint: only `rpcd check` uses it"
			case strings.HasPrefix(imported, socketModule) && path != "rpcd/rpcd/fdconn":
				wrong = "only fdconn knows mdlayher/socket"
			case strings.HasPrefix(imported, hclogModule) && path != "rpcd/rpcd" && path != "rpcd/cmd/rpcd":
				wrong = "logs stop at rpcd"
			}
			if wrong != "" {
				t.Errorf("%s imports %s: %s", path, imported, wrong)
			}
		}
	}
}

// TestJoints: pool, topic and child don't stand on each other, nor on wire.
func TestJoints(t *testing.T) {
	joints := []string{"rpcd/rpcd/pool", "rpcd/rpcd/topic", "rpcd/rpcd/child"}
	for path, imports := range packages(t) {
		for _, joint := range joints {
			for _, imported := range imports {
				if under(path, joint) && slices.Contains(joints, imported) && imported != joint {
					t.Errorf("%s imports %s: joints don't stand on each other", path, imported)
				}
			}
		}
	}
}

// TestStream: stream stands on the protocol's bytes and on sockets alone. It
// knows no process, no policy and no daemon.
func TestStream(t *testing.T) {
	const stream = "rpcd/rpcd/stream"
	allowed := []string{"rpcd/rpcd/wire", "rpcd/rpcd/fdconn", "golang.org/x/sys/unix"}
	imports, ok := packages(t)[stream]
	if !ok {
		t.Fatalf("go list doesn't know %q", stream)
	}
	for _, imported := range imports {
		if !standard(imported) && !slices.Contains(allowed, imported) {
			t.Errorf("%s imports %s", stream, imported)
		}
	}
}

// TestClient: client stands on its own rooms and on the conversation. Finding a
// worker knows no call, and the door is cmd/rpc's alone.
func TestClient(t *testing.T) {
	conversation := []string{"rpcd/rpcd/talk", "rpcd/rpcd/wire", "rpcd/rpcd/fdconn", "rpcd/rpcd/duration", "golang.org/x/sys/unix"}
	words := []string{"rpcd/internal/names", "rpcd/internal/reach", "rpcd/internal/printable"}
	all := packages(t)
	for path, allowed := range map[string][]string{
		"rpcd/client":                 {"rpcd/client/replica", "rpcd/client/internal/caller", "rpcd/internal/door"},
		"rpcd/client/replica":         {"rpcd/client/internal/caller"},
		"rpcd/client/internal/caller": nil,
		"rpcd/internal/door":          nil,
	} {
		imports, ok := all[path]
		if !ok {
			t.Fatalf("go list doesn't know %q", path)
		}
		for _, imported := range imports {
			if !standard(imported) && !slices.Contains(slices.Concat(allowed, conversation, words), imported) {
				t.Errorf("%s imports %s", path, imported)
			}
		}
	}
	for path, imports := range all {
		if slices.Contains(imports, "rpcd/internal/door") && path != "rpcd/client" && path != "rpcd/cmd/rpc" {
			t.Errorf("%s imports internal/door: it is for cmd/rpc alone", path)
		}
	}
}

// TestFewNeeds: what a package stands on, beside the standard library and itself.
func TestFewNeeds(t *testing.T) {
	for path, needs := range map[string][]string{
		"rpcd/rpcd/wire":         nil,
		"rpcd/rpcd/duration":     nil,
		"rpcd/internal/names":    nil,
		"rpcd/rpcd/export":       {"rpcd/internal/names", "rpcd/rpcd/duration", "rpcd/rpcd/export/internal/display"},
		"rpcd/rpcd/export/lint":  {"rpcd/internal/names", "rpcd/rpcd/export", "rpcd/rpcd/duration", "rpcd/rpcd/export/internal/display"},
		"rpcd/rpcd/child/cgroup": {"golang.org/x/sys/unix"},
	} {
		for _, dep := range dependencies(t, path) {
			if !standard(dep) && dep != path && !slices.Contains(needs, dep) {
				t.Errorf("%s stands on %s; it may stand on the standard library and %q", path, dep, needs)
			}
		}
	}
}

// TestClientIsLight: who imports client gets no command line, no logs and no
// web server with it.
func TestClientIsLight(t *testing.T) {
	heavy := []string{"github.com/spf13/cobra", "github.com/spf13/pflag", hclogModule, "net/http", "encoding/json", "text/template"}
	for _, dep := range dependencies(t, "rpcd/client") {
		for _, h := range heavy {
			if under(dep, h) {
				t.Errorf("client stands on %s", dep)
			}
		}
	}
}

func TestCommandsStandOnTheirSide(t *testing.T) {
	for _, path := range []string{"rpcd/rpcd", "rpcd/rpcd/export", "rpcd/rpcd/child"} {
		if slices.Contains(dependencies(t, "rpcd/cmd/rpc"), path) {
			t.Errorf("the command line stands on the daemon: %s", path)
		}
	}
	if slices.Contains(dependencies(t, "rpcd/cmd/rpcd"), "rpcd/client") {
		t.Error("the daemon's command stands on the client")
	}
}
