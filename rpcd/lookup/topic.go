package lookup

import (
	"context"

	"rpcd/rpcd/export"
	"rpcd/rpcd/limit"
	"rpcd/rpcd/topic"
)

// Topic finds the policy of a topic that a caller may publish to, or subscribe. The
// error is ctx's, a *limit.StuckError, or export's.
func Topic(ctx context.Context, source export.Source, slots *limit.Slots, name string, caller export.Caller, publish bool) (topic.Policy, error) {
	give, err := slots.Take(ctx, caller.UID)
	if err != nil {
		return topic.Policy{}, err
	}
	defer give()
	p, err := source.Topic(name, caller, publish)
	if err != nil {
		return topic.Policy{}, err
	}
	return PolicyOf(p.Topic), nil
}

// PolicyOf is a topic's policy as its file says it.
func PolicyOf(t *export.Topic) topic.Policy {
	p := topic.Policy{Retain: t.Retain}
	switch {
	case t.DropOldest > 0:
		p.Kind, p.Depth = topic.DropOldest, t.DropOldest
	case t.DropNewest > 0:
		p.Kind, p.Depth = topic.DropNewest, t.DropNewest
	}
	return p
}
