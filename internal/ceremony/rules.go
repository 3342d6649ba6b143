package ceremony

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"tegata/internal/pki"
)

// Category is what kind of asking a registered purpose belongs to: holders lock and
// limit by it.
type Category string

// The categories. A purpose that was registered without one is private.
const (
	Government Category = "government"
	Tax        Category = "tax"
	Clinic     Category = "clinic"
	Kiosk      Category = "kiosk"
	Private    Category = "private"
)

// Categories lists them as holders see them.
func Categories() []Category { return []Category{Government, Tax, Clinic, Kiosk, Private} }

// Or returns c, or Private when c is none that we know.
func (c Category) Or() Category {
	if slices.Contains(Categories(), c) {
		return c
	}
	return Private
}

// Demand is how a class that a holder raised must be unlocked.
type Demand string

// The demands, weaker first.
const (
	DemandPIN      Demand = "pin"      // the PIN, never biometrics
	DemandPassword Demand = "password" // the signature key under its password, as for R3
)

func (d Demand) rank() int { return slices.Index([]Demand{"", DemandPIN, DemandPassword}, d) }

// Rules are what a holder allows less than everybody may: a verifier enforces them for
// whoever asks. The zero Rules limit nothing.
type Rules struct {
	// Version counts the changes: each names the one that it brings about, so that two
	// changes at once cannot undo each other. 0 is that of a holder without rules.
	Version int64        `json:"version"`
	Locked  []Category   `json:"locked,omitempty"`
	Daily   []DailyLimit `json:"daily,omitempty"`
	Quiet   *QuietHours  `json:"quiet,omitempty"`
	Raised  []Raised     `json:"raised,omitempty"`
}

// DailyLimit is how often in one day of Japan a category may be used.
type DailyLimit struct {
	Of   Category `json:"of,omitempty"` // "" is all categories together
	Uses int      `json:"uses"`         // 1 to 99; to allow none is a lock
}

// QuietHours are hours of the day, in minutes after midnight in Japan, in which
// biometrics do not unlock or nothing is answered at all. From later than To goes over
// midnight.
type QuietHours struct {
	From   int  `json:"from"`
	To     int  `json:"to"`
	Refuse bool `json:"refuse,omitempty"` // refuse every answer; otherwise those by biometrics
}

// Raised demands more of a category, or of one purpose of one party, than its risk
// class does.
type Raised struct {
	Of      Category `json:"of,omitempty"`
	Party   string   `json:"party,omitempty"`
	Purpose string   `json:"purpose,omitempty"`
	To      Demand   `json:"to"`
}

const day = 24 * 60 // minutes

// Check looks at the form of r.
func (r Rules) Check() error {
	seen := map[string]bool{}
	twice := func(key string) bool { was := seen[key]; seen[key] = true; return was }
	if r.Version < 0 || len(r.Raised) > 64 {
		return malformed("rules")
	}
	for _, c := range r.Locked {
		if !slices.Contains(Categories(), c) || twice("lock "+string(c)) {
			return malformed("locked")
		}
	}
	for _, l := range r.Daily {
		if l.Of != "" && !slices.Contains(Categories(), l.Of) || l.Uses < 1 || l.Uses > 99 || twice("daily "+string(l.Of)) {
			return malformed("daily")
		}
	}
	if q := r.Quiet; q != nil && (q.From < 0 || q.From >= day || q.To < 0 || q.To >= day || q.From == q.To) {
		return malformed("quiet")
	}
	for _, x := range r.Raised {
		one := x.Of == "" && identifier(x.Party) && identifier(x.Purpose)
		all := slices.Contains(Categories(), x.Of) && x.Party == "" && x.Purpose == ""
		if !one && !all || x.To.rank() < 1 || twice("raised "+x.key()) {
			return malformed("raised")
		}
	}
	return nil
}

func (x Raised) key() string { return string(x.Of) + " " + x.Party + " " + x.Purpose }

// Normal returns the same rules in the one order.
func (r Rules) Normal() Rules {
	r.Locked, r.Daily, r.Raised = slices.Clone(r.Locked), slices.Clone(r.Daily), slices.Clone(r.Raised)
	slices.Sort(r.Locked)
	slices.SortFunc(r.Daily, func(a, b DailyLimit) int { return cmp.Compare(a.Of, b.Of) })
	slices.SortFunc(r.Raised, func(a, b Raised) int { return cmp.Compare(a.key(), b.key()) })
	return r
}

