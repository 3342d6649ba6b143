// Package helpdesk keeps the helpdesk's state: its roster and its cases.
//
// It owns the tables under schema/ and the SQL over them; what they mean is package
// services/helpdesk's.
//
// # Trust
//
// As package store says. Nothing about a caller comes here.
package helpdesk

import (
	"context"
	"embed"
	"errors"
	"io/fs"

	"tegata/internal/audit"
	"tegata/services/helpdesk"
	"tegata/store"
)

//go:embed schema
var schema embed.FS

// Schema are the migrations, for store.DB.Migrate.
var Schema fs.FS = schema

// Store implements helpdesk.Store.
type Store struct{ db *store.DB }

var _ helpdesk.Store = (*Store)(nil)

// New is a Store over a database that has the tables of Schema.
func New(db *store.DB) *Store { return &Store{db} }

// PutAgent implements helpdesk.Store.
func (s *Store) PutAgent(ctx context.Context, who audit.Actor, a helpdesk.Agent) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		if _, err := tx.Exec(ctx, `INSERT INTO agent (id, person, added_at_ms, ended_at_ms) VALUES ($1, $2, $3, $4)
			ON CONFLICT (id) DO UPDATE SET person = excluded.person, ended_at_ms = excluded.ended_at_ms`,
			a.ID, a.Person, store.Millis(a.AddedAt), store.Millis(a.EndedAt)); err != nil {
			return err
		}
		if !a.EndedAt.IsZero() {
			return store.Audit(ctx, tx, a.EndedAt, who, "off the roster", a.ID, nil)
		}
		return store.Audit(ctx, tx, a.AddedAt, who, "on the roster", a.ID, nil)
	})
}

// AgentOf implements helpdesk.Store.
func (s *Store) AgentOf(ctx context.Context, person string) (a helpdesk.Agent, err error) {
	all, err := s.agents(ctx, "WHERE person = $1 AND ended_at_ms = 0", person)
	if err == nil && len(all) == 0 {
		err = helpdesk.ErrNotFound
	}
	if err != nil {
		return a, err
	}
	return all[0], nil
}

// Agents implements helpdesk.Store.
func (s *Store) Agents(ctx context.Context) ([]helpdesk.Agent, error) { return s.agents(ctx, "") }

func (s *Store) agents(ctx context.Context, where string, args ...any) (all []helpdesk.Agent, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `SELECT id, person, added_at_ms, ended_at_ms FROM agent `+where+` ORDER BY id`, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var a helpdesk.Agent
			var added, ended int64
			if err := rows.Scan(&a.ID, &a.Person, &added, &ended); err != nil {
				return err
			}
			a.AddedAt, a.EndedAt = store.Moment(added), store.Moment(ended)
			all = append(all, a)
		}
		return rows.Err()
	})
	return all, err
}

// OpenCase implements helpdesk.Store.
func (s *Store) OpenCase(ctx context.Context, who audit.Actor, c helpdesk.Case) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		id, report, err := reportColumns(c)
		if err != nil {
			return err
		}
		n, err := tx.Exec(ctx, `INSERT INTO case_file (number, kind, reference, agent, opened_at_ms, state, report_id, report) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
			ON CONFLICT DO NOTHING`, c.Number, c.Kind, c.Reference[:], c.Agent, store.Millis(c.OpenedAt), c.State, id, report)
		if err != nil {
			return err
		}
		if n == 0 {
			return helpdesk.ErrTaken
		}
		for i, e := range c.Events {
			if err := note(ctx, tx, who, c.Number, i+1, e); err != nil {
				return err
			}
		}
		return nil
	})
}

// Note implements helpdesk.Store.
func (s *Store) Note(ctx context.Context, who audit.Actor, number string, e helpdesk.Event) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		last, err := lastEvent(ctx, tx, number)
		if err != nil {
			return err
		}
		if last == 0 { // a case has an event from its beginning
			return helpdesk.ErrNotFound
		}
		return note(ctx, tx, who, number, last+1, e)
	})
}

func lastEvent(ctx context.Context, tx store.Tx, number string) (last int, err error) {
	err = tx.QueryRow(ctx, `SELECT CAST(COALESCE(MAX(n), 0) AS BIGINT) FROM case_event WHERE number = $1`, number).Scan(&last)
	return last, err
}

func note(ctx context.Context, tx store.Tx, who audit.Actor, number string, n int, e helpdesk.Event) error {
	if _, err := tx.Exec(ctx, `INSERT INTO case_event (number, n, at_ms, agent, what, code) VALUES ($1, $2, $3, $4, $5, $6)`,
		number, n, store.Millis(e.At), e.Agent, e.What, e.Code); err != nil {
		return err
	}
	return store.Audit(ctx, tx, e.At, who, "case "+string(e.What), number, map[string]string{"code": e.Code})
}

// Case implements helpdesk.Store.
func (s *Store) Case(ctx context.Context, number string) (helpdesk.Case, error) {
	return s.one(ctx, "number = $1", number)
}

// CaseAbout implements helpdesk.Store.
func (s *Store) CaseAbout(ctx context.Context, reference [32]byte) (helpdesk.Case, error) {
	return s.one(ctx, "reference = $1", reference[:])
}

func (s *Store) one(ctx context.Context, where string, value any) (c helpdesk.Case, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) error {
		all, err := cases(ctx, tx, "WHERE "+where+" ORDER BY number LIMIT 1", value)
		if err == nil && len(all) == 0 {
			err = helpdesk.ErrNotFound
		}
		if err != nil {
			return err
		}
		c = all[0]
		return events(ctx, tx, &c)
	})
	return c, err
}

// Cases implements helpdesk.Store.
func (s *Store) Cases(ctx context.Context, limit int) ([]helpdesk.Case, error) {
	return s.list(ctx, "ORDER BY opened_at_ms DESC, number LIMIT $1", limit)
}

// list finds cases with the last of their events.
func (s *Store) list(ctx context.Context, where string, args ...any) (all []helpdesk.Case, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) error {
		if all, err = cases(ctx, tx, where, args...); err != nil {
			return err
		}
		for i := range all {
			if err := events(ctx, tx, &all[i]); err != nil {
				return err
			}
			all[i].Events = all[i].Events[len(all[i].Events)-1:]
		}
		return nil
	})
	return all, err
}

func cases(ctx context.Context, tx store.Tx, where string, args ...any) (all []helpdesk.Case, err error) {
	rows, err := tx.Query(ctx, `SELECT number, kind, reference, agent, opened_at_ms, state, report FROM case_file `+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var c helpdesk.Case
		var reference []byte
		var opened int64
		var report string
		if err := rows.Scan(&c.Number, &c.Kind, &reference, &c.Agent, &opened, &c.State, &report); err != nil {
			return nil, err
		}
		if c.Report, err = parseReport(report); err != nil {
			return nil, err
		}
		if copy(c.Reference[:], reference) != len(c.Reference) {
			return nil, errors.New("store/helpdesk: a reference is not 32 bytes")
		}
		c.OpenedAt = store.Moment(opened)
		all = append(all, c)
	}
	return all, rows.Err()
}

func events(ctx context.Context, tx store.Tx, c *helpdesk.Case) error {
	rows, err := tx.Query(ctx, `SELECT at_ms, agent, what, code FROM case_event WHERE number = $1 ORDER BY n`, c.Number)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var e helpdesk.Event
		var at int64
		if err := rows.Scan(&at, &e.Agent, &e.What, &e.Code); err != nil {
			return err
		}
		e.At = store.Moment(at)
		c.Events = append(c.Events, e)
	}
	return rows.Err()
}
