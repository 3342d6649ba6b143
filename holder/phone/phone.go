package phone

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"tegata/holder/element"
	"tegata/holder/reader"
	"tegata/internal/ceremony"
	"tegata/internal/pki"
	"tegata/internal/problem"
	"tegata/internal/trace"
	"tegata/issuer/ra"
)

// A Phone is one phone. Its methods may be called from any goroutine; those that
// change something are done one after the other. Errors are *problem.Problem
// where a person can do something about them.
type Phone struct {
	phones  *Phones
	id      string
	element *element.Element

	presence *presence // at terminals

	work sync.Mutex // one step after the other: held for a whole method

	mu      sync.Mutex // guards slot and support
	slot    *reader.Reader
	slotAt  string        // where it listens
	support SupportNumber // made last
}

// ID is the phone's name in addresses.
func (p *Phone) ID() string { return p.id }

// Element is the phone's secure element: what a terminal is shown over a tap.
func (p *Phone) Element() *element.Element { return p.element }

func (p *Phone) now() time.Time { return p.phones.c.Now().UTC() }

func (p *Phone) store() Store { return p.phones.c.Store }

func (p *Phone) record(ctx context.Context) (Record, error) {
	r, err := p.store().Phone(ctx, p.id)
	if err != nil {
		return Record{}, fmt.Errorf("phone: %s: %w", p.id, err)
	}
	return r, nil
}

// powered and connected refuse what a phone that is off, or alone, cannot do.
func (p *Phone) powered(ctx context.Context) (Record, error) {
	r, err := p.record(ctx)
	if err == nil && !r.Power {
		err = ErrPowerOff
	}
	return r, err
}

func (p *Phone) connected(ctx context.Context) (Record, error) {
	r, err := p.powered(ctx)
	if err == nil && !r.Network {
		err = ErrNoNetwork
	}
	return r, err
}

// listen opens the phone's reader when NFC and power are on, closes it
// otherwise, and returns its address.
func (p *Phone) listen(r Record) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	on := r.NFC && r.Power
	if p.slot != nil && (!on || p.slotAt != r.Reader) {
		p.slot.Close()
		p.slot = nil
	}
	if !on || p.slot != nil {
		return r.Reader, nil
	}
	addr := r.Reader
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	slot, err := reader.Listen(addr, reader.Observe(p.observe))
	if err != nil {
		return r.Reader, err
	}
	p.slot, p.slotAt = slot, slot.Addr()
	return p.slotAt, nil
}

// observe tells the sandbox's trace about each exchange with a card. Secrets in
// commands are blanked by their own String.
func (p *Phone) observe(x reader.Exchange) {
	ja, en := commandWords(x.Command)
	p.phones.c.Trace.Note(context.Background(), trace.Event{
		At: p.now(), From: "phone", To: "card", Kind: "apdu", TitleJA: ja, TitleEN: en,
		Detail: map[string]string{
			"phone": p.id, "command": x.Command.String(), "status": fmt.Sprintf("%04X", x.Response.SW),
			"bytes": fmt.Sprint(len(x.Response.Data)),
		},
	})
}

// tap returns what is held to the phone, waiting for it a while.
func (p *Phone) tap(ctx context.Context) (*reader.Tap, error) {
	p.mu.Lock()
	slot := p.slot
	p.mu.Unlock()
	if slot == nil {
		return nil, ErrNoNFC
	}
	waiting, cancel := context.WithTimeout(ctx, p.phones.c.TapWait)
	defer cancel()
	t, err := slot.Wait(waiting)
	if err != nil {
		return nil, ErrNoCard.Because(err)
	}
	return t, nil
}

// Tapped reports whether something is held to the phone.
func (p *Phone) Tapped() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.slot != nil && p.slot.Current() != nil
}

// arriving is how long what was just put down may take to be noticed: a card
// dials, and the dialling is over a moment before the slot has it.
const arriving = 500 * time.Millisecond

// Arrives is Tapped that gives what is just being put down its moment.
func (p *Phone) Arrives(ctx context.Context) bool {
	p.mu.Lock()
	slot := p.slot
	p.mu.Unlock()
	if slot == nil {
		return false
	}
	waiting, cancel := context.WithTimeout(ctx, arriving)
	defer cancel()
	_, err := slot.Wait(waiting)
	return err == nil
}

