package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash"
	"time"

	"tegata/internal/audit"
)

// Audit appends a record to the database's chain, in the transaction of the
// step it tells of: either both are there or neither. at is kept in
// milliseconds. object is the random id of what was changed. detail holds no
// personal data and no secret; ids and words of our own only.
func Audit(ctx context.Context, tx Tx, at time.Time, who audit.Actor, action, object string, detail map[string]string) error {
	if who.Party == "" || who.Kind == "" || who.ID == "" || action == "" {
		return fmt.Errorf("store: audit %q: who did it and what must be named", action)
	}
	text := []byte("{}")
	if len(detail) > 0 {
		var err error
		if text, err = json.Marshal(detail); err != nil { // a map's keys come out sorted
			return fmt.Errorf("store: audit %s: %w", action, err)
		}
	}
	var seq int64
	var prev []byte
	if err := tx.QueryRow(ctx, "SELECT seq, hash FROM store_audit_head WHERE one = 1").Scan(&seq, &prev); err != nil {
		return fmt.Errorf("store: audit %s: head: %w", action, err)
	}
	r := record{seq: seq + 1, atMs: at.UnixMilli(), who: who, action: action, object: object, detail: string(text)}
	next := r.chain(prev)
	n, err := tx.Exec(ctx, "UPDATE store_audit_head SET seq = $1, hash = $2 WHERE one = 1 AND seq = $3", r.seq, next, seq)
	if err != nil {
		return fmt.Errorf("store: audit %s: %w", action, err)
	}
	if n != 1 {
		return fmt.Errorf("store: audit %s: the head moved inside a transaction", action)
	}
	_, err = tx.Exec(ctx, `INSERT INTO store_audit (seq, at_ms, party, kind, actor, action, object, detail, hash)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		r.seq, r.atMs, who.Party, who.Kind, who.ID, action, object, r.detail, next)
	if err != nil {
		return fmt.Errorf("store: audit %s: %w", action, err)
	}
	return nil
}

type record struct {
	seq, atMs      int64
	who            audit.Actor
	action, object string
	detail         string
}

// chain is the hash of the record and of all before it. Every field goes in
// with its length, so that no two records read the same.
func (r record) chain(prev []byte) []byte {
	h := sha256.New()
	field(h, []byte("tegata audit 1"))
	field(h, prev)
	for _, n := range []int64{r.seq, r.atMs} {
		field(h, binary.BigEndian.AppendUint64(nil, uint64(n)))
	}
	for _, s := range []string{r.who.Party, r.who.Kind, r.who.ID, r.action, r.object, r.detail} {
		field(h, []byte(s))
	}
	return h.Sum(nil)
}

func field(h hash.Hash, b []byte) {
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(b))))
	h.Write(b)
}

// AuditBreak says where the chain of a database stops being whole.
type AuditBreak struct {
	Database string
	Seq      int64  // the first record that is missing, changed or too many
	Reason   string // in words
}

func (e *AuditBreak) Error() string {
	return fmt.Sprintf("store: the audit chain of %s breaks at record %d: %s", e.Database, e.Seq, e.Reason)
}

// CheckAudit recomputes the whole chain. It returns an *AuditBreak that names
// the first record that is not as it was written, or another error when the
// chain could not be read: then nothing is known.
func (db *DB) CheckAudit(ctx context.Context) error {
	return db.Read(ctx, func(tx Tx) error {
		var headSeq int64
		var head []byte
		if err := tx.QueryRow(ctx, "SELECT seq, hash FROM store_audit_head WHERE one = 1").Scan(&headSeq, &head); err != nil {
			return fmt.Errorf("store: check audit: head: %w", err)
		}
		rows, err := tx.Query(ctx, `SELECT seq, at_ms, party, kind, actor, action, object, detail, hash
			FROM store_audit ORDER BY seq`)
		if err != nil {
			return err
		}
		defer rows.Close()
		broken := func(seq int64, reason string) error {
			return &AuditBreak{Database: db.name, Seq: seq, Reason: reason}
		}
		last, prev := int64(0), []byte{}
		for rows.Next() {
			var r record
			var kept []byte
			if err := rows.Scan(&r.seq, &r.atMs, &r.who.Party, &r.who.Kind, &r.who.ID, &r.action, &r.object, &r.detail, &kept); err != nil {
				return fmt.Errorf("store: check audit: after record %d: %w", last, err)
			}
			if r.seq != last+1 {
				return broken(last+1, fmt.Sprintf("it is missing; the next one there is %d", r.seq))
			}
			if !bytes.Equal(r.chain(prev), kept) {
				return broken(r.seq, "its content does not give its hash")
			}
			last, prev = r.seq, kept
		}
		if err := rows.Err(); err != nil {
			return fmt.Errorf("store: check audit: after record %d: %w", last, err)
		}
		if last < headSeq {
			return broken(last+1, fmt.Sprintf("it is missing; the head names %d records", headSeq))
		}
		if last > headSeq || !bytes.Equal(prev, head) {
			return broken(last, "the head is not of this record")
		}
		return nil
	})
}

// AuditHead returns the number and hash of the last record. Noted elsewhere, it
// shows when a whole chain was replaced.
func (db *DB) AuditHead(ctx context.Context) (seq int64, hash []byte, err error) {
	err = db.Read(ctx, func(tx Tx) error {
		return tx.QueryRow(ctx, "SELECT seq, hash FROM store_audit_head WHERE one = 1").Scan(&seq, &hash)
	})
	return seq, hash, err
}
