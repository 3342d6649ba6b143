package oidc_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"tegata/internal/audit"
	"tegata/internal/ceremony"
	"tegata/internal/problem"
	"tegata/store"
	"tegata/store/storetest"
	"tegata/verifier/gateway"
	"tegata/verifier/oidc"
)

// clerk is an operator who decides.
var clerk = audit.Actor{Party: "operator", Kind: "person", ID: "uid-1"}

const shopURI = "https://shop.example/callback"

func eachProduction(t *testing.T, body func(t *testing.T, w *world)) {
	t.Helper()
	storetest.EachDSN(t, func(t *testing.T, dsn string) { body(t, openWorld(t, dsn, false)) })
}

// applied is the form of a registration for production.
func applied(change url.Values) url.Values {
	form := typed(url.Values{"redirect_uris": {shopURI}})
	for name, values := range change {
		form[name] = values
	}
	return form
}

// applicant applies at the pages for a client.
func (w *world) applicant() *devClient {
	w.t.Helper()
	return w.sent("rp-", applied(nil))
}

func (d *devClient) shop() *rp {
	r := d.rp()
	r.config.RedirectURL = shopURI
	return r
}

// seen is what the operator looks at before deciding.
func (d *devClient) seen() string {
	d.t.Helper()
	a, err := d.store.OIDC().Application(d.t.Context(), d.id)
	if err != nil {
		d.t.Fatal(err)
	}
	return a.Digest()
}

func (d *devClient) approve() {
	d.t.Helper()
	if err := d.provider.ApproveClient(d.t.Context(), clerk, d.id, oidc.Approval{Seen: d.seen(), Why: "登記を確かめた。"}); err != nil {
		d.t.Fatal(err)
	}
}

// audited returns what the chain has of the client by the clerk: actions with their details.
func (d *devClient) audited() (all string) {
	d.t.Helper()
	err := d.db.Read(d.t.Context(), func(tx store.Tx) error {
		all = ""
		rows, err := tx.Query(d.t.Context(), "SELECT action, detail FROM store_audit WHERE object = $1 AND party = $2 AND actor = $3 ORDER BY seq", d.id, clerk.Party, clerk.ID)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var action, detail string
			if err := rows.Scan(&action, &detail); err != nil {
				return err
			}
			all += action + " " + detail + "\n"
		}
		return rows.Err()
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return all
}

// waits wants so many applications to wait, the first since about then.
func (w *world) waits(n int, since time.Time) {
	w.t.Helper()
	got, first, err := w.provider.Waiting(w.t.Context())
	if err != nil || got != n || first.Sub(since).Abs() > time.Minute {
		w.t.Errorf("%d wait since %v, want %d since %v; %v", got, first, n, since, err)
	}
}

func TestNobodyLogsInBeforeTheOperatorHasApproved(t *testing.T) {
	eachProduction(t, func(t *testing.T, w *world) {
		w.waits(0, time.Time{})
		d := w.applicant()
		first := w.Now()
		w.advance(time.Hour)
		refused := w.applicant()
		w.waits(2, first)
		if err := w.provider.RefuseClient(t.Context(), clerk, refused.id, "no"); err != nil {
			t.Fatal(err)
		}
		w.waits(1, first)
		d.page("承認を待っています", "このサービスは何もできません")
		if p := d.b.get(d.shop().url()); p.status != 403 || !strings.Contains(p.text, "openid-client-waiting") {
			t.Errorf("/authorize: %d: %s", p.status, p.text)
		}
		for _, path := range []string{"/token", "/par", "/introspect", "/revoke"} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.origin+path, strings.NewReader(url.Values{"grant_type": {"authorization_code"}, "code": {"x"}, "token": {"x"}}.Encode()))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.SetBasicAuth(d.id, d.secret)
			if p := d.b.read(d.b.c.Do(r)); p.status != 401 || !strings.Contains(p.text, "invalid_client") || !strings.Contains(p.text, "operator's approval") {
				t.Errorf("%s: %d: %s", path, p.status, p.text)
			}
		}
		if _, err := w.gateway.Registration(t.Context(), d.id, w.Now()); !errors.Is(err, gateway.ErrNoParty) {
			t.Errorf("phones would show it: %v", err)
		}
		d.approve()
		w.waits(0, time.Time{})
		d.page("承認されています")
		d.shop().login(t.Context(), "hanako")
		if got := d.audited(); !strings.Contains(got, `client application approved {"digest":"`+d.seen()+`","why":"登記を確かめた。"}`) {
			t.Errorf("the chain has\n%s", got)
		}
	})
}

