package export

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"rpcd/internal/names"
	"rpcd/rpcd/export/internal/display"
)

// Overflow is the id of unmapped strangers.
const Overflow = names.Overflow

// Caller is the user who calls, as the kernel reports it: SO_PEERCRED and
// SO_PEERGROUPS (unix(7)).
type Caller struct {
	UID, GID uint32
	Groups   []uint32 // supplementary
}

func (c Caller) String() string {
	return fmt.Sprintf("uid %d, gid %d", c.UID, c.GID)
}

// MayTouch reports whether a caller sees and signals a call of owner's. Root and
// rpcd's user, self, may touch all, others those of their uid. The uid of unmapped
// strangers is nobody's, even where it is self.
func (c Caller) MayTouch(self, owner uint32) bool {
	switch c.UID {
	case 0:
		return true
	case Overflow:
		return false
	}
	return c.UID == self || c.UID == owner
}

// Rule admits one uid, one gid, or anybody. The zero Rule admits nobody.
type Rule struct {
	what string // "uid", "gid", "any", or "" in the zero Rule
	id   uint32
}

// ParseRule reads "uid N", "gid N" or "any". Ids are numbers, since a user's name
// may mean another user in another container.
func ParseRule(s string) (Rule, error) {
	words := strings.Fields(s)
	if len(words) == 1 && words[0] == "any" {
		return Rule{what: "any"}, nil
	}
	if len(words) != 2 || words[0] != "uid" && words[0] != "gid" {
		return Rule{}, fault{display.Quote(s) + " is no rule", "write uid N, gid N or any"}
	}
	id, err := strconv.ParseUint(words[1], 10, 32)
	if err != nil || id == math.MaxUint32 { // (uid_t)-1 means "no change" to chown(2), and no user has it
		return Rule{}, fault{display.Quote(s) + " is no rule: " + display.Quote(words[1]) + " is no " + words[0] + " number",
			"id NAME shows the numbers"}
	}
	return Rule{what: words[0], id: uint32(id)}, nil
}

func (r Rule) String() string {
	switch r.what {
	case "uid", "gid":
		return r.what + " " + strconv.FormatUint(uint64(r.id), 10)
	case "any":
		return "any"
	}
	return "nobody"
}

// Unmapped says whether the rule names Overflow, so that it admits nobody.
func (r Rule) Unmapped() bool { return r.what != "any" && r.id == Overflow }

// admit says whether the rule admits a caller. An unmapped uid or gid matches no
// number, even its own. A caller with an unmapped uid is a stranger, and its groups
// don't count.
func (r Rule) admit(c Caller) bool {
	switch {
	case r.what == "any":
		return true
	case r.id == Overflow || c.UID == Overflow:
		return false
	case r.what == "uid":
		return c.UID == r.id
	case r.what == "gid":
		return c.GID == r.id || slices.Contains(c.Groups, r.id)
	}
	return false
}

// Rules admit a caller if one of them does. Without any rule they admit nobody.
type Rules []Rule

// Admit says whether the rules admit a caller.
func (rs Rules) Admit(c Caller) bool {
	return slices.ContainsFunc(rs, func(r Rule) bool { return r.admit(c) })
}

func (rs Rules) String() string {
	if len(rs) == 0 {
		return "nobody"
	}
	words := make([]string, len(rs))
	for i, r := range rs {
		words[i] = r.String()
	}
	return strings.Join(words, ", ")
}
