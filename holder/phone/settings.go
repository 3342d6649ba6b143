package phone

import (
	"context"
	"crypto/x509"
	"fmt"
	"time"
	"unicode/utf8"

	"tegata/holder/element"
	"tegata/internal/pki"
)

// Change is settings to change; nil fields stay.
type Change struct {
	NFC, Network, Power *bool
	Model               *string // id of a Model
	Boot                *string // "verified" or "unlocked"
	Picture, Word       *string
}

// Set changes the phone's own settings, and the phone with them: NFC or power
// off closes its reader; another model or boot state is what it attests from
// then on.
func (p *Phone) Set(ctx context.Context, c Change) error {
	p.work.Lock()
	defer p.work.Unlock()
	r, err := p.record(ctx)
	if err != nil {
		return err
	}
	refit := c.Model != nil || c.Boot != nil
	for _, set := range []struct{ from, to *bool }{{c.NFC, &r.NFC}, {c.Network, &r.Network}, {c.Power, &r.Power}} {
		if set.from != nil {
			*set.to = *set.from
		}
	}
	if c.Model != nil {
		r.Model = *c.Model
	}
	if c.Boot != nil {
		if *c.Boot != "verified" && *c.Boot != "unlocked" {
			return ErrSetting
		}
		r.Unlocked = *c.Boot == "unlocked"
	}
	for _, set := range []struct{ from, to *string }{{c.Picture, &r.Picture}, {c.Word, &r.Word}} {
		if set.from == nil {
			continue
		}
		if utf8.RuneCountInString(*set.from) > 20 || !utf8.ValidString(*set.from) {
			return ErrSetting
		}
		*set.to = *set.from
	}
	model, ok := p.phones.model(r.Model)
	if !ok {
		return ErrSetting
	}
	if refit {
		batch, err := p.phones.batch(model)
		if err != nil {
			return fmt.Errorf("phone: refit: %w", err)
		}
		if err := p.element.Fit(model.hardware(r.Unlocked), batch, model.Fault); err != nil {
			return fmt.Errorf("phone: refit: %w", err)
		}
	}
	if err := p.store().PutPhone(ctx, r); err != nil {
		return fmt.Errorf("phone: settings: %w", err)
	}
	if _, err := p.listen(r); err != nil {
		return fmt.Errorf("phone: reader: %w", err)
	}
	if !r.NFC || !r.Power {
		p.element.EndCompatible()
		p.TakeAway() // from whatever terminal it is held to: it answers nothing any more
	}
	if c.Network != nil && r.Network && r.Power {
		if err := p.sendWithdrawn(ctx); err != nil { // the setting holds; the clock's own work tries again
			p.phones.c.Log.ErrorContext(ctx, "a refusal was not sent", "phone", p.id, "error", err)
		}
	}
	return nil
}

// Need is one thing that a registration needs.
type Need struct {
	Code string // "power", "network", "nfc", "model", "boot", "card", "age"
	OK   bool
	Ask  bool // only the person can know
}

// Needs checks what a registration needs. Whether the authority supports the
// model is its own decision; what the phone says here is its maker's belief.
func (p *Phone) Needs(ctx context.Context) ([]Need, error) {
	r, err := p.record(ctx)
	if err != nil {
		return nil, err
	}
	model, _ := p.phones.model(r.Model)
	return []Need{
		{Code: "power", OK: r.Power}, {Code: "network", OK: r.Network}, {Code: "nfc", OK: r.NFC},
		{Code: "model", OK: model.Supported}, {Code: "boot", OK: !r.Unlocked},
		{Code: "card", OK: true, Ask: true}, {Code: "age", OK: true, Ask: true},
	}, nil
}

// Stage is how far a phone's registration is, as a person sees it.
type Stage string

// The stages.
const (
	StageNone       Stage = "none"       // nothing begun, or nothing that arrived
	StageReissue    Stage = "reissue"    // registered; a signature certificate is on its way: its password next
	StageApplied    Stage = "applied"    // application accepted: secrets next
	StageIssued     Stage = "issued"     // certificates written: 登録する next
	StageRegistered Stage = "registered" // in use
	StageEnded      Stage = "ended"      // was in use; revoked
)

// Look is the state of a phone.
type Look struct {
	Record
	Tag           string // of the element; survives a reset
	Now           time.Time
	Stage         Stage
	Signed        bool      // an application was signed and has perhaps not arrived: Resume sends it
	Open          bool      // a registration is under way beside a registered pair
	SignEnded     bool      // the signature certificate ended alone, and no other is on its way
	OpenUntil     time.Time // an open registration ends then
	Holder        string    // the holder's name; "" before a card was read
	Tapped        bool      // something is held to the phone
	Certificates  []Certificate
	StatesAt      time.Time // as of when the certificates' states are known; zero when nobody was ever asked
	StatesAsked   bool      // the authority was asked just now, and answered
	LastCheckIn   time.Time
	PINTries      int // left
	PasswordTries int
	LockCode      bool // there is a lock code that nobody has noted yet
	Biometrics    Biometrics
	Ended         string
	KeysLeft      bool      // the pair ended, and its keys are still here
	Untold        time.Time // since when the phone is wiped and the authority not told; zero: nothing to tell
	Waiting       []Asking
}

