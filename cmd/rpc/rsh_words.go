package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The options of ssh(1), OpenSSH 9.2. What programs pass is taken, and counts or not:
// there is no network that it could be about.
const (
	sshFlags  = "1246aACfgGkKMnNPqstTvVxXyY" // stand alone
	sshValues = "bBcDeEFiIJlLmoOpQRSwW"      // a value follows
)

// sshWords are ssh's words, as they were understood.
type sshWords struct {
	worker, command string   // command "": a login shell, or the subsystem
	user, port      string   // for -G: they have no other meaning
	variables       []string // SendEnv, SetEnv: cross where they are admitted
	subsystem       bool     // command names one
	stdinNull       bool
	verbose         bool
	terminal        int  // how often -t came; -1: -T
	version         bool // -V: print it
	settings        bool // -G: print what would count
}

// errNoHost says that nothing was named, as ssh prints its usage.
var errNoHost = errors.New("no worker named: rpc-rsh [SSH'S OPTION...] WORKER [COMMAND...] (see rpc help rsh)")

// parseShell reads ssh's words as ssh does: options stand before the host and behind
// it, up to the first word that is none, or behind --.
func parseShell(words []string) (w *sshWords, err error) {
	w = &sshWords{}
	if words, err = w.options(words); err != nil || w.version {
		return w, err
	}
	if len(words) == 0 {
		return nil, errNoHost
	}
	if err := w.host(words[0]); err != nil {
		return nil, err
	}
	if words, err = w.options(words[1:]); err != nil || w.version {
		return w, err
	}
	w.command = strings.Join(words, " ")
	if w.subsystem && w.command == "" {
		return nil, errors.New("cannot use -s: no subsystem named, as sftp")
	}
	return w, nil
}

// options reads the options in front, and gives the words behind them.
func (w *sshWords) options(words []string) (rest []string, err error) {
	for len(words) > 0 && len(words[0]) > 1 && words[0][0] == '-' {
		letters := words[0][1:]
		words = words[1:]
		if letters == "-" {
			return words, nil
		}
		for letters != "" {
			letter := letters[:1]
			letters = letters[1:]
			value := ""
			switch {
			case strings.Contains(sshFlags, letter):
			case !strings.Contains(sshValues, letter):
				return nil, fmt.Errorf("unknown option -%s: it is none of ssh's (see rpc help rsh)", letter)
			case letters != "":
				value, letters = letters, ""
			case len(words) > 0:
				value, words = words[0], words[1:]
			default:
				return nil, fmt.Errorf("cannot use -%s: it needs a value, as ssh's does", letter)
			}
			if err := w.option(letter, value); err != nil {
				return nil, err
			}
		}
	}
	return words, nil
}

// option takes one option.
func (w *sshWords) option(letter, value string) error {
	switch letter {
	case "n":
		w.stdinNull = true
	case "s":
		w.subsystem = true
	case "t":
		w.terminal = max(w.terminal, 0) + 1
	case "T":
		w.terminal = -1
	case "v":
		w.verbose = true
	case "V":
		w.version = true
	case "G":
		w.settings = true
	case "o":
		return w.setting(value)
	case "l":
		w.user = value
	case "p":
		w.port = value
	}
	if why := sshRefused[letter]; why != "" {
		return fmt.Errorf("cannot use -%s: %s", letter, why)
	}
	return nil
}

// sshRefused says why an option that ssh has can't be done here.
var sshRefused = map[string]string{
	"D": noForwarding, "L": noForwarding, "R": noForwarding, "W": noForwarding, "w": noForwarding, "N": noForwarding,
	"f": neverDetached,
	"J": "there is no host between (a bridge takes a socket further: socat, ssh -L)",
	"O": "there is no shared connection to control",
	"Q": "there is no cryptography here to list",
}

const noForwarding = "nothing is forwarded (the socket is the only interface: socat, or ssh -L, takes it further)"

// setting takes a value of -o. Those that say nothing of what runs are of no meaning.
func (w *sshWords) setting(text string) error {
	text = strings.TrimSpace(text)
	end := strings.IndexAny(text+"=", " \t=")
	name := text[:end]
	values := unquoted(strings.TrimLeft(text[end:], " \t="))
	value := strings.Join(values, " ")
	switch strings.ToLower(name) {
	case "sendenv":
		for _, v := range values {
			if !strings.ContainsAny(v, "*?-=") { // a pattern would send what nobody named
				w.variables = append(w.variables, v)
			}
		}
	case "setenv":
		for _, v := range values {
			if strings.IndexByte(v, '=') > 0 {
				w.variables = append(w.variables, v)
			}
		}
	case "remotecommand", "localforward", "remoteforward", "dynamicforward", "proxyjump":
		if !slices.Contains([]string{"", "none"}, strings.ToLower(value)) {
			return fmt.Errorf("cannot use -o %s: of ssh's settings only SendEnv and SetEnv count here", name)
		}
	case "user":
		w.user = value
	case "port":
		w.port = value
	}
	return nil
}

// unquoted gives the words of a setting. Each of ssh's quotes, " and ', holds blanks and
// the other one; a quote that has no end ends with the text.
func unquoted(text string) (words []string) {
	var word []byte
	quote, inWord := byte(0), false
	for i := range len(text) {
		switch c := text[i]; {
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote, inWord = c, true
		case quote == 0 && (c == ' ' || c == '\t'):
			if inWord {
				words = append(words, string(word))
			}
			word, inWord = nil, false
		default:
			word, inWord = append(word, c), true
		}
	}
	if inWord {
		words = append(words, string(word))
	}
	return words
}

// host takes [USER@]WORKER or ssh://[USER@]WORKER[:PORT]. The user is the worker's.
func (w *sshWords) host(word string) error {
	host, isURI := strings.CutPrefix(word, "ssh://")
	if isURI {
		host = strings.TrimSuffix(host, "/")
	}
	if at := strings.LastIndexByte(host, '@'); at >= 0 {
		w.user, host = host[:at], host[at+1:]
	}
	if name, port, found := strings.Cut(host, ":"); isURI && found {
		w.port, host = port, name
	}
	if host == "" || host[0] == '-' {
		return fmt.Errorf("cannot call %q: it names no worker", word)
	}
	w.worker = host
	return nil
}
