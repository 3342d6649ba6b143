package verifier_test

import (
	"slices"
	"testing"
	"time"

	"tegata/internal/ceremony"
	"tegata/store"
	"tegata/store/verifier"
	"tegata/verifier/oidc"
)

// A person's grants at one client end together, with their notices and one line of the
// history, and nobody else's do.
func TestAPersonsGrantsAtOneClientEndTogether(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, s *verifier.Store) {
		ctx, o, want := t.Context(), s.OIDC(), wants(t)
		want(s.PutPerson(ctx, [32]byte{1}, "hanako", now), nil)
		want(s.PutPerson(ctx, [32]byte{2}, "hanako", now.Add(time.Second)), nil) // renewed
		for i, g := range []oidc.Grant{{ID: "a", Person: "hanako", Client: "bank", Given: "name address"}, {ID: "b", Person: "hanako", Client: "bank"},
			{ID: "c", Person: "hanako", Client: "shop"}, {ID: "d", Person: "taro", Client: "bank"}} {
			g.Content, g.Begun, g.Until = "{}", now, now.Add(time.Hour)
			want(o.PutGrant(ctx, who, g, [32]byte{byte(i)}), nil)
		}
		want(o.NoteUse(ctx, "a", now.Add(59*time.Second)), nil)
		if g, err := o.Grant(ctx, "a", now); err != nil || !g.Used.Equal(now) || g.Given != "name address" || g.Person != "hanako" {
			t.Errorf("%+v, %v", g, err)
		}
		want(o.NoteUse(ctx, "a", now.Add(time.Minute)), nil)
		if g, err := o.Grant(ctx, "a", now); err != nil || !g.Used.Equal(now.Add(time.Minute)) {
			t.Errorf("%+v, %v", g, err)
		}
		notice := func(g oidc.Grant) *oidc.Notice {
			return &oidc.Notice{ID: "of " + g.ID, Client: g.Client, Due: now, Until: now.Add(time.Hour)}
		}
		use := ceremony.Use{At: now.Unix(), Party: "bank", Kind: ceremony.UseEnd, Verdict: ceremony.Passed}
		for range 2 {
			want(o.EndGrantsOf(ctx, who, "hanako", "bank", "ended", notice, use), nil)
		}
		want(o.EndGrantsOf(ctx, who, "hanako", "nowhere", "ended", notice, use), nil)
		all, err := o.GrantsOf(ctx, "hanako", now)
		want(err, nil)
		var ended []string
		for _, g := range all {
			if g.Ended {
				ended = append(ended, g.ID)
			}
		}
		slices.Sort(ended)
		if len(all) != 3 || !slices.Equal(ended, []string{"a", "b"}) {
			t.Errorf("%v of %+v", ended, all)
		}
		if all, err := o.GrantsOf(ctx, "taro", now); err != nil || len(all) != 1 || all[0].Ended {
			t.Errorf("%+v, %v", all, err)
		}
		if due, err := o.DueNotices(ctx, now, 10); err != nil || len(due) != 2 {
			t.Errorf("%+v, %v", due, err)
		}
		if uses, err := s.Uses(ctx, "hanako", 10); err != nil || len(uses) != 1 || uses[0].Kind != ceremony.UseEnd || uses[0].Party != "bank" {
			t.Errorf("%+v, %v", uses, err)
		}
		if all, err := o.GrantsOf(ctx, "hanako", now.Add(time.Hour)); err != nil || len(all) != 0 {
			t.Errorf("their time is over: %+v, %v", all, err)
		}
		// Of whom nobody knows a certificate there is no history, and then nothing ends.
		if err := o.EndGrantsOf(ctx, who, "taro", "bank", "ended", notice, use); err == nil {
			t.Error("ended without a line in the history")
		}
		if g, err := o.Grant(ctx, "d", now); err != nil || g.Ended {
			t.Errorf("%+v, %v", g, err)
		}
		want(db.CheckAudit(ctx), nil)
	})
}
