package verifier_test

import (
	"sync"
	"testing"
	"time"

	"tegata/store"
	"tegata/store/verifier"
	"tegata/verifier/gateway"
)

// However many signatures of one person fall together, no more are stored than may be, and
// a verdict that is not stored counts nothing.
func TestOpeningsAreCountedWithTheVerdict(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, s *verifier.Store) {
		ctx, want := t.Context(), wants(t)
		want(s.PutPerson(ctx, [32]byte{1}, "p", now), nil)
		opening := func(n int, person byte, at time.Time) gateway.Outcome {
			o := outcome(n)
			o.At, o.Certificate, o.Opening = at, [32]byte{1}, &gateway.Opening{Person: [32]byte{person}, Until: at.Add(time.Hour), Most: 3}
			want(s.PutRequest(ctx, entry(), request(n)), nil)
			return o
		}
		var wg sync.WaitGroup
		errs := make([]error, 8)
		for i := range errs {
			o := opening(10+i, 1, now)
			wg.Go(func() { errs[i] = s.Finish(ctx, who, o) })
		}
		wg.Wait()
		stored := 0
		for _, err := range errs {
			if err == nil {
				stored++
				continue
			}
			want(err, gateway.ErrOpeningsReached)
		}
		if stored != 3 {
			t.Errorf("%d were stored", stored)
		}
		want(s.Finish(ctx, who, opening(30, 2, now)), nil) // somebody else
		want(s.Finish(ctx, who, opening(31, 1, now.Add(time.Hour-time.Millisecond))), gateway.ErrOpeningsReached)
		want(s.Finish(ctx, who, opening(32, 1, now.Add(time.Hour))), nil)
		want(db.CheckAudit(ctx), nil)
	})
}
