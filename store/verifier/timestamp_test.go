package verifier_test

import (
	"testing"
	"time"

	"tegata/internal/pki"
	"tegata/store"
	"tegata/store/verifier"
	"tegata/verifier/tsa"
)

func TestTimeStampsAreRecordedOnceAndInOrder(t *testing.T) {
	each(t, func(t *testing.T, _ *store.DB, s *verifier.Store) {
		ctx, want := t.Context(), wants(t)
		first := tsa.Stamp{Serial: pki.RandomSerial(), At: now}
		want(s.RecordStamp(ctx, first), nil)
		want(s.RecordStamp(ctx, first), tsa.ErrSerialUsed)
		want(s.RecordStamp(ctx, tsa.Stamp{Serial: pki.RandomSerial(), At: now}), nil) // in the same second
		want(s.RecordStamp(ctx, tsa.Stamp{Serial: pki.RandomSerial(), At: now.Add(-time.Second)}), tsa.ErrClockBack)
		want(s.RecordStamp(ctx, tsa.Stamp{Serial: pki.RandomSerial(), At: now.Add(time.Second)}), nil)
	})
}
