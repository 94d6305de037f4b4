// Package journal is what the daemon counts, and how its log words what it tells:
// numbers, names of processes, what is said again and again. It writes no lines.
package journal

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"rpcd/internal/printable"
)

// Seconds gives a time in seconds, to the millisecond. In a log of JSON it is a
// number.
func Seconds(d time.Duration) json.Number {
	return json.Number(strconv.FormatFloat(d.Seconds(), 'f', 3, 64))
}

// maxNames is how many names of processes a line holds. The kernel's are of 15
// bytes at most (TASK_COMM_LEN, proc(5)).
const maxNames = 5

// Names gives the names of processes, each once, printable, and the number of
// those that are too many: "sleep, sh, and 2 more".
func Names(names []string) string {
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	more := len(names) - maxNames
	names = names[:min(len(names), maxNames)]
	for i, name := range names {
		names[i] = printable.Escaped(name)
	}
	text := strings.Join(names, ", ")
	if more > 0 {
		text += fmt.Sprintf(", and %d more", more)
	}
	return text
}
