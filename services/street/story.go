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
	What   string    // "registration", "login", "suspension", "clock", "card", "other"
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
// An event that says nothing, such as a command to a card, belongs to the story
// before it when that is less than quiet ago; and a story that has no name yet
// takes the name of the event that follows it as closely.
func stories(entries []entry) []Story {
	var all []*Story
	open := map[string]*Story{}
	var last *Story
	for _, e := range entries {
		key := journey(e)
		near := last != nil && e.At.Sub(last.Ended) < quiet
		s := open[key]
		switch {
		case key != "" && s != nil:
		case key != "" && near && last.Key == "":
			s = last
			s.Key = key
			open[key] = s
		case key != "":
			s = &Story{Key: key, Begun: e.At}
			open[key] = s
			all = append(all, s)
		case near && (last.What == whatOf(e) || last.Key != "" || last.What == "other" || last.What == "card"):
			s = last
		default:
			s = &Story{Begun: e.At}
			all = append(all, s)
		}
		s.Events = append(s.Events, e)
		s.Ended = e.At
		s.What = s.what()
		last = s
	}
	slices.SortStableFunc(all, func(a, b *Story) int { return b.Ended.Compare(a.Ended) })
	out := make([]Story, len(all))
	for i, s := range all {
		out[i] = *s
	}
	return out
}

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

// what says what kind of story it is, from its name or from its events.
func (s *Story) what() string {
	if kind, _, ok := strings.Cut(s.Key, ":"); ok {
		switch kind {
		case "registration", "login", "suspension":
			return kind
		}
	}
	return whatOf(s.Events[0])
}

func whatOf(e entry) string {
	switch e.Kind {
	case "apdu", "tap":
		return "card"
	case "clock":
		return "clock"
	case "break":
		return "break"
	}
	return "other"
}

// Done reports whether the story came to the end that people wait for.
func (s Story) Done() bool {
	for _, e := range s.Events {
		if e.Detail["done"] == "true" || e.Detail["verdict"] == "passed" || e.Detail["state"] == "registered" {
			return true
		}
	}
	return false
}

// Row is one line of a story: an event, or a run of commands to a card that
// would drown everything else.
type Row struct {
	entry
	Run []entry // newest first; nil for a single event
}

// Rows is the events newest first, with runs of commands folded.
func (s Story) Rows() []Row {
	var rows []Row
	for i := len(s.Events) - 1; i >= 0; {
		e := s.Events[i]
		j := i
		for j > 0 && e.Kind == "apdu" && s.Events[j-1].Kind == "apdu" {
			j--
		}
		row := Row{entry: e}
		if i-j >= 2 { // two commands are read faster than unfolded
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
