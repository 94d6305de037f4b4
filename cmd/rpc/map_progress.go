package main

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/client/batch"
)

// progressLine gives what shows the progress on stderr, or nil where that is no
// terminal.
func progressLine() func(batch.Progress) {
	if _, err := unix.IoctlGetTermios(2, unix.TCGETS); err != nil {
		return nil
	}
	var input unix.Stat_t
	size := int64(0) // of stdin; 0: it isn't known
	if unix.Fstat(0, &input) == nil && input.Mode&unix.S_IFMT == unix.S_IFREG {
		size = input.Size
	}
	return func(p batch.Progress) {
		fmt.Fprintf(os.Stderr, "\r%s\x1b[K", progressText(p, size))
		if p.Over {
			fmt.Fprintln(os.Stderr)
		}
	}
}

// progressText is one line on the progress. The time left is known once the last
// record is, or how much of a file is read.
func progressText(p batch.Progress, size int64) string {
	rate := float64(p.Done) / max(p.Elapsed.Seconds(), 0.001)
	text := fmt.Sprintf("%d done, %d failed, %.1f/s", p.Done, p.Failed, rate)
	all := 0.0
	switch {
	case p.Ended:
		all = float64(p.Begun)
	case size > 0 && p.Read > 0:
		all = float64(p.Begun) * float64(size) / float64(p.Read)
	}
	if rate > 0 && all > 0 && !p.Over {
		left := time.Duration((all - float64(p.Done)) / rate * float64(time.Second))
		text += fmt.Sprintf(", %v left", max(left, 0).Round(time.Second))
	}
	return text
}
