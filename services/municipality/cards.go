package municipality

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"tegata/internal/audit"
	"tegata/internal/pki"
)

// minSignatureAge is the age in years from which a person has a signature
// certificate: a contract signed by a younger one could be undone.
const minSignatureAge = 15

// OrderCard orders a card for a resident and goes on until it can be handed over.
// Sent again it goes on where it stopped, or gets the same answer when all was
// done. When a party cannot be reached, the error says so, the order stands, and
// the work goes on by itself. Errors: ErrBadEvent for the id, ErrUnknownResident,
// ErrResidentDied, ErrCardConflict, ErrCardRefused, or what the parties answered.
func (r *Register) OrderCard(ctx context.Context, who audit.Actor, resident, id string) (CardView, error) {
	return r.orderCard(ctx, who, Card{Resident: resident, ID: id})
}

// MakeCard is OrderCard, but the card waits at the desk until its holder comes for it:
// see HandOver. Who has a phone is told meanwhile that it ends then.
func (r *Register) MakeCard(ctx context.Context, who audit.Actor, resident, id string) (CardView, error) {
	return r.orderCard(ctx, who, Card{Resident: resident, ID: id, Waits: true})
}

func (r *Register) orderCard(ctx context.Context, who audit.Actor, card Card) (CardView, error) {
	return r.order(ctx, who, card, func(_ Tx, rec Record, c *Card) error {
		// Decided here once: a birthday during the order must not change what
		// is asked of the issuer under the same id.
		c.Signature = pki.Age(rec.birth(), c.OrderedAt) >= minSignatureAge
		return nil
	})
}

// OrderSignature orders a new signature certificate onto a card that the resident has,
// since the one in it ended, and goes on until it is in the card: authentication
// certificate, PIN and card stay. Else it is as OrderCard. Further errors: ErrNoCard,
// ErrCardNotFitting, ErrSignatureGood, ErrTooYoung.
func (r *Register) OrderSignature(ctx context.Context, who audit.Actor, resident, card, id string) (CardView, error) {
	return r.order(ctx, who, Card{Resident: resident, ID: id, Onto: card, Signature: true}, func(tx Tx, rec Record, c *Card) error {
		if pki.Age(rec.birth(), c.OrderedAt) < minSignatureAge {
			return ErrTooYoung
		}
		cards, err := tx.CardsOf(ctx, resident)
		if err != nil {
			return err
		}
		for _, other := range cards {
			if other.Onto == card && other.State.open() {
				return ErrCardNotFitting // another order is on its way
			}
		}
		base, err := tx.Card(ctx, resident, card)
		switch {
		case errors.Is(err, ErrNotFound) || err == nil && (base.State != CardPersonalised || base.Onto != ""):
			return ErrNoCard
		case err != nil:
			return err
		case base.Lost:
			return ErrCardNotFitting
		case base.Signature && !base.SignEnded:
			return ErrSignatureGood
		}
		return nil
	})
}

// order keeps an order that admit lets pass, and goes on with it.
func (r *Register) order(ctx context.Context, who audit.Actor, c Card, admit func(Tx, Record, *Card) error) (CardView, error) {
	resident, id := c.Resident, c.ID
	if !identifier.MatchString(id) {
		return CardView{}, badField(ErrBadEvent, &fieldError{"id", "is 1 to 64 of A-Z a-z 0-9 _ -"})
	}
	at := r.at()
	err := r.store.Write(ctx, func(tx Tx) error {
		rec, err := tx.Resident(ctx, resident)
		if errors.Is(err, ErrNotFound) {
			return ErrUnknownResident
		}
		if err != nil {
			return err
		}
		was, err := tx.Card(ctx, resident, id)
		switch {
		case err == nil && was.Onto != c.Onto:
			return ErrCardConflict
		case err == nil:
			return nil
		case !errors.Is(err, ErrNotFound):
			return err
		}
		if rec.gone() {
			return ErrResidentDied
		}
		fresh := c
		fresh.State, fresh.OrderedAt = CardOrdered, at
		if err := admit(tx, rec, &fresh); err != nil {
			return err
		}
		switch err := tx.AddCard(ctx, fresh); {
		case errors.Is(err, ErrTaken):
			return ErrCardConflict
		case err != nil:
			return err
		}
		if err := tx.SetWork(ctx, Work{Resident: resident, Due: at}); err != nil {
			return err
		}
		return tx.Audit(ctx, at, who, "card.order", id, map[string]string{"resident": resident, "onto": c.Onto})
	})
	if err != nil {
		return CardView{}, err
	}
	went := r.goOn(ctx, resident)
	var card Card
	err = r.store.Read(ctx, func(tx Tx) (err error) {
		card, err = tx.Card(ctx, resident, id)
		return err
	})
	switch {
	case err != nil:
		return CardView{}, err
	case card.State == CardRefused:
		return CardView{}, ErrCardRefused.With("reason", card.Trouble)
	case !card.State.open():
		return card.view(), nil
	}
	if went == nil { // another process has the line; it goes on there
		return card.view(), nil
	}
	return CardView{}, went
}

