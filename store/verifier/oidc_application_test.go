package verifier_test

import (
	"testing"
	"time"

	"tegata/internal/ceremony"
	"tegata/store"
	"tegata/store/verifier"
	"tegata/verifier/gateway"
	"tegata/verifier/oidc"
)

func application(id, name string) oidc.Application {
	return oidc.Application{Client: oidc.Client{ID: id, Name: ceremony.Text{JA: name, EN: name}}, State: oidc.Applied, At: now}
}

func TestAnApplicationIsDecidedOnce(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, s *verifier.Store) {
		ctx, o, want := t.Context(), s.OIDC(), wants(t)
		m := oidc.Managed{Client: "a", Token: [32]byte{1}, Contact: "a@example.com", At: now}
		first, second := application("a", "one"), application("a", "two")
		want(o.Apply(ctx, who, first, &m, 1), nil)
		want(o.Apply(ctx, who, application("b", "b"), nil, 1), oidc.ErrFull)
		want(o.Apply(ctx, who, second, nil, 1), nil) // its own place
		decided := second
		decided.State, decided.Why, decided.Decided = oidc.Approved, "ok", now.Add(time.Hour)
		party := gateway.Party{ID: "a", Name: second.Client.Name}
		want(o.Decide(ctx, who, decided, first.Digest(), nil, &party), oidc.ErrUsed)
		_, err := o.Client(ctx, "a")
		want(err, oidc.ErrNotFound)
		want(o.Decide(ctx, who, decided, second.Digest(), nil, &party), nil)
		want(o.Decide(ctx, who, decided, second.Digest(), nil, &party), oidc.ErrUsed)
		c, err := o.Client(ctx, "a")
		want(err, nil)
		p, err := s.Party(ctx, "a")
		want(err, nil)
		got, err := o.Application(ctx, "a")
		want(err, nil)
		if c.Name.JA != "two" || p.Name.JA != "two" || got.State != oidc.Approved || got.Why != "ok" || !got.At.Equal(now) || !got.Decided.Equal(decided.Decided) {
			t.Errorf("%+v, %+v, %+v", c, p, got)
		}
		_, err = o.Application(ctx, "a\x00")
		want(err, oidc.ErrNotFound)
		want(o.Apply(ctx, who, application("b", "b"), nil, 1), nil)
		all, err := o.Applications(ctx)
		want(err, nil)
		clients, err := o.Clients(ctx)
		want(err, nil)
		if len(all) != 2 || len(clients) != 1 || clients[0].ID != "a" {
			t.Errorf("%+v, %+v", all, clients)
		}
		want(o.EndClient(ctx, who, now.Add(2*time.Hour), "a", "over"), nil)
		if got, err = o.Application(ctx, "a"); err != nil || got.State != oidc.Ended || got.Why != "over" {
			t.Errorf("%+v, %v", got, err)
		}
		want(o.RemoveClient(ctx, who, now, "a"), nil)
		_, err = o.Application(ctx, "a")
		want(err, oidc.ErrNotFound)
		want(db.CheckAudit(ctx), nil)
	})
}

// A picture stays as long as a registration or an application names it.
func TestOnlyPicturesThatAreNamedAreKept(t *testing.T) {
	each(t, func(t *testing.T, _ *store.DB, s *verifier.Store) {
		ctx, o, want := t.Context(), s.OIDC(), wants(t)
		has := func(id string, there bool) {
			t.Helper()
			_, err := o.Logo(ctx, "a", id)
			if there {
				want(err, nil)
			} else {
				want(err, oidc.ErrNotFound)
			}
		}
		put := func(id string) { t.Helper(); want(o.PutLogo(ctx, "a", id, []byte(id)), nil) }
		registered := application("a", "a")
		registered.Client.Logo = "old"
		put("old")
		want(o.PutClient(ctx, who, now, registered.Client), nil)
		put("tried")
		put("new")
		has("tried", false) // nothing came of it
		changed := registered
		changed.Client.Logo = "new"
		want(o.Apply(ctx, who, changed, nil, 9), nil)
		has("old", true)
		has("new", true)
		decided := changed
		decided.State, decided.Decided = oidc.Approved, now
		want(o.Decide(ctx, who, decided, changed.Digest(), nil, &gateway.Party{ID: "a"}), nil)
		has("old", false)
		if b, err := s.Logo(ctx, "a", "new"); err != nil || string(b) != "new" {
			t.Errorf("%q, %v", b, err)
		}
		_, err := s.Logo(ctx, "b", "new")
		want(err, gateway.ErrNotFound)
		want(o.EndClient(ctx, who, now, "a", "over"), nil)
		has("new", false)
	})
}
