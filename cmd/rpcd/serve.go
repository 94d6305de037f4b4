package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"rpcd/internal/version"
	"rpcd/rpcd"
	"rpcd/rpcd/child"
	"rpcd/rpcd/duration"
	"rpcd/rpcd/export"
	"rpcd/rpcd/fdconn"
)

const (
	defaultDir     = "/run/rpc"
	defaultExports = "/etc/rpcd/exports"
)

// serveFlags are the flags of serve as they were written.
type serveFlags struct {
	listen, mode, exports, workdir, logFormat, logLevel string
	runAs                                               string
	gid, maxCalls, queue                                int
	allow                                               []string
	allCommands, keep                                   bool
	queueWait, grace, timeout, drain                    duration.Value
}

func serveCommand() *cobra.Command {
	f := &serveFlags{
		queueWait: duration.Value(rpcd.DefaultQueueWait),
		grace:     duration.Value(rpcd.DefaultGrace),
		drain:     duration.Value(rpcd.DefaultDrain),
	}
	c := &cobra.Command{
		Use:   "serve [NAME]",
		Short: "serve procedures on a socket",
		Long: `Serve procedures on a socket until TERM.

NAME stands for --listen /run/rpc/NAME/ --exports /etc/rpcd/exports.
Each flag has a variable: --max-calls is RPCD_MAX_CALLS. Durations are
timeout(1)'s: 5, 0.5s, 3m, 2h, 1d, 100ms.

TERM drains: new calls are refused, running ones have --drain to end, then get
TERM, the grace, KILL; a second TERM ends at once. Docker gives 10 seconds
(4s + 5s fit): for long jobs raise --drain and stop_grace_period together.`,
		Args: usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error { return serve(c, f, args) },
	}
	fl := c.Flags()
	fl.SortFlags = false
	fl.StringVar(&f.listen, "listen", "", "the socket's `PATH`; one that ends in a slash is a folder, and the socket in it is named after the host")
	fl.StringVar(&f.mode, "mode", "0660", "`MODE` of the socket file")
	fl.IntVar(&f.gid, "gid", -1, "group `N` of the socket file")
	fl.StringVar(&f.exports, "exports", "", "`DIR` of what may be called")
	fl.BoolVar(&f.allCommands, "all-commands", false, "every command on rpcd's PATH, and every path, is a procedure: where only trusted containers mount the volume")
	fl.StringArrayVar(&f.allow, "allow", []string{"any"}, "who may call at all: \"uid N\", \"gid N\" or \"any\" (repeatable `RULE`; in RPCD_ALLOW commas between)")
	fl.StringVar(&f.runAs, "run-as", "", "\"caller\": each call runs with its caller's uid, gid and groups (`WHO`; needs CAP_SETUID, CAP_SETGID, CAP_KILL)")
	fl.IntVar(&f.maxCalls, "max-calls", rpcd.DefaultMaxCalls, "`N` calls at once")
	fl.IntVar(&f.queue, "queue", rpcd.DefaultQueue, "`N` waiting calls")
	fl.Var(&f.queueWait, "queue-wait", "how long a call may wait")
	fl.Var(&f.grace, "grace", "between TERM and KILL")
	fl.Var(&f.timeout, "timeout", "the longest call (0: no limit)")
	fl.StringVar(&f.workdir, "workdir", "", "`DIR` where calls start whose own directory isn't shared")
	fl.Var(&f.drain, "drain", "how long running calls may go on after TERM")
	fl.BoolVar(&f.keep, "keep", false, "what a call leaves in its process group lives on")
	fl.StringVar(&f.logFormat, "log-format", "text", "`text` or json")
	fl.StringVar(&f.logLevel, "log-level", "info", "`LEVEL`: trace, debug, info, warn, error, off")
	return c
}

// fromEnvironment sets the flags that weren't given from their variables.
func fromEnvironment(c *cobra.Command) error {
	var first error
	visit(c, func(name string, given bool, set func(string) error) {
		variable := "RPCD_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		value, ok := os.LookupEnv(variable)
		if given || !ok || first != nil {
			return
		}
		values := []string{value}
		if name == "allow" {
			values = strings.Split(value, ",")
		}
		for _, v := range values {
			if err := set(strings.TrimSpace(v)); err != nil {
				first = usageError{fmt.Errorf("take %s from the environment: %w", variable, err)}
				return
			}
		}
	})
	return first
}

func serve(c *cobra.Command, f *serveFlags, args []string) error {
	if err := fromEnvironment(c); err != nil {
		return err
	}
	if len(args) == 1 {
		if err := workerName(args[0]); err != nil {
			return usageError{err}
		}
		if f.listen == "" {
			f.listen = filepath.Join(defaultDir, args[0]) + "/"
		}
		if f.exports == "" && !f.allCommands {
			f.exports = defaultExports
		}
	}
	config, err := f.config()
	if err != nil {
		return err
	}
	path, name, err := f.socket(args)
	if err != nil {
		return err
	}
	mode, err := strconv.ParseUint(f.mode, 8, 12)
	if err != nil || mode > 0o777 {
		return usageError{fmt.Errorf("cannot use --mode %q: it is an octal number like 0660", f.mode)}
	}
	logs := rpcd.NewLogWriter(os.Stderr, 4096)
	defer logs.Flush(time.Second)
	config.Name = name
	config.Log = hclog.New(&hclog.LoggerOptions{Name: "rpcd", Level: hclog.LevelFromString(f.logLevel), Output: logs, JSONFormat: f.logFormat == "json"})
	warnings, err := f.source(&config)
	if err != nil {
		return err
	}
	for _, w := range warnings {
		config.Log.Warn(w)
	}
	if err := child.Setup(); err != nil {
		return err
	}
	rpcd.SpareThreads()
	if config.RunAs {
		if err := child.RunAs(); err != nil {
			return err
		}
	}
	_ = unix.Chdir("/")
	server, err := rpcd.New(config)
	if err != nil {
		return err
	}
	stop := make(chan os.Signal, 4)
	signal.Notify(stop, unix.SIGTERM, unix.SIGINT)
	signal.Notify(make(chan os.Signal, 1), unix.SIGPIPE) // a log that nobody reads any more
	if strings.HasSuffix(f.listen, "/") {
		fdconn.Sweep(filepath.Dir(path))
	}
	l, err := fdconn.Listen(path, os.FileMode(mode), f.gid)
	if err != nil {
		return explain(err, path)
	}
	defer l.Close()
	config.Log.Info("serving", "worker", name, "socket", path, "version", version.Version)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case sig := <-stop:
		config.Log.Info("draining", "signal", unix.SignalName(sig.(unix.Signal)))
	}
	server.Drain(time.Duration(f.drain), stop)
	return nil
}

