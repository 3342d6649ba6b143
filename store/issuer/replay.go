package issuer

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"tegata/internal/pki"
	"tegata/issuer/profile"
	"tegata/issuer/status"
	"tegata/store"
)

// LedgerBreak says where the ledger is not what its audit records tell.
type LedgerBreak struct {
	Database string
	Where    string // "certificate SERIAL", "change NUMBER"
	Reason   string // in words
}

func (e *LedgerBreak) Error() string {
	return fmt.Sprintf("store/issuer: the ledger of %s is not as recorded at %s: %s", e.Database, e.Where, e.Reason)
}

// CheckLedger replays the audit records and compares what they tell with the rows of
// certificates, their open holds and the history of changes. It returns a *LedgerBreak
// that names the first row that is changed, missing or too many, or another error when
// they could not be read: then nothing is known. It believes the records: that their
// chain is whole is store.DB.CheckAudit's to say, before.
func (s *Store) CheckLedger(ctx context.Context) error {
	return s.db.Read(ctx, func(tx store.Tx) error { return checkLedger(ctx, tx, s.db.Name()) })
}

func checkLedger(ctx context.Context, tx store.Tx, database string) error {
	r := &replay{tx: tx, database: database, kept: map[pki.Serial]*certificate{}}
	for _, step := range []func(context.Context) error{r.readCertificates, r.readHolds, r.replay, r.compare} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// replay is the checking of one ledger.
type replay struct {
	tx       store.Tx
	database string
	kept     map[pki.Serial]*certificate
	order    []pki.Serial // of kept, so that the same row is named each time

	seq     int64             // changes that the records have told
	changes []status.Recorded // read ahead
}

// certificate is a certificate as its rows have it and as the records tell of it.
type certificate struct {
	row, told state
	recorded  bool // some record tells of it
}

// state is everything of a certificate that both sides know. Partition and NotAfter are
// what the certificate itself says; its hash is recorded.
type state struct {
	status.Recorded
	holder string
	sha256 string // of the certificate; of the tbsCertificate while it is a draft
}

// page is how many rows are read at once.
const page = 1000

func (r *replay) broken(where, reason string) error {
	return &LedgerBreak{Database: r.database, Where: where, Reason: reason}
}

func (r *replay) brokenAt(s pki.Serial, reason string) error {
	return r.broken("certificate "+s.String(), reason)
}

func (r *replay) readCertificates(ctx context.Context) error {
	rows, err := r.tx.Query(ctx, "SELECT "+entryColumns+", holder, key_sha256, tbs, certificate FROM certificate ORDER BY serial")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var s state
		var key, tbs, der []byte
		s.Recorded, err = scanEntry(more{rows, []any{&s.holder, &key, &tbs, &der}})
		if err != nil {
			return err
		}
		s.sha256 = pki.Fingerprint(tbs)
		if s.Status != prepared {
			s.sha256 = pki.Fingerprint(der)
			if reason := mismatch(s.Entry, key, der); reason != "" {
				return r.brokenAt(s.Serial, reason)
			}
		}
		r.kept[s.Serial] = &certificate{row: s}
		r.order = append(r.order, s.Serial)
	}
	return rows.Err()
}

// more scans further columns behind those of scanEntry.
type more struct {
	scanner
	dest []any
}

func (m more) Scan(dest ...any) error { return m.scanner.Scan(slices.Concat(dest, m.dest)...) }

// mismatch says what of a row is not as in its certificate.
func mismatch(e status.Entry, key, der []byte) string {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return "the certificate cannot be read"
	}
	spki := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
	switch {
	case pki.SerialOf(cert) != e.Serial:
		return "the certificate is of another serial number"
	case !cert.NotAfter.Equal(e.NotAfter):
		return "the certificate ends at another time"
	case string(spki[:]) != string(key):
		return "the certificate is of another key"
	case len(cert.CRLDistributionPoints) > 0 && path.Base(cert.CRLDistributionPoints[0]) != e.Partition+".crl":
		return "the certificate names another partition"
	}
	return ""
}

func (r *replay) readHolds(ctx context.Context) error {
	rows, err := r.tx.Query(ctx, "SELECT serial, cause, opened_at_ms FROM hold ORDER BY serial, opened_at_ms, cause")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var octets []byte
		var h status.Hold
		var since int64
		if err := rows.Scan(&octets, &h.Cause, &since); err != nil {
			return err
		}
		serial, err := serialOf(octets)
		if err != nil {
			return err
		}
		c := r.kept[serial]
		if c == nil {
			return r.brokenAt(serial, "it has a hold and no row")
		}
		h.Since = store.Moment(since)
		c.row.Holds = append(c.row.Holds, h)
	}
	return rows.Err()
}

// replay goes through the records in order.
func (r *replay) replay(ctx context.Context) error {
	for after := int64(0); ; {
		records, err := store.AuditRecords(ctx, r.tx, after, page)
		if err != nil {
			return err
		}
		for _, rec := range records {
			if err := r.tell(ctx, rec); err != nil {
				return err
			}
			after = rec.Seq
		}
		if len(records) < page {
			return nil
		}
	}
}

