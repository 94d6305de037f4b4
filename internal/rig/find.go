package rig

import (
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
)

// LookFor finds a program on PATH, or in the sbin folders that a user's PATH
// may lack, or says which Debian package has it.
func LookFor(program, debianPackage string) (string, error) {
	for _, name := range []string{program, "/usr/sbin/" + program, "/sbin/" + program} {
		if path, err := exec.LookPath(name); err == nil {
			return filepath.Abs(path)
		}
	}
	return "", fmt.Errorf("no %s (Debian package %s, see bench/peers.sh)", program, debianPackage)
}

// Accepts is a test for Ready: something accepts connections at the address.
func Accepts(network, address string) func() error {
	return func() error {
		conn, err := net.Dial(network, address)
		if err != nil {
			return err
		}
		return conn.Close()
	}
}

// FreePort returns a TCP port of 127.0.0.1 that nobody listens on now.
func FreePort() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return port, err
}
