package rig

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"

	"rpcd/internal/proc"
)

// Machine is what the figures of a report depend on.
type Machine struct {
	Kernel     string            `json:"kernel"`
	CPU        string            `json:"cpu"`
	CPUs       int               `json:"cpus"`
	MemoryMB   int64             `json:"memory_mb"`
	Go         string            `json:"go"`
	Commit     string            `json:"commit,omitempty"`
	Packages   map[string]string `json:"packages"` // the peers' versions, as dpkg knows them
	LoadBefore string            `json:"load_before"`
	LoadAfter  string            `json:"load_after"`
}

// LookAround fills in all but LoadAfter. What a system can't tell stays empty.
func LookAround() Machine {
	m := Machine{CPUs: runtime.NumCPU(), Go: runtime.Version(), LoadBefore: Load(),
		MemoryMB: int64(proc.MB(proc.Memory("/proc/meminfo", "MemTotal"))), Packages: map[string]string{}}
	var uts syscall.Utsname
	if syscall.Uname(&uts) == nil {
		for _, c := range uts.Release {
			if c == 0 {
				break
			}
			m.Kernel += string(rune(c))
		}
	}
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			m.CPU = strings.TrimSpace(value)
			break
		}
	}
	m.Commit = say("git", "describe", "--always", "--dirty", "--abbrev=10")
	for _, name := range []string{"s6", "openssh-server", "socat", "docker.io", "coreutils", "libzmq5", "python3-zmq"} {
		if version := say("dpkg-query", "-W", "-f", "${Version}", name); version != "" {
			m.Packages[name] = version
		}
	}
	return m
}

// String is one paragraph.
func (m Machine) String() string {
	return fmt.Sprintf("%d x %s, %d MB, Linux %s, %s, commit %s; load average before %s, after %s.",
		m.CPUs, m.CPU, m.MemoryMB, m.Kernel, m.Go, m.Commit, m.LoadBefore, m.LoadAfter)
}

// Load returns the three load averages.
func Load() string {
	text, _ := os.ReadFile("/proc/loadavg")
	words := bytes.Fields(text)
	return string(bytes.Join(words[:min(3, len(words))], []byte(" ")))
}

// say returns what a command prints, or nothing.
func say(name string, args ...string) string {
	text, _ := exec.Command(name, args...).Output()
	return strings.TrimSpace(string(text))
}
