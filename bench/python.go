package main

import (
	"embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"rpcd/internal/rig"
)

// scripts are the procedures and peers in Python.
//
//go:embed python/*.py
var scripts embed.FS

// packageFolder holds our package for Python. It isn't embedded: bench runs in the
// repository's root.
const packageFolder = "client/python"

// python is what the sections with Python share: an interpreter with NumPy, the
// scripts, and a worker with their procedures.
type python struct {
	program string // the interpreter
	folder  string // of the scripts
	env     []string
	socket  string
}

// residents are the procedures that are resident workers, and how many. Each is
// the script of that name.
var residents = map[string]int{"echo": 1, "warm": 1, "forked": 1, "job": runtime.NumCPU()}

// spawnedJob is the procedure that starts a process for each call.
const spawnedJob = "say"

// pythonEnds starts the worker once. The stage's close ends it.
func (st *stage) pythonEnds() (*python, error) {
	if st.python == nil && st.noPython == nil {
		st.python, st.noPython = newPython(st)
	}
	return st.python, st.noPython
}

func newPython(st *stage) (*python, error) {
	program, err := withNumPy(st)
	if err != nil {
		return nil, err
	}
	library, err := filepath.Abs(packageFolder)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(library, "rpcd")); err != nil {
		return nil, fmt.Errorf("no package rpcd in %s (run bench in the repository's root)", packageFolder)
	}
	folder := filepath.Join(st.folder, "python")
	if err := os.CopyFS(st.folder, scripts); err != nil {
		return nil, err
	}
	p := &python{program: program, folder: folder, env: append(rig.Environment(), "PYTHONPATH="+library)}
	exports := filepath.Join(st.folder, "python-exports")
	if err := p.export(exports); err != nil {
		return nil, err
	}
	p.socket = filepath.Join(st.folder, "python.sock")
	starter := st.starter()
	starter.Env = p.env
	worker, err := starter.Serve(st.options.RPCD, p.socket, "--exports", exports)
	if err != nil {
		return nil, err
	}
	st.later(worker.Stop)
	return p, nil
}

// withNumPy gives the first python3 that has NumPy: a version manager's may stand
// on PATH in front of Debian's.
func withNumPy(st *stage) (string, error) {
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		program, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		if _, err := output(st, nil, program, "-c", "import numpy"); err == nil {
			return program, nil
		}
	}
	return "", errors.New("no python3 with NumPy (Debian package python3-numpy, see bench/peers.sh)")
}

// export makes the exports directory at path: the resident procedures, the same
// program as one that is started for each call, and a small program.
func (p *python) export(path string) error {
	echo, err := exec.LookPath("echo")
	if err != nil {
		return err
	}
	if err := rig.Export(path); err != nil {
		return err
	}
	for name, workers := range residents {
		if err := p.procedure(filepath.Join(path, name), name, workers); err != nil {
			return err
		}
	}
	if err := os.Symlink(echo, filepath.Join(path, spawnedJob)); err != nil {
		return err
	}
	return p.procedure(filepath.Join(path, "cold"), "cold", 0)
}

// procedure makes the folder of a procedure whose run is a script. Without workers
// it isn't resident.
func (p *python) procedure(folder, script string, workers int) error {
	text, err := scripts.ReadFile("python/" + script + ".py")
	if err != nil {
		return err
	}
	err = os.Mkdir(folder, 0o755)
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, "run"), append([]byte("#!"+p.program+"\n"), text...), 0o755)
	}
	if err == nil && workers > 0 {
		err = os.WriteFile(filepath.Join(folder, "workers"), []byte(strconv.Itoa(workers)+"\n"), 0o644)
	}
	return err
}

// lacks gives an error with the text where a line of Python fails.
func (p *python) lacks(st *stage, line, text string) error {
	cmd := exec.CommandContext(st.ctx, p.program, "-c", line)
	cmd.Env = p.env
	if cmd.Run() != nil {
		return errors.New(text)
	}
	return nil
}

func (p *python) lacksZMQ(st *stage) error {
	return p.lacks(st, "import zmq", "no pyzmq (Debian package python3-zmq, see bench/peers.sh)")
}

// script gives the command line of a script.
func (p *python) script(name string, args ...string) []string {
	return append([]string{p.program, filepath.Join(p.folder, name+".py")}, args...)
}

// lastLine gives ": " and the last line of a file, where Python says what went
// wrong, or nothing.
func lastLine(path string) string {
	text, _ := os.ReadFile(path)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if last := strings.TrimSpace(lines[len(lines)-1]); last != "" {
		return ": " + last
	}
	return ""
}
