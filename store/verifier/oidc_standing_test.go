package verifier_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"tegata/internal/ceremony"
	"tegata/store"
	"tegata/store/verifier"
	"tegata/verifier/gateway"
	"tegata/verifier/oidc"
)

func TestARegistrationIsAmendedWhereItStands(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, s *verifier.Store) {
		ctx, o, want := t.Context(), s.OIDC(), wants(t)
		was := oidc.Client{ID: "a", Name: ceremony.Text{JA: "one", EN: "one"}, SecretSHA256: "1"}
		next, party := was, gateway.Party{ID: "a", Name: was.Name}
		next.SecretSHA256 = "2"
		amend := func() error { return o.Amend(ctx, who, now, oidc.Amendment{Was: was, Client: next}) }
		want(amend(), oidc.ErrChanged) // there is none
		want(o.PutClient(ctx, who, now, was), nil)
		want(amend(), oidc.ErrChanged) // of no party
		want(s.PutParty(ctx, who, now, party), nil)
		want(amend(), nil)
		want(amend(), oidc.ErrChanged) // it is another one by now
		want(o.PutManaged(ctx, who, oidc.Managed{Client: "a", Contact: "a@example.com", At: now}), nil)
		contact, last := "b@example.com", next
		last.Name.JA, party.Name.JA = "two", "two"
		want(o.Amend(ctx, who, now, oidc.Amendment{Was: next, Client: last, Party: &party, Contact: &contact}), nil)
		p, err := s.Party(ctx, "a")
		want(err, nil)
		c, err := o.Client(ctx, "a")
		want(err, nil)
		m, err := o.Managed(ctx, "a")
		want(err, nil)
		if p.Name.JA != "two" || !c.Equal(last) || m.Contact != contact {
			t.Errorf("%+v, %+v, %+v", p, c, m)
		}
		party.Ended = true
		want(s.PutParty(ctx, who, now, party), nil)
		want(o.Amend(ctx, who, now, oidc.Amendment{Was: last, Client: was}), oidc.ErrChanged)
		want(o.RemoveClient(ctx, who, now, "a"), nil)
		want(o.SetContact(ctx, who, now, "a", "c@example.com"), nil)
		_, err = o.Managed(ctx, "a")
		want(err, oidc.ErrNotFound)
		want(db.CheckAudit(ctx), nil)
	})
}

// An approval replaces what the operator's program read, and nothing that came since; who was
// ended applies for nothing.
func TestADecisionReplacesWhatWasRead(t *testing.T) {
	each(t, func(t *testing.T, _ *store.DB, s *verifier.Store) {
		ctx, o, want := t.Context(), s.OIDC(), wants(t)
		a, party := application("a", "one"), gateway.Party{ID: "a"}
		decided := a
		decided.State, decided.Decided = oidc.Approved, now
		want(o.Apply(ctx, who, a, nil, 9), nil)
		want(o.Decide(ctx, who, decided, a.Digest(), &a.Client, &party), oidc.ErrChanged)
		want(o.Decide(ctx, who, decided, a.Digest(), nil, &party), nil)
		want(o.Apply(ctx, who, a, nil, 9), nil)
		want(o.Decide(ctx, who, decided, a.Digest(), nil, &party), oidc.ErrChanged)
		if got, err := o.Application(ctx, "a"); err != nil || got.State != oidc.Applied {
			t.Errorf("half a decision is kept: %+v, %v", got, err)
		}
		want(o.EndClient(ctx, who, now, "a", "over"), nil)
		want(o.EndClient(ctx, who, now, "a", "over again"), oidc.ErrNotFound)
		if got, err := o.Application(ctx, "a"); err != nil || got.State != oidc.Ended || got.Why != "over" {
			t.Errorf("the second end is the one that is told: %+v, %v", got, err)
		}
		want(o.Decide(ctx, who, decided, a.Digest(), nil, &party), oidc.ErrUsed)
		want(o.Apply(ctx, who, a, nil, 9), oidc.ErrUsed)
		want(s.PutParty(ctx, who, now, party), nil)
		want(o.Apply(ctx, who, a, nil, 9), nil) // the operator registered it again
	})
}

