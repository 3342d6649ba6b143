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
		_, err = tx.Card(ctx, resident, id)
		if err == nil || !errors.Is(err, ErrNotFound) {
			return err
		}
		if rec.Died {
			return ErrResidentDied
		}
		c := Card{
			Resident: resident, ID: id, State: CardOrdered, OrderedAt: at,
			// Decided here once: a birthday during the order must not change what
			// is asked of the issuer under the same id.
			Signature: pki.Age(rec.birth(), at) >= minSignatureAge,
		}
		switch err := tx.AddCard(ctx, c); {
		case errors.Is(err, ErrTaken):
			return ErrCardConflict
		case err != nil:
			return err
		}
		if err := tx.SetWork(ctx, Work{Resident: resident, Due: at}); err != nil {
			return err
		}
		return tx.Audit(ctx, at, who, "card.order", id, map[string]string{"resident": resident})
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
	case card.State == CardPersonalised || card.State == CardReplaced:
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
	if rec.Died {
		return r.refusedCard(ctx, c, ErrResidentDied)
	}
	blank, err := r.makeCard(ctx, c.ID, rec.Municipality)
	if err != nil {
		return r.refusedCard(ctx, c, err)
	}
	return r.store.Write(ctx, func(tx Tx) error {
		rec, err := tx.Resident(ctx, c.Resident)
		if err != nil {
			return err
		}
		if rec.Died {
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
		body := cardIssuance{
			ID: c.ID, AuthCSR: blank.AuthCSR,
			Person: person{ID: rec.ID, Attributes: rec.attributes(), Municipality: m.subject(), Contact: rec.Contact},
		}
		if c.Signature {
			body.SignCSR = blank.SignCSR
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
	fresh := c
	fresh.State, fresh.NotAfter = CardIssued, issued.NotAfter.UTC()
	if fresh.Papers, err = json.Marshal(p); err != nil {
		return err
	}
	return r.store.Write(ctx, func(tx Tx) error {
		if err := tx.UpdateCard(ctx, fresh, CardRequested); err != nil {
			return err
		}
		return tx.Audit(ctx, r.at(), audit.System("municipality"), "card.issued", c.ID, map[string]string{"resident": c.Resident})
	})
}

// handOver writes the certificates into the card. With that the person has it,
// and the cards before it end. A refusal of the cards role ends nothing: the
// certificates exist, so the order stays open and its trouble in sight.
func (r *Register) handOver(ctx context.Context, c Card) error {
	if err := r.writeCard(ctx, c); err != nil {
		return err
	}
	return r.store.Write(ctx, func(tx Tx) error {
		at := r.at()
		fresh := c
		fresh.State, fresh.DoneAt = CardPersonalised, at
		if err := tx.UpdateCard(ctx, fresh, CardIssued); err != nil {
			return err
		}
		cards, err := tx.CardsOf(ctx, c.Resident)
		if err != nil {
			return err
		}
		older := false
		for _, old := range cards {
			if old.ID == c.ID || old.State != CardPersonalised {
				continue
			}
			old.State, older = CardReplaced, true
			if err := tx.UpdateCard(ctx, old, CardPersonalised); err != nil {
				return err
			}
		}
		if older {
			if err := r.renewed(ctx, tx, at, c); err != nil {
				return err
			}
		}
		return tx.Audit(ctx, at, audit.System("municipality"), "card.hand-over", c.ID, map[string]string{"resident": c.Resident})
	})
}

// renewed tells the issuer that the person has the new card in hand. Its id is
// drawn here: ids that a caller chose and this one must not meet.
func (r *Register) renewed(ctx context.Context, tx Tx, at time.Time, c Card) error {
	message := registerEvent{ID: newID(), Person: c.Resident, Kind: CardRenewed, Card: c.ID}
	hash, err := hashOf(message)
	if err != nil {
		return err
	}
	return r.enqueue(ctx, tx, at, message, hash)
}

// refusedCard ends the order when err is a final refusal, and returns err
// otherwise.
func (r *Register) refusedCard(ctx context.Context, c Card, err error) error {
	code, final := finalRefusal(err)
	if !final {
		return err
	}
	return r.store.Write(ctx, func(tx Tx) error { return r.endCard(ctx, tx, c, code) })
}

func (r *Register) endCard(ctx context.Context, tx Tx, c Card, code string) error {
	from := c.State
	at := r.at()
	c.State, c.Trouble, c.DoneAt = CardRefused, code, at
	if err := tx.UpdateCard(ctx, c, from); err != nil {
		return err
	}
	return tx.Audit(ctx, at, audit.System("municipality"), "card.refused", c.ID, map[string]string{"resident": c.Resident, "code": code})
}
