package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"

	"rpcd/internal/rig"
)

// serverConfig admits only the key of this run, and only over loopback. bash
// reads ~/.bashrc when sshd starts it, which can take 100 ms that aren't ssh's.
// With SHLVL set bash skips that file.
const serverConfig = `
ListenAddress 127.0.0.1:%[2]s
HostKey %[1]s/host_key
AuthorizedKeysFile %[1]s/user_key.pub
AllowUsers %[3]s
PidFile none
UsePAM no
StrictModes no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
MaxSessions 200
MaxStartups 200
SetEnv SHLVL=1
LogLevel ERROR
`

// clientConfig has two hosts. "door" opens the shared connection. "mux" can only
// use that one: if it is closed, a call fails instead of being slow.
const clientConfig = `
Host mux
  ProxyCommand /bin/false
Host door
  ControlMaster yes
Host *
  HostName 127.0.0.1
  HostKeyAlias bench
  Port %[2]s
  User %[3]s
  IdentityFile %[1]s/user_key
  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile %[1]s/known_hosts
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  BatchMode yes
  ControlPath %[1]s/mux
  LogLevel ERROR
`

// sshWay starts an sshd of our own on loopback, and one connection to it. All
// calls share that connection (ControlMaster), which is ssh's fastest mode.
func sshWay(st *stage) *way {
	programs := map[string]string{}
	for program, debianPackage := range map[string]string{
		"sshd": "openssh-server", "ssh": "openssh-client", "ssh-keygen": "openssh-client",
	} {
		path, err := rig.LookFor(program, debianPackage)
		if err != nil {
			return missing(sshName, err.Error())
		}
		programs[program] = path
	}
	folder := filepath.Join(st.folder, "ssh")
	port, err := writeSSH(folder, programs["ssh-keygen"])
	if err != nil {
		return &way{name: sshName, failed: err.Error()}
	}
	if os.Mkdir("/run/sshd", 0o755) == nil { // root's sshd needs it; usually the boot makes it
		st.later(func() { os.Remove("/run/sshd") })
	}
	server := filepath.Join(folder, "sshd_config")
	client := []string{programs["ssh"], "-F", filepath.Join(folder, "ssh_config")}
	if _, err := st.daemon(rig.Accepts("tcp", "127.0.0.1:"+port), programs["sshd"], "-D", "-e", "-f", server); err != nil {
		return &way{name: sshName, failed: err.Error()}
	}
	check := func() error { return exec.Command(client[0], client[1], client[2], "-O", "check", "mux").Run() }
	if _, err := st.daemon(check, append(client, "-N", "door")...); err != nil {
		return &way{name: sshName, failed: err.Error()}
	}
	return &way{name: sshName, divisor: 2, argv: func(procedure string, args ...string) []string {
		return append(append(client[:3:3], "mux", procedures[procedure]), args...)
	}}
}

// writeSSH writes the keys and both configurations to folder. It returns the port
// of the server.
func writeSSH(folder, keygen string) (port string, err error) {
	who, err := user.Current()
	if err != nil {
		return "", err
	}
	if port, err = rig.FreePort(); err != nil {
		return "", err
	}
	if err = os.Mkdir(folder, 0o700); err != nil {
		return "", err
	}
	for _, key := range []string{"host_key", "user_key"} {
		argv := []string{"-q", "-t", "ed25519", "-N", "", "-C", "rpcd-bench", "-f", filepath.Join(folder, key)}
		if said, err := exec.Command(keygen, argv...).CombinedOutput(); err != nil {
			return "", fmt.Errorf("cannot make a key: %w: %s", err, strings.TrimSpace(string(said)))
		}
	}
	host, err := os.ReadFile(filepath.Join(folder, "host_key.pub"))
	if err != nil {
		return "", err
	}
	for name, text := range map[string]string{
		"known_hosts": "bench " + string(host),
		"sshd_config": fmt.Sprintf(serverConfig, folder, port, who.Username),
		"ssh_config":  fmt.Sprintf(clientConfig, folder, port, who.Username),
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	return port, nil
}
