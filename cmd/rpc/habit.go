package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"rpcd/client"
	"rpcd/internal/printable"
)

// shellWords are what a shell understands and no program is: its builtins and
// reserved words (bash(1)), but for those that are programs, too.
var shellWords = strings.Fields(`. : ! { } ( ) [[ alias bg bind builtin caller case command compgen complete compopt coproc declare
dirs disown do done elif else enable eval exec exit export fc fg fi for function getopts hash history if jobs let local
logout mapfile popd pushd read readarray readonly return select set shift shopt source suspend then time times trap type
typeset ulimit umask unalias unset until wait while`)

// isOperator says whether a word begins with what redirects, joins or ends commands in
// a shell.
func isOperator(word string) bool {
	rest := strings.TrimLeft(word, "0123456789")
	return rest != "" && strings.IndexByte("<>|;&(", rest[0]) >= 0
}

// isAssignment says whether a word sets a variable in front of a command, as a shell
// has it.
func isAssignment(word string) bool {
	name, _, found := strings.Cut(word, "=")
	for i, c := range []byte(name) {
		if c != '_' && (c|0x20 < 'a' || c|0x20 > 'z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return found && name != ""
}

// adviseProcedure says what to try where there is no such procedure: most who come
// from ssh or docker exec expect a shell there. Other errors stay as they are.
func adviseProcedure(err error, cmd *client.Cmd) error {
	var e *client.Error
	if !errors.As(err, &e) || e.Outcome != client.ErrUnknown {
		return err
	}
	hint := habit(cmd.Worker, cmd.Procedure, cmd.Args)
	if hint == "" {
		if near := nearProcedure(cmd); near != "" {
			hint = "did you mean " + near + "?"
		}
	}
	if hint == "" {
		return err
	}
	better := *e
	better.Text = fmt.Sprintf("%s has no procedure %s", cmd.Worker, quoted(cmd.Procedure))
	better.Try = hint
	return &better
}

// maxQuoted is how many bytes of a refused procedure's name an error shows.
const maxQuoted = 40

func quoted(s string) string {
	if len(s) > maxQuoted {
		s = s[:maxQuoted] + "..."
	}
	return fmt.Sprintf("%q", s)
}

// habit says how rpc puts what was probably meant by the words, or "".
func habit(worker, procedure string, args []string) string {
	switch {
	case strings.HasPrefix(procedure, "-"):
		if hints[procedure] != "" {
			return hints[procedure]
		}
		return "rpc's options stand before the worker"
	case strings.ContainsAny(procedure, " \t\n"):
		return fmt.Sprintf("that is one word: give the words apart, or rpc %s sh -c '...', where sh is exported", worker)
	case procedure == "cd" || procedure == "chdir":
		dir := "DIR"
		if len(args) > 0 && plainWord(args[0]) {
			dir = args[0]
		}
		return fmt.Sprintf("for a directory: rpc -C %s %s PROCEDURE ...", dir, worker)
	case isAssignment(procedure), procedure == "env" && len(args) > 0 && isAssignment(args[0]):
		return "for a variable: " + withVariables(worker, append([]string{procedure}, args...))
	case procedure == "sudo" || procedure == "su" || procedure == "doas":
		return workersUser
	case slices.Contains(shellWords, procedure), isOperator(procedure):
		return fmt.Sprintf("that is a shell's: rpc %s sh -c '...', where sh is exported", worker)
	}
	return ""
}

// withVariables is the call with a -e for each variable that stands before the
// command.
func withVariables(worker string, words []string) string {
	line := "rpc"
	if words[0] == "env" {
		words = words[1:]
	}
	for len(words) > 0 && isAssignment(words[0]) {
		line, words = line+" -e "+shown(words[:1]), words[1:]
	}
	if len(words) == 0 {
		words = []string{"PROCEDURE"}
	}
	return line + " " + worker + " " + shown(words)
}

// nearTime is how long a worker is given to say what it has, where a procedure isn't
// there: the call has failed already.
const nearTime = 300 * time.Millisecond

// nearProcedure gives the procedure that was probably meant, or "".
func nearProcedure(cmd *client.Cmd) string {
	infos, err := client.List(context.Background(), cmd.Worker, nearTime)
	if err != nil {
		return ""
	}
	var names []string
	for _, p := range infos[0].Procedures {
		names = append(names, p.Name)
	}
	return printable.Line(nearest(cmd.Procedure, names))
}
