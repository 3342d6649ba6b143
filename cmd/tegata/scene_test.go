package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"tegata/internal/pki"
	"tegata/store"
	issuerstore "tegata/store/issuer"
	phonestore "tegata/store/phone"
)

// withTables are the roles that have a database.
var withTables = []string{"bank", "carrier", "helpdesk", "issuer", "municipality", "pay", "phone", "portal", "verifier"}

// scene is what lies there when a process is dead.
type scene struct {
	heads  map[string]head   // role → the end of its audit chain
	phone  [][]byte          // DER of every certificate that the phones ever kept
	ledger map[string]record // serial → what the issuer has of it
	sent   map[string]string // id → state of every registration that the issuer knows
	cms    int               // applications that the issuer keeps
}

type head struct {
	seq  int64
	hash []byte
}

// record is a row of the issuer's certificates.
type record struct {
	authority, status string
	der               []byte // nil: recorded, never signed
	phone             bool   // of a phone of the resident
}

// dsn is where a role's tables are in the copy, or in a copy of the copy at dir.
func (k *killer) dsn(dir, role string) string {
	if k.pg != nil {
		return k.pg.working()[role]
	}
	return "sqlite:" + filepath.Join(dir, role, role+".db")
}

// look reads everything, and checks every audit chain. With SQLite it reads a
// copy: opening a database after a death repairs it, and that is for the process
// that is started again.
func (k *killer) look(ctx context.Context) (scene, error) {
	s := scene{heads: map[string]head{}}
	dir := k.work
	if k.pg == nil {
		dir = k.work + "-scene"
		defer os.RemoveAll(dir)
		for _, role := range withTables {
			if err := copyDatabase(filepath.Join(k.work, role, role+".db"), filepath.Join(dir, role, role+".db")); err != nil {
				return s, err
			}
		}
	}
	for _, role := range withTables {
		if err := k.lookAt(ctx, &s, role, k.dsn(dir, role)); err != nil {
			return s, fmt.Errorf("%s: %w", role, err)
		}
	}
	return s, nil
}

// copyDatabase copies an SQLite file and its log.
func copyDatabase(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(from + suffix)
		if errors.Is(err, os.ErrNotExist) && suffix != "" {
			continue
		}
		if err == nil {
			err = os.WriteFile(to+suffix, content, 0o600)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (k *killer) lookAt(ctx context.Context, s *scene, role, dsn string) error {
	db, err := store.Open(ctx, dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.CheckAudit(ctx); err != nil {
		return err
	}
	var h head
	if h.seq, h.hash, err = db.AuditHead(ctx); err != nil {
		return err
	}
	s.heads[role] = h
	switch role {
	case "phone":
		s.phone, err = kept(ctx, db)
	case "issuer":
		if err := issuerstore.New(db).CheckLedger(ctx); err != nil {
			return err
		}
		err = s.readIssuer(ctx, db)
	}
	return err
}

// kept is every certificate in the phones' own tables.
func kept(ctx context.Context, db *store.DB) (all [][]byte, err error) {
	for _, id := range []string{oldPhone, newPhone} {
		list, err := phonestore.New(db).Enrolments(ctx, id)
		if err != nil {
			return nil, err
		}
		for _, e := range list {
			if e.Certificates != nil {
				all = append(all, e.Certificates.Auth, e.Certificates.Sign)
			}
		}
	}
	return all, nil
}

func (s *scene) readIssuer(ctx context.Context, db *store.DB) error {
	return db.Read(ctx, func(tx store.Tx) error {
		s.ledger, s.sent = map[string]record{}, map[string]string{}
		err := each(ctx, tx, `SELECT c.serial, c.authority, c.status, c.certificate, COALESCE(s.phone, 0)
			FROM certificate c LEFT JOIN certificate_subject s ON s.serial = c.serial`, func(rows store.Rows) error {
			var serial []byte
			var r record
			var phone int64
			err := rows.Scan(&serial, &r.authority, &r.status, &r.der, &phone)
			r.phone = phone == 1
			s.ledger[pki.Serial(serial).String()] = r
			return err
		})
		if err != nil {
			return err
		}
		err = each(ctx, tx, "SELECT id, state FROM enrolment", func(rows store.Rows) error {
			var id, state string
			err := rows.Scan(&id, &state)
			s.sent[id] = state
			return err
		})
		if err != nil {
			return err
		}
		return tx.QueryRow(ctx, "SELECT COUNT(*) FROM application").Scan(&s.cms)
	})
}

func each(ctx context.Context, tx store.Tx, query string, row func(store.Rows) error) error {
	rows, err := tx.Query(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
