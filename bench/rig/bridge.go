package rig

import "syscall"

// Bridge is a pair of socats that joins the socket Near to a worker's over TCP
// on 127.0.0.1, as a bridge to another host does.
type Bridge struct {
	Near      string
	near, far *Daemon
}

// StartBridge starts one to socket; Stop or Cut ends it.
func StartBridge(folder string, env []string, near, socket string) (*Bridge, error) {
	socat, err := LookFor("socat", "socat")
	if err != nil {
		return nil, err
	}
	port, err := FreePort()
	if err != nil {
		return nil, err
	}
	b := &Bridge{Near: near}
	listen := "TCP-LISTEN:" + port + ",bind=127.0.0.1,reuseaddr,backlog=128,fork"
	if b.far, err = Start(folder, env, socat, listen, "UNIX-CONNECT:"+socket); err != nil {
		return nil, err
	}
	if err := b.far.Ready(Listens(port)); err != nil {
		return nil, err
	}
	b.near, err = Start(folder, env, socat, "UNIX-LISTEN:"+near+",unlink-early,backlog=128,fork", "TCP:127.0.0.1:"+port)
	if err == nil {
		err = b.near.Ready(Answers(near))
	}
	if err != nil {
		b.far.Stop()
		return nil, err
	}
	return b, nil
}

// Stop ends both sides and what they carry.
func (b *Bridge) Stop() {
	b.near.Stop()
	b.far.Stop()
}

// Cut kills both sides in the middle of what they carry.
func (b *Bridge) Cut() {
	syscall.Kill(-b.near.Pid(), syscall.SIGKILL)
	b.far.Kill()
	b.near.Kill()
}
