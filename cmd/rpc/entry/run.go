//go:build amd64 || arm64

package entry

import "unsafe"

// run is called by start with the stack that the kernel made: the number of words,
// the words, the variables. When it returns, the ordinary program begins.
func run(stack unsafe.Pointer) {
	record()
}
