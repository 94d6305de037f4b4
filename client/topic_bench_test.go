package client

import (
	"fmt"
	"testing"

	"rpcd/internal/rig"
	"rpcd/internal/testbin"
	"rpcd/internal/testkit"
)

// BenchmarkTopic sends records from Publish to Subscribe through a worker.
func BenchmarkTopic(b *testing.B) {
	for _, size := range []int{32, 921600} {
		for _, byValue := range []bool{false, true} {
			b.Run(fmt.Sprintf("%d/value=%v", size, byValue), func(b *testing.B) {
				dir := testkit.Folder(b)
				b.Setenv("RPC_DIR", dir)
				testbin.Serve(b, rig.Starter{Folder: dir}, dir+"/w.sock", "--exports", exportTopics(b, dir))
				s, p := subscription(b, "w", "block", TopicOptions{ByValue: byValue}), publisher(b, "w", "block", TopicOptions{ByValue: byValue})
				record := make([]byte, size)
				b.SetBytes(int64(size))
				b.ResetTimer()
				go func() {
					for range b.N {
						_ = p.Send(record)
					}
					_ = p.Close()
				}()
				for range b.N {
					if _, err := s.Next(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
