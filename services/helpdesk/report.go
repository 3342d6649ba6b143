package helpdesk

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"tegata/internal/audit"
	"tegata/internal/ceremony"
	"tegata/internal/problem"
)

// Report is a use that its holder says was none of theirs, as the party tells at which it
// was reported: who asked, when, and how it ended. Nobody who reads it learns whose.
type Report struct {
	ID      string           `json:"id"`      // 128 random bits, base64url: the party's name for it
	From    string           `json:"from"`    // the party
	UsedAt  time.Time        `json:"used_at"` // of the use
	Party   string           `json:"party"`   // who asked: its registered id
	Name    ceremony.Text    `json:"name"`    // and name
	Verdict ceremony.Verdict `json:"verdict"`
	Code    string           `json:"code,omitempty"` // of a refusal
}

// ReportState is where a report stands.
type ReportState string

// The states.
const (
	ReportOpen   ReportState = "open"   // nobody has it
	ReportTaken  ReportState = "taken"  // an agent works on it
	ReportClosed ReportState = "closed" // with an Outcome
)

// Steps are the words for what was done: nobody writes anything of their own about a
// person.
func Steps() []string {
	return []string{"explained", "use-found", "party-asked", "police-named", "no-call"}
}

// Outcomes are the words for how a report ended.
func Outcomes() []string { return []string{"own-use", "not-theirs", "not-found"} }

// Reporting is the body of POST /v1/cases. Idempotent by Report.ID.
type Reporting struct {
	Number string `json:"number"` // told to the holder: 8 digits
	Report Report `json:"report"` // From is the caller's
}

// Standing answers it, and GET /v1/cases/{id}: what the holder is told.
type Standing struct {
	Number  string      `json:"number"`
	State   ReportState `json:"state"`
	Outcome string      `json:"outcome,omitempty"`
	Events  []Told      `json:"events"` // oldest first
}

// Told is one thing that happened to a report, as its holder sees it.
type Told struct {
	At    time.Time `json:"at"`
	What  What      `json:"what"`
	Agent string    `json:"agent,omitempty"` // pseudonym
	Code  string    `json:"code,omitempty"`
}

var (
	reportID     = regexp.MustCompile(`^[A-Za-z0-9_-]{22}$`)
	reportNumber = regexp.MustCompile(`^[0-9]{8}$`)
	codeForm     = regexp.MustCompile(`^[a-z0-9-]{0,40}$`)
)

// maxPartyName bounds the name of who asked, in bytes.
const maxPartyName = 300

func (in Reporting) check() error {
	r, field := in.Report, ""
	switch {
	case !reportNumber.MatchString(in.Number):
		field = "number"
	case !reportID.MatchString(r.ID):
		field = "report.id"
	case r.UsedAt.IsZero():
		field = "report.used_at"
	case r.Party == "" || len(r.Party) > 64 || len(r.Name.JA) > maxPartyName || len(r.Name.EN) > maxPartyName:
		field = "report.party"
	case r.Verdict != ceremony.Passed && r.Verdict != ceremony.Failed && r.Verdict != ceremony.Indeterminate || !codeForm.MatchString(r.Code):
		field = "report.verdict"
	default:
		return nil
	}
	return ErrReportForm.With("field", field)
}

// Reporters says which parties may report, and how they prove themselves.
type Reporters struct {
	Audience string   // what they put into aud: this role's machine endpoint
	Parties  []string // registered ids
	// Path validates a caller's chain and its status as of at.
	Path func(ctx context.Context, chain []*x509.Certificate, at time.Time) error
}

// Admit authenticates a party by its Authorization header. ErrReporter, or a problem when
// it could not be checked.
func (h *Helpdesk) Admit(ctx context.Context, authorization string) (party string, err error) {
	c, at := h.config.Reporters, h.at()
	if c.Path == nil {
		return "", ErrReporter
	}
	door := ceremony.Door{Audience: c.Audience, Path: c.Path, Once: func(ctx context.Context, party, id string, expires time.Time) error {
		fresh, err := h.store.TakeAssertion(ctx, party, id, expires, at)
		if err == nil && !fresh {
			err = ceremony.ErrReplayed
		}
		return err
	}}
	caller, err := door.Enter(ctx, authorization, at)
	if err != nil {
		if _, ok := errors.AsType[*problem.Problem](err); ok {
			return "", err
		}
		return "", ErrReporter.Because(err)
	}
	if !slices.Contains(c.Parties, caller.Party) {
		return "", ErrReporter
	}
	return caller.Party, nil
}

// Report takes a report in, once. ErrReportForm, ErrReportConflict.
func (h *Helpdesk) Report(ctx context.Context, party string, in Reporting) (Standing, error) {
	in.Report.From = party
	in.Report.UsedAt = in.Report.UsedAt.UTC().Truncate(time.Millisecond)
	if err := in.check(); err != nil {
		return Standing{}, err
	}
	if s, err := h.kept(ctx, in); !errors.Is(err, ErrNotFound) {
		return s, err
	}
	at := h.at()
	err := h.store.OpenCase(ctx, audit.Actor{Party: party, Kind: "party", ID: party}, Case{Number: in.Number, Kind: CaseReport, OpenedAt: at,
		Events: []Event{{At: at, What: Reported}}, Report: &in.Report, State: ReportOpen})
	if err != nil && !errors.Is(err, ErrTaken) {
		return Standing{}, fmt.Errorf("helpdesk: report: %w", err)
	}
	s, err := h.kept(ctx, in) // by us, or by whoever was first
	if errors.Is(err, ErrNotFound) {
		err = ErrReportConflict // the number is another report's
	}
	return s, err
}

