// Package rows reads rows of behaviour: files that hold a bash script and what
// comes of it. It runs nothing.
//
// A row is cmd/rpc/testdata/rows/NAME.sh. The tests of cmd/rpc run it, and
// internal/docs reads which faults it shows. It looks like this:
//
//	# One plain-English sentence or two: what the behaviour is.
//	#
//	# on: passed none
//	# serve: --max-calls 1
//	# status: 1
//	# fault: 22 24
//
//	rpc $W sh -c 'echo out; echo err >&2; exit 1'
//
//	# stdout:
//	#| out
//	# stderr:
//	#| err
//
// The keys are optional, and stand behind a line of "#" alone:
//
//	on: TRANSPORT...    where the row runs; without it "passed none bridge"
//	serve: FLAG VALUE   one flag of rpcd serve, and its value as it stands; may come again
//	use: FILE...        testdata/FILE.sh goes before the script
//	needs: root         the row mounts, sets limits of others, becomes another user or reads rpcd's /proc
//	ends: rpcd          the row ends the daemon, which then isn't asked whether it is as idle as before
//	time: DURATION      after which the row counts as hanging, as time.ParseDuration reads it
//	status: N           the script's exit status; without it 0
//	fault: KEY...       lines of docs/faults.md that the row shows
//
// Each line that the script prints stands behind "#| ", an empty one as "#|".
// Text between "..." is free up to the end of its line. A script that prints
// nothing says "# stdout: nothing"; "# stderr:" is left out then.
package rows

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Transports are the ways to a worker that a row can run over, in order: with
// the caller's descriptors passed; with RPC_PASS=none; through socat, UNIX to
// TCP to UNIX; passed to a daemon of another user.
var Transports = []string{"passed", "none", "bridge", "users"}

// Row is one behaviour.
type Row struct {
	Name           string   // of its file, without ".sh"
	About          string   // the sentences on top
	On             []string // transports, at least one
	Serve          []string // flags for rpcd serve
	Use            []string // names of files that go before the script, without ".sh"
	Faults         []string // keys of docs/faults.md
	Root           bool     // the row needs root
	Ends           bool     // the row ends the daemon
	Time           time.Duration
	Status         int // of the script, 0 to 255
	Script         string
	Stdout, Stderr string
}

// Load reads every *.sh in a folder, in the order of their names.
func Load(dir string) ([]Row, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.sh"))
	if err != nil {
		return nil, err
	}
	var all []Row
	for _, path := range paths {
		row, err := Read(path)
		if err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	slices.SortFunc(all, func(a, b Row) int { return strings.Compare(a.Name, b.Name) })
	if len(all) == 0 {
		return nil, fmt.Errorf("cannot find a row in %q", dir)
	}
	return all, nil
}

// Read reads the row of one file.
func Read(path string) (Row, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Row{}, err
	}
	row, err := Parse(string(text))
	if err != nil {
		return Row{}, fmt.Errorf("cannot read the row %q: %w", path, err)
	}
	row.Name = strings.TrimSuffix(filepath.Base(path), ".sh")
	return row, nil
}
