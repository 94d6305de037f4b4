package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"rpcd/client"
	"rpcd/internal/reach"
)

// patience says whether --wait may help against an unreachable worker.
type patience uint8

const (
	noWait  patience = iota // the verb has no --wait
	mayWait                 // --wait wasn't given
	waited                  // it was, and ran out
)

// adviseWorker says what to try where a worker can't be reached. rest are the words
// behind the worker's name. Other errors stay as they are.
func adviseWorker(err error, rest []string, p patience) error {
	var e *client.Error
	if !errors.As(err, &e) || e.Outcome != client.ErrUnreachable {
		return err
	}
	better := *e
	if strings.HasSuffix(better.Try, "?") && p == mayWait { // time may answer it
		better.Try += " try --wait"
	}
	var cause *reach.Cause
	if errors.As(err, &cause) && (cause.Reason == reach.NoSocket || cause.Reason == reach.NoRoot) && !strings.Contains(e.Worker, "/") {
		if meant := meantWorker(e.Worker, rest); meant != "" {
			better.Try = "did you mean " + meant + "?"
		} else if there := otherWorkers(); there != "" {
			better.Try = strings.Replace(better.Try+"; there are: "+there, "?;", "?", 1)
		}
	}
	return &better
}

// inVariables puts what to try into the words of those who can give no option.
var inVariables = strings.NewReplacer("give -C DIR", "set RPC_CHDIR=DIR", "try --wait", "set RPC_WAIT=10s")

// adviseVariables says it so in an error of a call.
func adviseVariables(err error) error {
	var e *client.Error
	if !errors.As(err, &e) {
		return err
	}
	better := *e
	better.Text, better.Try = inVariables.Replace(e.Text), inVariables.Replace(e.Try)
	return &better
}

// meantWorker says what was probably meant by the name of a worker that isn't there:
// a file here, words in another order, a verb or another worker.
func meantWorker(worker string, rest []string) string {
	workers, _ := client.Workers()
	verb, near := nearVerb(worker), nearest(worker, workers)
	namesWorker := len(rest) > 0 && slices.Contains(workers, rest[0])
	switch {
	case isSocket("./" + worker):
		return "./" + worker
	case verb != "" && (namesWorker || near == ""):
		return "rpc " + shown(append([]string{verb}, rest...))
	case namesWorker:
		return "rpc " + shown(append([]string{rest[0], worker}, rest[1:]...))
	}
	return near
}

// isSocket says whether a path is a socket, or a folder with one.
func isSocket(path string) bool {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return false
	case info.IsDir():
		sockets, _ := filepath.Glob(filepath.Join(path, "*.sock"))
		return len(sockets) > 0
	}
	return info.Mode().Type() == os.ModeSocket
}

// mostWorkers bounds, in bytes, the workers that an error line names.
const mostWorkers = 60

// otherWorkers names the workers that are there, up or not, or "".
func otherWorkers() string {
	workers, _ := client.Workers()
	list := ""
	for i, w := range workers {
		if len(list)+len(w) > mostWorkers {
			return list + "..."
		}
		if i > 0 {
			list += ", "
		}
		list += w
	}
	return list
}
