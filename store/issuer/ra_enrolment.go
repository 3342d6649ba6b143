package issuer

import (
	"context"
	"encoding/json"
	"time"

	"tegata/internal/pki"
	"tegata/issuer/ra"
	"tegata/store"
)

const enrolmentColumns = `id person holder state application_sha256 card device_key nonce lock_code_salt element reset_counter
	manufacturer brand model applied_at_ms expires_at_ms auth_key sign_key auth_serial sign_serial not_after_ms
	registered_at_ms lock_code_verifier birth_date ctr last_check_in_ms last_unlock_ms
	lost_since_ms silent_since_ms suspected_since_ms done_ms due_ms ended ended_at_ms receipt reissue_of renews fork_ctr`

func scanEnrolment(row scanner) (ra.EnrolmentRecord, error) {
	var e ra.EnrolmentRecord
	var renews int64
	var application, element, authKey, signKey, auth, sign, verifier []byte
	times := []struct {
		into *time.Time
		ms   int64
	}{
		{into: &e.AppliedAt}, {into: &e.ExpiresAt}, {into: &e.NotAfter}, {into: &e.RegisteredAt}, {into: &e.LastCheckIn}, {into: &e.LastUnlock},
		{into: &e.LostSince}, {into: &e.SilentSince}, {into: &e.SuspectedSince}, {into: &e.Done}, {into: &e.Due}, {into: &e.EndedAt},
	}
	at := func(i int) *int64 { return &times[i].ms }
	err := row.Scan(&e.ID, &e.Person, &e.Holder, &e.State, &application, &e.Card, &e.DeviceKey, &e.Nonce, &e.LockCodeSalt, &element, &e.ResetCounter,
		&e.Manufacturer, &e.Brand, &e.Model, at(0), at(1), &authKey, &signKey, &auth, &sign, at(2),
		at(3), &verifier, &e.BirthDate, &e.Ctr, at(4), at(5),
		at(6), at(7), at(8), at(9), at(10), &e.Ended, at(11), &e.Receipt, &e.ReissueOf, &renews, &e.ForkCtr)
	if err != nil {
		return e, err
	}
	e.Renews = renews == 1
	for _, t := range times {
		*t.into = store.Moment(t.ms)
	}
	if err := json.Unmarshal(verifier, &e.LockCodeVerifier); err != nil {
		return e, err
	}
	return e, fillAll(pair{e.ApplicationSHA256[:], application}, pair{e.Element[:], element}, pair{e.AuthKey[:], authKey},
		pair{e.SignKey[:], signKey}, pair{e.AuthSerial[:], auth}, pair{e.SignSerial[:], sign})
}

func selectEnrolment(where string) string {
	return "SELECT " + columns(enrolmentColumns) + " FROM enrolment WHERE " + where
}

func (x raTx) enrolments(ctx context.Context, where string, args ...any) ([]ra.EnrolmentRecord, error) {
	return list(ctx, x, scanEnrolment, selectEnrolment(where), args...)
}

// Enrolment implements ra.Tx.
func (x raTx) Enrolment(ctx context.Context, id string) (ra.EnrolmentRecord, error) {
	return get(scanEnrolment, x.QueryRow(ctx, selectEnrolment("id = $1"), id))
}

// EnrolmentByReceipt implements ra.Tx.
func (x raTx) EnrolmentByReceipt(ctx context.Context, receipt string) (ra.EnrolmentRecord, error) {
	return get(scanEnrolment, x.QueryRow(ctx, selectEnrolment("receipt <> '' AND receipt = $1"), receipt))
}

// RegisteredBornOn implements ra.Tx.
func (x raTx) RegisteredBornOn(ctx context.Context, birth string) ([]ra.EnrolmentRecord, error) {
	return x.enrolments(ctx, "birth_date = $1 AND state = 'registered' ORDER BY id", birth)
}

// EnrolmentsOnElement implements ra.Tx.
func (x raTx) EnrolmentsOnElement(ctx context.Context, element [16]byte) ([]ra.EnrolmentRecord, error) {
	return x.enrolments(ctx, "element = $1 AND state <> 'ended' ORDER BY applied_at_ms, id", element)
}

// PutEnrolment implements ra.Tx.
func (x raTx) PutEnrolment(ctx context.Context, e ra.EnrolmentRecord) error {
	verifier, err := json.Marshal(e.LockCodeVerifier)
	if err != nil {
		return err
	}
	return x.put(ctx, "enrolment", enrolmentColumns, 1, e.ID, e.Person, e.Holder, e.State, e.ApplicationSHA256, e.Card, e.DeviceKey, e.Nonce,
		e.LockCodeSalt, e.Element, e.ResetCounter, e.Manufacturer, e.Brand, e.Model, store.Millis(e.AppliedAt), store.Millis(e.ExpiresAt), e.AuthKey, e.SignKey,
		e.AuthSerial, e.SignSerial, store.Millis(e.NotAfter), store.Millis(e.RegisteredAt), verifier, e.BirthDate, e.Ctr, store.Millis(e.LastCheckIn), store.Millis(e.LastUnlock),
		store.Millis(e.LostSince), store.Millis(e.SilentSince), store.Millis(e.SuspectedSince), store.Millis(e.Done), store.Millis(e.Due),
		e.Ended, store.Millis(e.EndedAt), e.Receipt, e.ReissueOf, e.Renews, e.ForkCtr)
}

