package portal

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/clock"
	"tegata/internal/httpd"
	"tegata/internal/problem"
)

// reportRound is how many reports are told in one go.
const reportRound = 50

// reportAgain is when the helpdesk is told again: five seconds after the first try, then
// twice as long each time, at most an hour. It is not given up before the helpdesk says
// that it never takes the case in: a case that nobody works on must not look like one that
// somebody does.
func reportAgain(tries int) time.Duration { return min(5*time.Second<<min(tries, 20), time.Hour) }

// codeOf is the code of what another party answered; "" when it was nothing of the kind.
func codeOf(err error) string {
	if p, ok := errors.AsType[*problem.Problem](err); ok {
		return p.Code
	}
	return ""
}

// RunReports has phones stopped for reports, and tells the helpdesk of them, until ctx
// ends, looking every so often. Only who asked, when and how it ended goes to the helpdesk;
// whose it was is known to the issuer alone.
func (p *Portal) RunReports(ctx context.Context, every time.Duration) error {
	both := func(ctx context.Context) error {
		err := p.HoldDue(ctx)
		if p.config.Helpdesk != "" {
			err = errors.Join(err, p.ReportDue(ctx))
		}
		return err
	}
	return clock.Every(ctx, every, both, func(err error) { p.log.ErrorContext(ctx, "reports could not be told", "error", err) })
}

// HoldDue asks the issuer once for each phone that a report was to stop and did not: the
// holder has said it, and may not be there any more to say it again. It goes on until the
// phone is on hold, or the issuer refuses for good.
func (p *Portal) HoldDue(ctx context.Context) error {
	at := p.at()
	list, err := p.store.HoldsDue(ctx, at, reportRound)
	if err != nil {
		return fmt.Errorf("portal: holds: %w", err)
	}
	for _, c := range list {
		mine, err := p.store.ClaimHold(ctx, c, at.Add(reportAgain(c.Hold.Tries)))
		if err != nil {
			return fmt.Errorf("portal: holds: %w", err)
		}
		if !mine {
			continue
		}
		held, err := p.askHold(ctx, c.Hold, c.Report, c.Report != "")
		switch code := codeOf(err); {
		case err == nil:
			_, err = p.held(ctx, c, held)
		case slices.Contains(holdOver, code):
			p.log.ErrorContext(ctx, "a phone cannot be suspended for a report", "case", c.Number, "error", err)
			err = p.store.RefuseHold(ctx, p.who(""), c, code, at)
		default:
			p.log.WarnContext(ctx, "a phone could not be suspended for a report; it is tried again", "case", c.Number, "tries", c.Hold.Tries+1, "error", err)
			continue
		}
		if err != nil {
			return fmt.Errorf("portal: holds: %w", err)
		}
	}
	return nil
}

// Codes with which another try fails as well: the issuer's of a suspension, among them that
// what the login brought is out of time, and the helpdesk's of a report.
var (
	holdOver   = []string{"grant-invalid", "unknown-person", "person-not-registered", "no-phone", "bad-request"}
	reportOver = []string{"report-form", "report-conflict", "bad-request"}
)

// ReportDue tries once each report that is due. Several processes may do it at the same
// time: each try is counted and put off before it is made.
func (p *Portal) ReportDue(ctx context.Context) error {
	at := p.at()
	list, err := p.store.CasesDue(ctx, at, reportRound)
	if err != nil {
		return fmt.Errorf("portal: reports: %w", err)
	}
	for _, c := range list {
		mine, err := p.store.ClaimCase(ctx, c, at.Add(reportAgain(c.Tries)))
		if err != nil {
			return fmt.Errorf("portal: reports: %w", err)
		}
		if !mine {
			continue
		}
		why := ""
		if err := p.report(ctx, c); err != nil {
			why = codeOf(err)
			if !slices.Contains(reportOver, why) {
				p.log.WarnContext(ctx, "the helpdesk could not be told of a report; it is tried again", "case", c.Number, "tries", c.Tries+1, "error", err)
				continue
			}
			p.log.ErrorContext(ctx, "the helpdesk does not take a report in", "case", c.Number, "error", err)
		}
		if err := p.store.SettleCase(ctx, p.who(""), c.Number, why, at); err != nil {
			return fmt.Errorf("portal: reports: %w", err)
		}
	}
	return nil
}

// report is what the helpdesk is told.
func (p *Portal) report(ctx context.Context, c Case) error {
	type use struct {
		ID      string           `json:"id"`
		UsedAt  time.Time        `json:"used_at"`
		Party   string           `json:"party"`
		Name    ceremony.Text    `json:"name"`
		Verdict ceremony.Verdict `json:"verdict"`
		Code    string           `json:"code,omitempty"`
	}
	header, err := p.bearer(p.config.Helpdesk, "")
	if err != nil {
		return err
	}
	body := struct {
		Number string `json:"number"`
		Report use    `json:"report"`
	}{c.Number, use{c.Report, time.Unix(c.Use.At, 0).UTC(), c.Use.Party, c.Use.Name, c.Use.Verdict, c.Use.Code}}
	return httpd.PostJSON(ctx, p.client, p.config.Helpdesk+"/v1/cases", body, &ReportStanding{}, header)
}

// ReportStanding is how a case stands at the helpdesk.
type ReportStanding struct {
	State   string        `json:"state"` // open, taken, closed; or one of ours
	Outcome string        `json:"outcome"`
	Events  []ReportEvent `json:"events"` // oldest first
}

// ReportEvent is one thing that the helpdesk did.
type ReportEvent struct {
	At    time.Time `json:"at"`
	What  string    `json:"what"`
	Agent string    `json:"agent"` // pseudonym; "" for the portal
	Code  string    `json:"code"`
}

// States of ReportStanding that the helpdesk does not know.
const (
	ReportNone    = "none"    // nobody is told of this case
	ReportWaiting = "waiting" // the helpdesk does not know of it yet
	ReportUnknown = "unknown" // it could not be asked just now
	ReportUntaken = "untaken" // it refused the case for good
)

// StandingOf asks the helpdesk how a case stands. It never fails: a case is shown all the
// same.
func (p *Portal) StandingOf(ctx context.Context, c Case) ReportStanding {
	switch {
	case p.config.Helpdesk == "" || c.Due.IsZero() && c.Tries == 0: // none now, or none when it was opened
		return ReportStanding{State: ReportNone}
	case !c.Due.IsZero():
		return ReportStanding{State: ReportWaiting}
	case c.Untaken != "":
		return ReportStanding{State: ReportUntaken}
	}
	header, err := p.bearer(p.config.Helpdesk, "")
	var s ReportStanding
	if err == nil {
		err = httpd.GetJSON(ctx, p.client, p.config.Helpdesk+"/v1/cases/"+url.PathEscape(c.Report), &s, header)
	}
	if err != nil {
		p.log.WarnContext(ctx, "the helpdesk could not be asked about a case", "case", c.Number, "error", err)
		return ReportStanding{State: ReportUnknown}
	}
	return s
}
