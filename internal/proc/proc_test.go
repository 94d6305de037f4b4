package proc

import (
	"os"
	"os/exec"
	"testing"
	"time"
)

func TestNumber(t *testing.T) {
	const status = "Name:\tVmHWM:\nVmHWM:\t    1120 kB\nVmRSS:\t 900 kB\nThreads:\t3\nVmSwap:\t x kB\n"
	for name, want := range map[string]int{"VmHWM": 1120, "VmRSS": 900, "Threads": 3, "VmSwap": 0, "Vm": 0} {
		if got := number(status, name); got != want {
			t.Errorf("number(%q) = %d, want %d", name, got, want)
		}
	}
}

// A child is counted until it is reaped, first as a process, then as a zombie.
func TestLook(t *testing.T) {
	cmd := exec.Command("cat")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := cmd.Process.Pid
	u, err := Look(os.Getpid())
	if err != nil || u.Children != 1 || u.Zombies != 0 || u.Descriptors < 4 || u.Threads < 1 || u.RSS < 100 || u.Peak < u.RSS {
		t.Errorf("%+v, %v", u, err)
	}
	if !Alive(pid) {
		t.Error("it is dead")
	}
	stdin.Close()
	for Alive(pid) { // a hang ends with go test's own limit
		time.Sleep(time.Millisecond)
	}
	if u, err = Look(os.Getpid()); err != nil || u.Children != 1 || u.Zombies != 1 {
		t.Errorf("a zombie: %+v, %v", u, err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if Alive(pid) || State(pid) != 0 || Stat(pid) != nil {
		t.Error("it is still there")
	}
	if _, err := Look(pid); err == nil {
		t.Error("what is gone has a usage")
	}
}

func TestWithVariable(t *testing.T) {
	cmd := exec.Command("sleep", "1000")
	cmd.Env = []string{"PROC_TEST=1"}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if got := WithVariable("PROC_TEST=1"); len(got) != 1 || got[0] != cmd.Process.Pid {
		t.Errorf("%v, want %d", got, cmd.Process.Pid)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if got := WithVariable("PROC_TEST=1"); len(got) != 0 {
		t.Errorf("%v is left", got)
	}
}
