package carrier

import (
	"context"
	"errors"
	"time"

	"tegata/services/carrier"
	"tegata/services/notice"
	"tegata/store"
	"tegata/store/outbox"
)

// missing puts our word in place of a row that is not there.
func missing(err, ours error) error {
	if errors.Is(err, store.ErrNotFound) {
		return ours
	}
	return err
}

// post puts a letter into the outbox.
func post(ctx context.Context, tx store.Tx, at time.Time, address string, l carrier.Letter) error {
	n, err := store.Next(ctx, tx, "mail")
	if err != nil {
		return err
	}
	return outbox.Put(ctx, tx, n, at, address, l)
}

// inform mails a letter to each confirmed address of a person.
func inform(ctx context.Context, tx store.Tx, at time.Time, sub string, l carrier.Letter) error {
	all, err := addresses(ctx, tx, `WHERE sub = $1 AND confirmed_ms > 0 AND (until_ms = 0 OR until_ms > $2) ORDER BY asked_ms`, sub, at.UnixMilli())
	for _, a := range all {
		if err == nil {
			err = post(ctx, tx, at, a.Address, l)
		}
	}
	return err
}

func addresses(ctx context.Context, tx store.Tx, clause string, args ...any) (all []carrier.Address, err error) {
	rows, err := tx.Query(ctx, `SELECT address, asked_ms, confirmed_ms, until_ms FROM address `+clause, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var a carrier.Address
		var asked, confirmed, until int64
		if err := rows.Scan(&a.Address, &asked, &confirmed, &until); err != nil {
			return nil, err
		}
		a.AskedAt, a.ConfirmedAt, a.Until = store.Moment(asked), store.Moment(confirmed), store.Moment(until)
		all = append(all, a)
	}
	return all, rows.Err()
}

// begin begins to confirm an address, in place of one that was not confirmed.
func begin(ctx context.Context, tx store.Tx, at time.Time, sub string, c carrier.Confirm) error {
	if _, err := tx.Exec(ctx, `DELETE FROM address WHERE sub = $1 AND confirmed_ms = 0`, sub); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `INSERT INTO address (link, sub, address, asked_ms, erase_ms) VALUES ($1, $2, $3, $4, $5)`,
		c.Link[:], sub, c.Address, at.UnixMilli(), at.Add(carrier.AddressLife).UnixMilli())
	if err != nil {
		return err
	}
	return post(ctx, tx, at, c.Address, c.Letter)
}

// SetAddress implements carrier.Store.
func (s *Store) SetAddress(ctx context.Context, at time.Time, sub string, c carrier.Confirm) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		var one int64
		if err := tx.QueryRow(ctx, `SELECT 1 FROM line WHERE sub = $1 LIMIT 1`, sub).Scan(&one); err != nil {
			return missing(err, carrier.ErrNotFound)
		}
		if err := begin(ctx, tx, at, sub, c); err != nil {
			return err
		}
		return store.Audit(ctx, tx, at, system, "address asked for", sub, nil)
	})
}

// Confirm implements carrier.Store.
func (s *Store) Confirm(ctx context.Context, at time.Time, link carrier.Token, until time.Time, tell carrier.Letter) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		var sub, address string
		var confirmed int64
		if err := tx.QueryRow(ctx, `SELECT sub, address, confirmed_ms FROM address WHERE link = $1`, link[:]).Scan(&sub, &address, &confirmed); err != nil {
			return missing(err, carrier.ErrNotFound)
		}
		if confirmed > 0 {
			return nil
		}
		// The same address again takes the place of itself; who has another is told there.
		if _, err := tx.Exec(ctx, `DELETE FROM address WHERE sub = $1 AND address = $2 AND link <> $3`, sub, address, link[:]); err != nil {
			return err
		}
		if err := inform(ctx, tx, at, sub, tell); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE address SET until_ms = $1, erase_ms = $1 WHERE sub = $2 AND confirmed_ms > 0 AND until_ms = 0`, until.UnixMilli(), sub); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE address SET confirmed_ms = $1, erase_ms = 0 WHERE link = $2`, at.UnixMilli(), link[:]); err != nil {
			return err
		}
		return store.Audit(ctx, tx, at, system, "address confirmed", sub, nil)
	})
}

// AddressByLink implements carrier.Store.
func (s *Store) AddressByLink(ctx context.Context, link carrier.Token) (a carrier.Address, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) error {
		all, err := addresses(ctx, tx, `WHERE link = $1`, link[:])
		if err == nil && len(all) == 0 {
			err = carrier.ErrNotFound
		}
		if err == nil {
			a = all[0]
		}
		return err
	})
	return a, err
}

// Addresses implements carrier.Store.
func (s *Store) Addresses(ctx context.Context, sub string) (all []carrier.Address, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) (err error) {
		all, err = addresses(ctx, tx, `WHERE sub = $1 ORDER BY asked_ms DESC, address`, sub)
		return err
	})
	return all, err
}

// Outbox implements carrier.Store.
func (s *Store) Outbox(ctx context.Context, after string, limit int) ([]carrier.Mail, error) {
	return outbox.After(ctx, s.db, after, limit, notice.Mail, carrier.ErrNotFound)
}
