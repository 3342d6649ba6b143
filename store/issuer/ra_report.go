package issuer

import (
	"context"
	"time"

	"tegata/issuer/ra"
	"tegata/store"
)

const reportColumns = "id person party at_ms"

// Report implements ra.Tx.
func (x raTx) Report(ctx context.Context, id string) (ra.ReportRecord, error) {
	return get(func(row scanner) (r ra.ReportRecord, err error) {
		var at int64
		err = row.Scan(&r.ID, &r.Person, &r.Party, &at)
		r.At = store.Moment(at)
		return r, err
	}, x.QueryRow(ctx, "SELECT "+columns(reportColumns)+" FROM report WHERE id = $1", id))
}

// PutReport implements ra.Tx.
func (x raTx) PutReport(ctx context.Context, r ra.ReportRecord, forget time.Time) error {
	if _, err := x.Exec(ctx, "DELETE FROM report WHERE at_ms < $1", store.Millis(forget)); err != nil {
		return err
	}
	return x.put(ctx, "report", reportColumns, 1, r.ID, r.Person, r.Party, store.Millis(r.At))
}