// EnrolmentsDue implements ra.Tx.
func (x raTx) EnrolmentsDue(ctx context.Context, at time.Time, limit int) ([]string, error) {
	return list(ctx, x, scanText, "SELECT id FROM enrolment WHERE due_ms > 0 AND due_ms <= $1 ORDER BY due_ms, id LIMIT $2", store.Millis(at), limit)
}

// NextDue implements ra.Tx.
func (x raTx) NextDue(ctx context.Context) (time.Time, bool, error) {
	var due int64
	if err := x.QueryRow(ctx, "SELECT CAST(COALESCE(MIN(due_ms), 0) AS BIGINT) FROM enrolment WHERE due_ms > 0").Scan(&due); err != nil {
		return time.Time{}, false, err
	}
	return store.Moment(due), due > 0, nil
}

func scanText(row scanner) (s string, err error) {
	err = row.Scan(&s)
	return s, err
}

func scanBlob(row scanner) (b []byte, err error) {
	err = row.Scan(&b)
	return b, err
}

// Application implements ra.Tx.
func (x raTx) Application(ctx context.Context, enrolment string) ([]byte, error) {
	return get(scanBlob, x.QueryRow(ctx, "SELECT cms FROM application WHERE enrolment = $1", enrolment))
}

// KeepApplication implements ra.Tx.
func (x raTx) KeepApplication(ctx context.Context, enrolment string, cms []byte) error {
	return x.put(ctx, "application", "enrolment cms", 2, enrolment, cms)
}

// CheckIn implements ra.Tx.
func (x raTx) CheckIn(ctx context.Context, enrolment string, hash [32]byte) ([]byte, error) {
	return get(scanBlob, x.QueryRow(ctx, "SELECT answer FROM check_in WHERE enrolment = $1 AND sha256 = $2", enrolment, hash))
}

// PutCheckIn implements ra.Tx.
func (x raTx) PutCheckIn(ctx context.Context, enrolment string, hash [32]byte, at time.Time, answer []byte) error {
	return x.put(ctx, "check_in", "enrolment sha256 at_ms answer", 4, enrolment, hash, store.Millis(at), answer)
}

// DropCheckIns implements ra.Tx.
func (x raTx) DropCheckIns(ctx context.Context, enrolment string, before time.Time) error {
	_, err := x.Exec(ctx, "DELETE FROM check_in WHERE enrolment = $1 AND at_ms < $2", enrolment, store.Millis(before))
	return err
}

const certificateSelect = `SELECT s.serial, s.authority, s.person, s.subject, s.phone, s.prepared_at_ms, c.certificate, c.not_before_ms, c.not_after_ms
	FROM certificate_subject s JOIN certificate c ON c.serial = s.serial WHERE `

func scanCertificate(row scanner) (ra.CertificateRecord, error) {
	var c ra.CertificateRecord
	var serial []byte
	var phone, prepared, begin, end int64
	if err := row.Scan(&serial, &c.Kind, &c.Person, &c.Subject, &phone, &prepared, &c.DER, &begin, &end); err != nil {
		return c, err
	}
	c.Phone, c.PreparedAt, c.NotBefore, c.NotAfter = phone == 1, store.Moment(prepared), store.Moment(begin), store.Moment(end)
	return c, fillAll(pair{c.Serial[:], serial})
}

// Certificate implements ra.Tx.
func (x raTx) Certificate(ctx context.Context, kind pki.Kind, serial pki.Serial) (ra.CertificateRecord, error) {
	return get(scanCertificate, x.QueryRow(ctx, certificateSelect+"s.serial = $1 AND s.authority = $2", serial, kind))
}

// CertificatesOf implements ra.Tx.
func (x raTx) CertificatesOf(ctx context.Context, person string) ([]ra.CertificateRecord, error) {
	return list(ctx, x, scanCertificate, certificateSelect+"s.person = $1 ORDER BY s.prepared_at_ms DESC, s.authority, s.serial", person)
}

// CertificatesFor implements ra.Tx.
func (x raTx) CertificatesFor(ctx context.Context, subject string) ([]ra.CertificateRecord, error) {
	return list(ctx, x, scanCertificate, certificateSelect+"s.subject = $1 ORDER BY s.prepared_at_ms, s.authority, s.serial", subject)
}

// PutCertificate implements ra.Tx.
func (x raTx) PutCertificate(ctx context.Context, c ra.CertificateRecord) error {
	return x.put(ctx, "certificate_subject", "serial authority person subject phone prepared_at_ms", 1,
		c.Serial, c.Kind, c.Person, c.Subject, c.Phone, store.Millis(c.PreparedAt))
}
