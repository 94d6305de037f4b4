package main

import (
	"rpcd/client/replica"
	"rpcd/internal/reach"
	"rpcd/rpcd/wire"
)

// Cures that several rules have.
const (
	joinCure = `run as its user (compose: user: "{owner}"), or join its group (group_add: ["{gid}"]), or let others in: `
	mount    = `mount the volume that {worker}'s rpcd listens in (compose: volumes: ["{worker}-socket:/run/rpc/{worker}:ro"]; rpcd mounts the same one without :ro)`
	dirCure  = `mount the same volume under the same path on both sides, or cd to a folder that is shared, or name one of the worker's (-C DIR, RPC_CHDIR), or set a workdir there (rpcd serve --workdir, or a file workdir in the procedure's folder)`
	lsmCure  = `mount the volume with :z, never :Z, on both sides; if that isn't enough give both containers one level (security_opt: ["label=level:s0:c1,c2"]); "ausearch -m avc" on the host says what was denied`
)

// workerRules judge the way to the worker's sockets.
var workerRules = []rule{
	{"variables", badOptions, bad, `{options}`, `correct or unset it (env | grep ^RPC_): every call ends with 125 until then`},
	{"variables", nil, good, ``, ``},

	{"name", misnamed, fatal, `{error}`, `a worker is a name (rpc ls shows them), or a path with a slash in it`},
	{"name", isVerb, note, `{worker} is a verb of rpc, too: call it by rpc call {worker} ...`, ``},
	{"name", named, good, `{worker} is looked for in {dir}`, ``},
	{"name", nil, good, `{worker} is a path`, ``},

	{"RPC_DIR", because(reach.NoRoot), fatal, `{dir} does not exist`, mount + `, or set RPC_DIR`},

	{"folder", all(notFound, because(reach.Denied), admitted, hasSELinux), fatal, `permission denied though {at} is {owner} {mode}, you are {you}: SELinux enforces`, lsmCure},
	{"folder", all(notFound, because(reach.Denied)), fatal, `permission denied: {at} is {owner} {mode}, you are {you}`,
		joinCure + `chmod o+x (of a tmpfs volume: mode=0755)`},
	{"folder", all(because(reach.EmptyFolder), named), fatal, `no socket in {path}: the worker isn't up, or its rpcd listens in another folder or volume`,
		`start it (docker logs says why it isn't up); if it is up, ` + mount},
	{"folder", because(reach.EmptyFolder), fatal, `no socket in {path}`, `start a worker there: rpcd serve --listen {path}; where a socket was bind-mounted, its source was missing and docker made a folder: mount the folder of the socket instead`},
	{"folder", all(because(reach.NoSocket), named), fatal, `{dir} has no {worker}/ and no {worker}.sock ({others})`, `start the worker (rpcd serve {worker}), check its name, or ` + mount},
	{"folder", notFound, fatal, `{error}`, `start a worker there (rpcd serve --listen {path}), or mount the volume that it listens in under the same path`},
	{"folder", inFolder, good, `{path} holds {sockets} socket(s)`, ``},
}

