package export

import "testing"

// Who may subscribe, and who may publish; a topic is no procedure, and the other way
// round.
// fault: 176
func TestTopic(t *testing.T) {
	d, warnings, err := Open(tree(t, map[string]string{
		"open/topic": "", "kept/topic": "# few\ndrop-oldest 5\nretain\n", "kept/summary": "frames",
		"mine/topic": "block", "mine/publish": "uid 7", "ours/topic": "", "ours/allow": "uid 8", "ours/publish": "any",
		"sort": ">/bin/sh", "bad/topic": "drop\n",
	}), me)
	must(t, err)
	if len(warnings) != 1 {
		t.Errorf("warnings %q", warnings)
	}
	seven := Caller{UID: 7, GID: 7}
	for _, c := range []struct {
		name    string
		caller  Caller
		publish bool
		reason  Reason // 0: it may
		words   []string
	}{
		{"open", myself, true, 0, nil},
		{"open", myself, false, 0, nil},
		{"mine", myself, false, 0, nil},
		{"mine", myself, true, Denied, []string{`cannot use "mine"`, "mine/publish", "does not admit uid 4242", "uid 4242 in it would"}},
		{"mine", seven, true, 0, nil},
		{"ours", seven, true, Denied, []string{"ours/allow", "does not admit uid 7"}},
		{"ours", seven, false, Denied, []string{"ours/allow"}},
		{"ours", Caller{UID: 8, GID: 1}, true, 0, nil},
		{"sort", myself, false, Denied, []string{`cannot use "sort"`, "it is a procedure", "rpc WORKER sort"}},
		{"none", myself, false, Unknown, []string{`no topic "none"`, "it has: kept, mine, open"}},
		{"bad", myself, false, Denied, []string{"bad/topic", "line 1", "no policy"}},
	} {
		p, err := d.Topic(c.name, c.caller, c.publish)
		switch {
		case c.reason != 0:
			refused(t, err, c.reason, c.words...)
		case err != nil || p.Topic == nil:
			t.Errorf("%s for %v: %v", c.name, c.caller, err)
		}
	}
	p, err := d.Topic("kept", myself, true)
	must(t, err)
	if p.Summary != "frames" || !p.Topic.Retain || p.Topic.DropOldest != 5 || p.Topic.DropNewest != 0 || p.Topic.HasPublish {
		t.Errorf("%+v", p.Topic)
	}
	_, err = d.Lookup("kept", myself)
	refused(t, err, Denied, `cannot run "kept"`, "it is a topic", "rpc sub WORKER kept")
}