func TestAnOperatorApprovesWhatTheyHaveSeen(t *testing.T) {
	w := openWorld(t, storetest.SQLite(t), false)
	d := w.applicant()
	before := d.seen()
	if p := d.b.post("/developers/change", d.form(applied(url.Values{"name_ja": {"手形銀行"}}))); p.status != 200 {
		t.Fatal(p.status)
	}
	ctx := t.Context()
	for name, c := range map[string]struct {
		err  error
		want *problem.Problem
	}{
		"another name since":   {w.provider.ApproveClient(ctx, clerk, d.id, oidc.Approval{Seen: before, Why: "ok"}), oidc.ErrApplicationChanged},
		"nothing looked at":    {w.provider.ApproveClient(ctx, clerk, d.id, oidc.Approval{Why: "ok"}), oidc.ErrApplicationChanged},
		"no reason":            {w.provider.ApproveClient(ctx, clerk, d.id, oidc.Approval{Seen: d.seen(), Why: " "}), oidc.ErrWhy},
		"a reason in lines":    {w.provider.RefuseClient(ctx, clerk, d.id, "a\nb"), oidc.ErrWhy},
		"a long reason":        {w.provider.EndClient(ctx, clerk, d.id, strings.Repeat("x", 401)), oidc.ErrWhy},
		"nobody's":             {w.provider.ApproveClient(ctx, clerk, "rp-nobody", oidc.Approval{Seen: before, Why: "ok"}), oidc.ErrNoApplication},
		"an end before that":   {w.provider.EndClient(ctx, clerk, d.id, "ok"), gateway.ErrNoParty},
		"a party's, no client": {w.provider.EndClient(ctx, clerk, "openid", "ok"), gateway.ErrNoParty},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: %v", name, c.err)
		}
	}
	if _, err := w.store.OIDC().Client(ctx, d.id); !errors.Is(err, oidc.ErrNotFound) {
		t.Fatalf("it is registered: %v", err)
	}
	d.approve()
	if err := w.provider.ApproveClient(ctx, clerk, d.id, oidc.Approval{Seen: d.seen(), Why: "ok"}); !errors.Is(err, oidc.ErrNoApplication) {
		t.Errorf("a second approval: %v", err)
	}
}

func TestAChangeWaitsAndTheRegistrationGoesOn(t *testing.T) {
	eachProduction(t, func(t *testing.T, w *world) {
		d := w.applicant()
		d.approve()
		const elsewhere = "https://new.example/callback"
		change := applied(url.Values{"redirect_uris": {elsewhere}, "name_ja": {"若葉書店"}, "contact": {"new@example.com"}})
		if p := d.b.post("/developers/change", d.form(change)); p.status != 200 || !strings.Contains(p.text, "申し込みました") {
			t.Fatalf("%d: %s", p.status, p.text)
		}
		d.page("変更が承認されるまで", "若葉書店", "new@example.com")
		d.shop().login(t.Context(), "hanako")
		moved := d.shop()
		moved.config.RedirectURL = elsewhere
		if p := d.b.get(moved.url()); p.status != 400 {
			t.Errorf("the new address before the approval: %d", p.status)
		}
		if h, err := w.provider.HeldOne(t.Context(), d.id); err != nil || h.State() != "change applied" || h.Contact != "new@example.com" {
			t.Errorf("%+v, %v", h, err)
		}

		// A secret that leaked goes at once, and the approval does not bring it back.
		p := d.b.post("/developers/secret", d.form(nil))
		fresh := regexp.MustCompile(`client_secret</dt><dd class="serial"><code>([^<]+)<`).FindStringSubmatch(p.text)
		if fresh == nil {
			t.Fatalf("%d: %s", p.status, p.text)
		}
		old := d.secret
		d.secret = fresh[1]

		if err := w.provider.RefuseClient(t.Context(), clerk, d.id, "住所が確かめられない。"); err != nil {
			t.Fatal(err)
		}
		d.page("住所が確かめられない。", "いまの登録は変わっていません")
		d.shop().login(t.Context(), "hanako")
		if p := d.b.post("/developers/change", d.form(change)); p.status != 200 {
			t.Fatalf("applying again: %d", p.status)
		}
		d.approve()
		moved = d.shop()
		moved.config.RedirectURL = elsewhere
		moved.login(t.Context(), "hanako")
		stolen := d.shop()
		stolen.config.RedirectURL, stolen.config.ClientSecret = elsewhere, old
		if _, _, err := stolen.tokens(t.Context(), stolen.code(w.browser(), "hanako")); err == nil {
			t.Error("the secret of before passes")
		}
		if p := d.b.get(d.shop().url()); p.status != 400 {
			t.Errorf("the old address after it: %d", p.status)
		}

		if err := w.provider.EndClient(t.Context(), clerk, d.id, "会社がなくなった。"); err != nil {
			t.Fatal(err)
		}
		d.page("登録は終わりました", "会社がなくなった。")
		if p := d.b.get(moved.url()); p.status != 400 {
			t.Errorf("an ended client asks: %d", p.status)
		}
		if p := d.b.post("/developers/change", d.form(change)); p.status != 403 {
			t.Errorf("an ended client applies: %d", p.status)
		}
		if got := d.audited(); !strings.Contains(got, `client application refused {"digest"`) || !strings.Contains(got, `client ended {"why":"会社がなくなった。"}`) {
			t.Errorf("the chain has\n%s", got)
		}
	})
}