// config checks the values that need no file.
func (f *serveFlags) config() (rpcd.Config, error) {
	fail := func(format string, args ...any) (rpcd.Config, error) {
		return rpcd.Config{}, usageError{fmt.Errorf(format, args...)}
	}
	if f.exports == "" && !f.allCommands {
		return fail("what may be called? add --exports DIR (a folder of commands), or --all-commands where only trusted containers reach the socket")
	}
	if f.exports != "" && f.allCommands {
		return fail("--exports and --all-commands exclude each other")
	}
	if f.maxCalls < 1 || f.queue < 0 {
		return fail("--max-calls is at least 1, --queue at least 0")
	}
	if f.logFormat != "text" && f.logFormat != "json" {
		return fail("cannot use --log-format %q: it is text or json", f.logFormat)
	}
	if hclog.LevelFromString(f.logLevel) == hclog.NoLevel {
		return fail("cannot use --log-level %q: it is trace, debug, info, warn, error or off", f.logLevel)
	}
	if f.runAs != "" && f.runAs != "caller" {
		return fail("cannot use --run-as %q: it is caller", f.runAs)
	}
	var allow export.Rules
	for _, s := range f.allow {
		rule, err := export.ParseRule(s)
		if err != nil {
			return fail("cannot use --allow %q: %w", s, err)
		}
		allow = append(allow, rule)
	}
	if f.workdir != "" {
		abs, err := filepath.Abs(f.workdir)
		if err != nil {
			return fail("cannot use --workdir %q: %w", f.workdir, err)
		}
		if info, err := os.Stat(abs); err != nil || !info.IsDir() {
			return fail("cannot use --workdir %q: no such directory", f.workdir)
		}
		f.workdir = abs
	}
	return rpcd.Config{
		Version:   version.Version,
		Allow:     allow,
		MaxCalls:  f.maxCalls,
		Queue:     f.queue,
		QueueWait: time.Duration(f.queueWait),
		Grace:     time.Duration(f.grace),
		Timeout:   time.Duration(f.timeout),
		Workdir:   f.workdir,
		Keep:      f.keep,
		RunAs:     f.runAs == "caller",
	}, nil
}

// source opens what may be called.
func (f *serveFlags) source(c *rpcd.Config) (warnings []string, err error) {
	if f.allCommands {
		c.Source = export.Commands(os.Getenv("PATH"))
		return nil, nil
	}
	dir, warnings, err := export.Open(f.exports, rpcd.Self())
	if err != nil {
		return nil, err
	}
	c.Source = dir
	return warnings, nil
}

// socket gives the socket's absolute path and the worker's name: NAME, or what
// the path says: w for ./w.sock and for ./w/HOST.sock.
func (f *serveFlags) socket(args []string) (path, name string, err error) {
	if f.listen == "" {
		return "", "", usageError{errors.New("where to listen? give a NAME, or --listen PATH")}
	}
	path, err = filepath.Abs(f.listen)
	if err != nil {
		return "", "", err
	}
	name = strings.TrimSuffix(filepath.Base(path), ".sock")
	if strings.HasSuffix(f.listen, "/") {
		host, err := os.Hostname()
		if err != nil {
			return "", "", fmt.Errorf("name the socket after the host: %w", err)
		}
		path = filepath.Join(path, host+".sock")
	}
	if len(args) == 1 {
		return path, args[0], nil
	}
	if filepath.Dir(path) == defaultDir || filepath.Dir(filepath.Dir(path)) == defaultDir {
		if err := workerName(name); err != nil {
			return "", "", usageError{err}
		}
	}
	return path, name, nil
}

// workerName refuses names that rpc couldn't reach.
func workerName(name string) error {
	switch {
	case slices.Contains(version.Verbs, name):
		return fmt.Errorf("cannot serve under the name %q: it is a verb of rpc", name)
	case name == "" || name == "." || name == "..", strings.Contains(name, "/"), strings.HasPrefix(name, "-"), strings.HasPrefix(name, "."),
		len(name) > 200, strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return fmt.Errorf("cannot serve under the name %q: a name has 1 to 200 bytes, no slash, no control bytes, and doesn't begin with a dot or a dash", name)
	}
	return nil
}

// explain adds a cure to a failed listen.
func explain(err error, path string) error {
	dir := filepath.Dir(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w (make the folder %q, or mount the volume there)", err, dir)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w (rpcd runs as %d:%d: let it write the folder %q)", err, os.Geteuid(), os.Getegid(), dir)
	}
	return err
}
