package ra

import (
	"context"
	"crypto/sha256"
	"encoding/json"
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
	text, err := json.Marshal(ev)
	if err != nil {
		return EventDone{}, err
	}
	hash := sha256.Sum256(text)
	who := audit.Actor{Party: "municipality", Kind: "party", ID: municipality}
	var done EventRecord
	err = r.store.Write(ctx, func(tx Tx) error {
		var err error
		done, err = tx.Event(ctx, ev.ID)
		if err == nil {
			if done.RequestHash != hash {
				return ErrEventConflict
			}
			return nil
		}
		if !errors.Is(err, ErrNotFound) {
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
		x := happening{RA: r, tx: tx, at: at, who: who, event: ev, person: p}
		if err := x.carryOut(ctx); err != nil {
			return err
		}
		done = EventRecord{ID: ev.ID, Person: ev.Person, RequestHash: hash, At: at, Changed: x.changed}
		if err := tx.PutEvent(ctx, done); err != nil {
			return err
		}
		return tx.Audit(ctx, at, who, "event", ev.ID, map[string]string{"kind": string(ev.Kind), "person": ev.Person})
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

// renewed: the new card was activated, so the older ones end, and the phone when one of
// its certificates was derived from one of them.
func (x *happening) renewed(ctx context.Context) error {
	fresh, err := x.card(ctx)
	if err != nil {
		return err
	}
	cards, err := x.tx.CardsOf(ctx, x.person.ID)
	if err != nil {
		return err
	}
	old := map[string]bool{}
	for _, c := range cards {
		if c.ID == fresh.ID || c.Ended {
			continue
		}
		old[c.ID], c.Ended = true, true
		if err := x.tx.PutCard(ctx, c); err != nil {
			return err
		}
	}
	if len(old) == 0 {
		return ErrEventNotApplicable
	}
	if err := x.revoke(ctx, status.Superseded, func(c CertificateRecord) bool { return old[c.Subject] }); err != nil {
		return err
	}
	for _, id := range []string{x.person.Open, x.person.Phone} {
		if id == "" {
			continue
		}
		e, err := x.tx.Enrolment(ctx, id)
		if err != nil {
			return err
		}
		sign, err := signCard(ctx, x.tx, e)
		if err != nil {
			return err
		}
		if !old[e.Card] && !old[sign] {
			continue
		}
		if err := x.endOne(ctx, e, EndedCard, status.Superseded); err != nil {
			return err
		}
	}
	return nil
}

// cardRevoked: certificates of the card end, and with each the same certificate of
// the phone that was derived from it. A phone that is left with none ends.
func (x *happening) cardRevoked(ctx context.Context) error {
	card, err := x.card(ctx)
	if err != nil {
		return err
	}
	concerns := func(k pki.Kind) bool { return x.event.Certificate == "" || x.event.Certificate == k }
	err = x.revoke(ctx, status.CessationOfOperation, func(c CertificateRecord) bool { return c.Subject == card.ID && concerns(c.Kind) })
	switch {
	case err != nil:
		return err
	case x.changed == 0:
		return ErrEventNotApplicable
	}
	if x.person.Open != "" {
		open, err := x.tx.Enrolment(ctx, x.person.Open)
		if err != nil {
			return err
		}
		if open.Card == card.ID && (open.ReissueOf == "" || concerns(pki.CardSign)) {
			if err := x.endOne(ctx, open, EndedCard, status.CessationOfOperation); err != nil {
				return err
			}
		}
	}
	if err := x.phoneFollows(ctx, card, concerns); err != nil {
		return err
	}
	p, err := x.tx.Person(ctx, x.person.ID)
	if err != nil {
		return err
	}
	return x.notify(ctx, x.tx, x.at, p, notice{kind: NoticeCardRevoked})
}

// phoneFollows ends those certificates of the person's phone that were derived from
// the card's that concerns picks.
func (x *happening) phoneFollows(ctx context.Context, card CardRecord, concerns func(pki.Kind) bool) error {
	if x.person.Phone == "" {
		return nil
	}
	phone, err := x.tx.Enrolment(ctx, x.person.Phone)
	if err != nil {
		return err
	}
	signCard, err := signCard(ctx, x.tx, phone)
	if err != nil {
		return err
	}
	left := 0
	var end []CertificateRecord
	for _, c := range []struct {
		phone pki.Kind
		card  pki.Kind
		of    string
		pki.Serial
	}{{pki.PhoneAuth, pki.CardAuth, phone.Card, phone.AuthSerial}, {pki.PhoneSign, pki.CardSign, signCard, phone.SignSerial}} {
		record := CertificateRecord{Kind: c.phone, Serial: c.Serial}
		_, ok, err := alive(ctx, x.tx, record, x.at)
		switch {
		case err != nil:
			return err
		case ok && c.of == card.ID && concerns(c.card):
			end = append(end, record)
		case ok:
			left++
		}
	}
	if len(end) == 0 {
		return nil
	}
	if left == 0 {
		return x.endOne(ctx, phone, EndedCard, status.CessationOfOperation)
	}
	x.changed += len(end)
	return x.revokeRecords(ctx, x.tx, x.at, x.who, status.CessationOfOperation, end...)
}

// signCard is the card whose application brought e its signature certificate: not
// always e.Card, when that certificate was issued anew.
func signCard(ctx context.Context, tx Tx, e EnrolmentRecord) (string, error) {
	if e.SignKey == [32]byte{} {
		return e.Card, nil // none yet
	}
	by, err := tx.TakeKey(ctx, e.SignKey, e.ID) // taken long ago: nothing changes
	if err != nil || by == "" || by == e.ID {
		return e.Card, err
	}
	brought, err := tx.Enrolment(ctx, by)
	return brought.Card, err
}

// cardHold opens or lifts the hold "lost" of a card.
func (x *happening) cardHold(ctx context.Context) error {
	card, err := x.card(ctx)
	if err != nil {
		return err
	}
	op, kind := status.Open, NoticeCardHeld
	if x.event.Kind == EventCardFound {
		op, kind = status.Lift, NoticeCardResumed
	}
	var changes []status.Change
	for _, c := range []CertificateRecord{{Kind: pki.CardAuth, Serial: card.AuthSerial}, {Kind: pki.CardSign, Serial: card.SignSerial}} {
		entry, ok, err := alive(ctx, x.tx, c, x.at)
		if err != nil {
			return err
		}
		lost := slices.ContainsFunc(entry.Holds, func(h status.Hold) bool { return h.Cause == status.Lost })
		if ok && lost == (op == status.Lift) {
			changes = append(changes, status.Change{Kind: entry.Kind, Serial: entry.Serial, Op: op, Cause: status.Lost, At: x.at})
		}
	}
	if len(changes) == 0 {
		return ErrEventNotApplicable
	}
	x.changed += len(changes)
	if err := x.tx.Change(ctx, x.at, x.who, changes...); err != nil {
		return err
	}
	return x.notify(ctx, x.tx, x.at, x.person, notice{kind: kind})
}

// card is the card that the event names, or the person's latest.
func (x *happening) card(ctx context.Context) (CardRecord, error) {
	id := x.event.Card
	if id == "" {
		id = x.person.Card
	}
	card, err := x.tx.Card(ctx, id)
	if errors.Is(err, ErrNotFound) || err == nil && (card.Person != x.person.ID || !card.Issued) {
		return card, ErrUnknownCard
	}
	return card, err
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
