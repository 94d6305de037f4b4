package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/client"
	"rpcd/internal/version"
	"rpcd/rpcd/wire"
)

// examineTime is how long doctor waits for each answer.
const examineTime = 2 * time.Second

// patient is what doctor knows of the way to a worker, and then of one of its
// sockets. Facts only: doctor's rules are functions of it.
type patient struct {
	worker  string
	named   bool   // the worker is a name in RPC_DIR, not a path
	verb    bool   // that is also one of rpc's
	path    string // where it is looked for
	noDir   bool   // RPC_DIR doesn't exist
	folder  bool   // path is one
	others  []string
	findErr error
	sockets []string

	unusable error // the variables of a call's options, if they can't be used
	self     person
	selinux  bool // may forbid what modes admit
	pass     string
	wanted   string // RPC_SERVER_UID

	socket  string
	at      string // what the ids and the mode below are of: the socket, or the folder that can't be passed
	is      fs.FileMode
	owner   unix.Stat_t
	admits  bool   // the mode bits of at admit us
	sharing string // file system that several kernels share, or ""
	probe   *client.Probed
}

// newPatient looks for the worker's sockets.
func newPatient(worker string) patient {
	p := patient{worker: worker, path: worker, self: newPerson(), selinux: selinuxEnforces(),
		pass: os.Getenv("RPC_PASS"), wanted: os.Getenv("RPC_SERVER_UID"), probe: &client.Probed{}}
	o := newCallOptions()
	if p.unusable = o.environment(func(string) bool { return false }); p.unusable == nil {
		p.unusable = o.apply(client.Command("", ""))
	}
	if p.named = !strings.Contains(worker, "/"); p.named {
		p.path = filepath.Join(client.Dir(), worker)
		p.verb = slices.Contains(version.Verbs, worker)
		_, err := os.Stat(client.Dir())
		p.noDir = errors.Is(err, fs.ErrNotExist)
		p.others, _ = client.Workers()
	}
	p.sockets, p.findErr = client.Sockets(worker)
	info, err := os.Stat(p.path)
	p.folder = err == nil && info.IsDir()
	if p.findErr != nil {
		p.look(p.path)
	}
	return p
}

// examine learns what can be learned of a socket.
func (p *patient) examine(socket, dir string) {
	p.socket = socket
	p.look(socket)
	p.sharing = sharedFileSystem(socket)
	p.probe = &client.Probed{}
	if p.at == socket && p.is.Type() != fs.ModeSocket {
		return // not to be touched
	}
	p.probe = client.Probe(context.Background(), socket, dir, examineTime)
}

// look finds the modes of path, or of the folder on the way to it that can't
// be passed.
func (p *patient) look(path string) {
	need := uint32(0o2) // connect(2) needs the right to write
	for p.at = path; ; p.at = filepath.Dir(p.at) {
		info, err := os.Stat(p.at)
		if err == nil {
			p.is = info.Mode()
			_ = unix.Stat(p.at, &p.owner)
			if info.IsDir() {
				need = 0o1
			}
			p.admits = p.self.admitted(&p.owner, need)
			return
		}
		if p.at == filepath.Dir(p.at) {
			return
		}
	}
}

// pong is what the worker says, empty where it says nothing.
func (p *patient) pong() client.Info {
	if p.probe.Pong == nil {
		return client.Info{}
	}
	return *p.probe.Pong
}

// way is how the worker sees us, empty where it doesn't say.
func (p *patient) way() wire.Way {
	if w := p.pong().Way; w != nil {
		return *w
	}
	return wire.Way{}
}

// words are what rules fill in: pairs of name and value.
func (p *patient) words() []string {
	pong, way := p.pong(), p.way()
	err := p.findErr
	if err == nil {
		err = p.probe.Err
	}
	if err == nil {
		err = p.probe.ListErr
	}
	others := "it is empty"
	if len(p.others) > 0 {
		others = "it has: " + strings.Join(p.others, ", ")
	}
	var names []string
	for _, e := range p.probe.Procedures[:min(len(p.probe.Procedures), 8)] {
		names = append(names, e.Name)
	}
	if len(names) < len(p.probe.Procedures) {
		names = append(names, "...")
	}
	at := "the socket"
	if p.is.IsDir() {
		at = fmt.Sprintf("the folder %q", filepath.Clean(p.at))
	}
	return []string{
		"{worker}", p.worker, "{dir}", strconv.Quote(client.Dir()), "{path}", strconv.Quote(p.path), "{others}", others,
		"{sockets}", strconv.Itoa(len(p.sockets)), "{socket}", strconv.Quote(p.socket), "{error}", fmt.Sprint(err),
		"{at}", at, "{kind}", client.Kind(p.is), "{owner}", fmt.Sprintf("%d:%d", p.owner.Uid, p.owner.Gid), "{gid}", strconv.Itoa(int(p.owner.Gid)),
		"{mode}", fmt.Sprintf("%04o", p.owner.Mode&0o7777), "{you}", p.self.String(), "{fs}", p.sharing,
		"{unusable}", fmt.Sprint(p.unusable), "{wanted}", p.wanted, "{server}", strconv.Itoa(int(p.probe.OwnerUID)), "{wait}", examineTime.String(),
		"{version}", pong.Version, "{rtt}", fmt.Sprintf("%.1f ms", pong.RTT.Seconds()*1000), "{state}", pong.State,
		"{running}", strconv.Itoa(int(pong.Load.Running)), "{max}", strconv.Itoa(int(pong.Load.MaxCalls)),
		"{waiting}", strconv.Itoa(int(pong.Load.Waiting)), "{queue}", strconv.Itoa(int(pong.Load.MaxQueue)),
		"{seen}", fmt.Sprintf("%d:%d", way.UID, way.GID), "{runs}", fmt.Sprintf("%d:%d", way.OwnUID, way.OwnGID),
		"{here}", strconv.Quote(p.probe.Directory), "{count}", strconv.Itoa(len(p.probe.Procedures)), "{names}", strings.Join(names, " "),
	}
}
