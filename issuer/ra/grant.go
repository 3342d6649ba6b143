package ra

import (
	"context"
	"errors"
	"time"

	"tegata/internal/ceremony"
)

// granted finds the person on whose behalf a party acts: g is that person's grant, of this
// scope, to this party, and its signature, path and role were checked. ErrGrantInvalid,
// ErrUnknownPerson.
func (r *RA) granted(ctx context.Context, tx Tx, scope, party, pairwise string, g ceremony.Grant, at time.Time) (person string, err error) {
	if err := g.For(r.config.URL, party, scope, at); err != nil {
		return "", ErrGrantInvalid.Because(err)
	}
	if g.Subject != pairwise {
		return "", ErrGrantInvalid.Because(errors.New("ra: the grant is about somebody else"))
	}
	person, err = tx.PersonOfPairwise(ctx, g.Issuer, pairwise)
	if errors.Is(err, ErrNotFound) {
		return "", ErrUnknownPerson
	}
	return person, err
}
