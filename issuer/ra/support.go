package ra

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"tegata/issuer/status"
)

// SupportFor is how long a support number shows anything.
const SupportFor = 10 * time.Minute

// Limits of wrong support numbers, all in TriesWindow. A number that is open is one of
// a million.
const (
	NumbersPerAgent    = 10
	NumbersPerHelper   = 5 // per source that a helpdesk names
	NumbersPerHelpdesk = 100
)

// SupportRecord is an open support number. The number itself is nowhere: MAC is an HMAC
// of it.
type SupportRecord struct {
	Enrolment string
	ID        string // 128 random bits: opens the view again
	MAC       [32]byte
	Message   [32]byte // SHA-256 of the step that asked for it
	Draw      uint32   // which draw of that message it is
	Ctr       uint64
	MadeAt    time.Time
	EndsAt    time.Time
	Claims    SupportClaims
}

// SupportTx is what a Tx keeps of support numbers: at most one an enrolment.
type SupportTx interface {
	Support(ctx context.Context, enrolment string) (SupportRecord, error)
	SupportByID(ctx context.Context, id string) (SupportRecord, error)
	SupportByMAC(ctx context.Context, mac [32]byte) (SupportRecord, error)
	PutSupport(ctx context.Context, s SupportRecord) error
	// DropSupports erases what ended at or before a moment, and returns how many it was;
	// NextSupportEnd is when the next one does.
	DropSupports(ctx context.Context, at time.Time) (int, error)
	NextSupportEnd(ctx context.Context) (time.Time, bool, error)
}

// MakeSupportNumber takes step "support-number" of a phone whose application arrived,
// whatever became of it.
func (r *RA) MakeSupportNumber(ctx context.Context, compact string) (SupportNumber, error) {
	at := r.at()
	m, err := parseStep[SupportClaims](r, TypeEnrolment, compact, StepSupport, "", at)
	if err != nil {
		return SupportNumber{}, err
	}
	id := m.Unverified().ID
	e, err := r.enrolment(ctx, id)
	if err != nil {
		return SupportNumber{}, err
	}
	s, err := follow(m, e.DeviceKey)
	if err != nil {
		return SupportNumber{}, err
	}
	if err := s.claims.check(); err != nil {
		return SupportNumber{}, err
	}
	var answer SupportNumber
	err = r.store.Write(ctx, func(tx Tx) error {
		last, err := tx.Support(ctx, id)
		switch {
		case errors.Is(err, ErrNotFound):
		case err != nil:
			return err
		case last.Message == s.hash && at.Before(last.EndsAt): // sent again: its answer was lost
			answer = SupportNumber{Number: r.supportNumber(s.hash, last.Draw), EndsAt: last.EndsAt}
			return nil
		case s.claims.Ctr <= last.Ctr: // an old message may not put an end to a newer number
			return ErrElementSuspected
		}
		next := SupportRecord{Enrolment: id, ID: randomID(), Message: s.hash, Ctr: s.claims.Ctr, MadeAt: at, EndsAt: at.Add(SupportFor), Claims: s.claims}
		number, err := r.drawSupport(ctx, tx, &next)
		if err != nil {
			return err
		}
		answer = SupportNumber{Number: number, EndsAt: next.EndsAt}
		if err := tx.PutSupport(ctx, next); err != nil {
			return err
		}
		return tx.Audit(ctx, at, e.actor(), "support number made", id, nil)
	})
	return answer, err
}

// check refuses what is no code: nothing else may come this way.
func (c SupportClaims) check() error {
	for field, code := range map[string]string{"stage": c.Stage, "error": c.Error, "biometrics": c.Biometrics} {
		if !isCode(code) || field == "stage" && code == "" {
			return ErrBadRequest.With("field", field)
		}
	}
	if c.PINTries < 0 || c.PINTries > 9 || c.PasswordTries < 0 || c.PasswordTries > 9 {
		return ErrBadRequest.With("field", "tries")
	}
	return nil
}

