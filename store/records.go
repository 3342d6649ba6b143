package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// AuditRecord is one record of a database's chain.
type AuditRecord struct {
	Seq            int64
	At             time.Time // to the millisecond
	Action, Object string
	Detail         map[string]string
}

// AuditRecords returns at most limit records that follow the one with number after,
// for whoever compares tables with what the records tell. Whether the chain is whole
// is CheckAudit's to say.
func AuditRecords(ctx context.Context, tx Tx, after int64, limit int) ([]AuditRecord, error) {
	rows, err := tx.Query(ctx, "SELECT seq, at_ms, action, object, detail FROM store_audit WHERE seq > $1 ORDER BY seq LIMIT $2", after, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []AuditRecord
	for rows.Next() {
		var r AuditRecord
		var at int64
		var detail string
		if err := rows.Scan(&r.Seq, &at, &r.Action, &r.Object, &detail); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(detail), &r.Detail); err != nil {
			return nil, fmt.Errorf("store: audit record %d: %w", r.Seq, err)
		}
		r.At = time.UnixMilli(at).UTC()
		list = append(list, r)
	}
	return list, rows.Err()
}
