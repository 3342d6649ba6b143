package municipality

import (
	"context"
	"errors"
	"time"

	"tegata/internal/audit"
)

// stillIn reads c again, since a report may have marked it, or returns ErrMoved when it
// is in another state.
func stillIn(ctx context.Context, tx Tx, c Card) (Card, error) {
	now, err := tx.Card(ctx, c.Resident, c.ID)
	if err == nil && now.State != c.State {
		err = ErrMoved
	}
	return now, err
}

// handOver writes the certificates into the card. With that the person has it, unless
// it waits for them at the desk. A refusal of the cards role ends nothing: the
// certificates exist, so the order stays open and its trouble in sight.
func (r *Register) handOver(ctx context.Context, c Card) error {
	if err := r.writeCard(ctx, c); err != nil {
		return err
	}
	return r.store.Write(ctx, func(tx Tx) error {
		at := r.at()
		fresh, err := stillIn(ctx, tx, c)
		if err != nil {
			return err
		}
		if !c.Waits {
			return r.handed(ctx, tx, at, audit.System("municipality"), fresh)
		}
		fresh.State, fresh.DoneAt = CardReady, at
		if err := tx.UpdateCard(ctx, fresh, CardIssued); err != nil {
			return err
		}
		return tx.Audit(ctx, at, audit.System("municipality"), "card.ready", c.ID, map[string]string{"resident": c.Resident})
	})
}

// handed notes that the person has the card, or its new signature certificate, and ends
// the cards before it.
func (r *Register) handed(ctx context.Context, tx Tx, at time.Time, who audit.Actor, c Card) error {
	from := c.State
	c.State, c.DoneAt = CardPersonalised, at
	if err := tx.UpdateCard(ctx, c, from); err != nil {
		return err
	}
	if c.Onto != "" {
		return r.signed(ctx, tx, at, c)
	}
	cards, err := tx.CardsOf(ctx, c.Resident)
	if err != nil {
		return err
	}
	older := false
	for _, old := range cards {
		if old.ID == c.ID || old.State != CardPersonalised || old.Onto != "" {
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
	return tx.Audit(ctx, at, who, "card.hand-over", c.ID, map[string]string{"resident": c.Resident})
}

// HandOver gives a card that waits at the desk to its holder: the cards before it end,
// and the phone that was registered with one of them. Again, it changes nothing.
// Errors: ErrUnknownResident, ErrNoCard.
func (r *Register) HandOver(ctx context.Context, who audit.Actor, resident, card string) (CardView, error) {
	at := r.at()
	err := r.store.Write(ctx, func(tx Tx) error {
		if _, err := tx.Resident(ctx, resident); errors.Is(err, ErrNotFound) {
			return ErrUnknownResident
		} else if err != nil {
			return err
		}
		c, err := tx.Card(ctx, resident, card)
		switch {
		case errors.Is(err, ErrNotFound), err == nil && c.State != CardReady && c.State != CardPersonalised:
			return ErrNoCard
		case err != nil:
			return err
		case c.State == CardPersonalised:
			return nil
		}
		return r.handed(ctx, tx, at, who, c)
	})
	if err != nil {
		return CardView{}, err
	}
	if err := r.goOn(ctx, resident); err != nil {
		r.conf.Log.WarnContext(ctx, "hand-over not told yet", "resident", resident, "card", card, "error", err)
	}
	var out Card
	err = r.store.Read(ctx, func(tx Tx) (err error) {
		out, err = tx.Card(ctx, resident, card)
		return err
	})
	return out.view(), err
}

// signed notes that a card has the new signature certificate.
func (r *Register) signed(ctx context.Context, tx Tx, at time.Time, order Card) error {
	base, err := tx.Card(ctx, order.Resident, order.Onto)
	if err != nil {
		return err
	}
	base.Signature, base.SignEnded = true, order.SignEnded // moved again meanwhile: it is in the card, and ended
	if err := tx.UpdateCard(ctx, base, base.State); err != nil {
		return err
	}
	return tx.Audit(ctx, at, audit.System("municipality"), "card.signature", order.Onto, map[string]string{"resident": order.Resident, "order": order.ID})
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
	c, err := stillIn(ctx, tx, c)
	if err != nil {
		return err
	}
	c.State, c.Trouble, c.DoneAt = CardRefused, code, at
	if err := tx.UpdateCard(ctx, c, from); err != nil {
		return err
	}
	return tx.Audit(ctx, at, audit.System("municipality"), "card.refused", c.ID, map[string]string{"resident": c.Resident, "code": code})
}
