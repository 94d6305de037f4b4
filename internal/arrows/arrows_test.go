// Package arrows tests the layout: which package may import which, and how large
// packages and functions may become.
package arrows

import (
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// room is a package of the module. mayImport lists packages of the module, and
// outside lists packages of other modules with all below them. Everybody may
// import the standard library, and tests may import what they like.
type room struct{ path, mayImport, outside string }

// floor is a group of rooms on one side of the socket.
type floor struct {
	side  side
	rooms []room
}

// side says who uses a floor. Each side imports itself and shared, nothing else.
type side string

const (
	client side = "client"
	daemon side = "daemon"
	shared side = "shared"
	tests  side = "tests"
)

// Modules that more than one room uses.
const (
	cobra = "github.com/spf13/cobra github.com/spf13/pflag"
	hclog = "github.com/hashicorp/go-hclog"
	sys   = "golang.org/x/sys/unix"
)

// floors is the whole module. A room imports only what its line names, and that
// stands further down. A new package needs one line here.
var floors = []floor{
	// The command rpc and the Go package that it is made of.
	{client, []room{
		{"bench/topics", "client", sys}, // as a program of a user's: bench starts it
		{"cmd/rpc", "cmd/rpc/entry cmd/rpc/shim client client/batch client/record client/replica client/terminal internal/commandline internal/door internal/flagerror internal/manual internal/names internal/printable internal/reach internal/sigaction internal/version rpcd/duration rpcd/fdconn rpcd/wire", cobra + " " + sys},
		{"cmd/rpc/entry", "cmd/rpc/shim internal/names internal/slack internal/version", sys},
		{"cmd/rpc/shim", "", ""},
		{"client/batch", "client client/internal/caller client/record internal/printable", sys},
		{"client/record", "", sys},
		{"client", "client/replica client/internal/caller internal/door internal/printable rpcd/fdconn rpcd/talk rpcd/topic/ring rpcd/wire", sys},
		{"client/replica", "client/internal/caller internal/names internal/printable internal/reach rpcd/fdconn rpcd/talk rpcd/wire", sys},
		{"client/terminal", "internal/sigaction rpcd/wire", sys + " golang.org/x/term"},
		{"client/internal/caller", "internal/names rpcd/wire", sys},
	}},
	// The command rpcd and the daemon.
	{daemon, []room{
		{"cmd/rpcd", "internal/commandline internal/flagerror internal/manual internal/names internal/printable internal/sigaction internal/version rpcd rpcd/child rpcd/child/leader rpcd/duration rpcd/export rpcd/export/lint rpcd/fdconn rpcd/talk rpcd/wire", cobra + " " + hclog + " " + sys + " github.com/coreos/go-systemd/v22/daemon"},
		{"rpcd", "internal/printable rpcd/cause rpcd/child rpcd/directory rpcd/export rpcd/fdconn rpcd/journal rpcd/lend rpcd/limit rpcd/lookup rpcd/refusal rpcd/resident/pool rpcd/run rpcd/runas rpcd/stream rpcd/talk rpcd/topic rpcd/wire", hclog + " " + sys},
		// The daemon's joints. None imports rpcd.
		{"rpcd/runas", "rpcd/child rpcd/export rpcd/refusal", ""},
		{"rpcd/refusal", "internal/printable rpcd/child rpcd/directory rpcd/export rpcd/limit rpcd/resident/pool rpcd/stream rpcd/talk rpcd/topic rpcd/wire", sys},
		{"rpcd/lend", "rpcd/fdconn rpcd/limit rpcd/run rpcd/talk rpcd/wire", ""},
		{"rpcd/cause", "rpcd/wire", sys},
		{"rpcd/journal", "internal/printable rpcd/wire", sys},
		{"rpcd/lookup", "rpcd/child rpcd/directory rpcd/export rpcd/limit rpcd/run rpcd/topic", ""},
		{"rpcd/topic", "rpcd/fdconn rpcd/limit rpcd/topic/ring rpcd/wire", sys},
		{"rpcd/directory", "internal/names rpcd/child rpcd/wire", sys},
		{"rpcd/resident/pool", "internal/printable rpcd/child rpcd/export rpcd/fdconn rpcd/limit rpcd/run rpcd/talk rpcd/wire", sys},
		{"rpcd/run", "rpcd/child rpcd/export rpcd/wire", ""},
		{"rpcd/stream", "rpcd/fdconn rpcd/wire", sys + " github.com/creack/pty"},
		{"rpcd/limit", "internal/openlimit", "golang.org/x"},
		{"rpcd/child", "rpcd/child/cgroup rpcd/child/leader rpcd/child/openfiles rpcd/child/starter internal/openlimit internal/sigaction internal/slack", sys},
		{"rpcd/child/leader", "internal/slack rpcd/child/openfiles rpcd/child/starter", sys},
		{"rpcd/child/openfiles", "", ""},
		{"rpcd/child/starter", "internal/slack", sys},
		{"rpcd/child/cgroup", "internal/names", sys},
		// Policy: what may be called. A call is decided without lint.
		{"rpcd/export/lint", "rpcd/export rpcd/export/internal/display rpcd/export/internal/program", ""},
		{"rpcd/export", "rpcd/export/internal/display rpcd/export/internal/program internal/names rpcd/duration", ""},
		{"rpcd/export/internal/program", "rpcd/export/internal/display", ""},
		{"rpcd/export/internal/display", "", ""},
	}},
	// Programs that measure and check, and what tests share. No product imports them.
	{tests, []room{
		{"bench", "internal/proc internal/rig", "gonum.org/v1/plot"},
		{"bench/flood", "internal/proc internal/rig internal/stubborn rpcd/fdconn rpcd/wire", sys},
		{"bench/soak", "internal/names internal/proc internal/rig internal/stubborn rpcd/wire", sys},
		{"internal/arrows", "", ""},
		{"internal/docs", "internal/manual internal/rows", ""},
		{"internal/lean", "", ""},
		{"internal/testbin", "internal/proc internal/rig internal/testkit", "github.com/rogpeppe/go-internal/testscript go.uber.org/goleak golang.org/x/sys/unix"},
		{"internal/testkit", "internal/stubborn", sys},
		{"internal/stubborn", "", sys},
		{"internal/rig", "internal/proc rpcd/wire", ""},
		{"internal/rows", "", ""},
		{"internal/proc", "", ""},
		{"rpcd/export/internal/exporttest", "internal/names", ""},
	}},
	// What both sides stand on: the conversation, the sockets, the protocol, and
	// words that both have to agree on.
	{shared, []room{
		{"rpcd/topic/ring", "rpcd/wire", sys},
		{"rpcd/talk", "rpcd/wire", sys},
		{"rpcd/resident", "rpcd/fdconn rpcd/wire", sys}, // for programs that serve procedures
		{"internal/door", "rpcd/fdconn rpcd/wire", ""},
		{"rpcd/fdconn", "internal/openlimit", sys + " github.com/mdlayher/socket"},
		{"internal/flagerror", "", "github.com/spf13/pflag"},
		{"internal/commandline", "", cobra},
		{"internal/openlimit", "", sys},
		{"internal/reach", "", sys},
		{"internal/sigaction", "", sys},
		{"internal/slack", "", sys},
		{"internal/printable", "", ""},
		{"internal/manual", "", ""},
		{"internal/version", "", ""},
		{"internal/names", "", ""},
		{"rpcd/duration", "", ""},
		{"rpcd/wire", "", ""},
	}},
}

// reserved names packages that only these rooms may list above, and why.
var reserved = []struct{ path, rooms, why string }{
	{"github.com/mdlayher/socket", "rpcd/fdconn", "fdconn is the only room that knows how sockets carry descriptors"},
	{hclog, "rpcd cmd/rpcd", "logs stop at rpcd, and lower rooms return errors"},
	{"rpcd/export/lint", "cmd/rpcd", "a call is decided without lint, which only `rpcd check` uses"},
	{"gonum.org/v1/plot", "bench", "no program but the measuring one draws"},
	{"internal/door", "client cmd/rpc", "the door is for cmd/rpc alone"},
}

// light lists what no program gets with the package client.
var light = []string{"github.com/spf13/cobra", "github.com/spf13/pflag", hclog, "net/http", "encoding/json", "text/template"}

const module = "rpcd/"

// goList gives the words of each line of go list.
func goList(t *testing.T, args ...string) (lines [][]string) {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list"}, args...)...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %q: %v\n%s", args, err, &stderr)
	}
	for line := range strings.Lines(string(out)) {
		lines = append(lines, strings.Fields(line))
	}
	return lines
}

