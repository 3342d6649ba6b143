package oidc_test

import (
	"go/parser"
	"go/token"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"tegata/store/storetest"
	"tegata/verifier/oidc"
)

// devClient is a client that a developer registered at the pages.
type devClient struct {
	*world
	b                 *browser
	id, secret, token string
}

// typed is the form of a registration.
func typed(change url.Values) url.Values {
	form := url.Values{"name_ja": {"青葉書店"}, "name_en": {"Aoba Books"}, "sentence_ja": {"注文を見ます。"}, "sentence_en": {"See your orders."},
		"redirect_uris": {redirectURI}, "profile": {"basic"}, "risk": {"R1"}, "claims": {"name"}, "refresh": {"1"}, "contact": {"dev@example.com"}}
	for name, values := range change {
		form[name] = values
	}
	return form
}

func (w *world) developer() *devClient {
	w.t.Helper()
	return w.sent("dev-", typed(nil))
}

// sent sends the form of a registration, for an id that begins with prefix.
func (w *world) sent(prefix string, form url.Values) *devClient {
	w.t.Helper()
	d := &devClient{world: w, b: w.browser()}
	p := d.b.post("/developers/new", form)
	shown := regexp.MustCompile(`<code>([^<]+)</code>`).FindAllStringSubmatch(p.text, -1)
	want := 3
	if form.Get("jwks") != "" {
		want = 2 // no secret
	}
	if p.status != 200 || len(shown) != want || !strings.HasPrefix(shown[0][1], prefix) {
		w.t.Fatalf("%d: %s", p.status, p.text)
	}
	d.id, d.token = shown[0][1], shown[want-1][1]
	if want == 3 {
		d.secret = shown[1][1]
	}
	return d
}

// form is what the page's own forms send.
func (d *devClient) form(more url.Values) url.Values {
	f := url.Values{"client": {d.id}, "token": {d.token}}
	for name, values := range more {
		f[name] = values
	}
	return f
}

// page is the client's page, whose text has to say all of want.
func (d *devClient) page(want ...string) string {
	d.t.Helper()
	p := d.b.post("/developers/client", d.form(nil))
	if p.status != 200 {
		d.t.Fatalf("%d: %s", p.status, p.text)
	}
	for _, s := range want {
		if !strings.Contains(p.text, s) {
			d.t.Errorf("the page does not say %q:\n%s", s, p.text)
		}
	}
	return p.text
}

func (d *devClient) rp() *rp {
	r := d.world.rp(d.t.Context(), "name")
	r.config.ClientID, r.config.ClientSecret = d.id, d.secret
	return r
}

func TestADeveloperRegistersAndLogsIn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		d := w.developer()
		d.page("まだ通信はありません")
		token, id := d.rp().login(t.Context(), "hanako")
		if len(id.Audience) != 1 || id.Audience[0] != d.id {
			t.Errorf("aud %v", id.Audience)
		}
		provider := d.rp().provider
		if _, err := provider.UserInfo(t.Context(), oauth2.StaticTokenSource(token)); err != nil {
			t.Fatal(err)
		}
		page := d.page("/authorize", "<code>/login</code>", "/token", "/userinfo")
		for _, secret := range []string{"手形 花子", id.Subject, token.AccessToken, token.RefreshToken, d.secret} {
			if strings.Contains(page, secret) {
				t.Errorf("the traffic tells %q", secret)
			}
		}
	})
}

// What goes wrong at a client is explained to its developer, and to nobody else.
func TestADeveloperSeesWhyARequestFailed(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		d := w.developer()
		elsewhere := d.rp()
		elsewhere.config.RedirectURL = redirectURI + "/"
		if p := d.b.get(elsewhere.url()); p.status != 400 {
			t.Fatalf("another redirect_uri: %d", p.status)
		}
		d.page("redirect_uri が登録したものと一致しません")
		d.b.get(w.origin + "/authorize?" + url.Values{"client_id": {d.id}, "redirect_uri": {redirectURI}, "response_type": {"code"}, "scope": {"openid"}, "state": {"s"}}.Encode())
		d.page("PKCE（S256）がありません")
		wrong := d.rp()
		wrong.config.ClientSecret = "not it"
		if _, err := wrong.config.Exchange(t.Context(), "no code", oauth2.VerifierOption(oauth2.GenerateVerifier())); err == nil {
			t.Fatal("another secret passed")
		}
		d.page("invalid_client", "client_secret が違うか")
		right := d.rp()
		if _, err := right.config.Exchange(t.Context(), "no code", oauth2.VerifierOption(oauth2.GenerateVerifier())); err == nil {
			t.Fatal("no code passed")
		}
		d.page("invalid_grant", "認可コードが古いか")

		// The person presses "do not log in".
		p := d.b.get(d.rp().url())
		d.b.post(p.at.Path+"/refuse", nil)
		d.page("access_denied", "本人が断りました")

		// Another profile: the client authenticates by key.
		key := pkitestKeySet(t)
		if p := d.b.post("/developers/change", d.form(typed(url.Values{"jwks": {key}}))); p.status != 200 {
			t.Fatalf("%d: %s", p.status, p.text)
		}
		res, err := http.PostForm(w.origin+"/token", url.Values{"grant_type": {"authorization_code"}, "code": {"x"}, "client_id": {d.id},
			"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {"e30.e30.e30"}})
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		d.page("client_assertion を確かめられません")
	})
}

