package ra

import (
	"context"
	"crypto/x509"

	"tegata/internal/pki"
)

// LinkStaff tells a party with a staff desk who signs in there: the same text for every
// card this person ever had, and another for every other party. Only the card's own
// authentication certificate is asked about, so that nobody's phone is found out this
// way, and the person sees the question in the history.
func (r *RA) LinkStaff(ctx context.Context, party string, der []byte) (Linkage, error) {
	at := r.at()
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return Linkage{}, ErrUnknownCertificate.Because(err)
	}
	var out Linkage
	err = r.store.Write(ctx, func(tx Tx) error {
		found, err := ours(ctx, tx, cert)
		if err == nil && found.Kind != pki.CardAuth {
			err = ErrUnknownCertificate
		}
		if err != nil {
			return err
		}
		if out.Person, err = r.link(ctx, tx, party, found.Person); err != nil {
			return err
		}
		return r.logAgent(ctx, tx, at, found.Person, randomID(), Query{At: at, Verifier: party, What: "staff"})
	})
	return out, err
}