// standard says whether a path is of the standard library, whose first element
// has no dot. What the library vendors counts as its own.
func standard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.HasPrefix(path, module) && !strings.Contains(first, ".")
}

// anyOf says whether a path is that of one of the packages, or below it.
func anyOf(path, packages string) bool {
	return slices.ContainsFunc(strings.Fields(packages), func(root string) bool {
		return path == root || strings.HasPrefix(path, root+"/")
	})
}

// TestArrows compares the imports of every package with the table.
func TestArrows(t *testing.T) {
	lines := map[string]room{}
	for _, f := range floors {
		for _, r := range f.rooms {
			lines[r.path] = r
		}
	}
	for _, words := range goList(t, "-f", `{{.ImportPath}} {{join .Imports " "}}`, module+"...") {
		path := strings.TrimPrefix(words[0], module)
		r, ok := lines[path]
		if !ok {
			t.Errorf("the package %s has no line in the table floors: add one, on the floor where it belongs", path)
			continue
		}
		delete(lines, path)
		for _, imported := range words[1:] {
			own, inModule := strings.CutPrefix(imported, module)
			switch {
			case inModule && !slices.Contains(strings.Fields(r.mayImport), own):
				t.Errorf("%s imports %s: its line in the table floors allows %q", path, own, r.mayImport)
			case !inModule && !standard(imported) && !anyOf(imported, r.outside):
				t.Errorf("%s imports %s: of other modules its line in the table floors allows %q", path, imported, r.outside)
			}
		}
	}
	for _, path := range slices.Sorted(maps.Keys(lines)) {
		t.Errorf("the table floors has a line for %s, which is no package: remove the line", path)
	}
}