// Certificate is one of the phone's two, as the phone last heard of it.
type Certificate struct {
	Kind      pki.Kind
	State     string    // "good", "held", "revoked", "expired"
	Causes    []string  // of holds
	Since     time.Time // when held or revoked, as the status source just said; zero when nobody was asked
	Reason    int       // of a revocation, RFC 5280, section 5.3.1, as the status source just said; with Since only
	Serial    string
	NotBefore time.Time
	NotAfter  time.Time
	Issuer    string
	PEM       string
	Holder    *pki.Attributes // what a signature certificate says of its holder; nil for the other, which says nothing
}

// Look returns the phone's state, the certificates' as it last heard of it: LookNow
// asks. It asks nobody and changes nothing.
func (p *Phone) Look(ctx context.Context) (Look, error) {
	r, err := p.record(ctx)
	if err != nil {
		return Look{}, err
	}
	open, live, last, err := p.enrolments(ctx)
	if err != nil {
		return Look{}, err
	}
	asks, err := p.store().Asks(ctx, p.id)
	if err != nil {
		return Look{}, fmt.Errorf("phone: requests: %w", err)
	}
	_, noCode := p.element.ShowLockCode()
	l := Look{
		Record: r, Tag: p.element.Tag(), Now: p.now(), Stage: StageNone, Tapped: p.Tapped(), LockCode: noCode == nil,
		PINTries: p.element.Tries(element.PIN), PasswordTries: p.element.Tries(element.Password), Biometrics: p.biometrics(r),
	}
	for _, a := range asks {
		if a.Request != "" && a.Withdrawn == "" && l.Now.Before(a.Until) && live != nil { // nobody else can answer
			l.Waiting = append(l.Waiting, a)
		}
	}
	switch {
	case open != nil && live == nil:
		l.Stage, l.Holder, l.OpenUntil = stageOf(open.Step), open.Holder, open.ExpiresAt
	case live != nil:
		l.Stage, l.Holder, l.LastCheckIn, l.StatesAt = StageRegistered, live.Holder, live.LastCheckIn, live.statesAt()
		if open != nil && stageOf(open.Step) != StageNone {
			l.Stage, l.OpenUntil, l.Open = stageOf(open.Step), open.ExpiresAt, true
			if open.Reissue != "" {
				l.Stage = StageReissue
			}
		}
		l.SignEnded = live.SignEnded && l.Stage == StageRegistered
	case last != nil && !last.RegisteredAt.IsZero():
		l.Stage, l.Holder, l.Ended, l.KeysLeft = StageEnded, last.Holder, last.Ended, p.element.HasKeys()
	}
	if l.Untold, err = p.waiting(ctx); err != nil {
		return Look{}, err
	}
	l.Signed = open != nil && open.Step == StepSigned
	l.Certificates, err = p.certificates(open, live, l.Now)
	return l, err
}

func stageOf(s Step) Stage {
	switch s {
	case StepApplied, StepIssued:
		return StageApplied
	case StepWritten:
		return StageIssued
	case StepRegistered, StepStopping:
		return StageRegistered
	}
	return StageNone
}

func serialOf(c *x509.Certificate) string { return fmt.Sprintf("%032x", c.SerialNumber) }

// certificates reads those in the element and says what the phone knows of them.
func (p *Phone) certificates(open, live *Enrolment, at time.Time) ([]Certificate, error) {
	var out []Certificate
	for _, kind := range []pki.Kind{pki.PhoneAuth, pki.PhoneSign} {
		der, _ := p.element.Certificate(kind)
		if der == nil {
			continue
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("phone: certificate: %w", err)
		}
		entry := Certificate{
			Kind: kind, State: "revoked", NotBefore: c.NotBefore, NotAfter: c.NotAfter,
			Issuer: c.Issuer.String(), PEM: string(pki.EncodePEM(der)), Serial: serialOf(c),
		}
		if kind == pki.PhoneSign {
			if a, err := pki.ParseAttributes(p.phones.c.Arc, c); err == nil {
				entry.Holder = &a
			}
		}
		of := func(e *Enrolment) bool {
			return e != nil && e.Certificates != nil && (string(e.Certificates.Auth) == string(der) || string(e.Certificates.Sign) == string(der))
		}
		switch {
		case at.After(c.NotAfter):
			entry.State = "expired"
		case of(live) && kind == pki.PhoneSign && live.SignEnded: // it ended alone
		case of(live) && len(live.Holds) > 0:
			entry.State, entry.Causes = "held", live.Holds
		case of(live):
			entry.State = "good"
		case of(open):
			entry.State, entry.Causes = "held", []string{"unregistered"}
		}
		out = append(out, entry)
	}
	return out, nil
}