func isCode(s string) bool {
	for _, c := range s {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return len(s) <= 40
}

// drawSupport finds a number that nobody else has open.
func (r *RA) drawSupport(ctx context.Context, tx Tx, s *SupportRecord) (string, error) {
	for s.Draw = range uint32(1000) {
		number := r.supportNumber(s.Message, s.Draw)
		s.MAC = r.supportMAC(number)
		_, err := tx.SupportByMAC(ctx, s.MAC)
		if errors.Is(err, ErrNotFound) {
			return number, nil
		}
		if err != nil {
			return "", err
		}
	}
	return "", errors.New("ra: no support number is free")
}

// supportNumber comes from the message and our key, so that the same message gets the
// same number and nobody keeps it.
func (r *RA) supportNumber(message [32]byte, draw uint32) string {
	mac := r.mac("support number", hex.EncodeToString(message[:]), fmt.Sprint(draw))
	return fmt.Sprintf("%06d", binary.BigEndian.Uint64(mac)%1_000_000)
}

func (r *RA) supportMAC(number string) [32]byte { return [32]byte(r.mac("support", number)) }

// ViewSupport shows a helpdesk what a support number opens, and writes into the person's
// history who looked. ErrSupportNumber when there is none, or not any more; wrong
// numbers are counted before they are looked for.
func (r *RA) ViewSupport(ctx context.Context, helpdesk string, q SupportQuery) (SupportView, error) {
	at := r.at()
	switch {
	case (q.Number == "") == (q.Support == ""), (q.Agent == "") == (q.Source == ""), len(q.Source) > 100:
		return SupportView{}, ErrBadRequest.Because(errors.New("ra: one of number and support, one of agent and source"))
	case q.Agent != "":
		if err := agentName(q.Agent); err != nil {
			return SupportView{}, err
		}
	}
	try, left := randomID(), 0
	limits := r.numberLimits(helpdesk, q)
	if q.Number != "" {
		var err error
		if left, err = r.countTry(ctx, supportNumbers, limits, try, at); err != nil {
			return SupportView{}, tooMany(err, ErrSupportTries)
		}
	}
	var out SupportView
	err := r.store.Write(ctx, func(tx Tx) error {
		s, e, err := r.openSupport(ctx, tx, q, at)
		if err != nil {
			return err
		}
		if q.Number != "" {
			if err := r.dropTry(ctx, tx, supportNumbers, limits, try); err != nil {
				return err
			}
		}
		if err := r.logLook(ctx, tx, at, helpdesk, q.Agent, s, e.Person); err != nil {
			return err
		}
		out = SupportView{Support: s.ID, Stage: s.Claims.Stage, Error: s.Claims.Error, MadeAt: s.MadeAt, EndsAt: s.EndsAt}
		if q.Agent == "" {
			return nil
		}
		return r.fillSupport(ctx, tx, &out, s, e, at)
	})
	if q.Number != "" && errors.Is(err, ErrSupportNumber) {
		err = ErrSupportNumber.With("tries_left", left)
	}
	if err != nil {
		return SupportView{}, err
	}
	return out, nil
}

// logLook writes into a person's history that somebody looked. Whoever has the number
// is a helper, and may look as often as they like: one line per number says when it was
// last, so that nobody fills the history with looks.
func (r *RA) logLook(ctx context.Context, tx Tx, at time.Time, helpdesk, agent string, s SupportRecord, person string) error {
	q, id := Query{At: at, Verifier: helpdesk, What: "support", Agent: agent}, randomID()
	if agent == "" {
		q.What, id = "helper", "helper "+hex.EncodeToString(r.mac("helper line", s.ID))
	}
	return r.logAgent(ctx, tx, at, person, id, q)
}

func (r *RA) numberLimits(helpdesk string, q SupportQuery) []tryLimit {
	kind, who, allowed := "agents", q.Agent, NumbersPerAgent
	if q.Agent == "" { // without an account: they may use up their own tries, and not the agents'
		kind, who, allowed = "helpers", q.Source, NumbersPerHelper
	}
	return []tryLimit{
		{[32]byte(r.mac("support of", helpdesk, kind, who)), allowed},
		{[32]byte(r.mac("support through", helpdesk, kind)), NumbersPerHelpdesk},
	}
}

// openSupport finds what a query names, while it is open.
func (r *RA) openSupport(ctx context.Context, tx Tx, q SupportQuery, at time.Time) (SupportRecord, EnrolmentRecord, error) {
	id := q.Support
	if q.Number != "" {
		s, err := tx.SupportByMAC(ctx, r.supportMAC(q.Number))
		if errors.Is(err, ErrNotFound) {
			return s, EnrolmentRecord{}, ErrSupportNumber
		}
		if err != nil {
			return s, EnrolmentRecord{}, err
		}
		id = s.ID
	}
	return supportOf(ctx, tx, id, at)
}

// supportOf finds an open view and its registration. ErrSupportNumber.
func supportOf(ctx context.Context, tx Tx, id string, at time.Time) (SupportRecord, EnrolmentRecord, error) {
	s, err := tx.SupportByID(ctx, id)
	if errors.Is(err, ErrNotFound) || err == nil && !at.Before(s.EndsAt) {
		return s, EnrolmentRecord{}, ErrSupportNumber
	}
	if err != nil {
		return s, EnrolmentRecord{}, err
	}
	e, err := tx.Enrolment(ctx, s.Enrolment)
	return s, e, err
}

// fillSupport adds what the authority knows: states, and nothing that says whose.
func (r *RA) fillSupport(ctx context.Context, tx Tx, out *SupportView, s SupportRecord, e EnrolmentRecord, at time.Time) error {
	out.State, out.Ended, out.Biometrics = e.State, e.Ended, s.Claims.Biometrics
	out.PINTries, out.PasswordTries = s.Claims.PINTries, s.Claims.PasswordTries
	var err error
	if out.Certificates, err = supportCertificates(ctx, tx, e, at); err != nil {
		return err
	}
	out.CanSuspend = e.State == StateRegistered && e.LostSince.IsZero()
	return nil
}

// supportCertificates are the states of a registration's certificates, without their
// serial numbers.
func supportCertificates(ctx context.Context, tx Tx, e EnrolmentRecord, at time.Time) (out []SupportCertificate, err error) {
	certs, err := tx.CertificatesFor(ctx, e.ID)
	if err != nil {
		return nil, err
	}
	for _, c := range certs {
		entry, err := tx.Status(ctx, c.Kind, c.Serial)
		if errors.Is(err, status.ErrUnknown) {
			continue // prepared, and not signed yet
		}
		if err != nil {
			return nil, err
		}
		h := held(c, entry, at)
		out = append(out, SupportCertificate{Kind: h.Kind, State: h.State, Holds: h.Holds, Reason: h.Reason})
	}
	return out, nil
}

// eraseSupport erases what is over.
func (r *RA) eraseSupport(ctx context.Context, at time.Time) error {
	due := false
	err := r.store.Read(ctx, func(tx Tx) error {
		next, open, err := tx.NextSupportEnd(ctx)
		due = open && !next.After(at)
		return err
	})
	if err != nil || !due {
		return err
	}
	return r.store.Write(ctx, func(tx Tx) error {
		_, err := tx.DropSupports(ctx, at)
		return err
	})
}