// TestTable holds the table itself: each arrow falls, no arrow crosses to the
// other side, and reserved packages stay with their rooms.
func TestTable(t *testing.T) {
	below := map[string]side{}
	for _, f := range slices.Backward(floors) {
		for _, r := range slices.Backward(f.rooms) {
			if below[r.path] != "" {
				t.Errorf("%s has two lines", r.path)
			}
			for _, imported := range strings.Fields(r.mayImport) {
				switch to := below[imported]; {
				case to == "":
					t.Errorf("%s may import %s, which doesn't stand below it", r.path, imported)
				case to != f.side && to != shared:
					t.Errorf("%s (%s) may import %s (%s): a side imports itself and what is shared", r.path, f.side, imported, to)
				}
			}
			below[r.path] = f.side
			checkReserved(t, r)
		}
	}
}

// checkReserved reports what a room lists though it is reserved for others.
func checkReserved(t *testing.T, r room) {
	t.Helper()
	for _, res := range reserved {
		lists := slices.Contains(strings.Fields(r.mayImport+" "+r.outside), res.path)
		if lists && !slices.Contains(strings.Fields(res.rooms), r.path) {
			t.Errorf("%s may import %s: %s", r.path, res.path, res.why)
		}
	}
}

// TestClientIsLight: a program that imports client gets no command line, no logs
// and no web server with it.
func TestClientIsLight(t *testing.T) {
	for _, words := range goList(t, "-deps", "-f", "{{.ImportPath}}", module+"client") {
		if anyOf(words[0], strings.Join(light, " ")) {
			t.Errorf("client stands on %s", words[0])
		}
	}
}
