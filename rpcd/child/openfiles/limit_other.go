//go:build !amd64 && !arm64

package openfiles

// Limit is struct rlimit64.
type Limit struct{ Soft, Hard uint64 }

// First isn't known on this processor.
func First() (l Limit, ok bool) { return l, false }
