//go:build amd64 || arm64

package entry

// Signals gives the signals that the caller of rpc has ignored and blocked: bit N-1
// is signal N. It is false where the program was linked without its entry, so that
// nobody looked before Go's runtime.
func Signals() (ignored, blocked uint64, ok bool) {
	return state.ignored, state.blocked, state.recorded
}
