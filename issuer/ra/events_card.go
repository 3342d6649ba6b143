package ra

import (
	"context"
	"errors"
	"slices"

	"tegata/internal/pki"
	"tegata/issuer/status"
)

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
