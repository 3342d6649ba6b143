// Package outbox keeps letters for whoever delivers them: the rows of the table outbox, which
// each schema has whose service writes letters.
//
// It owns the SQL over that table; the table and its counter are the schema's.
//
// # Trust
//
// As package store says. A letter has its link until it is erased.
package outbox

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"tegata/services/notice"
	"tegata/store"
)

// Life is how long a letter is kept.
const Life = 30 * 24 * time.Hour

// Put puts the n-th letter into the outbox.
func Put(ctx context.Context, tx store.Tx, n int64, at time.Time, address string, l notice.Letter) error {
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO outbox (n, at_ms, address, letter, erase_ms) VALUES ($1, $2, $3, $4, $5)`,
		n, at.UnixMilli(), address, string(text), at.Add(Life).UnixMilli())
	return err
}

// After reads letters after the one of an ID ("" for all), the oldest first: all of a
// database go by one channel. unknown is what it returns for an ID that is none.
func After(ctx context.Context, db *store.DB, after string, most int, channel string, unknown error) (all []notice.Notice, err error) {
	var from int64
	if after != "" {
		if from, err = strconv.ParseInt(after, 10, 64); err != nil {
			return nil, fmt.Errorf("store: letter %q: %w", after, unknown)
		}
	}
	err = db.Read(ctx, func(tx store.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `SELECT n, at_ms, address, letter FROM outbox WHERE n > $1 ORDER BY n LIMIT $2`, from, most)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			v := notice.Notice{To: notice.To{Channel: channel}}
			var n, at int64
			var letter string
			if err := rows.Scan(&n, &at, &v.To.Address, &letter); err != nil {
				return err
			}
			if err := json.Unmarshal([]byte(letter), &v.Letter); err != nil {
				return fmt.Errorf("store: letter %d: %w", n, err)
			}
			v.ID, v.At = strconv.FormatInt(n, 10), time.UnixMilli(at).UTC()
			all = append(all, v)
		}
		return rows.Err()
	})
	return all, err
}
