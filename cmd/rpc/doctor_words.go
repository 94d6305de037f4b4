package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"rpcd/client"
	"rpcd/client/replica"
	"rpcd/internal/version"
)

// maxNamed is how many procedures doctor names.
const maxNamed = 8

// words are what rules fill in: pairs of a name and its value.
func (f *facts) words() []string {
	pong, way, load := f.pong(), f.way(), f.pong().Load
	return []string{
		"{worker}", f.worker,
		"{dir}", strconv.Quote(client.Dir()),
		"{path}", strconv.Quote(f.path),
		"{others}", f.otherWorkers(),
		"{sockets}", strconv.Itoa(len(f.sockets)),
		"{socket}", strconv.Quote(f.socket),
		"{error}", fmt.Sprint(f.err()),
		"{options}", fmt.Sprint(f.optionErr),

		"{at}", f.place.Noun(), // the socket, or the folder on the way to it
		"{kind}", f.place.Kind(),
		"{owner}", f.place.Owner(),
		"{gid}", number(f.place.GID),
		"{mode}", f.place.Perm(),
		"{you}", f.self.String(),
		"{fs}", f.sharedOn,

		"{wanted}", f.wanted,
		"{server}", number(f.probe.OwnerUID),
		"{wait}", doctorAnswerTime.String(),
		"{version}", pong.Version,
		"{rpc}", version.String(),
		"{rtt}", fmt.Sprintf("%.1f ms", pong.RTT.Seconds()*1000),
		"{state}", pong.State,
		"{running}", number(load.Running),
		"{max}", number(load.MaxCalls),
		"{waiting}", number(load.Waiting),
		"{queue}", number(load.MaxQueue),

		"{seen}", fmt.Sprintf("%d:%d", way.UID, way.GID),
		"{runs}", fmt.Sprintf("%d:%d", way.OwnUID, way.OwnGID),
		"{nowhere}", fmt.Sprint(f.probe.DirectoryErr),
		"{here}", strconv.Quote(f.probe.Directory),
		"{may}", f.may(),
		"{held}", f.held(),
		"{count}", strconv.Itoa(len(f.probe.Procedures)),
		"{names}", f.procedureNames(),
	}
}

// may says what the calls may do in their directory, or nothing where they may do
// all.
func (f *facts) may() string {
	rights := f.way().Inside.Rights
	read, write := rights&replica.MayRead != 0, rights&replica.MayWrite != 0
	switch {
	case read && write:
		return ""
	case read:
		return "may read, not write"
	case write:
		return "may write, not read"
	}
	return "may enter, not read or write"
}

// held says whose the directory is there, with a blank before it, or nothing where
// that isn't known.
func (f *facts) held() string {
	in := f.way().Inside
	if in.Mode == 0 {
		return ""
	}
	only := ""
	if in.Rights&replica.ReadOnly != 0 {
		only = ", read-only there"
	}
	return fmt.Sprintf(" (%d:%d %04o%s)", in.UID, in.GID, in.Mode&0o7777, only)
}

func number(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

// otherWorkers says what RPC_DIR holds instead of the worker.
func (f *facts) otherWorkers() string {
	switch {
	case f.othersErr != nil:
		return "it can't be listed: " + errors.Unwrap(f.othersErr).Error() // without the path, which stands there
	case len(f.others) == 0:
		return "it is empty"
	}
	return "it has: " + strings.Join(f.others, ", ")
}

func (f *facts) procedureNames() string {
	all := f.probe.Procedures
	var names []string
	for _, p := range all[:min(len(all), maxNamed)] {
		names = append(names, p.Name)
	}
	if len(names) < len(all) {
		names = append(names, "...")
	}
	return strings.Join(names, " ")
}