// What a form does not ask for is the operator's word, and stays through changes.
func TestCategoryAndSectorAreTheOperators(t *testing.T) {
	w := openWorld(t, storetest.SQLite(t), false)
	d, ctx := w.applicant(), t.Context()
	signing := applied(url.Values{"profile": {"fapi2"}, "jwks": {pkitestKeySet(t)}, "sign_code_1": {"order"}, "sign_ja_1": {"注文書に署名します。"}, "sign_en_1": {"Sign an order."}})
	d.b.post("/developers/change", d.form(signing))
	approve := func(a oidc.Approval) error {
		a.Seen, a.Why = d.seen(), "ok"
		return w.provider.ApproveClient(ctx, clerk, d.id, a)
	}
	if err := approve(oidc.Approval{Category: "bakery"}); !errors.Is(err, oidc.ErrClient) {
		t.Errorf("no such category: %v", err)
	}
	if err := approve(oidc.Approval{Category: ceremony.Tax, Sector: "revenue"}); err != nil {
		t.Fatal(err)
	}
	if p := d.b.post("/developers/change", d.form(signing)); p.status != 200 || !strings.Contains(p.text, "承認されています") {
		t.Errorf("the same again is applied for: %d", p.status)
	}
	signing["name_ja"] = []string{"若葉書店"}
	d.b.post("/developers/change", d.form(signing))
	if err := approve(oidc.Approval{Sector: "elsewhere"}); !errors.Is(err, oidc.ErrClient) {
		t.Errorf("everybody's sub would change: %v", err)
	}
	if err := approve(oidc.Approval{}); err != nil {
		t.Fatal(err)
	}
	c, err := w.store.OIDC().Client(ctx, d.id)
	if err != nil || c.Sector != "revenue" || c.Purpose.Category != ceremony.Tax || c.SignPurposes[0].Category != ceremony.Tax || c.Name.JA != "若葉書店" {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestStrangersApplicationsAreBounded(t *testing.T) {
	w := openWorld(t, storetest.SQLite(t), false)
	b := w.browser()
	for name, wrong := range map[string]url.Values{
		"plain HTTP": {"redirect_uris": {"http://shop.example/callback"}}, "loopback": {"redirect_uris": {redirectURI}}, "no contact": {"contact": {""}},
		"a logout over HTTP": {"backchannel_logout_uri": {"http://127.0.0.1:9/logout"}}, "many addresses": {"redirect_uris": {strings.Repeat(shopURI+"\n", 17)}},
		"a long name": {"name_ja": {strings.Repeat("あ", 67)}}, "a name in lines": {"name_en": {"a\u202eb"}}, "a long sentence": {"sentence_ja": {strings.Repeat("あ", 134)}},
		"a long contact": {"contact": {strings.Repeat("a", 250) + "@example.com"}}, "many keys": {"jwks": {`{"keys":[` + strings.Repeat(`{"kty":"x"},`, 2000) + `{}]}`}},
	} {
		if p := b.post("/developers/new", applied(wrong)); p.status != 422 || !strings.Contains(p.text, `lang="en"`) || strings.Contains(p.text, "%!") {
			t.Errorf("%s: %d", name, p.status)
		}
	}
	if p := b.post("/developers/new", applied(url.Values{"jwks": {strings.Repeat("x", 70<<10)}})); p.status == 200 {
		t.Errorf("a form of 70 KiB: %d", p.status)
	}
	if all, err := w.store.OIDC().Applications(t.Context()); err != nil || len(all) != 0 {
		t.Fatalf("%v, %v", all, err)
	}
	for range 10 {
		if p := b.post("/developers/new", applied(nil)); p.status != 200 {
			t.Fatalf("%d: %s", p.status, p.text)
		}
	}
	if p := b.post("/developers/new", applied(nil)); p.status != 429 || !strings.Contains(p.text, "too-many-applications") {
		t.Errorf("number eleven of one source: %d", p.status)
	}
}

func TestAnApplicationThatNobodyDecidesIsErased(t *testing.T) {
	eachProduction(t, func(t *testing.T, w *world) {
		waiting, refused, standing := w.applicant(), w.applicant(), w.applicant()
		standing.approve()
		if p := standing.b.post("/developers/change", standing.form(applied(url.Values{"name_ja": {"若葉書店"}}))); p.status != 200 {
			t.Fatal(p.status)
		}
		w.advance(oidc.ApplicationLife / 2)
		if err := w.provider.RefuseClient(t.Context(), clerk, refused.id, "no"); err != nil {
			t.Fatal(err)
		}
		w.advance(oidc.ApplicationLife/2 + time.Hour)
		if err := w.store.OIDC().SweepOIDC(t.Context(), w.Now()); err != nil {
			t.Fatal(err)
		}
		if p := waiting.b.post("/developers/client", waiting.form(nil)); p.status != 403 {
			t.Errorf("what nobody decided: %d", p.status)
		}
		if _, err := w.store.OIDC().Managed(t.Context(), waiting.id); !errors.Is(err, oidc.ErrNotFound) {
			t.Errorf("its contact is still there: %v", err)
		}
		refused.page("承認されませんでした")
		standing.page("承認されています", "青葉書店")
		standing.shop().login(t.Context(), "hanako")
		w.advance(oidc.ApplicationLife / 2)
		if err := w.store.OIDC().SweepOIDC(t.Context(), w.Now()); err != nil {
			t.Fatal(err)
		}
		if p := refused.b.post("/developers/client", refused.form(nil)); p.status != 403 {
			t.Errorf("what was refused a month ago: %d", p.status)
		}
		standing.page("承認されています")
	})
}

func TestADeveloperTakesAnApplicationBack(t *testing.T) {
	w := openWorld(t, storetest.SQLite(t), false)
	d := w.applicant()
	if p := d.b.post("/developers/delete", d.form(url.Values{"really": {d.id}})); p.status != 200 {
		t.Fatal(p.status)
	}
	if err := w.provider.RefuseClient(t.Context(), clerk, d.id, "no"); !errors.Is(err, oidc.ErrNoApplication) {
		t.Errorf("%v", err)
	}
	e := w.applicant()
	e.approve()
	if p := e.b.post("/developers/delete", e.form(url.Values{"really": {e.id}})); p.status != 200 {
		t.Fatal(p.status)
	}
	if p := e.b.get(e.shop().url()); p.status != 400 {
		t.Errorf("it asks: %d", p.status)
	}
}

// Several purposes of signing are managed by the form; a login has one.
func TestTheFormHasSeveralPurposesOfSigning(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		d := w.developer()
		signing := typed(url.Values{"profile": {"fapi2"}, "jwks": {pkitestKeySet(t)}, "sign_code_1": {"order"}, "sign_ja_1": {"注文書に署名します。"}, "sign_en_1": {"Sign an order."}, "sign_claims_1": {"name"},
			"sign_code_3": {"lease"}, "sign_ja_3": {"賃貸契約に署名します。"}, "sign_en_3": {"Sign a lease."}})
		if p := d.b.post("/developers/change", d.form(signing)); p.status != 200 {
			t.Fatalf("%d: %s", p.status, p.text)
		}
		c, err := w.store.OIDC().Client(t.Context(), d.id)
		if err != nil || len(c.SignPurposes) != 2 || c.SignPurposes[1].Code != "lease" || c.SignPurposes[0].Claims[0] != "name" || c.SignPurposes[0].RiskFloor != "R3" {
			t.Fatalf("%+v, %v", c.SignPurposes, err)
		}
		d.page(`value="order"`, `value="lease"`, "賃貸契約に署名します。")
		compact, err := w.gateway.Registration(t.Context(), d.id, w.Now())
		if err != nil {
			t.Fatal(err)
		}
		payload, err := base64.RawURLEncoding.DecodeString(strings.Split(compact, ".")[1])
		if err != nil || !strings.Contains(string(payload), `"lease"`) {
			t.Errorf("phones are not told: %s, %v", payload, err)
		}
		for name, wrong := range map[string]url.Values{
			"the same code": {"sign_code_3": {"order"}}, "the login's code": {"sign_code_3": {"login"}}, "no code": {"sign_code_3": {""}}, "no sentence": {"sign_en_3": {""}},
			"data that the login has not": {"sign_claims_3": {"address"}}, "another profile": {"profile": {"basic"}},
		} {
			form := d.form(signing)
			for field, v := range wrong {
				form[field] = v
			}
			if p := d.b.post("/developers/change", form); p.status != 422 || !strings.Contains(p.text, "署名の目的") || strings.Contains(p.text, "%!") {
				t.Errorf("%s: %d", name, p.status)
			}
		}
		// The contact is the developer's to change.
		signing["contact"] = []string{"other@example.com"}
		d.b.post("/developers/change", d.form(signing))
		d.page(`value="other@example.com"`)
	})
}
