package export

import (
	"path/filepath"
	"slices"
	"time"

	"rpcd/rpcd/export/internal/display"
)

// Owner is rpcd itself: who, besides root, may own what is exported.
type Owner struct {
	UID uint32
	GID uint32 // may write what is exported
	// OwnMounts says that what is read-only may be so for rpcd alone: a systemd
	// unit has mounts of its own (ProtectSystem=), and outside them an owner
	// writes on. Read-only then proves nothing.
	OwnMounts bool
	PATH      string // where env(1) finds a script's interpreter; empty: not judged
}

// Source is where procedures come from: an exports directory, or every command.
// It is safe for use by many goroutines.
type Source interface {
	// Lookup finds what the caller may run under a name. Its error is an *Error.
	Lookup(name string, c Caller) (*Procedure, error)
	// List gives what the caller may call, sorted by name, and an *Error for
	// each entry that nobody can call until it is repaired.
	List(c Caller) ([]*Procedure, []error)
}

// Procedure is one thing that may be called, as it was at its look-up.
type Procedure struct {
	Name     string
	Path     string        // to execute: dir/run, or the entry itself, not what it links to; empty for a topic
	Args     []string      // leading arguments; the caller's come after them
	Summary  string        // one line, without control bytes
	Allow    Rules         // who may call; meaningful when HasAllow
	HasAllow bool          // an allow file is there (an empty one admits nobody)
	Set      []string      // NAME=VALUE of the env file, in its order; the last of a name counts
	Workdir  string        // absolute, or empty
	Timeout  time.Duration // 0: none
	MaxCalls int           // 0: none
	Keep     bool          // what a call leaves in its process group lives on
	LogArgs  bool          // arguments are logged at info
	Workers  int           // resident workers; 0: started for each call
	MaxUses  int           // of a resident worker; 0: no limit
	Topic    bool          // a topic, not to be run

	folder string // the procedure's folder; empty for a plain file
	all    bool   // --all-commands: any variable but those that never cross
	env    admitted
}

// AdmitEnv says whether the caller may set this variable for the procedure.
func (p *Procedure) AdmitEnv(name string) bool {
	if faultOfEnvName(name) != "" {
		return false
	}
	if p.all {
		return !neverCrosses(name)
	}
	return p.env.admit(name)
}

// Folder is the procedure's folder; empty for a plain file, which has no rules.
func (p *Procedure) Folder() string { return p.folder }

// EnvFile says, for an error's text, which file would admit a variable.
func (p *Procedure) EnvFile() string {
	switch {
	case p.all:
		return "no file (--all-commands has none; an exports directory's env file could)"
	case p.folder != "":
		return display.Printable(filepath.Join(p.folder, "env"))
	}
	return display.Printable(filepath.Join(p.Path, "env")) +
		" (" + display.Printable(p.Name) + " has to become a folder with run and env)"
}

func (p *Procedure) admitCaller(c Caller) bool {
	return !p.HasAllow || p.Allow.Admit(c)
}

// sortByName sorts in place.
func sortByName(ps []*Procedure) {
	slices.SortFunc(ps, func(a, b *Procedure) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
}
