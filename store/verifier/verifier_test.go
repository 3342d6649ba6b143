package verifier_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"tegata/internal/audit"
	"tegata/internal/ceremony"
	"tegata/store"
	"tegata/store/storetest"
	"tegata/store/verifier"
	"tegata/verifier/gateway"
)

var now = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

func each(t *testing.T, body func(t *testing.T, db *store.DB, s *verifier.Store)) {
	storetest.Each(t, verifier.Schema, func(t *testing.T, db *store.DB) { body(t, db, verifier.New(db)) })
}

func request(n int) gateway.Request {
	return gateway.Request{ID: fmt.Sprint("id", n), ResultID: fmt.Sprint("result", n), Party: "portal", Nonce: fmt.Sprint("nonce", n), JWS: "a.b.c",
		Channel: ceremony.Same, ReturnURL: "http://p", IssuedAt: now, ExpiresAt: now.Add(5 * time.Minute), State: gateway.Waiting}
}

func outcome(n int) gateway.Outcome {
	return gateway.Outcome{Request: fmt.Sprint("id", n), Verdict: ceremony.Passed, Answer: "hash", Certificate: [32]byte{1}, Person: "p",
		Claims: map[string]string{"name": "手形"}, AMR: []string{"pin"}, Receipt: "r", At: now, ResponseCode: [32]byte{9}, CodeUntil: now.Add(time.Minute),
		EraseAt: now.Add(5 * time.Minute), Use: &ceremony.Use{At: now.Unix(), Party: "portal", Kind: ceremony.Login}}
}

// entry is a fresh assertion of the portal's.
func entry() ceremony.Entry {
	return ceremony.Entry{Party: "portal", ID: ceremony.NewID(), Expires: now.Add(time.Minute)}
}

// wants returns the check that an error is the one wanted.
func wants(t *testing.T) func(err, want error) {
	return func(err, want error) {
		t.Helper()
		if !errors.Is(err, want) || want == nil && err != nil {
			t.Fatalf("got %v, want %v", err, want)
		}
	}
}

var who = audit.Actor{Party: "verifier", Kind: "person", ID: "p"}

func TestARequestFromBeginningToEnd(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, s *verifier.Store) {
		ctx := t.Context()
		want := wants(t)
		want(s.PutRequest(ctx, entry(), request(1)), nil)
		again := request(1)
		again.Nonce = "nonce2"
		want(s.PutRequest(ctx, entry(), again), gateway.ErrUsed) // the id
		again = request(2)
		again.Nonce = "nonce1"
		want(s.PutRequest(ctx, entry(), again), gateway.ErrUsed) // the nonce
		_, err := s.Request(ctx, "id2")
		want(err, gateway.ErrNotFound)

		want(s.Open(ctx, "id1", [32]byte{1}, now), nil)
		want(s.Open(ctx, "id1", [32]byte{1}, now), nil)
		want(s.Open(ctx, "id1", [32]byte{2}, now), gateway.ErrUsed)
		want(s.NoteUndecided(ctx, "id1", "status-unavailable"), nil)
		r, err := s.RequestByResult(ctx, "result1")
		want(err, nil)
		if r.ID != "id1" || r.State != gateway.Opened || r.Phone != ([32]byte{1}) || r.Undecided != "status-unavailable" || !r.ExpiresAt.Equal(now.Add(5*time.Minute)) {
			t.Errorf("%+v", r)
		}
		want(s.Finish(ctx, who, outcome(1)), nil)
		want(s.Finish(ctx, who, outcome(1)), gateway.ErrUsed)
		want(s.Finish(ctx, who, outcome(3)), gateway.ErrNotFound)
		want(s.Open(ctx, "id1", [32]byte{1}, now), gateway.ErrUsed)
		r, err = s.Request(ctx, "id1")
		want(err, nil)
		if r.State != gateway.Done || r.Outcome.Claims["name"] != "手形" || r.Outcome.Person != "p" || r.Undecided != "" || r.Outcome.Certificate != ([32]byte{1}) {
			t.Errorf("%+v", r)
		}
		want(s.TakeCode(ctx, entry(), "id1", [32]byte{8}, now), gateway.ErrUsed)
		want(s.TakeCode(ctx, entry(), "id1", [32]byte{9}, now.Add(time.Minute)), gateway.ErrUsed)
		want(s.RenewCode(ctx, "id1", [32]byte{7}, now.Add(2*time.Minute)), nil)
		want(s.TakeCode(ctx, entry(), "id1", [32]byte{9}, now), gateway.ErrUsed)
		want(s.TakeCode(ctx, entry(), "id1", [32]byte{7}, now.Add(time.Minute)), nil)
		want(s.TakeCode(ctx, entry(), "id1", [32]byte{7}, now), gateway.ErrUsed)
		want(s.RenewCode(ctx, "id1", [32]byte{7}, now), gateway.ErrUsed)

		uses, err := s.Uses(ctx, "p", 10)
		want(err, nil)
		if len(uses) != 0 {
			t.Error("a use before the person is known")
		}
		want(s.PutPerson(ctx, [32]byte{1}, "p", now), nil)
		want(s.PutPerson(ctx, [32]byte{1}, "somebody else", now), nil) // the first word stays
		if uses, err = s.Uses(ctx, "p", 10); err != nil || len(uses) != 1 || uses[0].Party != "portal" {
			t.Errorf("%+v, %v", uses, err)
		}
		want(db.CheckAudit(ctx), nil)
	})
}

