package export

import (
	"path/filepath"
	"slices"
	"time"

	"rpcd/rpcd/export/internal/display"
)

// Owner is rpcd's own process. Besides root, only its user may own what is exported.
type Owner struct {
	UID uint32
	GID uint32 // this group may write what is exported
	// OwnMounts says that rpcd may have mounts of its own, as a systemd unit with
	// ProtectSystem= has. Then a file that is read-only here may be writable for
	// its owner elsewhere, and a read-only mount proves nothing.
	OwnMounts bool
	// TrustMount says that whoever can write a read-only mount elsewhere may decide
	// what runs: owners and modes of the files on it don't count.
	TrustMount bool
	PATH       string // where env(1) looks for a script's interpreter; empty: unknown
	RunAs      bool   // calls run as their callers (--run-as caller)
}

// Source gives the procedures: those of an exports directory, or every command. It
// is safe for concurrent use.
type Source interface {
	// Lookup finds the procedure that the caller may call by this name. The error is
	// an *Error.
	Lookup(name string, c Caller) (*Procedure, error)
	// Topic finds the topic that the caller may subscribe to, or publish to, by this
	// name. The error is an *Error.
	Topic(name string, c Caller, publish bool) (*Procedure, error)
	// List gives the procedures and topics that the caller may call, sorted by name, and an
	// *Error for each entry that nobody can call until it is repaired.
	List(c Caller) ([]*Procedure, []error)
	// Resident gives the procedures that resident workers serve, whoever may call
	// them.
	Resident() []*Procedure
}

// Procedure is one entry of a source, as it was at its look-up.
type Procedure struct {
	Name     string
	Path     string        // of the program: dir/run or the entry itself, symlinks not resolved
	Args     []string      // leading arguments; the caller's come after them
	Summary  string        // one line, without control bytes
	Allow    Rules         // who may call, if HasAllow; otherwise everybody may
	HasAllow bool          // there is an allow file; an empty one admits nobody
	Set      []string      // NAME=VALUE, as the env file has them; the last of a name counts
	Workdir  string        // absolute, or empty
	Timeout  time.Duration // how long a call may run; 0: no limit
	MaxCalls int           // how many calls may run at once; 0: no limit
	Keep     bool          // what a call leaves in its process group lives on
	LogArgs  bool          // arguments are logged at level info
	Workers  int           // how many resident workers serve it; 0: each call starts a process
	MaxUses  int           // a resident worker is replaced after so many calls; 0: never
	MaxRSS   int           // MiB of a resident worker, over which it is replaced; 0: any
	Topic    *Topic        // nil: it is a procedure. Of a topic Summary and Allow count alone

	folder string // the procedure's folder; empty for a plain file
	all    bool   // --all-commands: all variables may cross but those of crossExactly
	env    admitted
}

// Topic is what the files of a topic say of it.
type Topic struct {
	DropOldest int // of so many records that wait for a subscriber the first go; 0: they don't
	DropNewest int // more than so many don't wait; 0: they do
	Retain     bool
	Publish    Rules // who may publish, if HasPublish; otherwise whom Allow admits
	HasPublish bool
}

// topic gives the rules of an entry that is one.
func (p *Procedure) topic() *Topic {
	if p.Topic == nil {
		p.Topic = &Topic{}
	}
	return p.Topic
}

// AnyCommand says whether the source has every command, --all-commands.
func (p *Procedure) AnyCommand() bool { return p.all }

// Places is how many calls of it may run at once, by its own files; 0: no limit.
func (p *Procedure) Places() int {
	if p.Workers > 0 && (p.MaxCalls == 0 || p.Workers < p.MaxCalls) {
		return p.Workers
	}
	return p.MaxCalls
}

// AdmitEnv says whether a caller may set this variable for the procedure.
func (p *Procedure) AdmitEnv(name string) bool {
	if faultOfEnvName(name) != "" {
		return false
	}
	if p.all {
		return !neverCrosses(name)
	}
	return p.env.admit(name)
}

// Folder gives the procedure's folder; empty for a plain file, which has no rules.
func (p *Procedure) Folder() string { return p.folder }

// EnvFile says which file would admit a variable, for an error's text.
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

// admitCaller says whether a caller may call the procedure.
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
