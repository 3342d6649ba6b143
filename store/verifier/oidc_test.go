package verifier_test

import (
	"sync"
	"testing"
	"time"

	"tegata/store"
	"tegata/store/verifier"
	"tegata/verifier/oidc"
)

func TestAGrantFromBeginningToEnd(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, s *verifier.Store) {
		ctx, o, want := t.Context(), s.OIDC(), wants(t)
		code, first, second := [32]byte{1}, [32]byte{2}, [32]byte{3}
		g := oidc.Grant{ID: "g", Client: "bank", Subject: "p", Session: "s", SID: "sid", Content: "{}", Begun: now, Used: now, Until: now.Add(time.Hour)}
		want(o.PutGrant(ctx, who, g, code), nil)
		want(o.PutGrant(ctx, who, g, [32]byte{9}), oidc.ErrUsed)
		_, err := o.GrantByCode(ctx, [32]byte{8}, now)
		want(err, oidc.ErrNotFound)
		_, err = o.GrantByCode(ctx, code, now.Add(time.Hour))
		want(err, oidc.ErrNotFound)
		_, _, err = o.GrantByRefresh(ctx, code, now) // a code is no refresh token
		want(err, oidc.ErrNotFound)
		got, err := o.GrantByCode(ctx, code, now)
		want(err, nil)
		if got != g {
			t.Errorf("%+v", got)
		}
		want(o.Redeem(ctx, "g", `{"a":1}`, first, now), nil)
		want(o.Redeem(ctx, "g", `{"a":2}`, second, now), oidc.ErrUsed)
		want(o.Rotate(ctx, "g", `{"a":3}`, first, second, now), nil)
		want(o.Rotate(ctx, "g", `{"a":4}`, first, [32]byte{4}, now), oidc.ErrUsed)
		want(o.Rotate(ctx, "g", `{"a":5}`, second, second, now), nil)
		got, latest, err := o.GrantByRefresh(ctx, first, now)
		want(err, nil)
		if latest || got.Content != `{"a":5}` || !got.CodeUsed {
			t.Errorf("%v, %+v", latest, got)
		}
		if _, latest, err = o.GrantByRefresh(ctx, second, now); err != nil || !latest {
			t.Errorf("%v, %v", latest, err)
		}
		want(o.PutToken(ctx, oidc.Token{Hash: [32]byte{5}, Grant: "g", Content: "{}", Until: now.Add(time.Minute)}), nil)
		if all, err := o.GrantsOfSession(ctx, "s"); err != nil || len(all) != 1 {
			t.Errorf("%v, %v", all, err)
		}
		notice := oidc.Notice{ID: "n", Client: "bank", SID: "sid", Sub: "p", Due: now, Until: now.Add(time.Hour)}
		want(o.EndGrant(ctx, who, "g", "revoked", &notice, now), nil)
		want(o.EndGrant(ctx, who, "g", "again", &oidc.Notice{ID: "m", Due: now, Until: now.Add(time.Hour)}, now), nil)
		got, err = o.Grant(ctx, "g", now)
		want(err, nil)
		if !got.Ended || got.Why != "revoked" || got.Content != "" || !got.EndedAt.Equal(now) {
			t.Errorf("what an ended grant held is still there: %+v", got)
		}
		_, err = o.Token(ctx, [32]byte{5}, now)
		want(err, oidc.ErrNotFound)
		want(o.Rotate(ctx, "g", "{}", second, [32]byte{6}, now), oidc.ErrUsed)
		if all, err := o.GrantsOfSID(ctx, "sid"); err != nil || len(all) != 0 {
			t.Errorf("%v, %v", all, err)
		}
		due, err := o.DueNotices(ctx, now, 10)
		if err != nil || len(due) != 1 || due[0] != notice {
			t.Errorf("%+v, %v", due, err)
		}
		notice.Tries, notice.Due = 1, now.Add(time.Minute)
		want(o.PutNotice(ctx, notice), nil)
		if due, err = o.DueNotices(ctx, now, 10); err != nil || len(due) != 0 {
			t.Errorf("%+v, %v", due, err)
		}
		want(o.DropNotice(ctx, "n"), nil)
		want(o.SweepOIDC(ctx, now.Add(time.Hour)), nil)
		_, err = o.Grant(ctx, "g", now)
		want(err, oidc.ErrNotFound)
		want(db.CheckAudit(ctx), nil)
	})
}

