package oidc_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"

	"tegata/store/storetest"
	"tegata/verifier/gateway"
	"tegata/verifier/oidc"
)

// watched is a store between whose reads and writes somebody else is faster.
type watched struct {
	oidc.Store
	w *world
}

// after has f happen once the provider has read what.
func (w *world) after(what string, f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.meanwhile = map[string]func(){what: f}
}

func (w *world) passes(what string) {
	w.mu.Lock()
	f := w.meanwhile[what]
	delete(w.meanwhile, what)
	w.mu.Unlock()
	if f != nil {
		f()
	}
}

func (s watched) Client(ctx context.Context, id string) (oidc.Client, error) {
	defer s.w.passes("client")
	return s.Store.Client(ctx, id)
}

func (s watched) Application(ctx context.Context, id string) (oidc.Application, error) {
	defer s.w.passes("application")
	return s.Store.Application(ctx, id)
}

// refused sends a form and wants the problem of that code.
func (d *devClient) refused(path string, form url.Values, status int, code string) {
	d.t.Helper()
	if p := d.b.post(path, form); p.status != status || !strings.Contains(p.text, code) {
		d.t.Errorf("%s: %d, want %d %s: %s", path, p.status, status, code, p.text)
	}
}

// held is the client as the operator sees it.
func (d *devClient) held() oidc.Held {
	d.t.Helper()
	h, err := d.provider.HeldOne(d.t.Context(), d.id)
	if err != nil {
		d.t.Fatal(err)
	}
	return h
}

func TestAClientThatWasEndedMeanwhileStaysEnded(t *testing.T) {
	eachProduction(t, func(t *testing.T, w *world) {
		for path, form := range map[string]url.Values{"/developers/secret": nil, "/developers/change": applied(url.Values{"name_ja": {"若葉書店"}})} {
			d := w.applicant()
			d.approve()
			w.after("application", func() {
				if err := w.provider.EndClient(t.Context(), clerk, d.id, "会社がなくなった。"); err != nil {
					t.Error(err)
				}
			})
			d.refused(path, d.form(form), 403, "client-over")
			if h := d.held(); h.Registered != nil || h.State() != oidc.Ended || h.Application.Why != "会社がなくなった。" {
				t.Errorf("%s: %s, %+v", path, h.State(), h)
			}
			if _, err := w.gateway.Registration(t.Context(), d.id, w.Now()); !errors.Is(err, gateway.ErrNoParty) {
				t.Errorf("%s: phones show it: %v", path, err)
			}
		}
	})
}

func TestInASandboxAClientThatWasEndedMeanwhileStaysEnded(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for path, form := range map[string]url.Values{"/developers/secret": nil, "/developers/change": typed(url.Values{"name_ja": {"若葉書店"}})} {
			d := w.developer()
			w.after("application", func() {
				if err := w.gateway.End(t.Context(), clerk, d.id); err != nil {
					t.Error(err)
				}
			})
			d.refused(path, d.form(form), 403, "client-over")
			if err := w.gateway.Registered(t.Context(), d.id); !errors.Is(err, gateway.ErrNoParty) {
				t.Errorf("%s: %v", path, err)
			}
		}
	})
}

// Neither an approval nor a new secret undoes the other.
func TestASecretAndAnApprovalAtOnce(t *testing.T) {
	eachProduction(t, func(t *testing.T, w *world) {
		d := w.applicant()
		d.approve()
		change := func(name string) {
			t.Helper()
			if p := d.b.post("/developers/change", d.form(applied(url.Values{"name_ja": {name}}))); p.status != 200 {
				t.Fatalf("%d: %s", p.status, p.text)
			}
		}
		change("若葉書店")
		before := d.held().Registered.SecretSHA256
		w.after("application", d.approve)
		d.refused("/developers/secret", d.form(nil), 409, "client-changed")
		if c := d.held().Registered; c.Name.JA != "若葉書店" || c.SecretSHA256 != before {
			t.Errorf("the approval is undone: %+v", c)
		}

		change("紅葉書店")
		w.after("client", func() { d.b.post("/developers/secret", d.form(nil)) })
		if err := w.provider.ApproveClient(t.Context(), clerk, d.id, oidc.Approval{Seen: d.seen(), Why: "ok"}); !errors.Is(err, oidc.ErrClientChanged) {
			t.Errorf("an approval with the secret of before: %v", err)
		}
		fresh := d.held().Registered.SecretSHA256
		if fresh == before {
			t.Error("the secret of before is back")
		}
		d.approve()
		if c := d.held().Registered; c.Name.JA != "紅葉書店" || c.SecretSHA256 != fresh {
			t.Errorf("%+v", c)
		}
	})
}

// What the page says is so: with a form that is refused nothing has changed.
func TestARefusedFormChangesNoContact(t *testing.T) {
	for name, sandbox := range map[string]bool{"sandbox": true, "production": false} {
		t.Run(name, func(t *testing.T) {
			w := openWorld(t, storetest.SQLite(t), sandbox)
			form, d := typed, (*devClient)(nil)
			if sandbox {
				d = w.developer()
			} else {
				form, d = applied, w.applicant()
				d.approve()
			}
			const other = "other@example.com"
			for field, wrong := range map[string]string{"redirect_uris": "https://shop.example/#x", "name_ja": "", "jwks": "x"} {
				d.refused("/developers/change", d.form(form(url.Values{"contact": {other}, field: {wrong}})), 422, "この登録はできません")
				if got := d.held().Contact; got != "dev@example.com" {
					t.Errorf("%s is refused, and the contact is %s", field, got)
				}
			}
			d.b.post("/developers/change", d.form(form(url.Values{"contact": {other}, "name_ja": {"若葉書店"}})))
			if got := d.held().Contact; got != other {
				t.Errorf("with a change: %s", got)
			}
			d.b.post("/developers/change", d.form(form(url.Values{"contact": {"third@example.com"}, "name_ja": {"若葉書店"}})))
			if got := d.held().Contact; got != "third@example.com" {
				t.Errorf("alone: %s", got)
			}
		})
	}
}
