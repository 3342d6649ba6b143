package issuer

import (
	"context"
	"time"

	"tegata/issuer/ra"
	"tegata/store"
)

const supportColumns = `enrolment id mac message draw ctr made_at_ms ends_at_ms stage error pin_tries password_tries biometrics`

func scanSupport(row scanner) (ra.SupportRecord, error) {
	var s ra.SupportRecord
	var mac, message []byte
	var made, ends int64
	err := row.Scan(&s.Enrolment, &s.ID, &mac, &message, &s.Draw, &s.Ctr, &made, &ends,
		&s.Claims.Stage, &s.Claims.Error, &s.Claims.PINTries, &s.Claims.PasswordTries, &s.Claims.Biometrics)
	if err != nil {
		return s, err
	}
	s.MadeAt, s.EndsAt = store.Moment(made), store.Moment(ends)
	return s, fillAll(pair{s.MAC[:], mac}, pair{s.Message[:], message})
}

func (x raTx) support(ctx context.Context, where string, value any) (ra.SupportRecord, error) {
	return get(scanSupport, x.QueryRow(ctx, "SELECT "+columns(supportColumns)+" FROM support_number WHERE "+where, value))
}

// Support implements ra.Tx.
func (x raTx) Support(ctx context.Context, enrolment string) (ra.SupportRecord, error) {
	return x.support(ctx, "enrolment = $1", enrolment)
}

// SupportByID implements ra.Tx.
func (x raTx) SupportByID(ctx context.Context, id string) (ra.SupportRecord, error) {
	return x.support(ctx, "id = $1", id)
}

// SupportByMAC implements ra.Tx.
func (x raTx) SupportByMAC(ctx context.Context, mac [32]byte) (ra.SupportRecord, error) {
	return x.support(ctx, "mac = $1", mac)
}

// PutSupport implements ra.Tx.
func (x raTx) PutSupport(ctx context.Context, s ra.SupportRecord) error {
	return x.put(ctx, "support_number", supportColumns, 1, s.Enrolment, s.ID, s.MAC, s.Message, s.Draw, s.Ctr, store.Millis(s.MadeAt), store.Millis(s.EndsAt),
		s.Claims.Stage, s.Claims.Error, s.Claims.PINTries, s.Claims.PasswordTries, s.Claims.Biometrics)
}

// DropSupports implements ra.Tx.
func (x raTx) DropSupports(ctx context.Context, at time.Time) (int, error) {
	n, err := x.Exec(ctx, "DELETE FROM support_number WHERE ends_at_ms <= $1", store.Millis(at))
	return int(n), err
}

// NextSupportEnd implements ra.Tx.
func (x raTx) NextSupportEnd(ctx context.Context) (time.Time, bool, error) {
	var ends int64
	if err := x.QueryRow(ctx, "SELECT CAST(COALESCE(MIN(ends_at_ms), 0) AS BIGINT) FROM support_number").Scan(&ends); err != nil {
		return time.Time{}, false, err
	}
	return store.Moment(ends), ends > 0, nil
}
