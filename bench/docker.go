package main

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"rpcd/internal/rig"
)

// dockerWay makes an image of one static file, and from it a container without
// a network. close removes both. Every procedure of this way is that file.
func dockerWay(st *stage) *way {
	docker, err := rig.LookFor("docker", "docker.io")
	if err != nil {
		return missing(dockerName, err.Error())
	}
	if _, err := output(st, nil, docker, "version", "--format", "{{.Server.Version}}"); err != nil {
		return missing(dockerName, "no engine runs here ("+err.Error()+")")
	}
	archive, err := noopArchive(st)
	if err != nil {
		return missing(dockerName, err.Error())
	}
	name := fmt.Sprintf("rpcd-bench-%d", os.Getpid())
	// The removal is arranged first, since docker import may fail after it has made
	// the image.
	st.later(func() { exec.Command(docker, "image", "rm", "--force", name).Run() })
	st.later(func() { exec.Command(docker, "rm", "--force", name).Run() })
	if _, err := output(st, archive, docker, "import", "-", name); err != nil {
		return &way{name: dockerName, failed: err.Error()}
	}
	if _, err := output(st, nil, docker, "run", "--detach", "--network", "none", "--name", name, name, "/noop", "wait"); err != nil {
		return &way{name: dockerName, failed: err.Error()}
	}
	return &way{name: dockerName, divisor: 4, argv: func(string, ...string) []string {
		return []string{docker, "exec", name, "/noop"}
	}}
}

// noopArchive returns a tar archive of the binary that buildNoop makes.
func noopArchive(st *stage) ([]byte, error) {
	binary, err := buildNoop(st)
	if err != nil {
		return nil, err
	}
	body, err := os.ReadFile(binary)
	if err != nil {
		return nil, err
	}
	var archive bytes.Buffer
	writer := tar.NewWriter(&archive)
	if err := writer.WriteHeader(&tar.Header{Name: "noop", Mode: 0o755, Size: int64(len(body))}); err != nil {
		return nil, err
	}
	if _, err := writer.Write(body); err != nil {
		return nil, err
	}
	return archive.Bytes(), writer.Close()
}

// output runs a command of the preparation and returns its stdout. The command
// may take a minute. The error holds the first line of stderr. A Ctrl-C doesn't
// end the command: the engine would go on and make what close has removed.
func output(st *stage, stdin []byte, argv ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(st.ctx), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // keeps the terminal's SIGINT away
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GO111MODULE=off")
	cmd.Stdin = bytes.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.Output()
	if err != nil {
		line, _, _ := strings.Cut(strings.TrimSpace(stderr.String()), "\n")
		return "", fmt.Errorf("%s %s: %w: %s", filepath.Base(argv[0]), argv[1], err, line)
	}
	return strings.TrimSpace(string(stdout)), nil
}
