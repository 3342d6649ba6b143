package store

import "context"

// Counters are numbers that only grow, by what they count, in the table counter of a party
// that has one. Its Store embeds them.
type Counters struct{ db *DB }

// CountersOf are those of a database.
func CountersOf(db *DB) Counters { return Counters{db} }

// Next counts in the transaction of a step, and returns the number, from 1 on: none is given
// twice.
func Next(ctx context.Context, tx Tx, what string) (n int64, err error) {
	err = tx.QueryRow(ctx, `INSERT INTO counter (what, n) VALUES ($1, 1) ON CONFLICT (what) DO UPDATE SET n = counter.n + 1 RETURNING n`, what).Scan(&n)
	return n, err
}

// Count counts an event of which nothing else is kept.
func (c Counters) Count(ctx context.Context, what string) error {
	return c.db.Write(ctx, func(tx Tx) error {
		_, err := Next(ctx, tx, what)
		return err
	})
}

// Counts are all of them.
func (c Counters) Counts(ctx context.Context) (all map[string]int64, err error) {
	err = c.db.Read(ctx, func(tx Tx) error {
		all = map[string]int64{}
		rows, err := tx.Query(ctx, `SELECT what, n FROM counter`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var what string
			var n int64
			if err := rows.Scan(&what, &n); err != nil {
				return err
			}
			all[what] = n
		}
		return rows.Err()
	})
	return all, err
}