// Hash is the lower-case hex SHA-256 of the rules in their one encoding: what a card's
// word names.
func (r Rules) Hash() string {
	b, err := json.Marshal(r.Normal())
	if err != nil { // texts and numbers only: cannot fail
		panic("ceremony: rules: " + err.Error())
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Empty tells whether r limits nothing.
func (r Rules) Empty() bool {
	return len(r.Locked) == 0 && len(r.Daily) == 0 && r.Quiet == nil && len(r.Raised) == 0
}

// Locks tells whether c is locked.
func (r Rules) Locks(c Category) bool { return slices.Contains(r.Locked, c) }

// Limit is the daily limit of c, or of all categories for ""; 0 is none.
func (r Rules) Limit(c Category) int {
	for _, l := range r.Daily {
		if l.Of == c {
			return l.Uses
		}
	}
	return 0
}

// Demands is what the rules demand for a purpose of a party: the stronger of what was
// said of its category and of itself.
func (r Rules) Demands(c Category, party, purpose string) Demand {
	var most Demand
	for _, x := range r.Raised {
		if (x.Of == c || x.Of == "" && x.Party == party && x.Purpose == purpose) && x.To.rank() > most.rank() {
			most = x.To
		}
	}
	return most
}

// Holds tells whether at lies in the quiet hours. No hours hold nothing.
func (q *QuietHours) Holds(at time.Time) bool {
	at = at.In(pki.JST)
	return q.strictness(at.Hour()*60+at.Minute()) > 0
}

// strictness of a minute of the day: 0 nothing, 1 no biometrics, 2 no answer.
func (q *QuietHours) strictness(minute int) int {
	if q == nil {
		return 0
	}
	within := q.From <= minute && minute < q.To
	if q.From > q.To {
		within = minute >= q.From || minute < q.To
	}
	switch {
	case !within:
		return 0
	case q.Refuse:
		return 2
	}
	return 1
}

// Clock is a minute of the day as people write it.
func Clock(minute int) string { return fmt.Sprintf("%02d:%02d", minute/60, minute%60) }

// DayOf returns the beginning and the end of the day in Japan that at lies in.
func DayOf(at time.Time) (from, to time.Time) {
	y, m, d := at.In(pki.JST).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, pki.JST), time.Date(y, m, d+1, 0, 0, 0, 0, pki.JST)
}

// Kinds of difference between two sets of rules.
const (
	DiffLock   = "lock"
	DiffDaily  = "daily"
	DiffQuiet  = "quiet"
	DiffRaised = "raised"
)

// Difference is one thing in which two sets of rules differ.
type Difference struct {
	What    string
	Of      Category // of a lock, a limit or a raised category; "" of a limit is all together
	Party   string   // of one raised purpose
	Purpose string
	Uses    [2]int // before and after; 0 is none
	Quiet   [2]*QuietHours
	Demand  [2]Demand
	Locked  bool // after
	Looser  bool // allows anything that was not allowed before
}

// Differences tells how to differs from r: first what is looser. Versions do not count.
func (r Rules) Differences(to Rules) []Difference {
	var all []Difference
	for _, c := range Categories() {
		if was, is := r.Locks(c), to.Locks(c); was != is {
			all = append(all, Difference{What: DiffLock, Of: c, Locked: is, Looser: was})
		}
	}
	for _, c := range append([]Category{""}, Categories()...) {
		if was, is := r.Limit(c), to.Limit(c); was != is {
			all = append(all, Difference{What: DiffDaily, Of: c, Uses: [2]int{was, is}, Looser: was != 0 && (is == 0 || is > was)})
		}
	}
	if d, differs := quietDifference(r.Quiet, to.Quiet); differs {
		all = append(all, d)
	}
	for _, x := range union(r.Raised, to.Raised) {
		if was, is := r.raise(x), to.raise(x); was != is {
			all = append(all, Difference{What: DiffRaised, Of: x.Of, Party: x.Party, Purpose: x.Purpose, Demand: [2]Demand{was, is}, Looser: is.rank() < was.rank()})
		}
	}
	slices.SortStableFunc(all, func(a, b Difference) int {
		if a.Looser != b.Looser && a.Looser {
			return -1
		} else if a.Looser != b.Looser {
			return 1
		}
		return 0
	})
	return all
}

// Looser tells whether to allows anything that r does not.
func (r Rules) Looser(to Rules) bool {
	return slices.ContainsFunc(r.Differences(to), func(d Difference) bool { return d.Looser })
}

func quietDifference(was, is *QuietHours) (Difference, bool) {
	d := Difference{What: DiffQuiet, Quiet: [2]*QuietHours{was, is}}
	differs := false
	for minute := range day {
		before, after := was.strictness(minute), is.strictness(minute)
		differs = differs || before != after
		d.Looser = d.Looser || after < before
	}
	return d, differs
}

// raise is what is demanded of x itself.
func (r Rules) raise(x Raised) Demand {
	for _, y := range r.Raised {
		if y.key() == x.key() {
			return y.To
		}
	}
	return ""
}

// union has each key once.
func union(a, b []Raised) []Raised {
	var all []Raised
	seen := map[string]bool{}
	for _, x := range slices.Concat(a, b) {
		if !seen[x.key()] {
			seen[x.key()] = true
			all = append(all, x)
		}
	}
	return all
}
