package ra

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"regexp"
	"slices"
	"time"

	"tegata/internal/attest"
	"tegata/internal/audit"
	"tegata/internal/pki"
	"tegata/issuer/ca"
	"tegata/issuer/profile"
)

var identifier = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// IssueCard issues the certificates of a card to the municipality that is about
// to hand it over. Sent again it gets the same certificates.
func (r *RA) IssueCard(ctx context.Context, municipality string, c CardIssuance) (CardIssued, error) {
	at := r.at()
	keys, err := checkIssuance(c)
	if err != nil {
		return CardIssued{}, err
	}
	m, err := municipalOf(municipality, c)
	if err != nil {
		return CardIssued{}, err
	}
	defer r.issuing.lock(c.ID)()
	var card CardRecord
	err = r.store.Write(ctx, func(tx Tx) error {
		var err error
		card, err = tx.Card(ctx, c.ID)
		if again, err := m.again(card.RequestHash, err, ErrIssuanceConflict); again || err != nil {
			return err
		}
		birth, err := c.Person.Attributes.Birth()
		if err != nil {
			return err
		}
		card = CardRecord{
			ID: c.ID, Person: c.Person.ID, Holder: randomID(), RequestHash: m.hash, Municipality: c.Person.Municipality,
			IssuedAt: at, NotAfter: fifthBirthday(birth, at),
		}
		if err := r.acceptPerson(ctx, tx, at, m.who, c); err != nil {
			return err
		}
		for _, key := range keys.hashes {
			if err := takeKey(ctx, tx, key, c.ID, "ra: a key of another card"); err != nil {
				return err
			}
		}
		if err := tx.PutCard(ctx, card); err != nil {
			return err
		}
		return tx.Audit(ctx, at, m.who, "card", c.ID, map[string]string{"person": c.Person.ID})
	})
	if err != nil {
		return CardIssued{}, err
	}
	if card, err = r.certifyCard(ctx, m.who, card, c, keys, at); err != nil {
		return CardIssued{}, err
	}
	return r.cardAnswer(ctx, card, keys.sign)
}

// cardKeys are the public keys of a card's requests.
type cardKeys struct {
	auth, sign crypto.PublicKey // sign is nil without a signature certificate
	hashes     [][32]byte
}

func checkIssuance(c CardIssuance) (cardKeys, error) {
	var k cardKeys
	if !identifier.MatchString(c.ID) {
		return k, ErrBadRequest.With("field", "id")
	}
	if err := checkPerson(c.Person); err != nil {
		return k, err
	}
	var err error
	if k.auth, err = attest.ParseCSR(c.AuthCSR); err != nil {
		return k, ErrCSR.With("which", "auth").Because(err)
	}
	keys := []crypto.PublicKey{k.auth}
	if c.SignCSR != nil {
		if k.sign, err = attest.ParseCSR(c.SignCSR); err != nil {
			return k, ErrCSR.With("which", "sign").Because(err)
		}
		if attest.SameKey(k.auth, k.sign) {
			return k, ErrKeyUnsuitable.Because(errors.New("ra: one key for both certificates"))
		}
		keys = append(keys, k.sign)
	}
	for _, pub := range keys {
		hash, _, err := spkiHash(pub)
		if err != nil {
			return k, err
		}
		k.hashes = append(k.hashes, hash)
	}
	return k, nil
}

func checkPerson(p Person) error {
	bad := func(field string, err error) error { return ErrBadRequest.With("field", "person."+field).Because(err) }
	if !identifier.MatchString(p.ID) {
		return bad("id", nil)
	}
	if err := p.Attributes.Check(); err != nil {
		return bad("attributes", err)
	}
	if err := checkMunicipality(p.Municipality); err != nil {
		return bad("municipality", err)
	}
	if p.Contact.Channel == "" || p.Contact.Address == "" || len(p.Contact.Channel) > 32 || len(p.Contact.Address) > 256 {
		return bad("contact", nil)
	}
	return nil
}

func checkMunicipality(m Municipality) error {
	if !regexp.MustCompile(`^[0-9]{5,6}$`).MatchString(m.Code) || m.Prefecture == "" || m.City == "" || len(m.Prefecture) > 128 || len(m.City) > 128 {
		return errors.New("ra: a municipality has a code of 5 or 6 digits, a prefecture and a city")
	}
	return nil
}