// cardIssuance is what the issuer's POST /v1/card-issuances takes.
type cardIssuance struct {
	ID      string `json:"id"`
	Person  person `json:"person"`
	AuthCSR []byte `json:"auth_csr"`
	SignCSR []byte `json:"sign_csr,omitempty"`
}

// cardReissue is what its POST /v1/card-reissues takes.
type cardReissue struct {
	ID      string `json:"id"`
	Card    string `json:"card"`
	Person  person `json:"person"`
	SignCSR []byte `json:"sign_csr"`
}

type person struct {
	ID           string              `json:"id"`
	Attributes   pki.Attributes      `json:"attributes"`
	Municipality subjectMunicipality `json:"municipality"`
	Contact      Contact             `json:"contact"`
}

// cardIssued is its answer.
type cardIssued struct {
	ID           string       `json:"id"`
	Certificates certificates `json:"certificates"`
	Authorities  certificates `json:"authorities"`
	NotAfter     time.Time    `json:"not_after"`
}

type certificates struct {
	Auth []byte `json:"auth"`
	Sign []byte `json:"sign,omitempty"`
}

// papers is what the cards role's POST /v1/cards/{id}/certificates takes.
type papers struct {
	Auth          []byte `json:"auth"`
	Sign          []byte `json:"sign,omitempty"`
	AuthAuthority []byte `json:"auth_authority"`
	SignAuthority []byte `json:"sign_authority,omitempty"`
}

// request has the card's keys made and writes down the request to the issuer
// before it is sent: what was asked for stays the same whatever happens.
func (r *Register) request(ctx context.Context, c Card) error {
	var rec Record
	err := r.store.Read(ctx, func(tx Tx) (err error) {
		rec, err = tx.Resident(ctx, c.Resident)
		return err
	})
	if err != nil {
		return err
	}
	if rec.gone() {
		return r.refusedCard(ctx, c, ErrResidentDied)
	}
	var blank blank
	if c.Onto != "" {
		blank, err = r.signatureKey(ctx, c)
	} else {
		blank, err = r.makeCard(ctx, c.ID, rec.Municipality)
	}
	if err != nil {
		return r.refusedCard(ctx, c, err)
	}
	return r.store.Write(ctx, func(tx Tx) error {
		rec, err := tx.Resident(ctx, c.Resident)
		if err != nil {
			return err
		}
		if rec.gone() {
			return ErrMoved
		}
		events, err := tx.EventsOf(ctx, c.Resident)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(events, func(e Event) bool { return e.State == EventWaiting }) {
			return ErrMoved // reported while the keys were made: the issuer hears of it first
		}
		m, ok := r.municipality(rec.Municipality)
		if !ok {
			return fmt.Errorf("municipality: resident %s: %w", rec.ID, ErrMunicipality)
		}
		who := person{ID: rec.ID, Attributes: rec.attributes(), Municipality: m.subject(), Contact: rec.Contact}
		var body any = cardIssuance{ID: c.ID, AuthCSR: blank.AuthCSR, SignCSR: blank.SignCSR, Person: who}
		switch {
		case c.Onto != "":
			body = cardReissue{ID: c.ID, Card: c.Onto, Person: who, SignCSR: blank.SignCSR}
		case !c.Signature:
			body = cardIssuance{ID: c.ID, AuthCSR: blank.AuthCSR, Person: who}
		}
		fresh := c
		fresh.State = CardRequested
		if fresh.Request, err = json.Marshal(body); err != nil {
			return err
		}
		if err := tx.UpdateCard(ctx, fresh, CardOrdered); err != nil {
			return err
		}
		return tx.Audit(ctx, r.at(), audit.System("municipality"), "card.request", c.ID, map[string]string{"resident": c.Resident})
	})
}

// issue asks for the certificates and keeps them.
func (r *Register) issue(ctx context.Context, c Card) error {
	issued, err := r.askIssuer(ctx, c)
	if err != nil {
		return r.refusedCard(ctx, c, err)
	}
	p := papers{Auth: issued.Certificates.Auth, AuthAuthority: issued.Authorities.Auth}
	if c.Signature {
		p.Sign, p.SignAuthority = issued.Certificates.Sign, issued.Authorities.Sign
	}
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return r.store.Write(ctx, func(tx Tx) error {
		fresh, err := stillIn(ctx, tx, c)
		if err != nil {
			return err
		}
		fresh.State, fresh.NotAfter, fresh.Papers = CardIssued, issued.NotAfter.UTC(), text
		if err := tx.UpdateCard(ctx, fresh, CardRequested); err != nil {
			return err
		}
		return tx.Audit(ctx, r.at(), audit.System("municipality"), "card.issued", c.ID, map[string]string{"resident": c.Resident})
	})
}
