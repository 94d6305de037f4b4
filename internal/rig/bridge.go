package rig

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Bridge is a pair of socats that joins a new socket to a worker's over TCP on
// 127.0.0.1, as a bridge to another host does.
type Bridge struct {
	near, far *Process // at the caller's side, at the worker's
}

// Bridge starts one from the socket near, which it makes, to the worker's
// socket, and waits until the worker answers over it. tcp are socat's options of both
// ends in TCP, as "nodelay".
func (s Starter) Bridge(near, socket string, tcp ...string) (b *Bridge, err error) {
	socat, err := LookFor("socat", "socat")
	if err != nil {
		return nil, err
	}
	b = &Bridge{}
	if b.far, err = s.Start(socat, strings.Join(append([]string{"TCP-LISTEN:0,bind=127.0.0.1,backlog=128,fork"}, tcp...), ","), "UNIX-CONNECT:"+socket); err != nil {
		return nil, err
	}
	port := 0
	err = b.far.Ready(func() (err error) { port, err = listenPort(b.far.PID()); return err })
	if err != nil {
		return nil, err
	}
	b.near, err = s.Start(socat, "UNIX-LISTEN:"+near+",unlink-early,backlog=128,fork", strings.Join(append([]string{"TCP:127.0.0.1:" + strconv.Itoa(port)}, tcp...), ","))
	if err == nil {
		err = b.near.Ready(Answers(near))
	}
	if err != nil {
		b.far.Stop()
		return nil, err
	}
	return b, nil
}

// listenPort finds the TCP port of IPv4 that a process listens on, which the
// kernel chose (proc_net_tcp(5)). A port that was free before may be another's
// by now.
func listenPort(pid int) (int, error) {
	folder := fmt.Sprintf("/proc/%d/", pid)
	descriptors, err := os.ReadDir(folder + "fd")
	if err != nil {
		return 0, err
	}
	own := map[string]bool{}
	for _, descriptor := range descriptors {
		if what, err := os.Readlink(folder + "fd/" + descriptor.Name()); err == nil {
			own[what] = true
		}
	}
	table, err := os.ReadFile(folder + "net/tcp")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(table)) {
		const listening, local, state, inode = "0A", 1, 3, 9
		fields := strings.Fields(line)
		if len(fields) > inode && fields[state] == listening && own["socket:["+fields[inode]+"]"] {
			_, port, _ := strings.Cut(fields[local], ":")
			n, err := strconv.ParseUint(port, 16, 16)
			return int(n), err
		}
	}
	return 0, errors.New("it doesn't listen yet")
}

// Stop ends both sides and what they carry.
func (b *Bridge) Stop() {
	b.near.Stop()
	b.far.Stop()
}

// Cut kills both sides in the middle of what they carry.
func (b *Bridge) Cut() {
	b.near.Kill()
	b.far.Kill()
}
