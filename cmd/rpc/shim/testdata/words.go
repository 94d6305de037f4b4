// Command words prints its words, each with a bar behind it.
package main

import (
	"os"
	"strings"
)

func main() { os.Stdout.WriteString(strings.Join(os.Args[1:], "|") + "|") }
