//go:build !amd64 && !arm64

package entry

// Signals gives nothing: there is no entry for this processor.
func Signals() (ignored, blocked uint64, held, ok bool) { return 0, 0, false, false }

// Take gives nothing.
func Take() (Sent, bool) { return Sent{}, false }