// acceptPerson records a person that is new, and a new card of one that is not.
// Attributes change by register events only, so that certificates follow them.
func (r *RA) acceptPerson(ctx context.Context, tx Tx, at time.Time, who audit.Actor, c CardIssuance) error {
	p, err := tx.Person(ctx, c.Person.ID)
	switch {
	case errors.Is(err, ErrNotFound):
		p = PersonRecord{ID: c.Person.ID, Attributes: c.Person.Attributes, Municipality: c.Person.Municipality,
			Contact: c.Person.Contact, RegisterSaid: c.Person.Contact}
	case err != nil:
		return err
	case p.Died:
		return ErrPersonDied
	case !p.sameAs(c.Person):
		return ErrEventNotApplicable.Because(errors.New("ra: attributes differ from the register's last word"))
	case p.RegisterSaid != c.Person.Contact: // what the register said before stands back for what the card said since
		p.RegisterSaid = c.Person.Contact
		if p.contact(at) == c.Person.Contact {
			break
		}
		if err := r.changeContact(ctx, tx, at, &p, c.Person.Contact); err != nil {
			return err
		}
	}
	if p.Phone != "" && p.Card != c.ID { // announced before it bites: see renewed
		if err := r.notify(ctx, tx, at, p, notice{kind: NoticeNewCard}); err != nil {
			return err
		}
	}
	p.Card, p.AsOf = c.ID, at
	return tx.PutPerson(ctx, p)
}

// certifyCard has the certificates made and records them with the card.
func (r *RA) certifyCard(ctx context.Context, who audit.Actor, card CardRecord, c CardIssuance, keys cardKeys, at time.Time) (CardRecord, error) {
	if card.Issued {
		return card, nil
	}
	list := []ca.Request{{Kind: pki.CardAuth, PublicKey: keys.auth, Holder: card.Holder, NotAfter: card.NotAfter}}
	if keys.sign != nil {
		list = append(list, ca.Request{
			Kind: pki.CardSign, PublicKey: keys.sign, Holder: card.Holder, NotAfter: card.NotAfter,
			Subject: profile.Subject{Municipality: card.Municipality, Attributes: c.Person.Attributes},
		})
	}
	made, err := r.issue(ctx, who, wanted{subject: card.ID, person: card.Person, list: list}, at)
	if err != nil {
		return card, err
	}
	err = r.store.Write(ctx, func(tx Tx) error {
		var err error
		if card, err = tx.Card(ctx, card.ID); err != nil {
			return err
		}
		card.Issued, card.AuthSerial = true, made[0].Serial
		if len(made) > 1 {
			card.SignSerial = made[1].Serial
		}
		if err := tx.PutCard(ctx, card); err != nil {
			return err
		}
		return tx.Audit(ctx, at, who, "card-issued", card.ID, map[string]string{"auth": card.AuthSerial.String(), "sign": card.SignSerial.String()})
	})
	return card, err
}

// of tells whether c certifies a key.
func (c CertificateRecord) of(key crypto.PublicKey) bool {
	leaf, err := x509.ParseCertificate(c.DER)
	return err == nil && attest.SameKey(leaf.PublicKey, key)
}

// cardAnswer answers an issuance; sign is the signature key that was asked for, or nil.
func (r *RA) cardAnswer(ctx context.Context, card CardRecord, sign crypto.PublicKey) (CardIssued, error) {
	out := CardIssued{ID: card.ID, NotAfter: card.NotAfter, Authorities: r.authorities(false)}
	err := r.store.Read(ctx, func(tx Tx) error {
		auth, err := tx.Certificate(ctx, pki.CardAuth, card.AuthSerial)
		if err != nil {
			return err
		}
		out.Certificates.Auth = auth.DER
		certs, err := tx.CertificatesFor(ctx, card.ID)
		if err != nil {
			return err
		}
		// The one of the key that was asked for: a later one came under an id of its own.
		first := slices.IndexFunc(certs, func(c CertificateRecord) bool { return c.Kind == pki.CardSign && c.of(sign) })
		if sign == nil || first < 0 {
			out.Authorities.Sign = nil
			return nil
		}
		out.Certificates.Sign = certs[first].DER
		return nil
	})
	return out, err
}

// fifthBirthday is the end of the day, in Japan, of the fifth birthday after a
// moment: how long a card's certificates are valid.
func fifthBirthday(birth, at time.Time) time.Time {
	today := at.In(pki.JST)
	years := 5
	if y := time.Date(today.Year(), birth.Month(), birth.Day(), 0, 0, 0, 0, pki.JST); !y.After(today) {
		years++ // this year's birthday is over: the first one to come is next year's
	}
	return time.Date(today.Year()+years-1, birth.Month(), birth.Day(), 23, 59, 59, 0, pki.JST).UTC()
}
