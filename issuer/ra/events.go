package ra

import (
	"context"
	"errors"
	"slices"
	"time"

	"tegata/internal/audit"
	"tegata/internal/pki"
	"tegata/issuer/status"
)

// RegisterEvent carries out what the register tells of a person or a card.
// Sent again it gets the same answer and changes nothing.
func (r *RA) RegisterEvent(ctx context.Context, municipality string, ev RegisterEvent) (EventDone, error) {
	at := r.at()
	if err := checkEvent(ev); err != nil {
		return EventDone{}, err
	}
	m, err := municipalOf(municipality, ev)
	if err != nil {
		return EventDone{}, err
	}
	var done EventRecord
	err = r.store.Write(ctx, func(tx Tx) error {
		var err error
		done, err = tx.Event(ctx, ev.ID)
		if again, err := m.again(done.RequestHash, err, ErrEventConflict); again || err != nil {
			return err
		}
		p, err := tx.Person(ctx, ev.Person)
		if errors.Is(err, ErrNotFound) {
			return ErrUnknownPerson
		}
		if err != nil {
			return err
		}
		if p.Died {
			return ErrEventNotApplicable
		}
		x := happening{RA: r, tx: tx, at: at, who: m.who, event: ev, person: p}
		if err := x.carryOut(ctx); err != nil {
			return err
		}
		done = EventRecord{ID: ev.ID, Person: ev.Person, RequestHash: m.hash, At: at, Changed: x.changed}
		if err := tx.PutEvent(ctx, done); err != nil {
			return err
		}
		return tx.Audit(ctx, at, m.who, "event", ev.ID, map[string]string{"kind": string(ev.Kind), "person": ev.Person})
	})
	if err != nil {
		return EventDone{}, err
	}
	return EventDone{ID: done.ID, At: done.At, Changed: done.Changed}, nil
}

func checkEvent(ev RegisterEvent) error {
	bad := func(field string, err error) error { return ErrBadRequest.With("field", field).Because(err) }
	kinds := []EventKind{EventMoved, EventNameChanged, EventDied, EventEmigrated, EventAnnounced, EventCardLost, EventCardFound, EventCardRenewed, EventCardRevoked}
	changes, leaves := ev.Kind == EventMoved || ev.Kind == EventNameChanged, ev.Kind == EventDied || ev.Kind == EventEmigrated
	if ev.Kind == EventAnnounced || ev.Of != "" || ev.On != "" || ev.Cancelled {
		if err := ev.checkAnnounced(); err != nil {
			return err
		}
	}
	switch {
	case !identifier.MatchString(ev.ID):
		return bad("id", nil)
	case !identifier.MatchString(ev.Person):
		return bad("person", nil)
	case !slices.Contains(kinds, ev.Kind):
		return bad("kind", nil)
	case changes != (ev.Attributes != nil):
		return bad("attributes", nil)
	case ev.Municipality != nil && ev.Kind != EventMoved:
		return bad("municipality", nil)
	case ev.Card != "" && (changes || leaves || !identifier.MatchString(ev.Card)):
		return bad("card", nil)
	case ev.Certificate != "" && (ev.Kind != EventCardRevoked && ev.Of != EventCardRevoked || ev.Certificate != pki.CardSign):
		return bad("certificate", nil)
	}
	if ev.Attributes != nil {
		if err := ev.Attributes.Check(); err != nil {
			return bad("attributes", err)
		}
	}
	if ev.Municipality != nil {
		if err := checkMunicipality(*ev.Municipality); err != nil {
			return bad("municipality", err)
		}
	}
	return nil
}

// happening is one event being carried out in a transaction.
type happening struct {
	*RA
	tx      Tx
	at      time.Time
	who     audit.Actor
	event   RegisterEvent
	person  PersonRecord
	changed int
}

