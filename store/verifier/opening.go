package verifier

import (
	"context"

	"tegata/store"
	"tegata/verifier/gateway"
)

// countOpening counts a signature that opens an account, in the transaction of its verdict:
// of two at once the second sees the first. Which party it was, no row says.
func countOpening(ctx context.Context, tx store.Tx, o gateway.Outcome) error {
	if o.Opening == nil {
		return nil
	}
	var n int
	if err := tx.QueryRow(ctx, "SELECT count(*) FROM account_opening WHERE person = $1 AND until_ms > $2", o.Opening.Person, o.At.UnixMilli()).Scan(&n); err != nil {
		return err
	}
	if n >= o.Opening.Most {
		return gateway.ErrOpeningsReached
	}
	_, err := tx.Exec(ctx, "INSERT INTO account_opening (person, until_ms) VALUES ($1, $2)", o.Opening.Person, o.Opening.Until.UnixMilli())
	return err
}