// However an end and new secrets fall together, the client is ended and each secret that was
// given out took the place of the one that it saw.
func TestOfManySecretsOneIsFirst(t *testing.T) {
	each(t, func(t *testing.T, _ *store.DB, s *verifier.Store) {
		ctx, o, want := t.Context(), s.OIDC(), wants(t)
		was, party := oidc.Client{ID: "a"}, gateway.Party{ID: "a"}
		want(s.PutParty(ctx, who, now, party), nil)
		want(o.PutClient(ctx, who, now, was), nil)
		var wg sync.WaitGroup
		drawn := make(chan error, 10)
		for i := range 10 {
			wg.Go(func() {
				drawn <- o.Amend(ctx, who, now.Add(time.Second), oidc.Amendment{Was: was, Client: oidc.Client{ID: "a", SecretSHA256: string(rune('a' + i))}})
			})
		}
		wg.Go(func() {
			ended := party
			ended.Ended = true
			if err := s.PutParty(ctx, who, now, ended); err != nil {
				t.Error(err)
			}
		})
		wg.Wait()
		close(drawn)
		first := 0
		for err := range drawn {
			if err == nil {
				first++
			} else {
				want(err, oidc.ErrChanged)
			}
		}
		p, err := s.Party(ctx, "a")
		want(err, nil)
		if first > 1 || !p.Ended {
			t.Errorf("%d were first, ended: %v", first, p.Ended)
		}
	})
}

// However an end and approvals fall together, what an operator or its developer ended is
// neither registered nor waiting, and the one reason that is told is that of the first end.
func TestAnEndAndApprovalsAtOnce(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, s *verifier.Store) {
		ctx, o, want := t.Context(), s.OIDC(), wants(t)
		for round := range 40 {
			id := fmt.Sprintf("c%d", round)
			was, party := application(id, "one"), gateway.Party{ID: id}
			want(s.PutParty(ctx, who, now, party), nil)
			want(o.PutClient(ctx, who, now, was.Client), nil)
			change := application(id, "two")
			want(o.Apply(ctx, who, change, &oidc.Managed{Client: id, At: now}, 99), nil)
			decided := change
			decided.State, decided.Decided = oidc.Approved, now
			byDeveloper := round%2 == 1
			var wg sync.WaitGroup
			for i := range 4 {
				wg.Go(func() {
					var read *oidc.Client // what the second operator's program found: the registration, or none any more
					if i%2 == 0 {
						read = &was.Client
					}
					_ = o.Decide(ctx, who, decided, change.Digest(), read, &party)
				})
			}
			ended := make(chan string, 3)
			ends := cap(ended)
			if byDeveloper {
				ends = 1 // a second one would put right what the first left
			}
			for i := range ends {
				wg.Go(func() {
					if byDeveloper {
						if err := o.RemoveClient(ctx, who, now, id); err != nil {
							t.Error(err)
						}
						return
					}
					why := fmt.Sprintf("why %d", i)
					switch err := o.EndClient(ctx, who, now, id, why); {
					case err == nil:
						ended <- why
					case !errors.Is(err, oidc.ErrNotFound):
						t.Error(err)
					}
				})
			}
			wg.Wait()
			close(ended)
			p, err := s.Party(ctx, id)
			want(err, nil)
			if !p.Ended {
				t.Fatalf("round %d: it stands", round)
			}
			a, err := o.Application(ctx, id)
			if byDeveloper {
				want(err, oidc.ErrNotFound)
				continue
			}
			want(err, nil)
			if why := <-ended; len(ended) != 0 || a.State != oidc.Ended || a.Why != why {
				t.Fatalf("round %d: %d more ends, %+v, want %q", round, len(ended), a, why)
			}
		}
		want(db.CheckAudit(ctx), nil)
	})
}
