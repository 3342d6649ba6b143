package ra

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"

	"tegata/internal/audit"
)

// municipal is a message of a municipality: who sent it, and by what it is known when it is
// sent again.
type municipal struct {
	who  audit.Actor
	hash [32]byte
}

func municipalOf(municipality string, message any) (municipal, error) {
	text, err := json.Marshal(message)
	return municipal{audit.Actor{Party: "municipality", Kind: "party", ID: municipality}, sha256.Sum256(text)}, err
}

// again tells whether the message was carried out before: kept is the hash of the one that is
// kept under its id, and err what looking for that returned. It returns conflict when another
// message took the id.
func (m municipal) again(kept [32]byte, err, conflict error) (bool, error) {
	switch {
	case errors.Is(err, ErrNotFound):
		return false, nil
	case err != nil:
		return false, err
	case kept != m.hash:
		return false, conflict
	}
	return true, nil
}

// takeKey records that a key is subject's. ErrKeyUnsuitable, for a reason, when it is another's.
func takeKey(ctx context.Context, tx Tx, key [32]byte, subject, why string) error {
	owner, err := tx.TakeKey(ctx, key, subject)
	if err == nil && owner != "" && owner != subject {
		err = ErrKeyUnsuitable.Because(errors.New(why))
	}
	return err
}
