package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"rpcd/client"
	"rpcd/internal/door"
	"rpcd/internal/version"
)

// A remote shell is rpc by this name, or this verb.
const (
	rshName = "rpc-rsh"
	rshVerb = "rsh"
)

// shell is the procedure that runs a command line.
const shell = "sh"

// goHome begins what the shell is given: sshd starts a command in the user's home, or
// in / where there is none. The call starts in /, which every worker has. sshd sets
// SHELL, too: GNU parallel runs nothing, and says nothing, where there is none.
const goHome = `export SHELL="${SHELL:-/bin/sh}"; cd 2>/dev/null; `

// sftp is the subsystem that ssh's own programs ask for. It is run where distributions
// put it, or is a procedure where no shell is exported.
const (
	sftp       = "sftp"
	sftpServer = "sftp-server"
	findSFTP   = `for s in /usr/lib/openssh /usr/libexec/openssh /usr/lib/ssh /usr/libexec /usr/lib; do
[ -x $s/sftp-server ] && exec $s/sftp-server; done
echo 'no sftp-server here (Debian: openssh-sftp-server)' >&2; exit 127`
)

// rshCommand is there for help and completion: ssh's words are no cobra's.
func rshCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "rsh [SSH'S OPTION...] WORKER [COMMAND...]",
		Short: "what ssh is to rsync, git, sftp and others; also as rpc-rsh",
		Long: `Take the words of ssh(1), join those behind WORKER by blanks and give them to
the procedure sh of WORKER, as sh -c COMMAND; without COMMAND a login shell
reads stdin. So programs that take a command in the place of ssh work where sh
is exported: rsync -e rpc-rsh, GIT_SSH_COMMAND=rpc-rsh, sftp -S, scp -S,
sshfs -o ssh_command=, BORG_RSH, unison -sshcmd, parallel --ssh. rpc-rsh is a
link to rpc.

A user, a port and what is about the network have no meaning; -n, -s, -t, -T,
-v, -V, -G and -o SendEnv, SetEnv (where they are admitted) count; forwarding
and -f are refused. The command starts in the worker's $HOME, or in RPC_CHDIR.
RPC_* count as for a call.

Exit status: the command's; 255 rpc failed, or a signal ended the command; 124
time ran out.`,
		DisableFlagParsing: true,
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			return completeEntry(args[:0], false)
		},
		RunE: func(_ *cobra.Command, words []string) error { return runRemoteShell(words) },
	}
}

// runRemoteShell does what ssh would do with these words.
func runRemoteShell(words []string) error {
	if len(words) > 0 && (words[0] == "--help" || words[0] == "-h") {
		return runVerb([]string{"help", rshVerb})
	}
	w, err := parseShell(words)
	switch {
	case err != nil:
		return &exitError{statusRemoteShell, err}
	case w.version:
		_, err := fmt.Fprintf(os.Stderr, "rpc-rsh %s, in the place of OpenSSH\n", version.String())
		return err
	case w.settings:
		return w.printSettings()
	}
	o := newCallOptions()
	cmd, err := w.prepare(o)
	if err != nil {
		return &exitError{statusRemoteShell, err}
	}
	stdin := stdinPipe()
	sig, err := callWithSignals(cmd, func(syscall.Signal) {})
	if errors.Is(err, client.ErrCanceled) && sig != 0 {
		die(sig)
	}
	tellLostInput(cmd, stdin)
	return shellStatus(cmd, sig, o.advise(err, cmd))
}

// prepare makes a Cmd of the words.
func (w *sshWords) prepare(o *callOptions) (*client.Cmd, error) {
	if err := o.environment(noOption); err != nil {
		return nil, err
	}
	o.stdinNull, o.verbose, o.onlyVariables, o.tty = w.stdinNull, w.verbose, true, w.wantsTerminal()
	start := ""
	if o.dir == "" {
		o.dir, start = "/", goHome
	}
	var cmd *client.Cmd
	switch {
	case w.subsystem && w.command == sftp:
		cmd = client.Command(w.worker, shell, "-c", start+findSFTP)
	case w.subsystem:
		cmd = client.Command(w.worker, w.command)
	case w.command == "":
		cmd = client.Command(w.worker, shell, "-c", start+"exec sh -l")
	default:
		cmd = client.Command(w.worker, shell, "-c", start+w.command)
	}
	if err := o.apply(cmd); err != nil {
		return cmd, err
	}
	must := cmd.Env
	cmd.Env = slices.Concat(w.variables, must)
	door.Of(cmd).Instead(func(refusal error) bool {
		switch {
		case errors.Is(refusal, client.ErrDenied) && len(cmd.Env) > len(must):
			cmd.Env = must // as sshd, which takes no variable that it doesn't know
			return true
		case errors.Is(refusal, client.ErrUnknown) && w.subsystem && w.command == sftp && cmd.Procedure == shell:
			cmd.Procedure, cmd.Args = sftpServer, nil
			return true
		}
		return false
	})
	return cmd, nil
}

// wantsTerminal says whether ssh would ask for a terminal: by -t, or for a login shell,
// where stdin is one here; by -tt in any case.
func (w *sshWords) wantsTerminal() bool {
	_, none := unix.IoctlGetTermios(0, unix.TCGETS)
	return w.terminal > 1 || none == nil && w.terminal >= 0 && (w.terminal > 0 || w.command == "")
}

// shellStatus ends as ssh would: by the command's status, or 255. ssh dies of the
// signals that it gets, so rpc does where the procedure died of one that was passed on.
func shellStatus(cmd *client.Cmd, passed syscall.Signal, err error) error {
	var exit *client.ExitError
	var failed *client.Error
	switch {
	case err == nil:
		return explained(0, cmd.ProcessState)
	case errors.As(err, &exit) && exit.Exited():
		return explained(exit.ExitCode(), cmd.ProcessState)
	case errors.As(err, &exit):
		sig := exit.Sys().Signal()
		if sig == passed {
			die(sig)
		}
		why := cmd.ProcessState.Explain()
		if why == "" {
			why = fmt.Sprintf("the command ended by %s at %s", unix.SignalName(sig), cmd.Worker)
		}
		return &exitError{statusRemoteShell, errors.New(why)}
	case errors.As(err, &failed) && failed.Outcome == client.ErrTimeout:
		return &exitError{statuses[failed.Outcome], err}
	}
	return &exitError{statusRemoteShell, err}
}

// printSettings answers ssh -G, by which git asks whether ssh's options are understood.
func (w *sshWords) printSettings() error {
	if w.user == "" {
		w.user = os.Getenv("USER")
	}
	if w.port == "" {
		w.port = "22"
	}
	_, err := fmt.Fprintf(os.Stdout, "host %s\nuser %s\nhostname %s\nport %s\n", w.worker, w.user, w.worker, w.port)
	return err
}
