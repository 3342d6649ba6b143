package rack

import (
	"fmt"

	"tegata/holder/card"
)

// SignatureKey has somebody's card make a new signature key beside the one in use, for
// an order of that name, and returns its request. Errors: card.ErrNoCard, card.ErrBlank.
func (r *Rack) SignatureKey(id, order string) ([]byte, error) {
	c, err := r.box.Open(id)
	if err != nil {
		return nil, err
	}
	return c.NewSignatureKey(order)
}

// Signature writes the certificate of that key into the card: from then on the card
// signs with it, and the key before is gone. Sent again it changes nothing. Errors:
// card.ErrNoCard, card.ErrBlank, card.ErrOtherKey.
func (r *Rack) Signature(id string, p Papers) error {
	c, err := r.box.Open(id)
	if err != nil {
		return err
	}
	if len(p.Sign) == 0 || len(p.Auth) > 0 {
		return fmt.Errorf("rack: %w: a signature certificate alone is written", card.ErrOtherKey)
	}
	secrets, err := r.secrets.ForCard(id)
	if err != nil {
		return fmt.Errorf("rack: secrets of a card: %w", err)
	}
	return c.TakeSignature(p.Sign, p.SignAuthority, secrets.SignPassword)
}
