package child

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"rpcd/internal/testkit"
)

// BenchmarkCall starts, waits for and ends /bin/true, in turn with a cgroup and
// without. On a busy machine only the ratio of the two figures means something.
func BenchmarkCall(b *testing.B) {
	if err := Setup(); err != nil {
		b.Fatal(err)
	}
	if _, err := Contain(); err != nil {
		b.Skip(err)
	}
	defer Release()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer null.Close()
	root, err := unix.Open("/", unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer unix.Close(root)
	fd := int(null.Fd())
	run := func(keep bool) {
		c, err := Start(Spec{Path: "/bin/true", Argv: []string{"true"}, Dir: root, Files: []int{fd, fd, fd}, Keep: keep})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := c.Wait(); err != nil {
			b.Fatal(err)
		}
		end(c, testkit.Limit)
	}
	var took [2]float64
	n := 0
	for b.Loop() {
		for i, keep := range []bool{false, true} {
			before := b.Elapsed()
			run(keep)
			took[i] += float64((b.Elapsed() - before).Microseconds())
		}
		n++
	}
	b.ReportMetric(took[0]/float64(n), "µs/contained")
	b.ReportMetric(took[1]/float64(n), "µs/not")
}
