// Command worker is a resident worker for tests, and an example: it keeps a count of
// its calls, and does what the first argument of each call says.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/resident"
)

func main() {
	calls := 0 // what is loaded once would stand here
	handler := resident.HandlerFunc(func(call *resident.Call) int {
		calls++
		if len(call.Args) < 2 {
			fmt.Fprintln(call.Stderr, "what?")
			return 2
		}
		return serve(call, call.Args[1], call.Args[2:])
	})
	if err := resident.Serve(handler); err != nil {
		log.Fatal(err)
	}
}

// serve is one call. It gives the exit status.
func serve(call *resident.Call, what string, words []string) int {
	switch what {
	case "say":
		fmt.Fprintln(call.Stdout, strings.Join(words, "|"))
	case "complain":
		fmt.Fprintln(call.Stderr, strings.Join(words, "|"))
	case "exit":
		n, _ := strconv.Atoi(words[0])
		return n
	case "cat":
		if _, err := io.Copy(call.Stdout, call.Stdin); err != nil {
			return 1
		}
	case "pid":
		fmt.Fprintln(call.Stdout, os.Getpid())
	case "pwd":
		dir, _ := os.Getwd()
		fmt.Fprintln(call.Stdout, dir, call.Getenv("PWD") == dir)
	case "touch":
		f, err := os.OpenFile(words[0], os.O_CREATE, 0o666)
		if err != nil {
			return 1
		}
		f.Close()
	case "env":
		fmt.Fprintln(call.Stdout, call.Getenv(words[0]))
	case "wait":
		fmt.Fprintln(call.Stderr, "up")
		<-call.Context().Done()
		var canceled *resident.Canceled
		errors.As(context.Cause(call.Context()), &canceled)
		return -int(canceled.Signal)
	case "hang":
		fmt.Fprintln(call.Stderr, "up")
		time.Sleep(time.Hour)
	case "crash":
		_ = unix.Kill(os.Getpid(), unix.SIGKILL)
		time.Sleep(time.Hour)
	case "print":
		fmt.Println(strings.Join(words, " "))
	case "fd":
		fmt.Fprintln(call.ExtraFiles[0], strings.Join(words, " "))
	}
	return 0
}
