package street

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"tegata/internal/httpd"
	"tegata/internal/problem"
	"tegata/internal/trace"
	"tegata/internal/ui"
)

// storiesShown is how many stories the page shows unless asked for all.
const storiesShown = 12

// tracePage is what just happened.
type tracePage struct {
	Stories   []storyView
	More      int // older stories that are kept but not shown
	Forgotten int64
	All       bool
}

// storyView is a Story with its rows ready to show.
type storyView struct {
	Story
	ID    string // for the page: "s12"
	Open  bool
	Today bool // it ended on the day that the town has today
	Rows  []rowView
}

// rowView is a Row with its evidence.
type rowView struct {
	Row
	Title            ui.Text
	Facts            []Fact
	Evidence         Evidence
	Has              bool // there is evidence
	FromName, ToName ui.Text
	Run              []runView
}

// runView is one event of a folded run.
type runView struct {
	Title ui.Text
	Facts []Fact
	URL   string // of what it carries, "" for nothing
	Lines string // that check it
}

// Sig changes when the row does.
func (v rowView) Sig() string { return fmt.Sprintf("%d-%d", v.entry.ID, len(v.Run)) }

// Look is the kind of event as the page tells kinds apart.
func (v rowView) Look() string {
	switch v.Kind {
	case "apdu", "tap":
		return "card"
	case "certificate", "verdict", "break":
		return v.Kind
	}
	return "message"
}

// Icon is the drawing of a story.
func (v storyView) Icon() string {
	switch v.What {
	case "registration":
		return "phone"
	case "login":
		return "lock"
	case "card", "issue":
		return "card"
	case "clock":
		return "clock"
	case "break", "suspension":
		return "warn"
	}
	return "info"
}

// roleName is a role in words, or its name where we have none.
func (h *Handler) roleName(role string) ui.Text {
	key := "role." + role
	if !h.site.Words().Has(ui.JA, key) {
		return ui.Text{JA: role, EN: role}
	}
	return h.both(key)
}

// tracePage shows the stories, newest first.
func (h *Handler) tracePage(w http.ResponseWriter, r *http.Request) {
	entries, forgotten := h.ring.all()
	all, now := stories(entries), h.conf.Clock.Now()
	page := tracePage{Forgotten: forgotten, All: r.FormValue("all") != ""}
	// The newest is open, but for the making of cards, which fills pages.
	open := slices.IndexFunc(all, func(s Story) bool { return s.What != "issue" })
	for i, s := range all {
		if i == storiesShown && !page.All {
			page.More = len(all) - i
			break
		}
		v := storyView{Story: s, ID: fmt.Sprintf("s%d", s.Events[0].ID), Open: i == open, Today: sameDay(s.Ended, now)}
		for _, row := range s.Rows() {
			v.Rows = append(v.Rows, h.rowView(row))
		}
		page.Stories = append(page.Stories, v)
	}
	h.show(w, r, ui.Screen{Page: "trace", Data: page})
}

func title(e entry) ui.Text { return ui.Text{JA: e.TitleJA, EN: e.TitleEN} }

func (h *Handler) rowView(row Row) rowView {
	v := rowView{Row: row, Title: title(row.entry), Facts: facts(row.entry), FromName: h.roleName(row.From), ToName: h.roleName(row.To)}
	for _, e := range row.Run {
		ev, _ := h.evidence(e)
		v.Run = append(v.Run, runView{Title: title(e), Facts: facts(e), URL: ev.URL, Lines: ev.Lines})
	}
	if v.Run == nil {
		v.Evidence, v.Has = h.evidence(row.entry)
	}
	return v
}

// traceFile is the certificate, list or answer of one event: /trace/12.pem.
func (h *Handler) traceFile(w http.ResponseWriter, r *http.Request) {
	number, ok := strings.CutSuffix(r.PathValue("file"), ".pem")
	id, err := strconv.ParseInt(number, 10, 64)
	e, found := h.ring.find(id)
	if !ok || err != nil || !found || e.PEM == "" {
		h.fail(w, r, ui.ErrNoPage, ui.Text{})
		return
	}
	w.Header().Set("Content-Type", "application/x-pem-file")
	w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="tegata-%d.pem"`, id))
	io.WriteString(w, e.PEM)
}

// sink takes events of the other roles: POST /trace with the operator token
// and one trace.Event or a list of them.
func (h *Handler) sink(w http.ResponseWriter, r *http.Request) {
	if !h.conf.Token.Opens(r) {
		httpd.WriteProblem(w, r, httpd.ErrOperator)
		return
	}
	var raw json.RawMessage
	if err := httpd.ReadJSON(w, r, &raw); err != nil {
		httpd.WriteProblem(w, r, err)
		return
	}
	events, err := decodeEvents(raw)
	if err != nil {
		httpd.WriteProblem(w, r, err)
		return
	}
	for _, e := range events {
		h.note(e)
	}
	w.WriteHeader(http.StatusNoContent)
}

// note keeps an event; one without a time happened now.
func (h *Handler) note(e trace.Event) {
	if e.At.IsZero() {
		e.At = h.conf.Clock.Now()
	}
	h.ring.add(e)
}

var errNoTitle = problem.New(problem.YourTurn, http.StatusBadRequest, "event-without-title",
	problem.Text{Title: "できごとに題がありません", Detail: "title_ja と title_en の両方が必要です。"},
	problem.Text{Title: "An event has no title", Detail: "Both title_ja and title_en are needed."})

func decodeEvents(raw json.RawMessage) ([]trace.Event, error) {
	var events []trace.Event
	if raw = bytes.TrimSpace(raw); len(raw) > 0 && raw[0] == '{' {
		events = make([]trace.Event, 1)
		if err := httpd.DecodeJSON(raw, &events[0]); err != nil {
			return nil, err
		}
	} else if err := httpd.DecodeJSON(raw, &events); err != nil {
		return nil, err
	}
	for _, e := range events {
		if e.TitleJA == "" || e.TitleEN == "" {
			return nil, errNoTitle
		}
	}
	return events, nil
}

// WhenJST is the moment of an event on the clock of the people here.
func (e entry) WhenJST() string { return e.At.In(jst).Format("15:04:05") }

// BegunJST and EndedJST are a story's, to the second.
func (s Story) BegunJST() string { return s.Begun.In(jst).Format("15:04:05") }
func (s Story) EndedJST() string { return s.Ended.In(jst).Format("15:04:05") }

// sameDay compares days as the people here count them.
func sameDay(a, b time.Time) bool {
	return a.In(jst).Format(time.DateOnly) == b.In(jst).Format(time.DateOnly)
}

// jst is the time people here live by.
var jst = time.FixedZone("JST", 9*60*60)