// kept is a report that was taken in. ErrNotFound; ErrReportConflict when it says something
// else.
func (h *Helpdesk) kept(ctx context.Context, in Reporting) (Standing, error) {
	c, err := h.store.Reported(ctx, in.Report.ID)
	if err != nil {
		return Standing{}, err
	}
	if c.Number != in.Number || *c.Report != in.Report {
		return Standing{}, ErrReportConflict
	}
	return c.standing(), nil
}

// Standing is how a report stands, for the party that made it. ErrNoCase.
func (h *Helpdesk) Standing(ctx context.Context, party, report string) (Standing, error) {
	c, err := h.store.Reported(ctx, report)
	if errors.Is(err, ErrNotFound) || err == nil && c.Report.From != party {
		return Standing{}, ErrNoCase
	}
	if err != nil {
		return Standing{}, err
	}
	return c.standing(), nil
}

func (c Case) standing() Standing {
	s := Standing{Number: c.Number, State: c.State, Events: []Told{}}
	for _, e := range c.Events {
		s.Events = append(s.Events, Told{At: e.At, What: e.What, Agent: e.Agent, Code: e.Code})
		if e.What == Closed {
			s.Outcome = e.Code
		}
	}
	return s
}

// How long what one look brought serves the same agent: a page asks every two seconds
// whether the card still lies there, and that is no look. That the issuer does not know
// whose a report is serves only until the page asks a few times: the phone may be stopped
// for it a moment later, which tells the issuer.
const (
	reportShown  = 10 * time.Minute
	unknownShown = 10 * time.Second
)

// A reportLook is what the issuer said, and until when it is one look of the agent's.
type reportLook struct {
	ReportView
	until time.Time
}

// ReportView is how the phone of whoever made a report stands. Known is false where the
// issuer does not know whose report it is.
type ReportView struct {
	Known        bool          `json:"-"`
	State        string        `json:"state"`
	Certificates []Certificate `json:"certificates"`
	At           time.Time     `json:"-"` // of the look: it may be different since
}

// ViewReport shows a report to an agent. The look is a line of the person's history, at the
// issuer, and of the case, before anything is shown: when the issuer cannot be asked,
// nothing is. ErrNoCase.
func (h *Helpdesk) ViewReport(ctx context.Context, agent, number string) (Case, ReportView, error) {
	c, err := h.CaseOf(ctx, number)
	if err == nil && c.Kind != CaseReport {
		err = ErrNoCase
	}
	if err != nil {
		return Case{}, ReportView{}, err
	}
	key, at := viewKey{agent, c.Report.ID}, h.at()
	h.mu.Lock()
	before := h.reports[key]
	h.mu.Unlock()
	seen := at.Before(before.until)
	if seen && (before.Known || at.Before(before.At.Add(unknownShown))) {
		return c, before.ReportView, nil
	}
	look := reportLook{ReportView: ReportView{At: at}, until: at.Add(reportShown)}
	query := struct {
		Report string `json:"report"`
		Agent  string `json:"agent"`
	}{c.Report.ID, agent}
	switch err := h.post(ctx, "/v1/report-views", query, &look.ReportView); {
	case err == nil:
		look.Known = true
	case problem.From(err).Code != "report-unknown":
		return Case{}, ReportView{}, err
	}
	if look.Known || !seen {
		e := Event{At: at, Agent: agent, What: Viewed}
		if err := h.store.Note(ctx, agentActor(agent), number, e); err != nil {
			return Case{}, ReportView{}, fmt.Errorf("helpdesk: report: %w", err)
		}
		c.Events = append(c.Events, e)
	} else { // it is the same look, that goes on
		look.until = before.until
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.reports[key] = look
	return c, look.ReportView, nil
}

// Queue lists the reports that nobody closed, the oldest first.
func (h *Helpdesk) Queue(ctx context.Context) ([]Case, error) { return h.store.Queue(ctx, 100) }

// TakeReport marks a report as worked on by an agent. ErrNoCase, ErrReportMoved.
func (h *Helpdesk) TakeReport(ctx context.Context, agent, number string) error {
	return h.move(ctx, agent, number, ReportOpen, ReportTaken, Event{What: Taken})
}

// NoteStep notes what was done about a report that somebody works on, in one of the words
// of Steps. ErrReportWord, ErrNoCase, ErrReportMoved.
func (h *Helpdesk) NoteStep(ctx context.Context, agent, number, step string) error {
	if !slices.Contains(Steps(), step) {
		return ErrReportWord
	}
	return h.move(ctx, agent, number, ReportTaken, ReportTaken, Event{What: Noted, Code: step})
}

// CloseReport ends a report that somebody works on, in one of the words of Outcomes.
// ErrReportWord, ErrNoCase, ErrReportMoved.
func (h *Helpdesk) CloseReport(ctx context.Context, agent, number, outcome string) error {
	if !slices.Contains(Outcomes(), outcome) {
		return ErrReportWord
	}
	return h.move(ctx, agent, number, ReportTaken, ReportClosed, Event{What: Closed, Code: outcome})
}

func (h *Helpdesk) move(ctx context.Context, agent, number string, from, to ReportState, e Event) error {
	e.At, e.Agent = h.at(), agent
	err := h.store.Move(ctx, agentActor(agent), number, from, to, e)
	switch {
	case errors.Is(err, ErrNotFound):
		return ErrNoCase
	case errors.Is(err, ErrMoved):
		return ErrReportMoved
	case err != nil:
		return fmt.Errorf("helpdesk: report: %w", err)
	}
	return nil
}