// socketRules judge one socket, and what the worker behind it answers.
var socketRules = []rule{
	{"socket", because(reach.NotSocket), fatal, `{socket} is {kind}, no socket`, `move it away and start the worker: rpcd replaces nothing but a dead socket`},
	{"socket", nil, good, `{socket}, {owner} {mode}`, ``},

	{"file system", all(onSharedFS, unconnected), fatal, `{socket} lies on {fs}, and can't be connected to: a socket there works only within the kernel that made it`,
		`keep the socket in a volume of the engine (a named one, no folder of the VM's host), or put a bridge between (socat)`},
	{"file system", onSharedFS, note, `{socket} lies on {fs}: it connects here, but not from another kernel (a VM and its host)`, ``},

	{"connect", all(because(reach.Denied), admitted, hasSELinux), fatal, `permission denied though {at} is {owner} {mode}, you are {you}: SELinux enforces`, lsmCure},
	{"connect", all(because(reach.Denied), admitted), fatal, `permission denied though {at} is {owner} {mode}, you are {you}`, `look for a sandbox (AppArmor, seccomp, Landlock): "journalctl -k" on the host says what was denied`},
	{"connect", all(because(reach.Denied), atFolder), fatal, `permission denied: {at} is {owner} {mode}, you are {you}`, joinCure + `chmod o+x (of a tmpfs volume: mode=0755)`},
	{"connect", because(reach.Denied), fatal, `permission denied: {at} is {owner} {mode}, you are {you}`, joinCure + `rpcd serve --mode 0666, or --gid with a group of yours`},
	{"connect", all(because(reach.NotServed), othersServe), aside, `nobody listens here, others serve: its rpcd was killed`,
		`rm {socket} as {owner} or as uid 0; a new rpcd of that name and user replaces it`},
	{"connect", because(reach.NotServed), fatal, `nobody listens: its rpcd ended without removing it, or listens on a newer socket of that name`,
		`start the worker again, it replaces the socket (docker logs says why it ended); mount the socket's folder, not the socket`},
	{"connect", because(reach.Datagrams), fatal, `a socket of another kind (datagrams), not rpcd's`, `name the socket that rpcd listens on (its log says "serving")`},
	{"connect", because(reach.Symlink), fatal, `a symlink, which isn't followed in a folder of sockets`, `name its target, or put a symlink to it at $RPC_DIR/NAME.sock`},
	{"connect", because(reach.QueueFull), fatal, `the queue of connections is full: the worker accepts none`, `it is frozen or starved: docker unpause, kill -CONT, or restart it`},
	{"connect", unconnected, fatal, `{error}`, `see connect(2) for this error`},
	{"connect", nil, good, `user {server} listens`, ``},

	{"RPC_SERVER_UID", anyServer, good, ``, ``},
	{"RPC_SERVER_UID", rightServer, good, `it is {wanted}, as it should`, ``},
	{"RPC_SERVER_UID", nil, bad, `user {server} listens, RPC_SERVER_UID says {wanted}: calls are refused`,
		`RPC_SERVER_UID={server} if that is the worker's user (0 under systemd's activation, the bridge's through a bridge); else a stranger sits on the socket`},

	{"answer", silent, fatal, `accepts, but doesn't answer within {wait}: frozen, or a bridge to nowhere`, `docker unpause, kill -CONT, or restart it; behind a bridge: is the far side up?`},
	{"answer", hungUp, fatal, `accepts, and ends the connection at once: a bridge with nothing behind it?`,
		`both ends of the bridge, and rpcd at the far end, have to be up; here: socat UNIX-LISTEN:{socket},fork TCP:HOST:PORT; there: socat TCP-LISTEN:PORT,fork UNIX-CONNECT:SOCKET`},
	{"answer", refusedWith(wire.Protocol), fatal, `{worker} {error}`, `use rpc and rpcd of one release (rpc version, rpcd version; this is rpc {rpc})`},
	{"answer", foreign, fatal, `this isn't an rpcd: {error}`, `name the socket that rpcd listens on (its log says "serving"); something else listens here`},
	{"answer", noAnswer, fatal, `{worker} {error}`, `the worker's log says more`},
	{"answer", nil, good, `rpcd {version}, in {rtt}`, ``},

	{"state", draining, bad, `{state}: new calls are refused`, `wait until it is back (rpc --wait 30s {worker} ...); rpc ps {worker} shows what it still runs`},
	{"state", nil, good, `{state}`, ``},

	{"places", all(full, queueFull), bad, `busy: {running} of {max} calls run, and {waiting} of {queue} wait: the next one is refused`,
		`rpc --wait 30s {worker} ..., or see what runs (rpc ps {worker}), or raise --max-calls and --queue`},
	{"places", full, bad, `busy: {running} of {max} calls run: the next one waits behind {waiting} others`,
		`see what runs (rpc ps {worker}; rpc kill ends it), or raise --max-calls; a pipeline of several calls to {worker} needs a place for each`},
	{"places", nil, good, `{running} of {max} calls run`, ``},

	{"user", wayUnknown, note, `this rpcd doesn't say how it sees you: it is of an older release`, ``},
	{"user", unmapped, bad, `the worker sees you as {seen}: its user namespace doesn't know {you}; no rule by uid or gid admits you, and rpc ps shows you nothing`,
		`run both sides in one user namespace (the same userns-remap, or both rootless under one user)`},
	{"user", all(seenAs, bridged), note, `the worker sees the bridge's user, {seen}, not you, {you}: rules by uid and gid mean the bridge`, ``},
	{"user", seenAs, note, `the worker sees you as {seen}, here you are {you}: a user namespace lies between`, ``},
	{"user", nil, good, `the worker sees you as {seen}`, ``},

	{"files", wayUnknown, good, ``, ``},
	{"files", otherUser, note, `calls run as {runs}, you are {seen}: what they make is that user's, and what only you may read they can't`,
		`one user on both sides (compose: user: "{runs}"), or rpcd serve --run-as caller`},
	{"files", otherGroup, note, `calls run as {runs}, you are {seen}: what they make is of that group`, ``},
	{"files", nil, good, `calls run as {runs}`, ``},

	{"descriptors", wayUnknown, good, ``, ``},
	{"descriptors", bridged, note, `they don't arrive (a bridge lies between): streams are relayed, slower and with the same meaning`, ``},
	{"descriptors", passesNone, note, `they arrive, but RPC_PASS=none keeps them here: streams are relayed, slower and with the same meaning`, ``},
	{"descriptors", nil, good, `they arrive: streams are passed`, ``},

	{"directory", wayUnknown, good, ``, ``},
	{"directory", nowhere, bad, `{nowhere}`, `cd to another, or name one by an absolute -C DIR`},
	{"directory", all(directoryIs(replica.DirWorkdir), noEntry), bad, `{here} isn't shared, and the worker's --workdir, where calls start then, can't be entered by {runs}`,
		`let that user into the --workdir (chmod, chgrp), or make it`},
	{"directory", directoryIs(replica.DirWorkdir), note, `{here} isn't shared: calls start in the worker's --workdir, and relative names mean files there`, ``},
	{"directory", directoryIs(replica.DirOther), bad, `{here} here isn't the worker's {here} (not a shared volume)`, dirCure},
	{"directory", directoryIs(replica.DirMissing), bad, `the worker has no {here}`, dirCure},
	{"directory", directoryIs(replica.DirNoEntry), bad, `{runs} can't enter {here}{held}`,
		`let that user in (chmod o+x, or its group), or one user on both sides, or cd to a folder that it may enter, or name one (-C DIR, RPC_CHDIR)`},
	{"directory", all(sameDirectory, bridged, ownDirectory, mayNotAll), note, `{here} there is another machine's, unless it is shared (calls go by name): {runs} {may} it{held}`, ``},
	{"directory", all(sameDirectory, bridged, ownDirectory), note, `{here} there is another machine's, unless it is shared (calls go by name)`, ``},
	{"directory", all(sameDirectory, mayNotAll, readOnly), note, `{runs} {may} {here}{held}`, `mount it without :ro there, if calls shall write`},
	{"directory", all(sameDirectory, mayNotAll), note, `{runs} {may} {here}{held}`, `if calls shall write there: one user on both sides, or chgrp and chmod g+w`},
	{"directory", all(sameDirectory, byHand), good, `the worker has a {here} (calls go by name)`, ``},
	{"directory", sameDirectory, good, `{here} is the same there`, ``},

	{"procedures", notListed, bad, `{error}`, `the worker's log says more`},
	{"procedures", nothing, bad, `none that you may call`,
		`on the worker "rpcd check" shows what is exported to whom: put commands into its --exports folder, and see that its allow files and --allow admit {seen}`},
	{"procedures", nil, good, `{count}: {names}`, ``},
}