func TestOfManyAtOnceOneIsFirst(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, s *verifier.Store) {
		if err := s.PutRequest(t.Context(), entry(), request(1)); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		errs := make(chan error, 20)
		for range 10 {
			wg.Go(func() { errs <- s.Finish(t.Context(), who, outcome(1)) })
			wg.Go(func() { errs <- s.Once(t.Context(), "grant", "g", now) })
		}
		wg.Wait()
		close(errs)
		first := 0
		for err := range errs {
			if err == nil {
				first++
			} else if !errors.Is(err, gateway.ErrUsed) {
				t.Error(err)
			}
		}
		if first != 2 {
			t.Errorf("%d were first", first)
		}
		if err := db.CheckAudit(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestMarksOnlyRise(t *testing.T) {
	each(t, func(t *testing.T, _ *store.DB, s *verifier.Store) {
		for _, n := range []uint64{5, 3, 7, 7, 1} {
			if err := s.RaiseMark(t.Context(), "feed", n); err != nil {
				t.Fatal(err)
			}
		}
		if n, err := s.Mark(t.Context(), "feed"); err != nil || n != 7 {
			t.Errorf("%d, %v", n, err)
		}
		if n, err := s.Mark(t.Context(), "crl"); err != nil || n != 0 {
			t.Errorf("%d, %v", n, err)
		}
	})
}

func TestPartiesAreKeptAsRegistered(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, s *verifier.Store) {
		p := gateway.Party{ID: "portal", Name: ceremony.Text{JA: "ポータル", EN: "Portal"}, Purposes: []ceremony.RegisteredPurpose{{Code: "login", RiskFloor: ceremony.R1}},
			Grants: []string{ceremony.ScopeUses}, Sector: "s"}
		for range 2 {
			if err := s.PutParty(t.Context(), audit.System("verifier"), now, p); err != nil {
				t.Fatal(err)
			}
			p.Ended = true
		}
		got, err := s.Party(t.Context(), "portal")
		if err != nil || !got.Ended || got.Name != p.Name || got.Purposes[0].Code != "login" || got.Grants[0] != ceremony.ScopeUses {
			t.Errorf("%+v, %v", got, err)
		}
		if _, err := s.Party(t.Context(), "bank"); !errors.Is(err, gateway.ErrNotFound) {
			t.Error(err)
		}
		if err := db.CheckAudit(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// An assertion is used up together with what it was for, or not at all.
func TestAnAssertionServesOnce(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, s *verifier.Store) {
		ctx := t.Context()
		want := wants(t)
		first, second := entry(), entry()
		want(s.PutRequest(ctx, first, request(1)), nil)
		want(s.PutRequest(ctx, first, request(2)), gateway.ErrReplayed)
		_, err := s.Request(ctx, "id2")
		want(err, gateway.ErrNotFound)
		want(s.PutRequest(ctx, second, request(1)), gateway.ErrUsed) // and second is still new
		want(s.PutRequest(ctx, second, request(2)), nil)
		want(s.Once(ctx, gateway.AssertionOf("portal"), second.ID, now), gateway.ErrUsed) // whichever step it served

		want(s.Finish(ctx, who, outcome(1)), nil)
		third := entry()
		want(s.TakeCode(ctx, first, "id1", [32]byte{9}, now), gateway.ErrReplayed)
		want(s.TakeCode(ctx, third, "id1", [32]byte{8}, now), gateway.ErrUsed)
		want(s.TakeCode(ctx, third, "id1", [32]byte{9}, now), nil) // neither third nor the code was used up
		want(s.TakeCode(ctx, third, "id1", [32]byte{9}, now), gateway.ErrReplayed)
	})
}