func pkitestKeySet(t *testing.T) string {
	t.Helper()
	return `{"keys":[{"kty":"EC","crv":"P-256","alg":"ES256","use":"sig","kid":"k1","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}`
}

func TestWhoHoldsNoTokenManagesNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		d, other := w.developer(), w.developer()
		for name, form := range map[string]url.Values{
			"no token": {"client": {d.id}}, "another client's token": {"client": {d.id}, "token": {other.token}},
			"the client's secret": {"client": {d.id}, "token": {d.secret}}, "a client of the operator's": {"client": {"bank"}, "token": {d.token}},
			"nobody": {"client": {"dev-nobody"}, "token": {d.token}}, "nothing": {},
		} {
			for _, path := range []string{"client", "change", "secret", "delete"} {
				if p := d.b.post("/developers/"+path, form); p.status != 403 || strings.Contains(p.text, "青葉書店") {
					t.Errorf("%s at %s: %d", name, path, p.status)
				}
			}
		}
		// A form of another site is refused before it is read.
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.origin+"/developers/delete", strings.NewReader(d.form(url.Values{"really": {d.id}}).Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", "http://evil.example")
		if p := d.b.read(d.b.c.Do(r)); p.status != 403 {
			t.Errorf("a form of another site: %d", p.status)
		}
		d.page("青葉書店")
	})
}

func TestADeveloperChangesRotatesAndDeletes(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		d := w.developer()
		if p := d.b.post("/developers/change", d.form(typed(url.Values{"name_ja": {"若葉書店"}, "client": {d.id}}))); p.status != 200 || !strings.Contains(p.text, "若葉書店") {
			t.Fatalf("%d: %s", p.status, p.text)
		}
		for name, wrong := range map[string]url.Values{
			"no redirect_uri": {"redirect_uris": {""}}, "a fragment": {"redirect_uris": {redirectURI + "#x"}}, "plain HTTP": {"redirect_uris": {"http://bank.example/callback"}},
			"no name": {"name_ja": {""}}, "no sentence": {"sentence_en": {""}}, "R3 without fapi2": {"risk": {"R3"}}, "no such class": {"risk": {"R9"}},
			"fapi2 with a secret": {"profile": {"fapi2"}}, "no keys": {"jwks": {"{}"}}, "no JSON": {"jwks": {"x"}}, "no mail address": {"contact": {"nobody"}},
		} {
			if p := d.b.post("/developers/change", d.form(typed(wrong))); p.status != 422 || !strings.Contains(p.text, "この登録はできません") || strings.Contains(p.text, "%!") {
				t.Errorf("%s: %d", name, p.status)
			}
			if p := d.b.post("/developers/new", typed(wrong)); p.status != 422 {
				t.Errorf("%s, new: %d", name, p.status)
			}
		}
		old := d.secret
		p := d.b.post("/developers/secret", d.form(nil))
		d.secret = regexp.MustCompile(`client_secret</dt><dd class="serial"><code>([^<]+)<`).FindStringSubmatch(p.text)[1]
		if d.secret == old {
			t.Fatal("the secret stayed")
		}
		d.rp().login(t.Context(), "hanako")
		before := d.rp()
		before.config.ClientSecret = old
		if _, _, err := before.tokens(t.Context(), before.code(w.browser(), "hanako")); err == nil {
			t.Error("the old secret passes")
		}
		if d.b.post("/developers/delete", d.form(url.Values{"really": {"no"}})); !strings.Contains(d.page(), d.id) {
			t.Error("it was deleted without its name")
		}
		if p := d.b.post("/developers/delete", d.form(url.Values{"really": {d.id}})); p.status != 200 || !strings.Contains(p.text, "消しました") {
			t.Fatalf("%d: %s", p.status, p.text)
		}
		if p := d.b.get(d.rp().url()); p.status != 400 {
			t.Errorf("a deleted client asks: %d", p.status)
		}
		if p := d.b.post("/developers/client", d.form(nil)); p.status != 403 {
			t.Errorf("a deleted client is managed: %d", p.status)
		}
	})
}

func TestTrafficIsBounded(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	d := w.developer()
	for range 120 {
		d.b.get(w.origin + "/authorize?" + url.Values{"client_id": {d.id}}.Encode())
	}
	if n := strings.Count(d.page(), "<code>/authorize</code>"); n != 100 {
		t.Errorf("%d requests are kept", n)
	}
	d.b.get(w.origin + "/authorize?client_id=bank")
	if all, err := w.store.OIDC().TrafficOf(t.Context(), "bank"); err != nil || len(all) != 0 {
		t.Errorf("of a client that nobody manages: %v, %v", all, err)
	}
}