// tell makes what one record tells of.
func (r *replay) tell(ctx context.Context, rec store.AuditRecord) error {
	op, isStatus := strings.CutPrefix(rec.Action, "status.")
	if !isStatus && rec.Action != "certificate.prepare" && rec.Action != "certificate.issue" {
		return nil
	}
	serial, err := pki.ParseSerial(rec.Object)
	if err != nil {
		return fmt.Errorf("store/issuer: audit record %d: %w", rec.Seq, err)
	}
	c := r.kept[serial]
	if c == nil {
		return r.brokenAt(serial, fmt.Sprintf("its row is missing; record %d tells of it", rec.Seq))
	}
	c.recorded = true
	e := c.told.Entry
	switch {
	case rec.Action == "certificate.prepare":
		c.told.Serial, c.told.Status, c.told.holder, c.told.sha256 = serial, prepared, rec.Detail["holder"], rec.Detail["tbs_sha256"]
		c.told.Partition, c.told.NotAfter = c.row.Partition, c.row.NotAfter
		c.told.Kind, c.told.Generation, err = profile.ParseLabel(rec.Detail["authority"])
		return err
	case rec.Action == "certificate.issue":
		e, c.told.sha256 = issued(e, status.Cause(rec.Detail["hold"]), store.Moment(store.Millis(rec.At))), rec.Detail["sha256"]
	default:
		if e, err = decided(e, status.Op(op), rec); err != nil {
			return fmt.Errorf("store/issuer: audit record %d: %w", rec.Seq, err)
		}
	}
	r.seq++
	c.told.Recorded = status.Recorded{Seq: r.seq, At: store.Moment(store.Millis(rec.At)), Entry: e}
	return r.compareChange(ctx, c.told.Recorded)
}

// decided is e after the change that a record tells of: by the ledger's own rule.
func decided(e status.Entry, op status.Op, rec store.AuditRecord) (status.Entry, error) {
	c := status.Change{Kind: e.Kind, Serial: e.Serial, Op: op, Cause: status.Cause(rec.Detail["cause"])}
	var err error
	if text, ok := rec.Detail["reason"]; ok {
		if c.Reason, err = strconv.Atoi(text); err != nil {
			return e, err
		}
	}
	if text, ok := rec.Detail["invalid_ms"]; ok {
		at, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return e, err
		}
		c.Invalid = store.Moment(at)
	}
	next, _, err := status.Decide(e, c, store.Moment(store.Millis(rec.At)))
	return next, err
}

// compareChange compares the next row of the history with what the records tell.
func (r *replay) compareChange(ctx context.Context, told status.Recorded) error {
	where := fmt.Sprintf("change %d (certificate %s)", told.Seq, told.Serial)
	if len(r.changes) == 0 {
		var err error
		if r.changes, err = statusChanges(ctx, r.tx, told.Seq-1, page); err != nil {
			return err
		}
	}
	if len(r.changes) == 0 || r.changes[0].Seq != told.Seq {
		return r.broken(where, "its row in the history is missing")
	}
	if reason := differs(r.changes[0], told); reason != "" {
		return r.broken(where, "in the history "+reason)
	}
	r.changes = r.changes[1:]
	return nil
}

// compare compares what is left with what the records told in the end.
func (r *replay) compare(ctx context.Context) error {
	for _, serial := range r.order {
		c := r.kept[serial]
		if !c.recorded {
			return r.brokenAt(serial, "no record tells of it")
		}
		reason := differs(c.row.Recorded, c.told.Recorded)
		switch {
		case reason != "":
		case c.row.holder != c.told.holder:
			reason = "it is another holder's than the records say"
		case c.row.sha256 != c.told.sha256:
			reason = "what was signed is not what the records say"
		case !slices.Equal(causes(c.row.Holds), causes(c.told.Holds)):
			reason = fmt.Sprintf("open holds are %q; the records say %q", causes(c.row.Holds), causes(c.told.Holds))
		}
		if reason != "" {
			return r.brokenAt(serial, reason)
		}
	}
	more, err := statusChanges(ctx, r.tx, r.seq, 1)
	if err != nil {
		return err
	}
	if len(more) > 0 {
		return r.broken(fmt.Sprintf("change %d (certificate %s)", more[0].Seq, more[0].Serial), "no record tells of it")
	}
	var head int64
	if err := r.tx.QueryRow(ctx, "SELECT seq FROM status_head WHERE one = 1").Scan(&head); err != nil {
		return err
	}
	if head != r.seq {
		return r.broken("the head", fmt.Sprintf("it names %d changes; the records say %d", head, r.seq))
	}
	return nil
}

// differs says what of kept is not as told, in words; "" for nothing. Holds are left out.
func differs(kept, told status.Recorded) string {
	for _, f := range []struct {
		name       string
		kept, told any
	}{
		{"the serial number", kept.Serial, told.Serial},
		{"the authority", kept.Label(), told.Label()},
		{"the partition", kept.Partition, told.Partition},
		{"the end", store.Millis(kept.NotAfter), store.Millis(told.NotAfter)},
		{"the status", kept.Status, told.Status},
		{"the reason", kept.Reason, told.Reason},
		{"the moment of the end or hold", store.Millis(kept.Since), store.Millis(told.Since)},
		{"the invalidity date", store.Millis(kept.Invalid), store.Millis(told.Invalid)},
		{"the moment of becoming good", store.Millis(kept.GoodSince), store.Millis(told.GoodSince)},
		{"the number of the last change", kept.Seq, told.Seq},
		{"the moment of the last change", store.Millis(kept.At), store.Millis(told.At)},
	} {
		if f.kept != f.told {
			return fmt.Sprintf("%s is %v; the records say %v", f.name, f.kept, f.told)
		}
	}
	return ""
}

// causes are holds as text that compares.
func causes(list []status.Hold) []string {
	out := make([]string, len(list))
	for n, h := range list {
		out[n] = fmt.Sprintf("%s since %d", h.Cause, store.Millis(h.Since))
	}
	slices.Sort(out)
	return out
}
