package issuer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"tegata/internal/audit"
	"tegata/internal/pki"
	"tegata/issuer/ca"
	"tegata/issuer/profile"
	"tegata/store"
)

// Authorities implements ca.Store.
func (s *Store) Authorities(ctx context.Context) ([]ca.AuthorityRecord, error) {
	var list []ca.AuthorityRecord
	err := s.db.Read(ctx, func(tx store.Tx) error {
		list = nil
		rows, err := tx.Query(ctx, "SELECT authority, generation, algorithm, certificate FROM authority ORDER BY authority, generation")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var r ca.AuthorityRecord
			if err := rows.Scan(&r.Kind, &r.Generation, &r.Algorithm, &r.DER); err != nil {
				return err
			}
			list = append(list, r)
		}
		return rows.Err()
	})
	return list, err
}

// KeepAuthority implements ca.Store.
func (s *Store) KeepAuthority(ctx context.Context, who audit.Actor, at time.Time, a ca.AuthorityRecord) error {
	label := profile.Label(a.Kind, a.Generation)
	return s.db.Write(ctx, func(tx store.Tx) error {
		n, err := tx.Exec(ctx, `INSERT INTO authority (authority, generation, algorithm, certificate) VALUES ($1, $2, $3, $4)
			ON CONFLICT (authority, generation) DO NOTHING`, a.Kind, a.Generation, a.Algorithm, a.DER)
		if err != nil {
			return err
		}
		if n == 0 {
			var kept []byte
			if err := tx.QueryRow(ctx, "SELECT certificate FROM authority WHERE authority = $1 AND generation = $2", a.Kind, a.Generation).Scan(&kept); err != nil {
				return err
			}
			if !bytes.Equal(kept, a.DER) {
				return fmt.Errorf("store/issuer: authority %s is there with another certificate", label)
			}
			return nil
		}
		return store.Audit(ctx, tx, at, who, "authority.found", label, map[string]string{"sha256": pki.Fingerprint(a.DER)})
	})
}

const recordColumns = `serial, authority, generation, purpose, crl_partition, holder, reference, key_sha256,
	not_before_ms, not_after_ms, first_hold, tbs, certificate, prepared_at_ms`

type scanner interface{ Scan(dest ...any) error }

func scanRecord(row scanner) (ca.Record, error) {
	var r ca.Record
	var serial, key []byte
	var begin, end, prepared int64
	err := row.Scan(&serial, &r.Kind, &r.Generation, &r.Purpose, &r.Partition, &r.Holder, &r.Ref, &key,
		&begin, &end, &r.Hold, &r.TBS, &r.DER, &prepared)
	if err != nil {
		return ca.Record{}, err
	}
	r.NotBefore, r.NotAfter, r.PreparedAt = store.Moment(begin), store.Moment(end), store.Moment(prepared)
	if copy(r.KeySHA256[:], key) != len(r.KeySHA256) {
		return ca.Record{}, errors.New("store/issuer: a key hash of another length")
	}
	r.Serial, err = serialOf(serial)
	return r, err
}

// RecordDrafts implements ca.Store.
func (s *Store) RecordDrafts(ctx context.Context, who audit.Actor, drafts ...ca.Record) ([]ca.Record, error) {
	stands := make([]ca.Record, len(drafts))
	err := s.db.Write(ctx, func(tx store.Tx) (err error) {
		for n, r := range drafts {
			if stands[n], err = recordDraft(ctx, tx, who, r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return stands, nil
}

func recordDraft(ctx context.Context, tx store.Tx, who audit.Actor, r ca.Record) (ca.Record, error) {
	if r.Ref != "" {
		n, err := tx.Exec(ctx, "INSERT INTO certificate_reference (reference, serial) VALUES ($1, $2) ON CONFLICT (reference) DO NOTHING", r.Ref, r.Serial)
		if err != nil {
			return ca.Record{}, err
		}
		if n == 0 {
			return scanRecord(tx.QueryRow(ctx, `SELECT `+recordColumns+` FROM certificate
				WHERE serial = (SELECT serial FROM certificate_reference WHERE reference = $1)`, r.Ref))
		}
	}
	n, err := tx.Exec(ctx, `INSERT INTO certificate (`+recordColumns+`, status)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, NULL, $13, 'prepared') ON CONFLICT (serial) DO NOTHING`,
		r.Serial, r.Kind, r.Generation, r.Purpose, r.Partition, r.Holder, r.Ref, r.KeySHA256,
		store.Millis(r.NotBefore), store.Millis(r.NotAfter), r.Hold, r.TBS, store.Millis(r.PreparedAt))
	if err != nil {
		return ca.Record{}, err
	}
	if n == 0 {
		return ca.Record{}, ca.ErrSerialUsed
	}
	return r, store.Audit(ctx, tx, r.PreparedAt, who, "certificate.prepare", r.Serial.String(),
		map[string]string{"authority": profile.Label(r.Kind, r.Generation), "purpose": string(r.Purpose), "holder": r.Holder, "tbs_sha256": pki.Fingerprint(r.TBS)})
}

// FindRecord implements ca.Store.
func (s *Store) FindRecord(ctx context.Context, serial pki.Serial) (r ca.Record, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) error {
		r, err = scanRecord(tx.QueryRow(ctx, "SELECT "+recordColumns+" FROM certificate WHERE serial = $1", serial))
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return r, ca.ErrNotRecorded
	}
	return r, err
}

// RecordsOf implements ca.Store.
func (s *Store) RecordsOf(ctx context.Context, holder string) ([]ca.Record, error) {
	var list []ca.Record
	err := s.db.Read(ctx, func(tx store.Tx) error {
		list = nil
		rows, err := tx.Query(ctx, "SELECT "+recordColumns+" FROM certificate WHERE holder = $1 ORDER BY prepared_at_ms, serial", holder)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			r, err := scanRecord(rows)
			if err != nil {
				return err
			}
			list = append(list, r)
		}
		return rows.Err()
	})
	return list, err
}