// Production keeps for a developer what failed, for a month and no more than a few a
// second, and nothing of a login that went well.
func TestProductionKeepsOnlyWhatFailed(t *testing.T) {
	eachProduction(t, func(t *testing.T, w *world) {
		d := w.applicant()
		d.approve()
		d.shop().login(t.Context(), "hanako")
		if page := d.page("うまくいかなかった通信はありません"); strings.Contains(page, "<code>/token</code>") || strings.Contains(page, "<code>/login</code>") {
			t.Errorf("a login that went well is there:\n%s", page)
		}
		wrong := d.shop()
		wrong.config.ClientSecret = "not it"
		if _, err := wrong.config.Exchange(t.Context(), "no code", oauth2.VerifierOption(oauth2.GenerateVerifier())); err == nil {
			t.Fatal("another secret passed")
		}
		p := d.b.get(d.shop().url())
		d.b.post(p.at.Path+"/refuse", nil)
		d.page("client_secret が違うか", "本人が断りました")
		for range 60 {
			d.b.get(w.origin + "/authorize?" + url.Values{"client_id": {d.id}}.Encode())
		}
		if n := strings.Count(d.page(), "<code>/authorize</code>"); n < 10 || n > 30 {
			t.Errorf("of 60 at once %d are kept", n)
		}
		w.advance(oidc.TrafficLife + time.Minute)
		if err := w.store.OIDC().SweepOIDC(t.Context(), w.Now()); err != nil {
			t.Fatal(err)
		}
		d.page("うまくいかなかった通信はありません")
	})
}

// The quick starts of the page are those of docs/relying-parties.md with the client's own.
func TestQuickStartsHoldTheClientsOwn(t *testing.T) {
	for name, of := range map[string]struct {
		sandbox bool
		change  url.Values
		want    []string
	}{
		"a secret":   {true, nil, []string{"Go", "Node", "oauth2-proxy", "nginx (1): oauth2-proxy", "nginx (2): nginx.conf"}},
		"a key":      {true, url.Values{"jwks": {pkitestKeySet(t)}}, []string{"Go, private_key_jwt", "Node, private_key_jwt", "Node: CLIENT_KEY, JWKS"}},
		"signing":    {true, url.Values{"jwks": {pkitestKeySet(t)}, "profile": {"fapi2"}, "sign_code_1": {"order"}, "sign_ja_1": {"注文"}, "sign_en_1": {"Order"}}, []string{"Go, fapi2", "Node, fapi2", "Node: sign", "Node: CLIENT_KEY, JWKS"}},
		"production": {false, nil, []string{"Go", "Node", "oauth2-proxy", "nginx (1): oauth2-proxy", "nginx (2): nginx.conf"}},
	} {
		t.Run(name, func(t *testing.T) {
			w, at := openWorld(t, storetest.SQLite(t), of.sandbox), redirectURI
			var d *devClient
			if of.sandbox {
				d = w.sent("dev-", typed(of.change))
			} else {
				d, at = w.sent("rp-", applied(of.change)), shopURI
			}
			all := regexp.MustCompile(`(?s)<summary>([^<]*)</summary><div class="table-box"[^>]*><pre><code>(.*?)</code></pre>`).FindAllStringSubmatch(d.page(), -1)
			if len(all) != len(of.want) {
				t.Fatalf("%d quick starts", len(all))
			}
			for i, c := range all {
				title, code := html.UnescapeString(c[1]), html.UnescapeString(c[2])
				if title != of.want[i] {
					t.Errorf("%q is there, want %q", title, of.want[i])
				}
				if d.secret != "" && strings.Contains(code, d.secret) || strings.Contains(code, "http://127.0.0.1:9000") || of.sandbox && strings.Contains(code, "127.0.0.1:9000") || strings.Contains(code, "process.env.") || strings.Contains(code, "$ISSUER") {
					t.Errorf("%s has the secret, or the address of the document:\n%s", title, code)
				}
				if strings.HasPrefix(title, "Node: C") || strings.Contains(title, "nginx.conf") {
					continue // it knows no client
				}
				for _, want := range []string{d.id, w.origin} {
					if !strings.Contains(code, want) {
						t.Errorf("%s has no %s:\n%s", title, want, code)
					}
				}
				if origin, _, _ := strings.Cut(at, "/callback"); !strings.Contains(code, origin) || !strings.Contains(code, "/callback") {
					t.Errorf("%s does not know where it is:\n%s", title, code)
				}
				if strings.HasPrefix(title, "Go") {
					if _, err := parser.ParseFile(token.NewFileSet(), "main.go", code, 0); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
}
