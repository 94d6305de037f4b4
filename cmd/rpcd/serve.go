package main

import (
	"fmt"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"rpcd/internal/version"
	"rpcd/rpcd"
)

func serveCommand() *cobra.Command {
	f := newServeFlags()
	c := &cobra.Command{
		Use:   "serve [NAME]",
		Short: "serve procedures on a socket",
		Long: `Serve procedures on a socket until TERM.

NAME stands for --listen /run/rpc/NAME/ --exports /etc/rpcd/exports.
Each flag has a variable: --max-calls is RPCD_MAX_CALLS. Durations are
timeout(1)'s: 5, 0.5s, 3m, 2h, 1d, 100ms.

TERM drains: new calls are refused, running ones have --drain to end, then get
TERM, the grace, KILL; a second TERM ends at once. Docker gives 10 seconds
(4s + 5s fit): for long jobs raise --drain and stop_grace_period together.

Under systemd's socket activation rpcd serves the sockets that it is passed,
whatever --listen, --mode and --gid say, and a drain refuses nobody: what isn't
accepted yet waits for the next rpcd.`,
		Args: usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error { return serve(c, f, args) },
	}
	f.add(c.Flags())
	return c
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
	where, err := f.place(args)
	if err != nil {
		return err
	}
	mode, err := strconv.ParseUint(f.mode, 8, 12)
	if err != nil || mode > 0o777 {
		return usageError{fmt.Errorf("cannot use --mode %q: it is an octal number like 0660", f.mode)}
	}
	if c.Flags().Changed("gid") && (f.gid < 0 || int64(f.gid) >= math.MaxUint32) { // (gid_t)-1 is nobody's
		return usageError{fmt.Errorf("cannot use --gid %d: it is the number of a group", f.gid)}
	}
	logs := newLogWriter(os.Stderr, 4096)
	defer logs.Flush(time.Second)
	config.Name, config.Activated = where.name, len(where.passed) > 0
	config.Log = hclog.New(&hclog.LoggerOptions{Name: "rpcd", Level: hclog.LevelFromString(f.logLevel), Output: logs, JSONFormat: f.logFormat == "json"})
	warnings, err := f.source(&config)
	if err != nil {
		return err
	}
	for _, w := range append(warnings, where.exposed()...) {
		config.Log.Warn(w)
	}
	release, cgroup, err := supervise(config)
	if err != nil {
		return err
	}
	defer release()
	rpcd.SpareThreads()
	_ = unix.Chdir("/")
	server, err := rpcd.New(config)
	if err != nil {
		return err
	}
	stop := make(chan os.Signal, 4)
	signal.Notify(stop, unix.SIGTERM, unix.SIGINT)
	signal.Notify(make(chan os.Signal, 1), unix.SIGPIPE) // a log that nobody reads any more
	listeners, err := where.listen(os.FileMode(mode), f.gid)
	if err != nil {
		return err
	}
	failed := make(chan error, len(listeners))
	for _, l := range listeners {
		defer l.Close()
		config.Log.Info("serving", "worker", where.name, "socket", l.Path(), "activated", config.Activated, "cgroup", cgroup, "version", version.Version)
		go func() { failed <- server.Serve(l) }()
	}
	manager := speakTo(server, config.Log)
	select {
	case err := <-failed:
		return err
	case sig := <-stop:
		config.Log.Info("draining", "signal", unix.SignalName(sig.(unix.Signal)))
	}
	manager.drains(time.Duration(f.drain) + config.Grace + drainMargin)
	server.Drain(time.Duration(f.drain), stop)
	return nil
}

// drainMargin is what a drain may take beyond --drain and the grace: calls'
// last words (2 s), and a slow machine.
const drainMargin = 5 * time.Second
