package main

import (
	"io"
	"os"
	"runtime/debug"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"rpcd/internal/commandline"
	"rpcd/internal/version"
	"rpcd/rpcd"
	"rpcd/rpcd/fdconn"
)

const (
	// memoryGoal is the memory in bytes from which on garbage is collected as soon as it
	// is made: else there may be as much of it as memory in use. All that callers can make
	// rpcd keep fits below it (SECURITY.md, section 7). GOMEMLIMIT sets another goal.
	memoryGoal = 112 << 20
	// garbage is how much may be there in percent of what is used. A worker that has
	// served 10,000 calls takes 9.5 MB instead of 12, and its calls 1 % more CPU time.
	garbage = 50
	// logFlushTime is how long the end of rpcd waits for a slow stderr.
	logFlushTime = time.Second
	// drainMargin is what a drain may take beyond --drain and the grace: up to 2 s
	// for the last output of calls, 4 s for processes that are stuck in the kernel,
	// the rest for a slow machine.
	drainMargin = 8 * time.Second
)

func serveCommand(signals *signals) *cobra.Command {
	f := newServeFlags()
	c := &cobra.Command{
		Use:   "serve [OPTION...] [NAME]",
		Short: "serve procedures on a socket",
		Long: `Serve procedures on a socket until TERM.

NAME stands for --listen /run/rpc/NAME/ --exports /etc/rpcd/exports.
Each option has a variable: --max-calls is RPCD_MAX_CALLS. Durations are
timeout(1)'s: 5, 0.5s, 3m, 2h, 1d, 100ms.

TERM, INT and QUIT drain: new calls are refused, running ones have --drain to
end, then get TERM, the grace, KILL; a second signal ends at once. So does any
other signal that would end a process, and the exit status is 128 and its number
then. HUP changes nothing. Docker gives 10 seconds (4s + 5s fit): for long jobs
raise --drain and stop_grace_period together.

Under systemd's socket activation rpcd serves the sockets that it is passed,
whatever --listen, --mode and --gid say, and a drain refuses nobody: what isn't
accepted yet waits for the next rpcd.`,
		Args:              usageArgs(cobra.MaximumNArgs(1)),
		ValidArgsFunction: commandline.Nothing,
		RunE: func(c *cobra.Command, args []string) error {
			if err := fromEnvironment(c); err != nil {
				return err
			}
			s, err := f.settings(c.Flags().Changed("gid"), args)
			if err != nil {
				return err
			}
			return serve(s, signals)
		},
	}
	f.add(c.Flags())
	completeServe(c)
	return c
}

// serve is the life of the daemon: it prepares the process, listens, serves
// until a signal comes, and drains.
func serve(s *settings, signals *signals) error {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryGoal)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
	lines := newLogWriter(os.Stderr, maxHeldLines)
	defer lines.Flush(logFlushTime)
	s.config.Log = newLogger(lines, s.logLevel, s.logJSON)

	server, cgroup, release, err := prepare(s)
	if err != nil {
		return err
	}
	defer release()
	stop := signals.takeOver()
	listeners, err := s.address.listen(s.mode, s.gid)
	if err != nil {
		return err
	}
	defer closeAll(listeners)
	failed := start(server, listeners, cgroup)
	unwatch := func() {}
	if !server.Activated {
		unwatch = watchFiles(listeners, server.Log)
	}
	systemd := notifySystemd(server, server.Log)
	var sig unix.Signal
	select {
	case err := <-failed:
		return err
	case s := <-stop:
		sig = s.(unix.Signal)
	}
	unwatch()
	server.Log.Info("draining", "signal", signalName(sig))
	systemd.stopping(s.drain + server.Grace + drainMargin)
	server.Drain(s.drain, stop)
	return stoppedBy(sig)
}

// newLogger makes the logger of a daemon.
func newLogger(lines io.Writer, level hclog.Level, asJSON bool) hclog.Logger {
	return hclog.New(&hclog.LoggerOptions{Name: "rpcd", Level: level, Output: lines, JSONFormat: asJSON})
}

// prepare opens the exports and makes this process one that can start calls.
// The caller calls release once no call runs any more. cgroup says where calls
// have cgroups of their own.
func prepare(s *settings) (server *rpcd.Server, cgroup string, release func(), err error) {
	source, warnings, err := s.source()
	if err != nil {
		return nil, "", nil, err
	}
	s.config.Source = source
	for _, w := range append(warnings, s.address.exposed()...) {
		s.config.Log.Warn(w)
	}
	release, cgroup, err = supervise(s.config)
	if err != nil {
		return nil, "", nil, err
	}
	_ = unix.Chdir("/") // or rpcd would keep a file system from being unmounted
	server, err = rpcd.New(s.config)
	if err != nil {
		release()
		return nil, "", nil, err
	}
	return server, cgroup, release, nil
}

// start serves each listener in a goroutine of its own. failed gets the first
// error that isn't the end of a drain.
func start(server *rpcd.Server, listeners []*fdconn.Listener, cgroup string) (failed <-chan error) {
	errs := make(chan error, len(listeners))
	go server.Warm()
	for _, l := range listeners {
		server.Log.Info("serving", "worker", server.Name, "socket", l.Path(), "activated", server.Activated, "cgroup", cgroup, "version", version.String())
		go func() { errs <- server.Serve(l) }()
	}
	return errs
}

func closeAll(listeners []*fdconn.Listener) {
	for _, l := range listeners {
		_ = l.Close()
	}
}
