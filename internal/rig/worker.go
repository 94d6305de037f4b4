package rig

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"rpcd/rpcd/wire"
)

// Serve starts a worker at socket, with the daemon's binary rpcd and its flags,
// and waits until it answers.
func (s Starter) Serve(rpcd, socket string, flags ...string) (*Process, error) {
	p, err := s.Start(append([]string{rpcd, "serve", "--listen", socket}, flags...)...)
	if err != nil {
		return nil, err
	}
	return p, p.Ready(Answers(socket))
}

// answerLimit bounds one question to a worker.
const answerLimit = 10 * time.Second

// Answers is a test for Ready: a worker answers PING at socket, be it with a
// refusal. One that only accepts connections may not hold yet all that it holds
// when idle.
func Answers(socket string) func() error {
	return func() error {
		conn, err := net.Dial("unix", socket)
		if err != nil {
			return err
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(answerLimit))
		if _, err := conn.Write(wire.Question(wire.TypePing)); err != nil {
			return err
		}
		header, err := wire.ReadHeader(conn)
		if err == nil {
			_, err = wire.ReadPayload(conn, header)
		}
		return err
	}
}

// Export makes the exports directory at path, with a link to each of the
// commands. A command is an absolute path, or is looked for on PATH.
func Export(path string, commands ...string) error {
	err := os.Mkdir(path, 0o755)
	for _, command := range commands {
		if err != nil {
			break
		}
		if !filepath.IsAbs(command) {
			command, err = exec.LookPath(command)
		}
		if err == nil {
			err = os.Symlink(command, filepath.Join(path, filepath.Base(command)))
		}
	}
	return err
}
