package street

import (
	"slices"
	"strings"
	"time"
)

// Story is the events of one thing that happened, such as a registration or a
// login.
type Story struct {
	Key    string    // "registration:ID", "login:ID", or "" when the events name none
	What   string    // "registration", "login", "suspension", "issue", "clock", "break", "card", "other"
	Begun  time.Time // of the first event
	Ended  time.Time // of the last event
	Events []entry   // oldest first
}

// quiet is how long a story without a name may pause before the next event
// begins another one.
const quiet = 90 * time.Second

// stories groups events, oldest first, and returns the stories newest first.
//
// An event says in its details to which story it belongs: "journey" holds
// "registration:ID" or "login:ID"; "enrolment" and "request" hold the bare id.
// An event without such a name goes by its kind. Some kinds begin a story:
// they join the story before only when that is one of their own, less than
// quiet ago. All others, such as a command to a card, belong to whatever went
// on less than quiet ago; and a story that only they have made so far becomes
// part of the one that then begins. Breaking things is never what went on: it
// happens in the middle of something else.
func stories(entries []entry) []Story {
	var all []*Story
	named := map[string]*Story{}
	var last *Story // what goes on
	for _, e := range entries {
		key, what := journey(e), whatOf(e)
		if kind, _, ok := strings.Cut(key, ":"); ok {
			what = kind
		}
		near := last != nil && e.At.Sub(last.Ended) < quiet
		var s *Story
		switch {
		case aside(what):
		case named[key] != nil && key != "":
			s = named[key]
		case near && begins(what):
			if last.Key == "" && (last.What == what || !begins(last.What)) || key == "" && last.What == what {
				s = last
			}
		case near && !(what == "card" && last.What == "issue"): // a card is made without being held to anything
			s = last
		}
		if s == nil {
			s = &Story{Begun: e.At, What: what}
			all = append(all, s)
		}
		if key != "" {
			s.Key = key
			named[key] = s
		}
		if begins(what) {
			s.What = what
		}
		s.Events = append(s.Events, e)
		s.Ended = e.At
		if !aside(what) {
			last = s
		}
	}
	slices.SortStableFunc(all, func(a, b *Story) int { return b.Ended.Compare(a.Ended) })
	out := make([]Story, len(all))
	for i, s := range all {
		out[i] = *s
	}
	return out
}

// begins reports whether a kind of event is a story of its own, and not part of
// whatever goes on.
func begins(what string) bool {
	switch what {
	case "registration", "login", "suspension", "issue":
		return true
	}
	return aside(what)
}

// aside reports whether a kind of event stands beside what goes on.
func aside(what string) bool { return what == "break" || what == "clock" }

// journey is the name of the story that an event says it belongs to.
func journey(e entry) string {
	if v := e.Detail["journey"]; v != "" {
		return v
	}
	if v := e.Detail["enrolment"]; v != "" {
		return "registration:" + v
	}
	if v := e.Detail["request"]; v != "" {
		return "login:" + v
	}
	return ""
}

// whatOf is the kind of story that an event without a name belongs to.
func whatOf(e entry) string {
	switch e.Kind {
	case "apdu", "tap":
		return "card"
	case "registration":
		return "registration"
	case "request", "answer", "verdict":
		return "login"
	case "clock", "break":
		return e.Kind
	}
	if e.From == "municipality" {
		return "issue"
	}
	return "other"
}

// Outcome is how the story ended: "done", "refused", or "" while it has not.
func (s Story) Outcome() string {
	for _, e := range slices.Backward(s.Events) {
		switch {
		case e.Detail["verdict"] == "passed", e.Detail["state"] == "registered":
			return "done"
		case e.Detail["verdict"] == "failed", e.Detail["verdict"] == "indeterminate":
			return "refused"
		}
	}
	return ""
}

// Done reports whether the story came to the end that people wait for.
func (s Story) Done() bool { return s.Outcome() == "done" }

// folds reports whether a kind of event comes in runs that would drown
// everything else.
func folds(kind string) bool { return kind == "apdu" || kind == "status" }

// Row is one line of a story: an event, or a run of such events.
type Row struct {
	entry
	Run []entry // newest first; nil for a single event
}

// Rows is the events newest first, with runs folded.
func (s Story) Rows() []Row {
	var rows []Row
	for i := len(s.Events) - 1; i >= 0; {
		e := s.Events[i]
		j := i
		for j > 0 && folds(e.Kind) && s.Events[j-1].Kind == e.Kind {
			j--
		}
		row := Row{entry: e}
		if i-j >= 2 { // two are read faster than unfolded
			for k := i; k >= j; k-- {
				row.Run = append(row.Run, s.Events[k])
			}
		} else {
			j = i
		}
		rows = append(rows, row)
		i = j - 1
	}
	return rows
}
