package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"rpcd/internal/rig"
)

// Names of the ways to run a job for each line of stdin.
const (
	parallelName    = "GNU parallel"
	xargsName       = "xargs -P"
	mapSpawnedName  = "rpc map, spawned"
	mapResidentName = "rpc map, resident"
	jobSection      = "jobs/s"
)

// measureJobs counts the jobs that end in a second, as many at once as there are
// processors. A job writes its line to stdout: echo(1), but a few lines of Python
// as the resident procedure. The start of the tool is in the figures.
func measureJobs(st *stage) []row {
	lines := 50 * st.options.Calls
	input, err := numbers(st, lines)
	if err != nil {
		return []row{{Section: jobSection, Name: mapSpawnedName, Trouble: absentPrefix + err.Error()}}
	}
	all := inTurns(st, jobWays(st), st.options.Floods, func(w *way) (rate float64, err error) {
		err = onThread(func() (err error) {
			rate, err = st.jobs(w.argv(""), input, lines)
			return err
		})
		return rate, err
	})
	rows := against("parallel", compare(jobSection, all, parallelName, mapSpawnedName, unitRate))
	for i := range rows {
		rows[i].Detail = fmt.Sprintf("%d lines, %d at once", lines, runtime.NumCPU())
	}
	return rows
}

// jobWays gives the tools. Each gets a line as an argument of its job.
func jobWays(st *stage) []*way {
	atOnce := strconv.Itoa(runtime.NumCPU())
	fixed := func(argv ...string) func(string, ...string) []string {
		return func(string, ...string) []string { return argv }
	}
	var ways []*way
	peer := func(name, program, debianPackage string, args ...string) {
		w := missing(name, "")
		path, err := rig.LookFor(program, debianPackage)
		if err != nil {
			w.absent = err.Error()
		}
		w.argv = fixed(append([]string{path}, args...)...)
		ways = append(ways, w)
	}
	echo, err := rig.LookFor("echo", "coreutils")
	if err != nil {
		return []*way{missing(mapSpawnedName, err.Error())}
	}
	peer(parallelName, "parallel", "parallel", "--will-cite", "-j", atOnce, echo, "{}")
	peer(xargsName, "xargs", "findutils", "-P", atOnce, "-n", "1", echo)
	ours := func(name, procedure string) {
		w := missing(name, "")
		if p, err := st.pythonEnds(); err != nil {
			w.absent = err.Error()
		} else {
			w.argv = fixed(st.options.RPC, "map", "--jobs", atOnce, p.socket, procedure, "{}")
		}
		ways = append(ways, w)
	}
	ours(mapSpawnedName, spawnedJob)
	ours(mapResidentName, "job")
	return ways
}

// numbers writes a file with lines of numbers. The stage's close removes it.
func numbers(st *stage, lines int) (string, error) {
	var text bytes.Buffer
	for i := range lines {
		fmt.Fprintln(&text, i)
	}
	path := filepath.Join(st.folder, "lines")
	return path, os.WriteFile(path, text.Bytes(), 0o600)
}

// jobs runs argv with the file as its stdin, and gives how many of its lines came
// back a second, all of them and each once. It must run inside onThread.
func (s *spawner) jobs(argv []string, input string, lines int) (float64, error) {
	in, err := os.Open(input)
	if err != nil {
		return 0, err
	}
	defer in.Close()
	out, err := os.Create(input + ".out")
	if err != nil {
		return 0, err
	}
	defer out.Close()
	said, err := os.Create(input + ".err")
	if err != nil {
		return 0, err
	}
	defer said.Close()
	began := time.Now()
	pid, err := s.start(argv, in, out, said)
	if err != nil {
		return 0, err
	}
	_, err = s.wait(pid)
	took := time.Since(began)
	if err != nil {
		return 0, fmt.Errorf("%w%s", err, rig.FirstLine(said))
	}
	return float64(lines) / took.Seconds(), eachOnce(out.Name(), lines)
}

// eachOnce says whether a file has each of so many numbers once.
func eachOnce(path string, lines int) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	count := 0
	for line := range bytes.Lines(text) {
		seen[string(bytes.TrimSpace(line))] = true
		count++
	}
	for i := range lines {
		if !seen[strconv.Itoa(i)] {
			return fmt.Errorf("the line of job %d is missing", i)
		}
	}
	if count != lines {
		return fmt.Errorf("%d lines of %d jobs", count, lines)
	}
	return nil
}