func (x *happening) carryOut(ctx context.Context) error {
	switch x.event.Kind {
	case EventMoved, EventNameChanged:
		return x.attributesChanged(ctx)
	case EventDied:
		return x.left(ctx, EndedDied)
	case EventEmigrated:
		if err := x.left(ctx, EndedEmigrated); err != nil {
			return err
		}
		return x.notify(ctx, x.tx, x.at, x.person, notice{kind: NoticeEmigrated})
	case EventAnnounced:
		return x.announced(ctx)
	case EventCardRenewed:
		return x.renewed(ctx)
	case EventCardRevoked:
		return x.cardRevoked(ctx)
	}
	return x.cardHold(ctx)
}

// attributesChanged: signature certificates name the old attributes and end;
// authentication certificates say nothing about the person and stay.
func (x *happening) attributesChanged(ctx context.Context) error {
	if err := x.endOpen(ctx, EndedCard); err != nil {
		return err
	}
	if err := x.revoke(ctx, status.AffiliationChanged, func(c CertificateRecord) bool { return c.Kind.Signature() }); err != nil {
		return err
	}
	p, err := x.tx.Person(ctx, x.person.ID)
	if err != nil {
		return err
	}
	p.Attributes, p.AsOf = *x.event.Attributes, x.at
	if x.event.Municipality != nil {
		p.Municipality = *x.event.Municipality
	}
	if err := x.tx.PutPerson(ctx, p); err != nil {
		return err
	}
	return x.notify(ctx, x.tx, x.at, p, notice{kind: NoticeSignEnded, hasPhone: p.Phone != ""})
}

// left: nobody of that id lives in the register any more.
func (x *happening) left(ctx context.Context, why EndReason) error {
	if err := x.revoke(ctx, status.CessationOfOperation, func(CertificateRecord) bool { return true }); err != nil {
		return err
	}
	if err := x.endOpen(ctx, why); err != nil {
		return err
	}
	if err := x.endPhone(ctx, why, status.CessationOfOperation); err != nil {
		return err
	}
	p, err := x.tx.Person(ctx, x.person.ID)
	if err != nil {
		return err
	}
	p.Died, p.AsOf = true, x.at
	return x.tx.PutPerson(ctx, p)
}

// revoke revokes those of the person's certificates that which picks.
func (x *happening) revoke(ctx context.Context, reason int, which func(CertificateRecord) bool) error {
	certs, err := x.tx.CertificatesOf(ctx, x.person.ID)
	if err != nil {
		return err
	}
	certs = slices.DeleteFunc(certs, func(c CertificateRecord) bool { return !which(c) })
	changes, err := revocations(ctx, x.tx, x.at, reason, certs)
	if err != nil || len(changes) == 0 {
		return err
	}
	x.changed += len(changes)
	return x.tx.Change(ctx, x.at, x.who, changes...)
}

func (x *happening) endOpen(ctx context.Context, why EndReason) error {
	if x.person.Open == "" {
		return nil
	}
	e, err := x.tx.Enrolment(ctx, x.person.Open)
	if err != nil {
		return err
	}
	return x.endOne(ctx, e, why, status.CessationOfOperation)
}

func (x *happening) endPhone(ctx context.Context, why EndReason, reason int) error {
	if x.person.Phone == "" {
		return nil
	}
	e, err := x.tx.Enrolment(ctx, x.person.Phone)
	if err != nil {
		return err
	}
	return x.endOne(ctx, e, why, reason)
}

// endOne ends an enrolment and counts the certificates that it ends.
func (x *happening) endOne(ctx context.Context, e EnrolmentRecord, why EndReason, reason int) error {
	certs, err := x.tx.CertificatesFor(ctx, e.ID)
	if err != nil {
		return err
	}
	for _, c := range certs {
		if _, ok, err := alive(ctx, x.tx, c, x.at); err != nil {
			return err
		} else if ok {
			x.changed++
		}
	}
	return x.endWithPhone(ctx, x.tx, x.at, x.who, &e, why, reason)
}
