package wire

import (
	"math/bits"
	"sync"
)

// Buffers are kept in pools by powers of two. So a queue of small frames holds
// little more memory than its credit.
const (
	smallestBuffer = 12 // 4 KiB: a smaller buffer isn't worth keeping
	largestBuffer  = 19 // 512 KiB: a frame of MaxData with its header
)

var buffers [largestBuffer + 1]sync.Pool

// getBuffer gives n bytes of any content.
func getBuffer(n int) []byte {
	class := bits.Len(uint(n - 1))
	if class < smallestBuffer || class > largestBuffer {
		return make([]byte, n)
	}
	if b, ok := buffers[class].Get().(*[]byte); ok {
		return (*b)[:n]
	}
	return make([]byte, n, 1<<class)
}

// putBuffer takes back what getBuffer gave. The caller uses it no more.
func putBuffer(b []byte) {
	class := bits.Len(uint(cap(b) - 1))
	if class < smallestBuffer || class > largestBuffer || cap(b) != 1<<class {
		return
	}
	buffers[class].Put(&b)
}