// RemoveCard takes away what is held to the phone.
func (p *Phone) RemoveCard(context.Context) error {
	p.mu.Lock()
	slot := p.slot
	p.mu.Unlock()
	if slot == nil {
		return nil
	}
	if t := slot.Current(); t != nil {
		t.Close()
	}
	return nil
}

func (p *Phone) close() error {
	p.TakeAway()
	p.presence.work.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.slot != nil {
		p.slot.Close()
		p.slot = nil
	}
	return p.element.Close()
}

// enrolments finds what there is: open is the registration under way, and live the registered one; either may be
// nil. last is the newest of all.
func (p *Phone) enrolments(ctx context.Context) (open, live, last *Enrolment, err error) {
	all, err := p.store().Enrolments(ctx, p.id)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("phone: %s: registrations: %w", p.id, err)
	}
	for i := range all {
		e := &all[i]
		if last == nil {
			last = e
		}
		if open == nil && e.Step.Open() {
			open = e
		}
		if live == nil && (e.Step == StepRegistered || e.Step == StepStopping) {
			live = e
		}
	}
	return open, live, last, nil
}

// keep writes a step down before it counts.
func (p *Phone) keep(ctx context.Context, e *Enrolment) error {
	kept, err := p.store().PutEnrolment(ctx, p.now(), *e)
	if err != nil {
		return fmt.Errorf("phone: %s: keep step %s: %w", p.id, e.Step, err)
	}
	*e = kept
	return nil
}

// end writes down that a registration is over.
func (p *Phone) end(ctx context.Context, e *Enrolment, why string) error {
	e.Step, e.Ended, e.EndedAt = StepEnded, why, p.now()
	return p.keep(ctx, e)
}

// recover finishes what a crash left between two writes.
func (p *Phone) recover(ctx context.Context) error {
	open, live, last, err := p.enrolments(ctx)
	if err != nil {
		return err
	}
	if open != nil && open.Step == StepIssued && p.written(open) {
		open.Step = StepWritten
		if err := p.keep(ctx, open); err != nil {
			return err
		}
	}
	return p.recoverGivenUp(ctx, open, live, last)
}

// written tells whether the element holds the certificates of e.
func (p *Phone) written(e *Enrolment) bool {
	auth, _ := p.element.Certificate(pki.PhoneAuth)
	sign, _ := p.element.Certificate(pki.PhoneSign)
	return e.Certificates != nil && string(auth) == string(e.Certificates.Auth) && string(sign) == string(e.Certificates.Sign)
}

// note writes an entry of the history. What cannot be written there must not
// happen: the caller stops at an error.
func (p *Phone) note(ctx context.Context, u *Use) error {
	if u.ID == "" {
		u.ID = ceremony.NewID()
	}
	if u.At.IsZero() {
		u.At = p.now()
	}
	if err := p.store().PutUse(ctx, p.id, *u); err != nil {
		return fmt.Errorf("phone: %s: history: %w", p.id, err)
	}
	return nil
}

// refusal is an entry about what was refused, with the sentence that the person
// was told then: codes are for help desks, and sentences change with versions.
func refusal(kind string, err error) *Use {
	prob := problem.From(err)
	return &Use{Kind: kind, Result: ResultFailed, Code: prob.Code, Why: sentence(prob)}
}

func sentence(p *problem.Problem) ceremony.Text { return ceremony.Text{JA: p.JA.Title, EN: p.EN.Title} }

// ended is an entry about an end that an authority told, why being its reason.
func ended(kind, why string, err error) *Use {
	u := refusal(kind, err)
	u.Code = why
	if why != problem.From(err).Code {
		ja, en := ra.EndReason(why).Because()
		u.Why = ceremony.Text{JA: ja + "、終わりました。", EN: "It has ended because " + en + "."}
	}
	return u
}

// Uses is the history, newest first, at most limit entries.
func (p *Phone) Uses(ctx context.Context, limit int) ([]Use, error) {
	uses, err := p.store().Uses(ctx, p.id, limit)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, fmt.Errorf("phone: %s: history: %w", p.id, err)
	}
	return uses, nil
}
