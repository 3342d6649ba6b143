package ra

import (
	"context"
	"errors"
	"regexp"
	"time"

	"tegata/internal/audit"
)

// ReportLasts is how long a helpdesk sees states by a report that a holder made at a
// party: time enough to have the case looked into.
const ReportLasts = 90 * 24 * time.Hour

// reportID is 128 random bits in base64url.
var reportID = regexp.MustCompile(`^[A-Za-z0-9_-]{22}$`)

// ReportRecord is whose a report is. What was reported the authority never learns.
type ReportRecord struct {
	ID     string
	Person string
	Party  string // at which it was made
	At     time.Time
}

// ReportTx is what a Tx keeps of reports.
type ReportTx interface {
	// Report finds one. ErrNotFound.
	Report(ctx context.Context, id string) (ReportRecord, error)
	// PutReport records one, and forgets those from before a moment.
	PutReport(ctx context.Context, r ReportRecord, forget time.Time) error
}

// ReportQuery is the body of POST /v1/report-views, from a helpdesk: an agent works on a
// case that a holder opened at a party ("this was not me").
type ReportQuery struct {
	Report string `json:"report"` // as the party named it in the suspension and to the helpdesk
	Agent  string `json:"agent"`
}

// ReportView answers it: the states of the person's phone, and no word about whose it is.
type ReportView struct {
	State        State                `json:"state,omitempty"` // of the registration; absent: there is no phone
	Certificates []SupportCertificate `json:"certificates"`
}

// keepReport remembers whose a report is, once.
func (r *RA) keepReport(ctx context.Context, tx Tx, at time.Time, who audit.Actor, party, id, person string) error {
	if id == "" {
		return nil
	}
	if !reportID.MatchString(id) {
		return ErrBadRequest.With("field", "report")
	}
	kept, err := tx.Report(ctx, id)
	switch {
	case err == nil && kept.Person == person && kept.Party == party:
		return nil
	case err == nil: // 128 random bits: nobody meets another's by chance
		return ErrBadRequest.With("field", "report").Because(errors.New("ra: the report is somebody else's"))
	case !errors.Is(err, ErrNotFound):
		return err
	}
	if err := tx.PutReport(ctx, ReportRecord{ID: id, Person: person, Party: party, At: at}, at.Add(-ReportLasts)); err != nil {
		return err
	}
	return tx.Audit(ctx, at, who, "report", id, nil)
}

// ViewReport shows an agent how the phone of whoever made a report stands, and writes the
// look into that person's history. ErrReportUnknown when there is none, or not any more.
func (r *RA) ViewReport(ctx context.Context, helpdesk string, q ReportQuery) (ReportView, error) {
	at := r.at()
	if err := agentName(q.Agent); err != nil {
		return ReportView{}, err
	}
	var out ReportView
	err := r.store.Write(ctx, func(tx Tx) error {
		out = ReportView{Certificates: []SupportCertificate{}}
		report, err := tx.Report(ctx, q.Report)
		if errors.Is(err, ErrNotFound) || err == nil && !at.Before(report.At.Add(ReportLasts)) {
			return ErrReportUnknown
		}
		if err != nil {
			return err
		}
		if err := r.logAgent(ctx, tx, at, report.Person, randomID(), Query{At: at, Verifier: helpdesk, What: "report", Agent: q.Agent}); err != nil {
			return err
		}
		p, err := tx.Person(ctx, report.Person)
		if err != nil || p.Phone == "" {
			return err
		}
		e, err := tx.Enrolment(ctx, p.Phone)
		if err != nil {
			return err
		}
		out.State = e.State
		states, err := supportCertificates(ctx, tx, e, at)
		if len(states) > 0 {
			out.Certificates = states
		}
		return err
	})
	if err != nil {
		return ReportView{}, err
	}
	return out, nil
}
