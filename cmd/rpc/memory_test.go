package main_test

import (
	"bytes"
	"fmt"
	"io"
	"testing"
	"time"

	"rpcd/internal/proc"
	"rpcd/internal/testkit"
)

// TestSlowReader has a slow reader of a huge output. The output arrives whole, and
// neither rpc nor rpcd keeps it in memory. docs/faults.md promises that for 10 GB,
// but memory that grows with the output shows at 512 MiB already.
// fault: 47
func TestSlowReader(t *testing.T) {
	size := 512 << 20
	if testing.Short() {
		size = 128 << 20
	}
	for _, transport := range []string{"passed", "none", "bridge"} {
		t.Run(transport, func(t *testing.T) {
			if transport == "bridge" {
				testkit.Need(t, "socat")
			}
			w := startWorld(t, transport)
			line := []byte("a line of output, again and again, of an odd length\n")
			cmd := w.rpc(w.socket, "sh", "-c", `yes "$1" | head -c "$0"; exit 7`, fmt.Sprint(size), string(line[:len(line)-1]))
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			w.begin(t, cmd)
			want := bytes.Repeat(line, 2+(1<<20)/len(line))
			buf := make([]byte, 1<<20)
			var most, first [2]int
			got := 0
			for {
				n, err := io.ReadFull(stdout, buf)
				at := got % len(line)
				if !bytes.Equal(buf[:n], want[at:at+n]) {
					t.Fatalf("other bytes after %d", got)
				}
				got += n
				if err != nil {
					break
				}
				if got%(16<<20) == 0 { // pauses, and looks at the memory
					time.Sleep(10 * time.Millisecond)
					for i, pid := range []int{cmd.Process.Pid, w.daemon.PID()} {
						u, err := proc.Look(pid)
						if err != nil {
							t.Fatal(err)
						}
						if most[i] = max(most[i], u.RSS); first[i] == 0 {
							first[i] = u.RSS
						}
					}
				}
			}
			if got != size {
				t.Errorf("%d bytes of %d", got, size)
			}
			if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 7 {
				t.Errorf("the end: %v", err)
			}
			t.Logf("KiB of rpc and rpcd after 16 MiB %v, at most %v", first, most)
			for i, who := range []string{"rpc", "rpcd"} {
				if most[i] > first[i]+16<<10 {
					t.Errorf("%s grew from %d to %d KiB", who, first[i], most[i])
				}
			}
		})
	}
}
