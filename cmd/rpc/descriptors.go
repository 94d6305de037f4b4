package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/wire"
)

// fdsValue is the value of --fd: the numbers of descriptors that cross.
type fdsValue []int

func (v *fdsValue) String() string { return "" }

// Type is shown in no help: the option's text names its value.
func (v *fdsValue) Type() string { return "int" }

func (v *fdsValue) Set(s string) error {
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		return errors.New("write a descriptor's number")
	}
	*v = append(*v, int(n))
	return nil
}

// descriptorNames finds the names of descriptors in a word, as bash writes process
// substitutions: /dev/fd/N, /proc/self/fd/N (proc(5)). One is the whole word or stands
// behind "=", "@", ":" or "," (--file=/dev/fd/63, -d @/dev/fd/63), and the word's end,
// "," or ":" stands behind it. A word with white space is text, or some shell's line.
func descriptorNames(word string) (names []string) {
	if strings.ContainsAny(word, " \t\n\v\f\r") {
		return nil
	}
	for at := 0; at < len(word); at++ {
		if word[at] != '/' || at > 0 && strings.IndexByte("=@:,", word[at-1]) < 0 {
			continue
		}
		name, _, _ := strings.Cut(word[at:], ",")
		name, _, _ = strings.Cut(name, ":")
		if descriptorNumber(name) >= 0 {
			names = append(names, name)
		}
	}
	return names
}

// descriptorNumber gives the number in a descriptor's name, or -1.
func descriptorNumber(name string) int {
	for _, dir := range []string{"/dev/fd/", "/proc/self/fd/"} {
		digits, found := strings.CutPrefix(name, dir)
		if n, err := strconv.ParseUint(digits, 10, 31); found && err == nil && strconv.Itoa(int(n)) == digits {
			return int(n)
		}
	}
	return -1
}

// inherited says whether a descriptor is open, and was when rpc was started: those
// of Go's runtime are closed on exec.
func inherited(n int) bool {
	flags, err := unix.FcntlInt(uintptr(n), unix.F_GETFD, 0)
	return err == nil && flags&unix.FD_CLOEXEC == 0
}

// refuseDescriptors refuses records' calls whose words name a descriptor of ours
// beyond 2: they are many, and it can be read once. One that isn't open here is the
// procedure's own affair.
func refuseDescriptors(words []string) error {
	for _, w := range words {
		for _, name := range descriptorNames(w) {
			if n := descriptorNumber(name); n > 2 && inherited(n) {
				return fmt.Errorf("cannot give %q to many calls (write it to a file)", name)
			}
		}
	}
	return nil
}

// extraFiles gives client.Cmd's ExtraFiles: the descriptors of --fd, and those that
// words name. 0 to 2 cross in any case. A name of one that isn't open here is the
// procedure's own affair.
func (o *callOptions) extraFiles(words []string) ([]*os.File, error) {
	var files []*os.File
	add := func(what string, n int) error {
		switch {
		case n <= 2:
			return nil
		case n > wire.MaxStream:
			return fmt.Errorf("cannot %s: %d is the highest number that crosses (open it under another: 9<&%d)", what, wire.MaxStream, n)
		case n == o.statusNumber:
			return fmt.Errorf("cannot %s: that descriptor is --status-fd's", what)
		}
		if more := n - 2 - len(files); more > 0 {
			files = append(files, make([]*os.File, more)...)
		}
		if files[n-3] == nil {
			files[n-3] = os.NewFile(uintptr(n), "/dev/fd/"+strconv.Itoa(n))
		}
		return nil
	}
	for _, n := range slices.Sorted(slices.Values(o.fds)) {
		what := fmt.Sprintf("use --fd %d", n)
		if n > 2 && !inherited(n) {
			return nil, fmt.Errorf("cannot %s: that descriptor isn't open", what)
		}
		if err := add(what, n); err != nil {
			return nil, err
		}
	}
	for _, w := range words {
		for _, name := range descriptorNames(w) {
			if n := descriptorNumber(name); inherited(n) {
				if err := add(fmt.Sprintf("pass %q", name), n); err != nil {
					return nil, err
				}
			}
		}
	}
	return files, nil
}
