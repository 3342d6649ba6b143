package ra

import (
	"context"
	"crypto"
	"errors"
	"time"

	"tegata/internal/attest"
	"tegata/internal/audit"
	"tegata/internal/pki"
	"tegata/issuer/ca"
	"tegata/issuer/profile"
	"tegata/issuer/status"
)

// CardSignature is a signature certificate that a card got after its first ones.
type CardSignature struct {
	ID          string
	Card        string
	Person      string
	RequestHash [32]byte
	Serial      pki.Serial // zero until issued
}

// ReissueCard issues a new signature certificate onto a card that the person has, in
// place of the one that ended. Sent again it gets the same. Errors: ErrUnknownPerson,
// ErrUnknownCard, ErrReissueNotNeeded, ErrUnder15, ErrEventNotApplicable, or what is
// wrong with the card.
func (r *RA) ReissueCard(ctx context.Context, municipality string, c CardReissue) (CardIssued, error) {
	at := r.at()
	key, hash, err := checkReissuance(c)
	if err != nil {
		return CardIssued{}, err
	}
	m, err := municipalOf(municipality, c)
	if err != nil {
		return CardIssued{}, err
	}
	defer r.issuing.lock(c.Card)()
	var card CardRecord
	var kept CardSignature
	err = r.store.Write(ctx, func(tx Tx) error {
		var err error
		kept, err = tx.CardSignature(ctx, c.ID)
		switch again, err := m.again(kept.RequestHash, err, ErrIssuanceConflict); {
		case err != nil:
			return err
		case again:
			card, err = tx.Card(ctx, kept.Card)
			return err
		}
		if card, err = r.admitCardSignature(ctx, tx, c, at); err != nil {
			return err
		}
		// A key of its own for each certificate: a card's old key ended with its certificate.
		if err := takeKey(ctx, tx, hash, "card-sign "+c.ID, "ra: a key that was certified before"); err != nil {
			return err
		}
		kept = CardSignature{ID: c.ID, Card: c.Card, Person: c.Person.ID, RequestHash: m.hash}
		if err := tx.PutCardSignature(ctx, kept); err != nil {
			return err
		}
		return tx.Audit(ctx, at, m.who, "card-sign", c.ID, map[string]string{"card": c.Card, "person": c.Person.ID})
	})
	if err != nil {
		return CardIssued{}, err
	}
	if kept.Serial == (pki.Serial{}) {
		if kept, err = r.certifyAgain(ctx, m.who, card, kept, c, key); err != nil {
			return CardIssued{}, err
		}
	}
	out := CardIssued{ID: kept.ID, NotAfter: card.NotAfter, Authorities: r.authorities(false)}
	out.Authorities.Auth = nil
	err = r.store.Read(ctx, func(tx Tx) error {
		cert, err := tx.Certificate(ctx, pki.CardSign, kept.Serial)
		out.Certificates.Sign = cert.DER
		return err
	})
	return out, err
}

func checkReissuance(c CardReissue) (crypto.PublicKey, [32]byte, error) {
	none := [32]byte{}
	if !identifier.MatchString(c.ID) {
		return nil, none, ErrBadRequest.With("field", "id")
	}
	if !identifier.MatchString(c.Card) {
		return nil, none, ErrBadRequest.With("field", "card")
	}
	if err := checkPerson(c.Person); err != nil {
		return nil, none, err
	}
	key, err := attest.ParseCSR(c.SignCSR)
	if err != nil {
		return nil, none, ErrCSR.With("which", "sign").Because(err)
	}
	hash, _, err := spkiHash(key)
	return key, hash, err
}

// admitCardSignature demands a card in use whose signature certificate is gone, and
// the register's last word on the person.
func (r *RA) admitCardSignature(ctx context.Context, tx Tx, c CardReissue, at time.Time) (CardRecord, error) {
	person, err := tx.Person(ctx, c.Person.ID)
	switch {
	case errors.Is(err, ErrNotFound):
		return CardRecord{}, ErrUnknownPerson
	case err != nil:
		return CardRecord{}, err
	case person.Died:
		return CardRecord{}, ErrPersonDied
	case !person.sameAs(c.Person):
		return CardRecord{}, ErrEventNotApplicable.Because(errors.New("ra: attributes differ from the register's last word"))
	}
	birth, err := person.Attributes.Birth()
	if err != nil {
		return CardRecord{}, err
	}
	if pki.Age(birth, at) < minAge {
		return CardRecord{}, ErrUnder15
	}
	card, err := tx.Card(ctx, c.Card)
	if errors.Is(err, ErrNotFound) || err == nil && (card.Person != person.ID || !card.Issued) {
		return card, ErrUnknownCard
	}
	if err != nil {
		return card, err
	}
	auth, err := tx.Certificate(ctx, pki.CardAuth, card.AuthSerial)
	if err != nil {
		return card, err
	}
	if err := cardGood(ctx, tx, auth, at); err != nil {
		return card, err
	}
	switch _, usable, err := alive(ctx, tx, CertificateRecord{Kind: pki.CardSign, Serial: card.SignSerial}, at); {
	case err != nil:
		return card, err
	case usable:
		return card, ErrReissueNotNeeded
	}
	return card, nil
}

// sameAs tells whether the register's last word on p is what a request says.
func (p PersonRecord) sameAs(said Person) bool {
	return p.Attributes == said.Attributes && p.Municipality == said.Municipality
}

// certifyAgain has the certificate made, and makes it the card's unless something
// happened to person or card meanwhile: then it ends at once.
func (r *RA) certifyAgain(ctx context.Context, who audit.Actor, card CardRecord, kept CardSignature, c CardReissue, key crypto.PublicKey) (CardSignature, error) {
	at := r.at()
	made, err := r.issue(ctx, who, wanted{subject: card.ID, person: card.Person, again: c.ID, list: []ca.Request{{
		Kind: pki.CardSign, PublicKey: key, Holder: card.Holder, NotAfter: card.NotAfter,
		Subject: profile.Subject{Municipality: c.Person.Municipality, Attributes: c.Person.Attributes},
	}}}, at)
	if err != nil {
		return kept, err
	}
	overtaken := false
	err = r.store.Write(ctx, func(tx Tx) error {
		person, err := tx.Person(ctx, card.Person)
		if err != nil {
			return err
		}
		card, err := tx.Card(ctx, card.ID)
		if err != nil {
			return err
		}
		_, good, err := alive(ctx, tx, made[0], at)
		if err != nil {
			return err
		}
		_, auth, err := alive(ctx, tx, CertificateRecord{Kind: pki.CardAuth, Serial: card.AuthSerial}, at)
		if err != nil {
			return err
		}
		if overtaken = !good || !auth || card.Ended || person.Died || !person.sameAs(c.Person); overtaken {
			return r.revokeRecords(ctx, tx, at, who, status.AffiliationChanged, made...)
		}
		kept.Serial, card.SignSerial, card.Municipality = made[0].Serial, made[0].Serial, person.Municipality
		if err := tx.PutCardSignature(ctx, kept); err != nil {
			return err
		}
		if err := tx.PutCard(ctx, card); err != nil {
			return err
		}
		if err := r.notify(ctx, tx, at, person, notice{kind: NoticeCardSign, hasPhone: person.Phone != ""}); err != nil {
			return err
		}
		return tx.Audit(ctx, at, who, "card-sign-issued", c.ID, map[string]string{"card": card.ID, "sign": kept.Serial.String()})
	})
	if err == nil && overtaken {
		err = ErrEventNotApplicable.Because(errors.New("ra: card or person changed while the certificate was made"))
	}
	return kept, err
}
