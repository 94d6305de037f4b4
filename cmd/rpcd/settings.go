package main

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"

	"rpcd/internal/version"
	"rpcd/rpcd"
	"rpcd/rpcd/export"
)

// settings are what the flags of serve mean.
type settings struct {
	config      rpcd.Config // without Source and Log
	address     address
	exports     string // the directory of what may be called
	trustMount  bool   // see export.Owner.TrustMount
	allCommands bool   // every command may be called; exports is empty then
	mode        os.FileMode
	gid         int // of the socket file; -1: this process's
	drain       time.Duration
	logLevel    hclog.Level
	logJSON     bool
}

// settings checks the flags. Its errors are usage errors, but for those of
// sockets that systemd passed, and of names that the system doesn't give.
func (f *serveFlags) settings(gidGiven bool, args []string) (*settings, error) {
	if err := f.applyName(args); err != nil {
		return nil, err
	}
	if err := f.check(); err != nil {
		return nil, usageError{err}
	}
	allow, err := f.allowRules()
	if err != nil {
		return nil, usageError{err}
	}
	workdir, err := f.absoluteWorkdir()
	if err != nil {
		return nil, usageError{err}
	}
	mode, err := f.socketMode()
	gid, err2 := f.socketGroup(gidGiven)
	if err := cmp.Or(err, err2); err != nil {
		return nil, usageError{err}
	}
	a, err := f.findAddress(args)
	if err != nil {
		return nil, err
	}
	return &settings{
		config: rpcd.Config{
			Name:      a.name,
			Activated: len(a.passed) > 0,
			Version:   version.String(),
			Allow:     allow,
			MaxCalls:  f.maxCalls,
			Queue:     f.queue,
			QueueWait: time.Duration(f.queueWait),
			Grace:     time.Duration(f.grace),
			Timeout:   time.Duration(f.timeout),
			Workdir:   workdir,
			Keep:      f.keep,
			RunAs:     f.runAs == "caller",
		},
		address:     a,
		exports:     f.exports,
		trustMount:  f.trustMount,
		allCommands: f.allCommands,
		mode:        mode,
		gid:         gid,
		drain:       time.Duration(f.drain),
		logLevel:    hclog.LevelFromString(f.logLevel),
		logJSON:     f.logFormat == "json",
	}, nil
}

// applyName sets the flags that the worker's NAME stands for.
func (f *serveFlags) applyName(args []string) error {
	if len(args) == 0 {
		return nil
	}
	if err := workerName(args[0]); err != nil {
		return usageError{err}
	}
	if f.listen == "" {
		f.listen = filepath.Join(defaultDir, args[0]) + "/"
	}
	if f.exports == "" && !f.allCommands {
		f.exports = defaultExports
	}
	return nil
}

// check holds the rules of flags that need no more than a look. The first that
// is broken counts.
func (f *serveFlags) check() error {
	for _, rule := range []struct {
		broken bool
		err    error
	}{
		{f.exports == "" && !f.allCommands, errors.New("what may be called? add --exports DIR (a folder of commands), or --all-commands where only trusted containers reach the socket")},
		{f.exports != "" && f.allCommands, errors.New("--exports and --all-commands exclude each other")},
		{f.maxCalls < 1 || f.queue < 0, errors.New("--max-calls is at least 1, --queue at least 0")},
		{f.logFormat != "text" && f.logFormat != "json", fmt.Errorf("cannot use --log-format %q: write text or json", f.logFormat)},
		{hclog.LevelFromString(f.logLevel) == hclog.NoLevel, fmt.Errorf("cannot use --log-level %q: write trace, debug, info, warn, error or off", f.logLevel)},
		{f.runAs != "" && f.runAs != "caller", fmt.Errorf("cannot use --run-as %q: write caller", f.runAs)},
	} {
		if rule.broken {
			return rule.err
		}
	}
	return nil
}

func (f *serveFlags) allowRules() (rules export.Rules, err error) {
	for _, s := range f.allow {
		rule, err := export.ParseRule(s)
		if err != nil {
			return nil, fmt.Errorf("cannot use --allow %q: %w", s, err)
		}
		rules = append(rules, rule)
	}
	return rules, nil
}

// absoluteWorkdir makes --workdir independent of this process's directory,
// which it leaves.
func (f *serveFlags) absoluteWorkdir() (string, error) {
	if f.workdir == "" {
		return "", nil
	}
	dir, err := filepath.Abs(f.workdir)
	if err != nil {
		return "", fmt.Errorf("cannot use --workdir %q: %w", f.workdir, err)
	}
	info, err := os.Stat(dir)
	switch {
	case err != nil:
		return "", fmt.Errorf("cannot use --workdir %q: %w", f.workdir, errors.Unwrap(err)) // without the path, which stands here
	case !info.IsDir():
		return "", fmt.Errorf("cannot use --workdir %q: it is no directory", f.workdir)
	}
	return dir, nil
}

func (f *serveFlags) socketMode() (os.FileMode, error) {
	mode, err := strconv.ParseUint(f.mode, 8, 12)
	if err != nil || mode > 0o777 {
		return 0, fmt.Errorf("cannot use --mode %q: write an octal number like 0660", f.mode)
	}
	return os.FileMode(mode), nil
}

// socketGroup is the group of the socket file; -1: this process's.
func (f *serveFlags) socketGroup(given bool) (int, error) {
	const noID = math.MaxUint32 // (gid_t)-1, see chown(2)
	if !given {
		return -1, nil
	}
	if gid, err := strconv.ParseUint(f.gid, 10, 32); err == nil && gid < noID {
		return int(gid), nil
	}
	if gid, ok := groupNamed(f.gid); ok {
		return gid, nil
	}
	return 0, fmt.Errorf("cannot use --gid %q: write the name or the number of a group", f.gid)
}

// groupNamed looks a group up in /etc/group (group(5)). Package os/user would make
// rpcd a program that needs the system's C library.
func groupNamed(name string) (gid int, ok bool) {
	text, _ := os.ReadFile("/etc/group")
	for line := range strings.Lines(string(text)) {
		if fields := strings.Split(strings.TrimSpace(line), ":"); name != "" && len(fields) > 2 && fields[0] == name {
			n, err := strconv.ParseUint(fields[2], 10, 31)
			return int(n), err == nil
		}
	}
	return 0, false
}

// source opens what may be called. The warnings are for the log.
func (s *settings) source() (source export.Source, warnings []string, err error) {
	if s.allCommands {
		return export.Commands(os.Getenv("PATH")), nil, nil
	}
	dir, warnings, err := export.Open(s.exports, self(s.trustMount))
	if err != nil {
		return nil, nil, err
	}
	return dir, warnings, nil
}
