package portal_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"tegata/internal/audit"
	"tegata/services/portal"
	"tegata/store"
	portalstore "tegata/store/portal"
	"tegata/store/storetest"
)

var (
	at  = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	who = audit.System("portal")
)

func TestALoginIsFinishedOnceAndItsSessionEnds(t *testing.T) {
	storetest.Each(t, portalstore.Schema, func(t *testing.T, db *store.DB) {
		s, ctx := portalstore.New(db), t.Context()
		l := portal.Login{Browser: [32]byte{1}, Channel: "same", ResultID: "r", RequestURI: "u", BegunAt: at, ExpiresAt: at.Add(5 * time.Minute)}
		if err := s.PutLogin(ctx, who, l); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Login(ctx, l.Browser); err != nil || got != l {
			t.Fatalf("got %+v, %v", got, err)
		}
		if _, err := s.Login(ctx, [32]byte{2}); !errors.Is(err, portal.ErrNotFound) {
			t.Fatalf("another browser's login: %v", err)
		}
		if _, err := s.Account(ctx, "p"); !errors.Is(err, portal.ErrNotFound) {
			t.Fatalf("an account before the first login: %v", err)
		}
		a := portal.Account{Person: "p", Name: "手形　花子", NameAsOf: at, CreatedAt: at}
		session := portal.Session{Token: [32]byte{3}, Person: "p", Channel: "same", ACR: "r1", Grants: map[string]string{"suspend": "s", "trust": "t", "notices": "n"}, Begun: at, Ends: at.Add(time.Hour)}
		for i, want := range []bool{true, false} {
			if first, err := s.Finish(ctx, who, l.Browser, a, session); err != nil || first != want {
				t.Fatalf("finish %d: %v, %v", i+1, first, err)
			}
		}
		n, got, err := s.Session(ctx, session.Token, at.Add(time.Minute))
		if err != nil || !reflect.DeepEqual(n, session) || got != a {
			t.Fatalf("got %+v %+v, %v", n, got, err)
		}
		if _, _, err := s.Session(ctx, session.Token, session.Ends); !errors.Is(err, portal.ErrNotFound) {
			t.Fatalf("a session after its end: %v", err)
		}
		snapshot := portal.Snapshot{At: at, Certificates: []portal.Certificate{{Kind: "phone-auth", State: "good", NotBefore: at, NotAfter: at}}}
		if _, err := s.Snapshot(ctx, "p"); !errors.Is(err, portal.ErrNotFound) {
			t.Fatalf("a snapshot before there was one: %v", err)
		}
		if err := s.PutSnapshot(ctx, who, "p", snapshot); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Snapshot(ctx, "p"); err != nil || len(got.Certificates) != 1 || got.Certificates[0].State != "good" {
			t.Fatalf("got %+v, %v", got, err)
		}
		for range 2 { // ending twice is no error
			if err := s.EndSession(ctx, who, session.Token, at.Add(2*time.Minute)); err != nil {
				t.Fatal(err)
			}
		}
		if _, _, err := s.Session(ctx, session.Token, at.Add(3*time.Minute)); !errors.Is(err, portal.ErrNotFound) {
			t.Fatalf("a session after logging out: %v", err)
		}
		if err := db.CheckAudit(ctx); err != nil {
			t.Fatal(err)
		}
	})
}
