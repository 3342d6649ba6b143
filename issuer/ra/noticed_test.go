package ra_test

import (
	"testing"
	"time"

	"tegata/internal/ceremony"
	"tegata/issuer/ra"
	"tegata/store"
	"tegata/store/issuer"
	"tegata/store/storetest"
)

// A party is told that there is a notice, for those only who asked it to watch, from
// then on, and until they end it.
func TestAPartyIsToldThatThereIsANotice(t *testing.T) {
	storetest.Each(t, issuer.Schema, func(t *testing.T, db *store.DB) {
		l := lifeIn(t, db)
		w := l.w
		watch := func(change func(*ceremony.Grant), on bool) error {
			g := w.trustGrant(t.Context(), l.c)
			g.Scope = ceremony.ScopeNotices
			change(&g)
			_, err := w.ra.WatchNotices(t.Context(), "portal", ra.NoticeWatch{Holder: w.trustGrant(t.Context(), l.c).Subject, On: on}, g)
			return err
		}
		told := func(party string, since time.Time) []ra.Noted {
			t.Helper()
			out, err := w.ra.Noticed(t.Context(), party, since)
			if err != nil {
				t.Fatal(err)
			}
			return out.Notices
		}
		for _, change := range []func(*ceremony.Grant){
			func(g *ceremony.Grant) { g.Scope = ceremony.ScopeTrust }, func(g *ceremony.Grant) { g.Party = "bank" },
			func(g *ceremony.Grant) { g.Subject = "somebody else" }, func(g *ceremony.Grant) { g.IssuedAt -= 9000; g.Expires -= 9000 },
		} {
			wantCode(t, watch(change, true), ra.CodeGrantInvalid)
		}
		w.pass(time.Minute)
		for range 2 {
			if err := watch(func(*ceremony.Grant) {}, true); err != nil {
				t.Fatal(err)
			}
		}
		if got := told("portal", time.Time{}); len(got) != 0 {
			t.Errorf("told of what was before: %v", got)
		}
		w.pass(time.Second)
		l.suspend()
		got := told("portal", time.Time{})
		if len(got) != 1 || got[0].Holder != w.trustGrant(t.Context(), l.c).Subject || !got[0].At.Equal(w.now) {
			t.Fatalf("told %v", got)
		}
		if others := told("bank", time.Time{}); len(others) != 0 {
			t.Errorf("another party was told %v", others)
		}
		if again := told("portal", w.now.Add(time.Millisecond)); len(again) != 0 {
			t.Errorf("told %v of what is older", again)
		}
		if err := watch(func(*ceremony.Grant) {}, false); err != nil {
			t.Fatal(err)
		}
		if after := told("portal", time.Time{}); len(after) != 0 {
			t.Errorf("after the end: %v", after)
		}
		l.mustBeWhole()
	})
}
