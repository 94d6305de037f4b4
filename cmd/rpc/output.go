package main

import "os"

// output is stdout; it keeps the error of a write, which cobra's help drops.
type output struct{ err error }

func (o *output) Write(p []byte) (int, error) {
	n, err := os.Stdout.Write(p)
	if o.err == nil {
		o.err = err
	}
	return n, err
}
