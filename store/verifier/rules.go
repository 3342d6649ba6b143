package verifier

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"tegata/internal/audit"
	"tegata/internal/ceremony"
	"tegata/store"
	"tegata/verifier/gateway"
)

// Rules implements gateway.Store.
func (s *Store) Rules(ctx context.Context, person string) (r ceremony.Rules, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) (err error) {
		r, err = rules(ctx, tx, person)
		return err
	})
	return r, err
}

func rules(ctx context.Context, tx store.Tx, person string) (r ceremony.Rules, err error) {
	var text string
	err = tx.QueryRow(ctx, "SELECT rules FROM holder_rules WHERE person = $1", person).Scan(&text)
	if errors.Is(err, store.ErrNotFound) {
		return ceremony.Rules{}, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(text), &r)
	}
	if err != nil {
		return r, fmt.Errorf("store/verifier: rules: %w", err)
	}
	return r, nil
}

// PutRules implements gateway.Store.
func (s *Store) PutRules(ctx context.Context, who audit.Actor, c gateway.RulesChange) error {
	text, err := json.Marshal(c.Rules.Normal())
	if err != nil {
		return fmt.Errorf("store/verifier: rules: %w", err)
	}
	return s.db.Write(ctx, func(tx store.Tx) error {
		if known, err := change(ctx, tx, c.ID); err == nil {
			if known.person == c.Person && known.rules == string(text) {
				return nil
			}
			return gateway.ErrUsed
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if c.Nonce != "" {
			if err := once(ctx, tx, "card word", c.Nonce, c.NonceEnd); err != nil {
				return err
			}
		}
		if c.Proposal != "" {
			n, err := tx.Exec(ctx, "UPDATE holder_rules_proposal SET done = 1 WHERE id = $1 AND person = $2 AND done = 0", c.Proposal, c.Person)
			if err != nil {
				return err
			}
			if n == 0 {
				return gateway.ErrUsed
			}
		}
		// The compare-and-set: the first rules of a person find no row, later ones the row of
		// the version before.
		n, err := tx.Exec(ctx, "UPDATE holder_rules SET version = $2, rules = $3 WHERE person = $1 AND version = $4",
			c.Person, c.Rules.Version, string(text), c.Rules.Version-1)
		if err == nil && n == 0 && c.Rules.Version == 1 {
			n, err = tx.Exec(ctx, "INSERT INTO holder_rules (person, version, rules) VALUES ($1, $2, $3) ON CONFLICT (person) DO NOTHING",
				c.Person, c.Rules.Version, string(text))
		}
		if err != nil {
			return err
		}
		if n == 0 {
			return gateway.ErrRulesChanged
		}
		if _, err := tx.Exec(ctx, `INSERT INTO holder_rules_change (id, person, version, at_ms, changed_by, party, rules)
			VALUES ($1, $2, $3, $4, $5, $6, $7)`, c.ID, c.Person, c.Rules.Version, c.At.UnixMilli(), c.By, c.Party, string(text)); err != nil {
			return err
		}
		if c.Tell != "" {
			if _, err := tx.Exec(ctx, "INSERT INTO telling (id, person, code, due_ms) VALUES ($1, $2, $3, $4)",
				rand.Text(), c.Person, c.Tell, c.At.UnixMilli()); err != nil {
				return err
			}
		}
		return store.Audit(ctx, tx, c.At, who, "rules changed", c.Person, map[string]string{"by": c.By, "version": strconv.FormatInt(c.Rules.Version, 10)})
	})
}

type changed struct{ person, rules string }

func change(ctx context.Context, tx store.Tx, id string) (c changed, err error) {
	err = tx.QueryRow(ctx, "SELECT person, rules FROM holder_rules_change WHERE id = $1", id).Scan(&c.person, &c.rules)
	return c, err
}

// RulesChanges implements gateway.Store.
func (s *Store) RulesChanges(ctx context.Context, person string, limit int) (all []ceremony.RulesChanged, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `SELECT at_ms, changed_by, party, rules FROM holder_rules_change WHERE person = $1
			ORDER BY version DESC LIMIT $2`, person, limit)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var c ceremony.RulesChanged
			var ms int64
			var text string
			if err := errors.Join(rows.Scan(&ms, &c.By, &c.Party, &text), json.Unmarshal([]byte(text), &c.Rules)); err != nil {
				return fmt.Errorf("store/verifier: rules: %w", err)
			}
			c.At = time.UnixMilli(ms).Unix()
			all = append(all, c)
		}
		return rows.Err()
	})
	return all, err
}

// PutProposal implements gateway.Store.
func (s *Store) PutProposal(ctx context.Context, who audit.Actor, p gateway.Proposal) error {
	text, err := json.Marshal(p.Rules.Normal())
	if err != nil {
		return fmt.Errorf("store/verifier: proposal: %w", err)
	}
	return s.db.Write(ctx, func(tx store.Tx) error {
		n, err := tx.Exec(ctx, `INSERT INTO holder_rules_proposal (id, person, rules, at_ms, expires_ms)
			VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO NOTHING`, p.ID, p.Person, string(text), p.At.UnixMilli(), p.Expires.UnixMilli())
		if err != nil {
			return err
		}
		if n == 0 {
			known, err := proposal(ctx, tx, p.ID)
			if err == nil && (known.Person != p.Person || known.Rules.Hash() != p.Rules.Hash()) {
				err = gateway.ErrUsed
			}
			return err
		}
		return store.Audit(ctx, tx, p.At, who, "rules prepared", p.Person, nil)
	})
}

// Proposal implements gateway.Store.
func (s *Store) Proposal(ctx context.Context, id string) (p gateway.Proposal, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) (err error) {
		p, err = proposal(ctx, tx, id)
		return err
	})
	return p, ours(err)
}

func proposal(ctx context.Context, tx store.Tx, id string) (gateway.Proposal, error) {
	p := gateway.Proposal{ID: id}
	var text string
	var at, expires, done int64
	err := tx.QueryRow(ctx, "SELECT person, rules, at_ms, expires_ms, done FROM holder_rules_proposal WHERE id = $1", id).
		Scan(&p.Person, &text, &at, &expires, &done)
	if err != nil {
		return p, err
	}
	p.At, p.Expires, p.Done = time.UnixMilli(at).UTC(), time.UnixMilli(expires).UTC(), done != 0
	return p, json.Unmarshal([]byte(text), &p.Rules)
}

// count checks, in the transaction of a verdict, that the rules by which it was judged
// still hold, and that the day's uses leave room for one more. Both databases serialize
// writers, so that of two answers at once the second sees the first.
func count(ctx context.Context, tx store.Tx, o gateway.Outcome) error {
	c := o.Count
	if c == nil {
		return nil
	}
	held, err := rules(ctx, tx, o.Person)
	if err != nil {
		return err
	}
	if held.Version != c.Rules {
		return gateway.ErrRulesChanged
	}
	for _, limit := range []struct {
		of  ceremony.Category
		max int
	}{{"", c.Total}, {c.Category, c.Limit}} {
		if limit.max == 0 {
			continue
		}
		var n int
		err := tx.QueryRow(ctx, `SELECT count(*) FROM holder_use WHERE certificate IN (SELECT certificate FROM holder WHERE person = $1)
			AND at_ms >= $2 AND at_ms < $3 AND counts_as <> '' AND ($4 = '' OR counts_as = $4)`,
			o.Person, c.From.UnixMilli(), c.To.UnixMilli(), string(limit.of)).Scan(&n)
		if err != nil {
			return err
		}
		if n >= limit.max {
			return gateway.ErrLimitReached
		}
	}
	return nil
}