func TestOfManyRotationsOneIsFirst(t *testing.T) {
	each(t, func(t *testing.T, _ *store.DB, s *verifier.Store) {
		ctx, o, want := t.Context(), s.OIDC(), wants(t)
		want(o.PutGrant(ctx, who, oidc.Grant{ID: "g", Content: "{}", Begun: now, Until: now.Add(time.Hour)}, [32]byte{1}), nil)
		want(o.Redeem(ctx, "g", "{}", [32]byte{2}, now), nil)
		want(o.PutLogin(ctx, oidc.Login{ID: "l", Until: now.Add(time.Hour)}, now), nil)
		var wg sync.WaitGroup
		rotated, claimed := make(chan error, 10), make(chan error, 10)
		for i := range 10 {
			wg.Go(func() { rotated <- o.Rotate(ctx, "g", "{}", [32]byte{2}, [32]byte{3, byte(i)}, now) })
			wg.Go(func() { claimed <- o.ClaimLogin(ctx, "l") })
		}
		wg.Wait()
		close(rotated)
		close(claimed)
		for _, all := range []chan error{rotated, claimed} {
			first := 0
			for err := range all {
				if err == nil {
					first++
				} else {
					want(err, oidc.ErrUsed)
				}
			}
			if first != 1 {
				t.Errorf("%d were first", first)
			}
		}
	})
}

func TestALoginAndItsBrowser(t *testing.T) {
	each(t, func(t *testing.T, _ *store.DB, s *verifier.Store) {
		ctx, o, want := t.Context(), s.OIDC(), wants(t)
		pushed, browser := [32]byte{7}, [32]byte{8}
		l := oidc.Login{ID: "l", Client: "bank", Content: "{}", Pushed: pushed, Until: now.Add(time.Minute)}
		want(o.PutLogin(ctx, l, now), nil)
		_, err := o.TakePushed(ctx, pushed, now)
		want(err, nil)
		_, err = o.TakePushed(ctx, pushed, now)
		want(err, oidc.ErrNotFound)
		l.Pushed, l.Browser, l.Scopes, l.AskedUntil = [32]byte{}, browser, []string{"openid"}, now.Add(time.Minute)
		want(o.PutLogin(ctx, l, now), nil)
		want(o.ClaimLogin(ctx, "l"), nil)
		l.Sealed = []byte("sealed")
		want(o.PutLogin(ctx, l, now), nil)
		all, err := o.LoginsOf(ctx, browser, now)
		want(err, nil)
		if len(all) != 1 || !all[0].Claimed || string(all[0].Sealed) != "sealed" || all[0].Browser != browser || !all[0].AskedUntil.Equal(l.AskedUntil) {
			t.Errorf("%+v", all)
		}
		_, err = o.Login(ctx, "l", now.Add(time.Minute))
		want(err, oidc.ErrNotFound)
		want(o.JTI(ctx, "j", now.Add(time.Minute)), nil)
		want(o.JTI(ctx, "j", now.Add(time.Minute)), oidc.ErrUsed)
	})
}

func TestAClientIsKept(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, s *verifier.Store) {
		ctx, o, want := t.Context(), s.OIDC(), wants(t)
		_, err := o.Client(ctx, "bank")
		want(err, oidc.ErrNotFound)
		for _, sum := range []string{"a", "b"} {
			want(o.PutClient(ctx, who, now, oidc.Client{ID: "bank", Profile: oidc.Basic, SecretSHA256: sum}), nil)
			c, err := o.Client(ctx, "bank")
			want(err, nil)
			if c.SecretSHA256 != sum || c.Profile != oidc.Basic {
				t.Errorf("%+v", c)
			}
		}
		want(db.CheckAudit(ctx), nil)
	})
}
