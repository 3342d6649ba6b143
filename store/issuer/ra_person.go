package issuer

import (
	"context"
	"time"

	"tegata/issuer/ra"
	"tegata/store"
)

const personColumns = `id name name_substitution sex birth_date address address_substitution municipality prefecture city
	channel contact new_channel new_contact contact_from_ms register_channel register_contact died as_of_ms card open_enrolment phone`

func scanPerson(row scanner) (ra.PersonRecord, error) {
	var p ra.PersonRecord
	var from, asOf, died int64
	a, m := &p.Attributes, &p.Municipality
	err := row.Scan(&p.ID, &a.Name, &a.NameSubstitution, &a.Sex, &a.BirthDate, &a.Address, &a.AddressSubstitution,
		&m.Code, &m.Prefecture, &m.City, &p.Contact.Channel, &p.Contact.Address, &p.NewContact.Channel, &p.NewContact.Address,
		&from, &p.RegisterSaid.Channel, &p.RegisterSaid.Address, &died, &asOf, &p.Card, &p.Open, &p.Phone)
	p.ContactFrom, p.AsOf, p.Died = store.Moment(from), store.Moment(asOf), died == 1
	return p, err
}

// Person implements ra.Tx.
func (x raTx) Person(ctx context.Context, id string) (ra.PersonRecord, error) {
	return get(scanPerson, x.QueryRow(ctx, "SELECT "+columns(personColumns)+" FROM person WHERE id = $1", id))
}

// PutPerson implements ra.Tx.
func (x raTx) PutPerson(ctx context.Context, p ra.PersonRecord) error {
	a, m := p.Attributes, p.Municipality
	return x.put(ctx, "person", personColumns, 1, p.ID, a.Name, a.NameSubstitution, a.Sex, a.BirthDate, a.Address, a.AddressSubstitution,
		m.Code, m.Prefecture, m.City, p.Contact.Channel, p.Contact.Address, p.NewContact.Channel, p.NewContact.Address,
		store.Millis(p.ContactFrom), p.RegisterSaid.Channel, p.RegisterSaid.Address, p.Died, store.Millis(p.AsOf), p.Card, p.Open, p.Phone)
}

// ContactsDue implements ra.Tx.
func (x raTx) ContactsDue(ctx context.Context, at time.Time, limit int) ([]string, error) {
	return list(ctx, x, func(row scanner) (id string, err error) { return id, row.Scan(&id) },
		"SELECT id FROM person WHERE contact_from_ms > 0 AND contact_from_ms <= $1 ORDER BY contact_from_ms, id LIMIT $2", store.Millis(at), limit)
}

// NextContact implements ra.Tx.
func (x raTx) NextContact(ctx context.Context) (time.Time, bool, error) {
	var next int64
	err := x.QueryRow(ctx, "SELECT CAST(COALESCE(MIN(contact_from_ms), 0) AS BIGINT) FROM person WHERE contact_from_ms > 0").Scan(&next)
	return store.Moment(next), next > 0, err
}

const cardColumns = `id person holder request_sha256 auth_serial sign_serial municipality prefecture city
	issued_at_ms not_after_ms issued ended`

func scanCard(row scanner) (ra.CardRecord, error) {
	var c ra.CardRecord
	var hash, auth, sign []byte
	var at, notAfter, issued, ended int64
	err := row.Scan(&c.ID, &c.Person, &c.Holder, &hash, &auth, &sign, &c.Municipality.Code, &c.Municipality.Prefecture, &c.Municipality.City,
		&at, &notAfter, &issued, &ended)
	if err != nil {
		return c, err
	}
	c.IssuedAt, c.NotAfter, c.Issued, c.Ended = store.Moment(at), store.Moment(notAfter), issued == 1, ended == 1
	return c, fillAll(pair{c.RequestHash[:], hash}, pair{c.AuthSerial[:], auth}, pair{c.SignSerial[:], sign})
}

// Card implements ra.Tx.
func (x raTx) Card(ctx context.Context, id string) (ra.CardRecord, error) {
	return get(scanCard, x.QueryRow(ctx, "SELECT "+columns(cardColumns)+" FROM card WHERE id = $1", id))
}

// CardsOf implements ra.Tx.
func (x raTx) CardsOf(ctx context.Context, person string) ([]ra.CardRecord, error) {
	return list(ctx, x, scanCard, "SELECT "+columns(cardColumns)+" FROM card WHERE person = $1 ORDER BY issued_at_ms, id", person)
}

// PutCard implements ra.Tx.
func (x raTx) PutCard(ctx context.Context, c ra.CardRecord) error {
	return x.put(ctx, "card", cardColumns, 1, c.ID, c.Person, c.Holder, c.RequestHash, c.AuthSerial, c.SignSerial,
		c.Municipality.Code, c.Municipality.Prefecture, c.Municipality.City, store.Millis(c.IssuedAt), store.Millis(c.NotAfter), c.Issued, c.Ended)
}

const cardSignatureColumns = `id card person request_sha256 serial`

// CardSignature implements ra.Tx.
func (x raTx) CardSignature(ctx context.Context, id string) (ra.CardSignature, error) {
	scan := func(row scanner) (c ra.CardSignature, err error) {
		var hash, serial []byte
		if err := row.Scan(&c.ID, &c.Card, &c.Person, &hash, &serial); err != nil {
			return c, err
		}
		return c, fillAll(pair{c.RequestHash[:], hash}, pair{c.Serial[:], serial})
	}
	return get(scan, x.QueryRow(ctx, "SELECT "+columns(cardSignatureColumns)+" FROM card_signature WHERE id = $1", id))
}

// PutCardSignature implements ra.Tx.
func (x raTx) PutCardSignature(ctx context.Context, c ra.CardSignature) error {
	return x.put(ctx, "card_signature", cardSignatureColumns, 1, c.ID, c.Card, c.Person, c.RequestHash, c.Serial)
}

const eventColumns = `id person request_sha256 at_ms changed`

func scanEvent(row scanner) (ra.EventRecord, error) {
	var e ra.EventRecord
	var hash []byte
	var at int64
	if err := row.Scan(&e.ID, &e.Person, &hash, &at, &e.Changed); err != nil {
		return e, err
	}
	e.At = store.Moment(at)
	return e, fillAll(pair{e.RequestHash[:], hash})
}

// Event implements ra.Tx.
func (x raTx) Event(ctx context.Context, id string) (ra.EventRecord, error) {
	return get(scanEvent, x.QueryRow(ctx, "SELECT "+columns(eventColumns)+" FROM register_event WHERE id = $1", id))
}

// PutEvent implements ra.Tx.
func (x raTx) PutEvent(ctx context.Context, e ra.EventRecord) error {
	return x.put(ctx, "register_event", eventColumns, 1, e.ID, e.Person, e.RequestHash, store.Millis(e.At), e.Changed)
}

// pair is a fixed array and the column that fills it.
type pair struct{ into, from []byte }

func fillAll(pairs ...pair) error {
	for _, p := range pairs {
		if err := fill(p.into, p.from); err != nil {
			return err
		}
	}
	return nil
}
